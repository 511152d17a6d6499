import logging
import threading

import dask
import distributed
import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from tiny_model import CLASSES, random_pixels, tiny_predictor

import geoarseg
from geoarseg.errors import InputError, ModelFileError
from geoarseg.inference.maps import MapPaths, write_maps
from geoarseg.mapping import segment_scene
from geoarseg.models import legend_of, write_model
from geoarseg.raster import source
from geoarseg.raster.legend import Legend
from geoarseg.raster.scene import open_scene
from geoarseg.raster.style import read_legend
from geoarseg.settings import SegmentSettings, Settings

HEIGHT, WIDTH, WINDOW_PX = 90, 110, 32
NORTH_UP = Affine(0.1, 0, 500000.1234567, 0, -0.1, 4e6 + 1 / 3)


@pytest.fixture
def scene(make_raster):
    pixels, valid = random_pixels(HEIGHT, WIDTH)
    return open_scene(make_raster(np.where(valid, pixels, 0).astype("uint8"), nodata=0, transform=NORTH_UP))


@pytest.fixture(scope="module")
def model():
    return tiny_predictor()


@pytest.fixture
def written(scene, model, tmp_path):
    """What the command line writes."""
    paths = MapPaths(tmp_path / "c.tif", tmp_path / "confidence.tif", tmp_path / "p.tif")
    write_maps(scene, model, paths, legend=legend_of(model), settings=SegmentSettings(window_px=WINDOW_PX))
    pixels = {}
    for name, path in zip(("classes", "confidence", "probabilities"), (paths.classes, *paths.extra), strict=True):
        with rasterio.open(path) as dataset:
            pixels[name] = dataset.read()
    return pixels


def test_nothing_is_read_before_it_is_computed(scene, model, monkeypatch):
    def refuse(*_):
        raise AssertionError("pixels were read")

    monkeypatch.setattr(source, "_dataset", refuse)
    layers = geoarseg.segment(scene, model, window_px=WINDOW_PX, confidence=True, probabilities=True)
    part = layers.isel(y=slice(10, 40), x=slice(5, 50))
    assert part.classes.shape == (30, 45)
    assert layers.classes.chunks == ((32, 32, 26), (32, 32, 32, 14))
    with pytest.raises(AssertionError, match="pixels were read"):
        part.compute()


def test_it_is_what_segment_writes(scene, model, written):
    layers = geoarseg.segment(scene, model, window_px=WINDOW_PX, confidence=True, probabilities=True).compute()
    classes = geoarseg.segment(scene, model, window_px=WINDOW_PX)
    assert isinstance(classes, xr.DataArray)
    np.testing.assert_array_equal(classes, written["classes"][0])
    np.testing.assert_array_equal(layers.classes, written["classes"][0])
    np.testing.assert_array_equal(layers.confidence, written["confidence"][0])
    percent = np.where(np.isnan(layers.probabilities), 255, np.rint(layers.probabilities * 100))
    np.testing.assert_array_equal(percent, written["probabilities"])
    assert layers.classes.dtype == layers.confidence.dtype == np.uint8
    assert layers.probabilities.dtype == np.float32
    np.testing.assert_allclose(layers.probabilities.sum("class", skipna=False).fillna(1), 1, atol=1e-5)


def test_it_knows_where_it_is_and_what_it_means(scene, model):
    layers = geoarseg.segment(scene, model, window_px=WINDOW_PX, confidence=True, probabilities=True)
    for layer, nodata in (("classes", 0), ("confidence", 255), ("probabilities", np.nan)):
        assert layers[layer].rio.crs == scene.crs
        assert layers[layer].rio.transform() == scene.transform
        np.testing.assert_equal(layers[layer].rio.nodata, nodata)
        np.testing.assert_array_equal(layers[layer].x, scene.lazy.x)
        np.testing.assert_array_equal(layers[layer].y, scene.lazy.y)
    assert layers["class"].values.tolist() == [1, 2, 3, 4, 5]
    assert layers.classes.attrs["flag_values"] == [1, 2, 3, 4, 5]
    assert layers.classes.attrs["flag_meanings"].split()[1] == "class_2"


