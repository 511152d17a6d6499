import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.vrt import WarpedVRT

from geoarseg.errors import InputError
from geoarseg.raster.images import find_images
from geoarseg.raster.locate import gdal_name, stem_of, version_of
from geoarseg.raster.scene import open_scene
from geoarseg.raster.window import Window


def whole(scene):
    return scene.read(Window(0, 0, scene.height, scene.width))


def mosaic_vrt(path, parts, *, height, width, extra=""):
    """A VRT of one band made of files, each at (column, row)."""
    sources = "".join(
        f'<SimpleSource><SourceFilename relativeToVRT="{int(not os.path.isabs(name))}">{name}</SourceFilename>'
        f'<SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" xSize="20" ySize="20"/>'
        f'<DstRect xOff="{col}" yOff="{row}" xSize="20" ySize="20"/></SimpleSource>'
        for name, col, row in parts
    )
    path.write_text(
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>EPSG:32633</SRS>'
        f"<GeoTransform>100, 1, 0, 200, 0, -1</GeoTransform>"
        f'<VRTRasterBand dataType="UInt16" band="1">{extra}{sources}</VRTRasterBand></VRTDataset>'
    )
    return path


# names


@pytest.mark.parametrize(
    ("name", "gdal"),
    [
        ("https://example.org/a.tif", "/vsicurl/https://example.org/a.tif"),
        ("http://example.org/a.tif?sig=a%2Fb", "/vsicurl/http://example.org/a.tif?sig=a%2Fb"),
        ("https://example.org/a.zip", "/vsizip/{/vsicurl/https://example.org/a.zip}"),
        ("s3://bucket/a.tif", "/vsis3/bucket/a.tif"),
        ("gs://bucket/a.tif", "/vsigs/bucket/a.tif"),
        ("az://container/a.tif", "/vsiaz/container/a.tif"),
        ("/vsicurl/https://example.org/a.tif", "/vsicurl/https://example.org/a.tif"),
        ("/vsizip/a.zip/b.tif", "/vsizip/a.zip/b.tif"),
        ("NETCDF:a.nc:x", "NETCDF:a.nc:x"),
    ],
)
def test_names_and_addresses(name, gdal):
    assert gdal_name(name) == gdal


def test_local_names_become_absolute(make_raster, tmp_path, monkeypatch):
    path = make_raster((1, 5, 5), tmp_path / "a b.tif")
    monkeypatch.chdir(tmp_path)
    assert gdal_name("a b.tif") == str(path)
    assert gdal_name(path.as_uri()) == str(path)
    with pytest.raises(InputError, match=r"There is no file none\.tif"):
        gdal_name("none.tif")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("in/a.tif", "a"),
        ("a#1.tif", "a#1"),
        ("item.json#red,nir", "item"),
        ("https://example.org/x/a.tif?sig=b/c.d#e", "a"),
        ("https://example.org/collections/c/items/S2_B#visual", "S2_B"),
        ("/vsizip/{/vsicurl/https://example.org/b.zip}", "b"),
    ],
)
def test_stems_of_outputs(name, stem):
    assert stem_of(name) == stem


# archives


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_with_one_raster_is_that_raster(make_raster, tmp_path, position_image):
    content = make_raster((1, 5, 6)).read_bytes()
    path = zipped(tmp_path / "a.zip", {"in/a.tif": content, "in/a.tfw": "", "__MACOSX/in/._a.tif": "", "read.me": ""})
    scene = open_scene(path)
    np.testing.assert_array_equal(whole(scene)[0], position_image(1, 5, 6))
    before = scene.sources[0].source.version
    assert before == version_of(str(path)) != (0, 0, 0)
    os.utime(path, ns=(1, 1))
    assert open_scene(f"/vsizip/{path}/in/a.tif").sources[0].source.version != before


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.txt": "", "b.xml": ""}, r"There is no raster in .*a\.zip \(2 files\)"),
        ({"b.tif": "", "a.tif": ""}, r"There are 2 rasters in .*a\.zip\. Name one of them: /vsizip/.*a\.zip/a\.tif"),
    ],
)
def test_a_zip_of_no_raster_or_several_is_refused(tmp_path, members, message):
    with pytest.raises(InputError, match=message):
        open_scene(zipped(tmp_path / "a.zip", members))


def test_a_zip_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.zip").write_text("no archive")
    with pytest.raises(InputError, match=r"a\.zip cannot be read as a zip archive"):
        open_scene(tmp_path / "a.zip")


# VRT


def test_a_vrt_of_files_with_gaps(make_raster, position_image, tmp_path):
    for name, start in (("a.tif", 0), ("b.tif", 30)):
        make_raster(position_image(1, 20, 20, row=start, col=start), tmp_path / name)
    parts = [("a.tif", 0, 0), ("b.tif", 30, 30)]
    vrt = mosaic_vrt(tmp_path / "m.vrt", parts, height=50, width=50, extra="<NoDataValue>0</NoDataValue>")
    image, valid = whole(open_scene(vrt))
    expected = np.zeros((50, 50), bool)
    expected[:20, :20] = expected[30:, 30:] = True
    np.testing.assert_array_equal(valid, expected)
    np.testing.assert_array_equal(image[0], np.where(expected, position_image(1, 50, 50)[0], 0))


