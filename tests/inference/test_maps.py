"""Maps as files: what they hold, and that they do not depend on how they are made."""

import os

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from map_files import HEIGHT, WIDTH, WINDOW_PX, Stopping, files, make_scene, paths_in, read, write
from rio_cogeo.cogeo import cog_validate
from tiny_model import CLASSES, tiny_predictor

from geoarseg.errors import OutputError, SettingsError
from geoarseg.inference import maps
from geoarseg.inference.area import AreaOfInterest
from geoarseg.inference.maps import MapPaths
from geoarseg.raster.window import Window
from geoarseg.settings import SegmentSettings


@pytest.fixture(scope="module")
def model():
    return tiny_predictor()


@pytest.fixture
def scene(make_raster):
    return make_scene(make_raster)


def test_each_output_is_a_valid_cog_that_says_what_it_is(scene, model, tmp_path):
    paths = paths_in(tmp_path / "out")
    summary = write(scene, model, paths)
    for path in (paths.classes, *paths.extra):
        assert cog_validate(path, strict=True, quiet=True)[:2] == (True, [])
    with rasterio.open(paths.classes) as classes, rasterio.open(paths.probabilities) as probabilities:
        assert classes.count == 1
        assert classes.nodata == 0
        assert summary.pixels == tuple(np.bincount(classes.read(1).ravel(), minlength=CLASSES + 1))
        assert probabilities.count == CLASSES
        assert probabilities.dtypes == ("uint8",) * CLASSES
        assert probabilities.nodata == 255
        assert probabilities.descriptions == tuple(f"class {value}" for value in range(1, CLASSES + 1))
        assert (probabilities.crs, probabilities.transform) == (scene.crs, scene.transform)
    shares, confidence = read(paths.probabilities), read(paths.confidence)[0]
    valid = read(paths.classes)[0] > 0
    np.testing.assert_array_equal(shares == 255, np.broadcast_to(~valid, shares.shape))
    np.testing.assert_array_equal(shares[:, valid].max(0), confidence[valid])
    assert np.abs(shares[:, valid].astype(int).sum(0) - 100).max() <= CLASSES // 2 + 1  # rounded one by one
    picked = np.take_along_axis(shares, read(paths.classes).astype(int) - 1, 0)[0]
    np.testing.assert_array_equal(picked[valid], confidence[valid])


def test_overviews_have_modes_of_classes(make_raster, model, tmp_path):
    scene = make_scene(make_raster, 600, 700)
    write(scene, model, tmp_path / "c.tif", settings=SegmentSettings(window_px=256))
    whole = read(tmp_path / "c.tif")[0]
    with rasterio.open(tmp_path / "c.tif", overview_level=0) as overview:
        small = overview.read(1)
    votes = whole[: len(small) * 2, : small.shape[1] * 2].reshape(len(small), 2, small.shape[1], 2)
    agree = (votes == votes[:, :1, :, :1]).all((1, 3)) & (votes[:, 0, :, 0] > 0)
    assert agree.sum() > 100
    np.testing.assert_array_equal(small[agree], votes[:, 0, :, 0][agree])
    assert set(np.unique(small)) <= set(np.unique(whole))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(1, 100),
    width=st.integers(1, 100),
    window_px=st.integers(16, 70),
    threads=st.integers(1, 3),
    batch=st.integers(1, 4),
    attention=st.booleans(),
)
def test_files_do_not_depend_on_threads_and_batches(
    make_raster, tmp_path_factory, height, width, window_px, threads, batch, attention
):
    options = {"attention": True, "attention_width": 8, "crop_px": 16} if attention else {}
    scene, model = make_scene(make_raster, height, width), tiny_predictor(**options)
    made = []
    for choice in ({"threads": 1}, {"threads": threads, "batch": batch}):
        folder = tmp_path_factory.mktemp("maps")
        write(scene, model, paths_in(folder), settings=SegmentSettings(window_px=window_px, **choice))
        made.append(files(folder))
    assert made[0] == made[1]
    whole = folder / "whole.tif"
    write(scene, model, whole, settings=SegmentSettings(window_px=1024))
    assert (read(whole) != read(folder / "classes.tif")).mean() <= 1e-3  # ties, see test_stream


def test_two_processes_write_the_same_files(scene, model, tmp_path):
    for folder, choice in (("one", {}), ("two", {"workers": 2})):
        write(scene, model, paths_in(tmp_path / folder), settings=SegmentSettings(window_px=WINDOW_PX, **choice))
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_window_of_the_scene_lies_where_it_should(scene, model, tmp_path):
    write(scene, model, tmp_path / "all.tif")
    write(scene, model, tmp_path / "part.tif", region=Window(21, 33, 40, 51))
    np.testing.assert_array_equal(read(tmp_path / "part.tif")[0], read(tmp_path / "all.tif")[0, 21:61, 33:84])
    with rasterio.open(tmp_path / "part.tif") as part:
        assert part.transform == scene.transform @ part.transform.translation(33, 21)


def test_outside_the_area_is_no_data_and_costs_nothing(scene, model, tmp_path):
    area = AreaOfInterest(np.array([shapely.box(40, 10, 60, 30)], dtype=object))
    write(scene, model, tmp_path / "all.tif")
    with pytest.MonkeyPatch.context() as patch:
        counted = Stopping(patch)
        write(scene, model, paths_in(tmp_path / "part"), area=area)
    assert counted.windows == 1
    inside = area.mask(Window(0, 0, HEIGHT, WIDTH))
    assert inside.sum() == 400
    part = {path.stem: read(path) for path in paths_in(tmp_path / "part").extra}
    classes = read(tmp_path / "part" / "classes.tif")[0]
    np.testing.assert_array_equal(classes, np.where(inside, read(tmp_path / "all.tif")[0], 0))
    np.testing.assert_array_equal(part["confidence"][0] == 255, classes == 0)
    assert (part["probabilities"][:, ~inside] == 255).all()


def test_existing_rasters_are_refused_before_any_work(scene, model, tmp_path):
    for path in (tmp_path / "classes.tif", tmp_path / "confidence.tif"):
        path.write_text("precious")
        with pytest.raises(OutputError, match=f"{path.name} exists"):
            write(scene, model, paths_in(tmp_path))
        assert os.listdir(tmp_path) == [path.name] or "raster" in "".join(os.listdir(tmp_path))
        assert path.read_text() == "precious"
        path.unlink()
    same = MapPaths(tmp_path / "classes.tif", tmp_path / "classes.tif")
    with pytest.raises(SettingsError, match="Two outputs are to be one file"):
        write(scene, model, same)
    write(scene, model, paths_in(tmp_path))
    with pytest.raises(OutputError, match=r"classes\.tif exists"):
        write(scene, model, paths_in(tmp_path))
    write(scene, model, paths_in(tmp_path), overwrite=True)


def test_a_second_one_on_the_same_output_is_refused(scene, model, tmp_path):
    def second(*_):
        with pytest.raises(OutputError, match="is being written by another geoarseg"):
            write(scene, model, tmp_path / "c.tif")
        raise KeyboardInterrupt
        yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps, "segment_tiles", second)
        with pytest.raises(KeyboardInterrupt):
            write(scene, model, tmp_path / "c.tif")
