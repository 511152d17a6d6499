import os
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from geoarseg.errors import InputError, OutputError
from geoarseg.raster import cog
from geoarseg.raster.cog import write_cog, write_cog_of_raw
from geoarseg.raster.legend import Legend
from geoarseg.raster.style import read_legend
from geoarseg.raster.window import Window, tile_grid

UTM = rasterio.CRS.from_epsg(32633)
NORTH_UP = Affine(0.1, 0, 500000.1234567, 0, -0.1, 4e6 + 1 / 3)


def blocks_of(classes, core_px=256):
    height, width = classes.shape
    for tile in tile_grid(height, width, core_px=core_px, halo_px=0, stride_px=1):
        yield tile.core, classes[tile.core.slices]


def some_classes(height=700, width=1100):
    """Patches of the classes 2, 5 and 9 beside nodata."""
    rows, cols = np.mgrid[:height, :width]
    return np.array([0, 2, 5, 9], "uint8")[(rows // 37 + cols // 53) % 4]


def write(path, classes, blocks=None, **options):
    height, width = classes.shape
    place = {"height": height, "width": width, "crs": UTM, "transform": NORTH_UP}
    return write_cog(path, blocks or blocks_of(classes), **(place | options))


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def test_classes_come_back_in_the_form_that_was_asked(tmp_path):
    classes, legend = some_classes(), Legend.default(9)
    path = write(tmp_path / "new" / "map.tif", classes, legend=legend)
    assert sorted(os.listdir(path.parent)) == ["map.qml", "map.tif", "map.tif.aux.xml"]
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), classes)
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.block_shapes == [(512, 512)]
        assert dataset.compression.name == "deflate"
        assert dataset.nodata == 0
        assert dataset.overviews(1)
        assert dataset.colormap(1)[5] == (*legend.colour_of(5), 255)
    with rasterio.open(path, overview_level=0) as overview:
        assert set(np.unique(overview.read(1))) == {0, 2, 5, 9}
    assert read_legend(path) == legend
    assert ElementTree.parse(path.with_suffix(".qml")).getroot().tag == "qgis"


@pytest.mark.parametrize("crs", [UTM, None])
@pytest.mark.parametrize(
    "transform",
    [
        NORTH_UP,
        Affine(0.1, 0.02, 500000.1234567, 0.02, -0.1, 4e6 + 1 / 3),
        Affine(0.1, 0, 500000.1234567, 0, 0.1, 4e6 + 1 / 3),
        Affine(1, 0, 0, 0, -1, 0),
        Affine.identity(),
    ],
    ids=["north up", "rotated", "south up", "local", "none"],
)
def test_crs_and_transform_are_kept_to_the_bit(tmp_path, crs, transform):
    path = write(tmp_path / "map.tif", some_classes(30, 40), crs=crs, transform=transform)
    with rasterio.open(path) as dataset:
        assert dataset.transform == transform
        assert dataset.crs == crs


def test_blocks_in_any_order_and_gaps(tmp_path):
    classes = some_classes(600, 600)
    blocks = list(blocks_of(classes, 128))[::-1]
    (gap, _), rest = blocks[3], blocks[:3] + blocks[4:]
    expected = classes.copy()
    expected[gap.slices] = 255
    path = write(tmp_path / "map.tif", classes, rest, nodata=255)
    np.testing.assert_array_equal(read(path), expected)


def test_no_blocks_at_all_make_an_empty_map(tmp_path):
    assert (read(write(tmp_path / "map.tif", some_classes(30, 30), iter(()))) == 0).all()


def test_quantities_are_averaged(tmp_path):
    gradient = np.tile(np.arange(1200) // 5, (600, 1)).astype("uint8") + 1
    path = write(tmp_path / "confidence.tif", gradient, overview_resampling="average")
    assert read_legend(path) is None
    assert os.listdir(tmp_path) == ["confidence.tif"]
    np.testing.assert_array_equal(read(path), gradient)


def test_overlapping_blocks_are_a_bug(tmp_path):
    classes = some_classes(20, 20)
    with pytest.raises(ValueError, match="overlap"):
        write(tmp_path / "map.tif", classes, [(Window(0, 0, 20, 20), classes)] * 2)
    assert os.listdir(tmp_path) == []


# raw files


def raw_files(folder, bands):
    folder.mkdir()
    paths = [folder / f"band_{number}.raw" for number in range(len(bands))]
    for path, band in zip(paths, bands, strict=True):
        band.tofile(path)
    counts = np.stack([np.bincount(band.ravel(), minlength=256) for band in bands])
    return paths, counts


@pytest.mark.parametrize("count", [1, 3, 9])
def test_raw_files_become_bands(tmp_path, count):
    bands = np.random.default_rng(0).integers(0, 102, (count, 600, 530)).astype("uint8")
    paths, counts = raw_files(tmp_path / "raw", bands)
    names = [f"class <{number}> & more" for number in range(count)]
    place = {"height": 600, "width": 530, "crs": UTM, "transform": NORTH_UP, "nodata": 255, "tags": {"MADE_OF": "a<b"}}
    path = write_cog_of_raw(tmp_path / "map.tif", paths, counts, band_names=names, **place)
    assert cog_validate(path, strict=True, quiet=True)[:2] == (True, [])
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), bands)
        assert dataset.descriptions == tuple(names)
        assert dataset.nodatavals == (255,) * count
        assert (dataset.transform, dataset.crs, dataset.tags()["MADE_OF"]) == (NORTH_UP, UTM, "a<b")


