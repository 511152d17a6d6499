import pickle
import sys
import threading

import numpy as np
import pytest
import rasterio
from affine import Affine

from geoarseg.errors import InputError, SettingsError
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


@pytest.mark.parametrize(
    ("crs", "pixel", "metres"),
    [("EPSG:32633", 0.5, 0.5), ("EPSG:2263", 10, 3.048), ("EPSG:4326", 0.001, 111.32), (None, 30, None)],
)
def test_the_side_of_a_pixel_in_metres(make_raster, crs, pixel, metres):
    path = make_raster((1, 8, 8), crs=crs, transform=Affine(pixel, 0, 13, 0, -pixel, 52))
    assert open_scene(path).pixel_m == (None if metres is None else pytest.approx(metres, rel=1e-4))
