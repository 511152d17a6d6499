import pickle
import sys
import threading

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoarseg.errors import InputError, SettingsError, UserError
from geoarseg.raster import source
from geoarseg.raster.scene import open_scene
from geoarseg.raster.window import Window, tile_grid

# affine 3 warns of rioxarray's own arithmetic
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

NORTH_UP = Affine(0.1, 0, 500000.1234567, 0, -0.1, 4e6 + 1 / 3)
ROTATED = Affine(0.1, 0.02, 500000.1234567, 0.02, -0.1, 4e6 + 1 / 3)


def whole(scene):
    return scene.read(Window(0, 0, scene.height, scene.width))


def test_pixels_survive_reading_by_tiles(make_raster, position_image):
    scene = open_scene(make_raster((2, 61, 47), tiled=True))
    expected = position_image(2, 61, 47)
    for tile in tile_grid(61, 47, core_px=16, halo_px=8, stride_px=8):
        image, valid = scene.read(tile.read)
        assert image.dtype == np.float32
        assert valid.all()
        np.testing.assert_array_equal(image, expected[(slice(None), *tile.read.slices)])


def test_opening_reads_no_pixels(make_raster, monkeypatch):
    path = make_raster((3, 2000, 1100), dtype="uint8")

    def refuse(*_):
        raise AssertionError("pixels were read")

    monkeypatch.setattr(source, "_dataset", refuse)
    scene = open_scene(path)
    assert scene.shape == scene.lazy.shape == (3, 2000, 1100)
    assert scene.valid.shape == (2000, 1100)
    assert max(scene.lazy.data.chunksize[1:]) <= 1100


@pytest.mark.parametrize("transform", [NORTH_UP, ROTATED, Affine(0.1, 0, 5, 0, 0.1, 7), Affine.identity()])
@pytest.mark.parametrize("crs", ["EPSG:32633", None])
def test_crs_and_transform_are_kept_to_the_bit(make_raster, transform, crs):
    path = make_raster((3, 20, 30), transform=transform, crs=crs)
    scene = open_scene(path)
    lazy = scene.lazy
    with rasterio.open(path) as dataset:
        assert scene.transform == lazy.rio.transform() == dataset.transform == transform
        assert scene.crs == lazy.rio.crs == dataset.crs == (rasterio.CRS.from_epsg(32633) if crs else None)
    if transform is ROTATED:
        assert "x" not in lazy.coords
    else:
        assert float(lazy.x[3]) == pytest.approx((transform @ (3.5, 0.5))[0], abs=1e-9)
        assert float(lazy.y[4]) == pytest.approx((transform @ (0.5, 4.5))[1], abs=1e-9)


def test_lazy_equals_read(make_raster, position_image):
    data = position_image(2, 50, 60).astype("float32")
    data[0, :7, :9] = np.nan
    data[1, 20, 20] = np.inf
    scene = open_scene(make_raster(data, tiled=True))
    image, valid = whole(scene)
    assert (~valid).sum() == 64
    assert (image[:, ~valid] == 0).all()
    np.testing.assert_array_equal(scene.valid.values, valid)
    np.testing.assert_array_equal(scene.lazy.values, np.where(valid, image, np.nan))
    assert scene.lazy.attrs["long_name"] == scene.band_names


def test_a_scene_pickles_with_open_handles_and_lazy_arrays(make_raster):
    scene = open_scene(make_raster())
    image, _ = whole(scene)
    assert scene.lazy.shape == (3, 40, 50)
    copy = pickle.loads(pickle.dumps(scene))
    assert copy == scene
    np.testing.assert_array_equal(whole(copy)[0], image)


