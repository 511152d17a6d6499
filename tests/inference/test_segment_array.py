"""`array.geoarseg.segment`: any xarray of pixels, as `geoarseg.segment` does it with a file."""

import logging
import subprocess
import sys

import dask
import dask.array as da
import distributed
import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr
from affine import Affine
from tiny_model import random_pixels, tiny_predictor

import geoarseg
import geoarseg.accessor
from geoarseg.errors import InputError, ModelFileError
from geoarseg.models import write_model
from geoarseg.raster.scene import open_scene

HEIGHT, WIDTH, WINDOW_PX = 90, 110, 32
NORTH_UP = Affine(0.1, 0, 500000.1234567, 0, -0.1, 4e6 + 1 / 3)
ROTATED = NORTH_UP @ Affine.rotation(30)


@pytest.fixture(scope="module")
def model():
    return tiny_predictor()


@pytest.fixture
def path(make_raster):
    pixels, valid = random_pixels(HEIGHT, WIDTH)
    return make_raster(np.where(valid, pixels, 0).astype("uint8"), nodata=0, transform=NORTH_UP)


@pytest.fixture
def expected(path, model):
    """The layers of the file."""
    return geoarseg.segment(open_scene(path), model, confidence=True, probabilities=True).compute()


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("chunks", [None, {"y": 40, "x": 17}], ids=["no Dask", "Dask"])
def test_arrays_of_rioxarray_give_the_map_of_the_file(path, model, expected, masked, chunks):
    with rioxarray.open_rasterio(path, masked=masked, chunks=chunks) as array:
        found = array.geoarseg.segment(model, window_px=WINDOW_PX, confidence=True, probabilities=True)
        for name in ("classes", "confidence"):
            np.testing.assert_array_equal(found[name], expected[name])
            assert found[name].attrs == expected[name].attrs
            np.testing.assert_array_equal(found[name].y, array.y)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
        assert found.classes.rio.crs == array.rio.crs
        assert found.classes.rio.transform() == array.rio.transform() == NORTH_UP
        assert (found.classes.rio.nodata, found.confidence.rio.nodata) == (0, 255)


def test_arrays_of_scenes_give_the_map_of_the_scene(path, model, expected):
    classes = open_scene(path).lazy.geoarseg.segment(model, window_px=WINDOW_PX)
    xr.testing.assert_identical(classes.compute(), expected.classes)


def test_an_array_in_memory_without_georeference_will_do(model):
    pixels, valid = random_pixels(40, 50)
    array = xr.DataArray(np.where(valid, pixels, np.nan).transpose(1, 2, 0), dims=("y", "x", "band"))
    classes = array.geoarseg.segment(model)
    assert classes.dims == ("y", "x")
    assert classes.rio.crs is None
    whole = model.classify(pixels[None], valid[None]).classes[0]
    np.testing.assert_array_equal(classes, whole)
    np.testing.assert_array_equal(classes.values == 0, ~valid)


def test_a_model_of_one_band_takes_a_plane():
    model, (pixels, valid) = tiny_predictor(bands=1), random_pixels(40, 50, bands=1, holes=0)
    classes = xr.DataArray(pixels[0], dims=("y", "x")).geoarseg.segment(model)
    np.testing.assert_array_equal(classes, model.classify(pixels[None], valid[None]).classes[0])


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float64"])
def test_a_nodata_value_is_no_data_in_any_type(dtype, model):
    pixels, valid = random_pixels(40, 50)
    nodata = 65535 if dtype == "uint16" else -9999
    array = xr.DataArray(np.where(valid, pixels, nodata).astype(dtype), dims=("band", "y", "x"))
    classes = array.rio.write_nodata(nodata).geoarseg.segment(model)
    np.testing.assert_array_equal(classes, model.classify(pixels[None], valid[None]).classes[0])


def test_nothing_is_read_before_it_is_computed_and_a_chunk_is_made_once(model):
    pixels, valid = random_pixels(128, 128, holes=0)
    made = []

    def load(block):
        made.append(block.shape)
        return block

    lazy = da.map_blocks(load, da.from_array(pixels, chunks=(3, 64, 64)), dtype=np.float32, meta=np.empty((0, 0, 0)))
    classes = xr.DataArray(lazy, dims=("band", "y", "x")).geoarseg.segment(model, window_px=WINDOW_PX)
    assert made == []
    assert classes.chunks == ((32,) * 4, (32,) * 4)
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(classes, model.classify(pixels[None], valid[None]).classes[0])
        assert made == [(3, 64, 64)] * 4
        made.clear()
        classes[:20, :20].compute()
    assert made == [(3, 64, 64)]