def test_one_pass_gives_all_layers(scene, model, monkeypatch):
    windows, lock = [], threading.Lock()
    classify = type(model).classify

    def counted(self, images, valid, **options):
        with lock:
            windows.append(images.shape)
        return classify(self, images, valid, **options)

    monkeypatch.setattr(type(model), "classify", counted)
    geoarseg.segment(scene, model, window_px=WINDOW_PX, confidence=True, probabilities=True).compute()
    assert len(windows) == 12
    windows.clear()
    geoarseg.segment(scene, model, window_px=WINDOW_PX)[:20, :20].compute()
    assert len(windows) == 1  # a slice costs its chunks only


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_every_scheduler_of_dask_gives_the_same(scene, model, written, scheduler):
    classes = geoarseg.segment(scene, model, window_px=WINDOW_PX)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        np.testing.assert_array_equal(classes.values, written["classes"][0])


def test_a_cluster_gives_the_same_and_gets_the_model_once(scene, model, written):
    classes = geoarseg.segment(scene, model, window_px=WINDOW_PX)
    graph = dict(classes.data.__dask_graph__())
    assert sum(str(key).startswith("Job") for key in graph) == 1
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster),
    ):
        np.testing.assert_array_equal(classes.values, written["classes"][0])


def test_it_composes_with_xarray(scene, model, written, tmp_path):
    classes = geoarseg.segment(scene, model, window_px=WINDOW_PX)
    part = classes.isel(y=slice(10, 40), x=slice(50, 80))
    part.rio.to_raster(tmp_path / "part.tif")
    with rasterio.open(tmp_path / "part.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(1), written["classes"][0][10:40, 50:80])
        assert dataset.transform.almost_equals(NORTH_UP @ Affine.translation(50, 10), 1e-6)
        assert dataset.crs == scene.crs
    shares = (classes == 3).mean().compute()
    assert float(shares) == pytest.approx((written["classes"] == 3).mean())
    red_in_3 = scene.lazy.sel(band=1).where(classes == 3).mean().compute()
    assert 1 <= float(red_in_3) <= 254


def test_write_cog_writes_what_segment_does(scene, model, tmp_path):
    segment_scene(scene, model, tmp_path / "a.tif", settings=Settings())
    assert geoarseg.write_cog(geoarseg.segment(scene, model), tmp_path / "b.tif") == tmp_path / "b.tif"
    with rasterio.open(tmp_path / "a.tif") as a, rasterio.open(tmp_path / "b.tif") as b:
        np.testing.assert_array_equal(a.read(), b.read())
        assert (a.profile, a.colormap(1)) == (b.profile, b.colormap(1))
    assert read_legend(tmp_path / "b.tif") == Legend.default(CLASSES)


def test_a_model_file_will_do(scene, model, written, tmp_path):
    write_model(model, tmp_path / "m.safetensors", overwrite=False)
    classes = geoarseg.segment(scene, tmp_path / "m.safetensors", window_px=WINDOW_PX, device="cpu")
    np.testing.assert_array_equal(classes, written["classes"][0])


def test_what_does_not_fit_is_refused_at_once(scene, tmp_path):
    with pytest.raises(InputError, match="takes 4 bands but the image has 3"):
        geoarseg.segment(scene, tiny_predictor(bands=4))
    (tmp_path / "m.safetensors").write_text("no model")
    with pytest.raises(ModelFileError):
        geoarseg.segment(scene, tmp_path / "m.safetensors")


def test_equal_wishes_have_equal_names(scene, model):
    names = {geoarseg.segment(scene, model, window_px=px).data.name for px in (32, 32, 64)}
    assert len(names) == 2