def test_threads_have_handles_of_their_own(make_raster):
    scene = open_scene(make_raster())
    expected, _ = whole(scene)
    results = []
    threads = [threading.Thread(target=lambda: results.append(whole(scene)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.array_equal(result, expected) for result in results)


def test_a_file_written_anew_is_read_anew(make_raster, tmp_path):
    path = make_raster(np.full((1, 5, 5), 3, "uint8"), tmp_path / "same.tif")
    assert whole(open_scene(path))[0].max() == 3
    make_raster(np.full((1, 5, 5), 4, "uint8"), path)
    assert whole(open_scene(path))[0].max() == 4


def test_many_files_do_not_keep_many_handles(make_raster, monkeypatch):
    monkeypatch.setattr(source, "_MAX_OPEN", 3)
    paths = [make_raster((1, 4, 4), transform=Affine(1, 0, 4 * i, 0, -1, 4)) for i in range(6)]
    assert whole(open_scene(paths))[1].all()
    assert len(source._handles.open) <= 3


# validity


@pytest.mark.parametrize(
    ("dtype", "nodata", "any_band"),
    [
        ("uint8", 0, False), ("uint8", 255, False), ("uint16", 65535, False), ("uint8", 7, True),
        ("int16", 0, True), ("int16", -32768, True), ("float32", -9999, True), ("float32", np.nan, True),
        ("float32", -3.4028234663852886e38, True), ("float64", -1.7976931348623157e308, True),
    ],
)  # fmt: skip
def test_nodata_rule(make_raster, dtype, nodata, any_band):
    data = np.full((2, 4, 4), 9, dtype)
    data[0, 0, 0] = data[:, 1, 1] = nodata
    image, valid = whole(open_scene(make_raster(data, nodata=nodata)))
    assert not valid[1, 1]
    assert valid[0, 0] == (not any_band)
    assert valid.sum() == (14 if any_band else 15)
    assert (image[:, ~valid] == 0).all()


def test_nodata_that_the_dtype_cannot_hold_is_ignored(tmp_path, make_raster):
    path = make_raster((1, 4, 4), dtype="uint8")
    vrt = tmp_path / "odd.vrt"
    vrt.write_text(
        f'<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1">'
        f"<NoDataValue>-9999</NoDataValue><SimpleSource><SourceFilename>{path}</SourceFilename>"
        f"<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    assert whole(open_scene(vrt))[1].all()


def test_alpha_tells_validity_and_is_no_feature(make_raster):
    alpha = np.full((40, 50), 255)
    alpha[:5] = 0
    alpha[5] = 1
    path = make_raster((3, 40, 50), dtype="uint8", alpha=alpha, colours=["red", "green", "blue"])
    scene = open_scene(path)
    assert scene.band_count == 3
    assert scene.band_roles == ("red", "green", "blue")
    np.testing.assert_array_equal(whole(scene)[1], alpha > 0)
    with pytest.raises(SettingsError, match="alpha"):
        open_scene(path, bands=[1, 4])
    with pytest.raises(UserError, match=r"4 bands \(1 of them alpha\)"):
        open_scene(path, bands=[9])


@pytest.mark.parametrize("alpha", [False, True])
def test_internal_mask(make_raster, position_image, alpha):
    mask = np.ones((40, 50), bool)
    mask[10:20, 30:] = False
    opaque = np.full((40, 50), 255) if alpha else None
    path = make_raster((3, 40, 50), mask=mask, alpha=opaque, nodata=3)
    expected = mask & ~(position_image(3, 40, 50) == 3).any(0)
    np.testing.assert_array_equal(whole(open_scene(path))[1], expected)


def test_external_mask(make_raster):
    path = make_raster((1, 8, 8))
    mask = np.zeros((8, 8), bool)
    mask[2:5] = True
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    assert path.with_name(path.name + ".msk").exists()
    np.testing.assert_array_equal(whole(open_scene(path))[1], mask)


# bands


def test_bands_pick_and_order(make_raster, position_image):
    path = make_raster((4, 6, 6), descriptions=["red", "green", "blue", "nir"])
    scene = open_scene(path, bands=(4, 1))
    assert scene.band_names == scene.band_roles == ("nir", "red")
    np.testing.assert_array_equal(whole(scene)[0], position_image(4, 6, 6)[[3, 0]])
    for bands in [(), (1, 1), (0,)]:
        with pytest.raises(SettingsError):
            open_scene(path, bands=bands)


def test_hyperspectral_cubes_ask_for_a_choice(make_raster):
    path = make_raster((21, 4, 4))
    with pytest.raises(InputError, match=r"21 bands.*--bands"):
        open_scene(path)
    assert open_scene(path, bands=range(1, 21)).band_count == 20


# mosaics


def grid_at(row, col):
    return Affine(0.5, 0, 366015.25 + 0.5 * col, 0, -0.5, 5809965.75 - 0.5 * row)


parts = st.tuples(st.integers(0, 40), st.integers(0, 40), st.tuples(st.integers(1, 20), st.integers(1, 20)))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(parts, min_size=2, max_size=4))
def test_a_mosaic_puts_each_pixel_where_it_belongs(make_raster, position_image, layout):
    top, left = min(row for row, _, _ in layout), min(col for _, col, _ in layout)
    scene = open_scene(
        [
            make_raster(position_image(2, *shape, row=row, col=col), transform=grid_at(row, col))
            for row, col, shape in layout
        ]
    )
    expected = np.zeros((2, scene.height, scene.width))
    covered = np.zeros((scene.height, scene.width), bool)
    for row, col, shape in layout:
        place = Window(row - top, col - left, *shape).slices
        expected[(slice(None), *place)] = position_image(2, *shape, row=row, col=col)
        covered[place] = True
    image, valid = whole(scene)
    np.testing.assert_array_equal(valid, covered)
    np.testing.assert_array_equal(image, expected)
    assert scene.transform @ (0, 0) == (366015.25 + 0.5 * left, 5809965.75 - 0.5 * top)


def test_the_first_valid_file_wins(make_raster):
    first = np.full((1, 4, 4), 5, "uint8")
    first[:, :2] = 0
    paths = [make_raster(first, nodata=0), make_raster(np.full((1, 4, 4), 9, "uint8"), nodata=0)]
    image, valid = whole(open_scene(paths))
    assert valid.all()
    assert (image[0, :2] == 9).all()
    assert (image[0, 2:] == 5).all()


GRID = {"transform": Affine(1, 0, 0, 0, -1, 100)}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"crs": "EPSG:32634"}, "EPSG:32633.*EPSG:32634"),
        ({"crs": None}, "EPSG:32633.*none"),
        ({"data": (2, 5, 5)}, "3.*2"),
        ({"transform": Affine(2, 0, 0, 0, -2, 100)}, "pixel sizes.*1 x -1.*2 x -2"),
        ({"transform": Affine(1, 0, 0.4, 0, -1, 100)}, "grid.*0.4.*gdalwarp.*--per-image"),
        ({"transform": Affine.identity()}, "no georeference"),
        ({"transform": Affine(1, 0.2, 0, 0.2, -1, 100)}, "rotated"),
    ],
)
def test_files_that_do_not_fit_are_refused(make_raster, options, words):
    first = make_raster((3, 5, 5), **GRID)
    other = make_raster(**({"data": (3, 5, 5)} | GRID | options))
    with pytest.raises(InputError, match=words) as caught:
        open_scene([first, other])
    assert str(other) in str(caught.value)