def test_lost_pixels_of_any_band_are_noticed(tmp_path):
    bands = np.random.default_rng(0).integers(0, 102, (3, 60, 50)).astype("uint8")
    paths, counts = raw_files(tmp_path / "raw", bands)
    bands[2, 30, 20:] += 1
    bands[2].tofile(paths[2])
    with pytest.raises(OutputError, match="pixels were lost"):
        write_cog_of_raw(tmp_path / "map.tif", paths, counts, height=60, width=50, crs=UTM, transform=NORTH_UP)
    assert os.listdir(tmp_path) == ["raw"]


@pytest.mark.parametrize(("side", "is_big"), [(600, False), (50_000, True)])
def test_a_raster_that_may_pass_four_gigabytes_is_a_bigtiff(tmp_path, monkeypatch, side, is_big):
    """GDAL's IF_SAFER takes BigTIFF from 2 GB of uncompressed pixels; for the COG it is asked the same."""
    profile = cog._profile(side, side, UTM, NORTH_UP, 0)
    cog._write_tiled(tmp_path / "map.tif", iter(()), profile, None)  # sparse: no block is written
    assert (tmp_path / "map.tif").read_bytes()[:4] == (b"II+\0" if is_big else b"II*\0")
    options = {}
    monkeypatch.setattr(rasterio.shutil, "copy", lambda *_, **given: options.update(given))
    cog._copy_as_cog(tmp_path / "map.tif", tmp_path / "cog.tif", "mode")
    assert options["BIGTIFF"] == profile["bigtiff"].upper() == "IF_SAFER"
    assert options["OVERVIEW_RESAMPLING"] == "MODE"


# whole or not at all


def interrupted(classes, fault):
    yield next(iter(blocks_of(classes)))
    raise fault


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), RuntimeError("x"), InputError("bad input")])
def test_nothing_remains_of_an_interrupted_map(tmp_path, fault):
    classes = some_classes(600, 600)
    with pytest.raises(type(fault)):
        write(tmp_path / "map.tif", classes, interrupted(classes, fault), legend=Legend.default(3))
    assert os.listdir(tmp_path) == []


def test_existing_maps_are_replaced_only_on_request(tmp_path):
    classes = some_classes(30, 30)
    path = write(tmp_path / "map.tif", classes, legend=Legend.default(3))
    (tmp_path / "map.tif.ovr").write_text("overviews of the old map")
    with pytest.raises(OutputError, match="--overwrite"):
        write(path, classes)
    write(path, classes * 0 + 1, overwrite=True)
    assert (read(path) == 1).all()
    assert read_legend(path) is None
    assert not (tmp_path / "map.tif.aux.xml").exists()
    assert not (tmp_path / "map.tif.ovr").exists()


@pytest.mark.parametrize("step", ["_write_tiled", "_copy_as_cog"])
def test_a_failure_of_gdal_is_an_output_error(tmp_path, monkeypatch, step):
    def fail(*_):
        raise rasterio.errors.RasterioIOError("Write error at scanline 12")

    monkeypatch.setattr(cog, step, fail)
    with pytest.raises(OutputError, match=r"map\.tif: Write error"):
        write(tmp_path / "map.tif", some_classes(30, 30))
    assert os.listdir(tmp_path) == []


def test_a_full_disk_that_gdal_does_not_report_is_noticed(tmp_path, monkeypatch):
    copy = cog._copy_as_cog

    def lossy(tiled, finished, resampling):
        with rasterio.open(tiled, "r+") as dataset:
            dataset.write(np.zeros((1, 10, 10), "uint8"), window=rasterio.windows.Window(40, 0, 10, 10))
        copy(tiled, finished, resampling)

    monkeypatch.setattr(cog, "_copy_as_cog", lossy)
    with pytest.raises(OutputError, match="pixels were lost"):
        write(tmp_path / "map.tif", some_classes(60, 100) + 1)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("rows", [900, 2000, 4000])
def test_a_full_disk_leaves_nothing(small_disk, rows):
    disk = small_disk("1m")
    noise = np.random.default_rng(0).integers(0, 255, (rows, 1024)).astype("uint8")
    with pytest.raises(OutputError, match=r"map\.tif: No space left"):
        write(disk / "map.tif", noise)
    assert os.listdir(disk) == []
    write(disk / "map.tif", noise[:100])