def test_a_file_without_chunks_is_not_read_before(path, model, monkeypatch):
    with rioxarray.open_rasterio(path) as array:
        monkeypatch.setattr(type(array.variable._data), "__array__", None)
        assert array.geoarseg.segment(model, window_px=WINDOW_PX).shape == (HEIGHT, WIDTH)
        assert not array.variable._in_memory


def test_a_cluster_gives_the_same(path, model, expected):
    with (
        rioxarray.open_rasterio(path, chunks={"y": 40, "x": 50}) as array,
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster),
    ):
        np.testing.assert_array_equal(array.geoarseg.segment(model, window_px=WINDOW_PX), expected.classes)


@pytest.mark.parametrize("transform", [NORTH_UP, ROTATED], ids=["north up", "rotated"])
def test_the_map_is_written_where_the_array_lies(make_raster, model, tmp_path, transform):
    path = make_raster(random_pixels(HEIGHT, WIDTH, holes=0)[0].astype("uint8"), transform=transform)
    with rioxarray.open_rasterio(path) as array:
        geoarseg.write_cog(array.geoarseg.segment(model), tmp_path / "c.tif")
    with rasterio.open(path) as image, rasterio.open(tmp_path / "c.tif") as written:
        assert written.transform.almost_equals(image.transform, 1e-9)
        assert written.crs == image.crs
        assert written.shape == image.shape


def test_a_part_of_an_array_lies_where_it_should(path, model, tmp_path):
    with rioxarray.open_rasterio(path) as array:
        geoarseg.write_cog(array[:, 10:50, 20:90].geoarseg.segment(model), tmp_path / "c.tif")
    with rasterio.open(tmp_path / "c.tif") as written:
        assert written.transform.almost_equals(NORTH_UP @ Affine.translation(20, 10), 1e-6)


def test_scaling_of_the_pixels_does_not_come_along_to_the_classes(model, tmp_path):
    array = xr.DataArray(random_pixels(40, 50)[0], dims=("band", "y", "x"), attrs={"scale_factor": 2.0, "units": "K"})
    array.encoding = {"scale_factor": 0.1, "_FillValue": 7.0, "dtype": "int16"}
    classes = array.geoarseg.segment(model)
    assert "scale_factor" not in {**classes.attrs, **classes.encoding}
    assert classes.rio.nodata == 0


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (xr.DataArray(np.zeros((3, 8, 8)), dims=("band", "lat", "lon")), "not band, lat, lon"),
        (xr.DataArray(np.zeros((2, 3, 8, 8)), dims=("time", "band", "y", "x")), "not time, band, y, x"),
        (xr.DataArray(np.zeros((4, 8, 8)), dims=("band", "y", "x")), "takes 3 bands but the image has 4"),
        (xr.DataArray(np.zeros((3, 8, 8), complex), dims=("band", "y", "x")), "holds complex128"),
        (xr.DataArray(np.zeros((3, 8, 8), bool), dims=("band", "y", "x")), "holds bool"),
        (xr.DataArray(np.zeros((3, 0, 8)), dims=("band", "y", "x")), "3 x 0 x 8 values is empty"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(array, words, model):
    with pytest.raises(InputError, match=words):
        array.geoarseg.segment(model)


def test_a_model_file_will_do_and_others_are_refused(path, model, expected, tmp_path):
    write_model(model, tmp_path / "m.safetensors")
    (tmp_path / "none.safetensors").write_text("no model")
    with rioxarray.open_rasterio(path) as array:
        classes = array.geoarseg.segment(tmp_path / "m.safetensors", device="cpu")
        np.testing.assert_array_equal(classes, expected.classes)
        with pytest.raises(ModelFileError):
            array.geoarseg.segment(tmp_path / "none.safetensors")


def test_the_accessor_is_there_after_its_import_which_is_light():
    code = """
import sys, geoarseg, xarray as xr
assert not hasattr(xr.DataArray, "geoarseg")
import geoarseg.accessor
assert hasattr(xr.DataArray, "geoarseg")
assert "torch" not in sys.modules and "rasterio" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