def test_the_version_of_a_vrt_tells_its_parts(make_raster, tmp_path):
    part = make_raster((1, 20, 20), tmp_path / "a.tif")
    vrt = mosaic_vrt(tmp_path / "m.vrt", [("a.tif", 0, 0)], height=20, width=20)
    first, second = open_scene(vrt), open_scene(vrt)
    assert first.sources[0].source.version == second.sources[0].source.version
    os.utime(part, ns=(1, 1))
    assert open_scene(vrt).sources[0].source.version != first.sources[0].source.version


def test_a_vrt_whose_part_is_gone_is_an_error_and_no_gap(make_raster, tmp_path):
    part = make_raster((1, 20, 20), tmp_path / "a.tif")
    vrt = mosaic_vrt(tmp_path / "m.vrt", [("a.tif", 0, 0)], height=20, width=20, extra="<NoDataValue>0</NoDataValue>")
    scene = open_scene(vrt)
    part.unlink()
    with pytest.raises(InputError, match=r"Cannot read .*m\.vrt at rows 0 to 20"):
        whole(scene)


def test_a_warped_vrt(make_raster, tmp_path):
    path = make_raster(np.full((2, 40, 40), 7, np.uint8), nodata=0)
    with rasterio.open(path) as dataset, WarpedVRT(dataset, crs="EPSG:4326") as warped:
        rasterio.shutil.copy(warped, tmp_path / "w.vrt", driver="VRT")
        expected = warped.read()
    scene = open_scene(tmp_path / "w.vrt")
    image, valid = whole(scene)
    assert scene.crs.to_epsg() == 4326
    np.testing.assert_array_equal(image, expected)
    assert 0 < valid.mean() < 1
    np.testing.assert_array_equal(valid, (expected == 7).all(0))


# folders and patterns


@pytest.fixture
def folder(make_raster, tmp_path):
    folder = tmp_path / "tiles"
    for name in ("b.tif", "a.TIF", "sub/c.tif", ".hidden/d.tif"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        make_raster((1, 5, 5), folder / name)
    for name in ("a.tfw", "b.tif.aux.xml", "b.tif.ovr", "b.tif.msk", ".c.tif", "read.me"):
        (folder / name).write_text("")
    with rasterio.open(make_raster((1, 5, 5), folder / "classes.tif"), "r+") as dataset:
        dataset.update_tags(GEOARSEG_LEGEND="[]")
    return folder


def names(folder, images):
    return [str(Path(image).relative_to(folder)) for image in images]


def test_a_folder_stands_for_the_rasters_in_it(folder):
    found = find_images([folder])
    assert names(folder, found) == ["a.TIF", "b.tif"]
    assert find_images(found) == found
    assert find_images([folder / "b.tif", folder]) == [str(folder / "b.tif"), *found]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.tif", ["b.tif"]),
        ("*", ["a.TIF", "b.tif"]),
        ("**/*.tif", ["b.tif", "sub/c.tif"]),
        ("[ab].*", ["a.TIF", "b.tif"]),
        ("*.me", ["read.me"]),
    ],
)
def test_patterns(folder, pattern, expected):
    assert names(folder, find_images([f"{folder}/{pattern}"])) == expected


def test_a_file_of_the_name_of_a_pattern_is_that_file(make_raster, tmp_path):
    for name in ("a[1].tif", "a1.tif"):
        make_raster((1, 5, 5), tmp_path / name)
    assert find_images([tmp_path / "a[1].tif"]) == [str(tmp_path / "a[1].tif")]


def test_folders_and_patterns_that_stand_for_nothing(folder, tmp_path):
    with pytest.raises(InputError, match=r"No file matches .*\*\.jp2") as caught:
        find_images([f"{folder}/*.jp2"])
    assert "\n" not in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"There is no raster in the folder .*empty \(0 other entries\)"):
        find_images([tmp_path / "empty"])
    with pytest.raises(InputError, match="holds only class rasters that geoarseg made"):
        find_images([f"{folder}/class*.tif"])


def test_a_folder_is_one_mosaic_and_its_files_must_fit(make_raster, position_image, tmp_path):
    folder = tmp_path / "tiles"
    folder.mkdir()
    for name, col in (("b.tif", 30), ("a.tif", 0)):
        transform = Affine(1, 0, 100 + col, 0, -1, 200)
        make_raster(position_image(1, 20, 20, col=col), folder / name, transform=transform)
    scene = open_scene(folder)
    assert scene.shape == (1, 20, 50)
    image, valid = whole(scene)
    np.testing.assert_array_equal(image[0], np.where(valid, position_image(1, 20, 50)[0], 0))
    make_raster((1, 20, 20), folder / "c.tif", transform=Affine(2, 0, 100, 0, -2, 200))
    with pytest.raises(InputError, match="different pixel sizes"):
        open_scene(folder)