def test_offsets_within_a_thousandth_of_a_pixel_are_whole(make_raster):
    first = make_raster((1, 5, 5), **GRID)
    other = make_raster((1, 5, 5), transform=Affine(1, 0, 5.0004, 0, -1, 100))
    assert open_scene([first, other]).width == 10


# files that cannot be used


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*none\.tif"):
        open_scene(tmp_path / "none.tif")
    text = tmp_path / "text.tif"
    text.write_text("not a raster\n")
    with pytest.raises(InputError, match=r"GDAL cannot read .*text\.tif as a raster \(") as caught:
        open_scene(text)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="No raster"):
        open_scene([])


def test_complex_and_alpha_only_files(make_raster):
    with pytest.raises(InputError, match="complex"):
        open_scene(make_raster(np.ones((1, 4, 4), "complex64")))
    with pytest.raises(InputError, match="no band"):
        open_scene(make_raster(np.ones((1, 4, 4), "uint8"), colours=["alpha"]))


def test_a_file_cut_short_is_named_with_the_window(make_raster):
    path = make_raster((1, 200, 200), tiled=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    scene = open_scene(path)
    with pytest.raises(InputError, match=rf"{path.name} at rows 150 to 200, columns 0 to 200"):
        scene.read(Window(150, 0, 50, 200))


def test_a_window_may_not_leave_the_scene(make_raster):
    with pytest.raises(ValueError, match="leaves the scene"):
        open_scene(make_raster()).read(Window(0, 40, 10, 11))


@pytest.mark.skipif(sys.platform == "win32", reason="VSI paths of this form are POSIX")
def test_gdal_names_pass_through(make_raster, tmp_path):
    import zipfile

    path = make_raster((1, 5, 5))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "a.tif")
    assert open_scene(f"/vsizip/{tmp_path}/a.zip/a.tif").shape == (1, 5, 5)


def test_ground_control_points_count_as_no_georeference(make_raster):
    path = make_raster((1, 5, 5), transform=Affine.identity(), crs=None)
    point = rasterio.control.GroundControlPoint
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = ([point(0, 0, 1, 2), point(0, 5, 3, 2), point(5, 0, 1, 0)], "EPSG:4326")
    scene = open_scene(path)
    assert scene.transform.is_identity
    assert whole(scene)[1].all()


# real rasters


def test_real_rasters(shared_data):
    scene = open_scene(shared_data / "poznan_drone_rgba_2cm.tif")
    assert scene.band_roles == ("red", "green", "blue")
    with rasterio.open(scene.paths[0]) as dataset:
        np.testing.assert_array_equal(whole(scene)[1], dataset.read(4) > 0)
    scene = open_scene(shared_data / "haiti_rapideye_rgbn_5m_subset_nodata0.tif")
    assert scene.band_roles == ("red", "green", "blue", "nir")
    with rasterio.open(scene.paths[0]) as dataset:
        np.testing.assert_array_equal(whole(scene)[1], (dataset.read() != 0).any(axis=0))


def test_real_tiles_make_one_mosaic_with_gaps(shared_data):
    paths = sorted((shared_data / "potsdam_enmap_30m").glob("*_rgbn.tif"))
    scene = open_scene(paths)
    _, valid = whole(scene)
    assert valid.sum() == 18 * 32 * 32 < valid.size
    for path in paths:
        alone = open_scene(path)
        col, row = ~scene.transform @ (alone.transform @ (0, 0))
        window = Window(round(row), round(col), 32, 32)
        np.testing.assert_array_equal(scene.read(window)[0], whole(alone)[0])


@pytest.mark.parametrize(
    ("crs", "pixel", "metres"),
    [("EPSG:32633", 0.5, 0.5), ("EPSG:2263", 10, 3.048), ("EPSG:4326", 0.001, 111.32), (None, 30, None)],
)
def test_the_side_of_a_pixel_in_metres(make_raster, crs, pixel, metres):
    path = make_raster((1, 8, 8), crs=crs, transform=Affine(pixel, 0, 13, 0, -pixel, 52))
    assert open_scene(path).pixel_m == (None if metres is None else pytest.approx(metres, rel=1e-4))
