import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rio_cogeo.cogeo import cog_validate
from tiny_model import CLASSES, random_pixels, tiny_predictor
from told import Told

from geoarseg.errors import OutputError, SettingsError
from geoarseg.inference import maps
from geoarseg.inference.area import AreaOfInterest
from geoarseg.inference.maps import MapPaths, write_maps
from geoarseg.models import legend_of
from geoarseg.raster.scene import open_scene
from geoarseg.raster.window import Window
from geoarseg.settings import SegmentSettings

HEIGHT, WIDTH, WINDOW_PX = 90, 110, 32
SETTINGS = SegmentSettings(window_px=WINDOW_PX)


@pytest.fixture(scope="module")
def model():
    return tiny_predictor()


def make_scene(make_raster, height=HEIGHT, width=WIDTH, seed=0):
    pixels, valid = random_pixels(height, width, seed)
    return open_scene(make_raster(np.where(valid, pixels, 0).astype("uint8"), nodata=0))


@pytest.fixture
def scene(make_raster):
    return make_scene(make_raster)


def paths_in(folder):
    return MapPaths(folder / "classes.tif", folder / "confidence.tif", folder / "probabilities.tif")


def write(scene, model, paths, **options):
    return write_maps(scene, model, paths, **({"legend": legend_of(model), "settings": SETTINGS} | options))


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read()


def files(folder):
    """Bytes of all files by name, those in hidden folders too."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


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


class Stopping:
    """Ends a segmentation after some windows, or counts them."""

    def __init__(self, monkeypatch, stop_after=None, fault=KeyboardInterrupt):
        real = maps.segment_tiles
        self.windows = 0

        def segment_tiles(*args):
            for done in real(*args):
                if self.windows == stop_after:
                    raise fault
                self.windows += 1
                yield done

        monkeypatch.setattr(maps, "segment_tiles", segment_tiles)


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), RuntimeError("x"), OutputError("full")])
def test_what_was_ended_goes_on_with_the_same_bytes(scene, model, tmp_path, fault):
    write(scene, model, paths_in(tmp_path / "whole"))
    out, told = tmp_path / "out", Told()
    with pytest.MonkeyPatch.context() as patch:
        Stopping(patch, 5, fault)
        with pytest.raises(type(fault)):
            write(scene, model, paths_in(out), progress=told)
    assert [name for name in files(out) if ".partial" not in name] == []
    assert "goes on from there" in told.texts[-1]
    with pytest.MonkeyPatch.context() as patch:
        counted = Stopping(patch)
        write(scene, model, paths_in(out), progress=told)
    assert counted.windows == 12 - 5
    assert "was finished before; going on" in told.texts[-1]
    assert files(out) == files(tmp_path / "whole")


@pytest.mark.parametrize(
    "change",
    ["model", "window", "region", "area", "confidence", "image"],
)
def test_other_arguments_start_afresh_and_say_so(make_raster, model, tmp_path, change):
    scene, paths, told = make_scene(make_raster), MapPaths(tmp_path / "classes.tif"), Told()
    with pytest.MonkeyPatch.context() as patch:
        Stopping(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            write(scene, model, paths)
    options = {}
    if change == "model":
        model = tiny_predictor(stride_px=4)
    elif change == "window":
        options["settings"] = SegmentSettings(window_px=48)
    elif change == "region":
        options["region"] = Window(0, 0, HEIGHT, WIDTH - 1)
    elif change == "area":
        options["area"] = AreaOfInterest(np.array([shapely.box(-1, -1, WIDTH + 1, HEIGHT + 1)], dtype=object))
    elif change == "confidence":
        paths = dataclasses.replace(paths, confidence=tmp_path / "confidence.tif")
    else:
        scene = make_scene(make_raster, seed=1)
    with pytest.MonkeyPatch.context() as patch:
        counted = Stopping(patch)
        write(scene, model, paths, progress=told, **options)
    assert told.texts == ["The unfinished windows beside the output were made with other arguments: starting afresh."]
    assert counted.windows >= 6
    write(scene, model, tmp_path / "undisturbed.tif", **options)
    np.testing.assert_array_equal(read(paths.classes), read(tmp_path / "undisturbed.tif"))


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
from pathlib import Path
from test_maps import *
from geoarseg.inference.spool import Spool
from geoarseg.raster import cog

stop_at = {stop_at!r}
if stop_at == "window":
    write_window = Spool.write
    def killing(self, number, pixels):
        if len(self.done) == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        write_window(self, number, pixels)
    Spool.write = killing
elif stop_at == "cog":
    cog._check = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
else:
    write_raw = maps.write_cog_of_raw
    def killing(path, *args, **options):
        if path.name == "classes.tif":
            os.kill(os.getpid(), signal.SIGKILL)
        write_raw(path, *args, **options)
    maps.write_cog_of_raw = killing
write(open_scene({image!r}), tiny_predictor(), paths_in(Path({out!r})))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize(("stop_at", "left"), [("window", 7), ("cog", 0), ("classes", 0)])
def test_sigkill_leaves_nothing_under_a_final_name_but_whole_files(scene, model, tmp_path, stop_at, left):
    write(scene, model, paths_in(tmp_path / "whole"))
    out, here = tmp_path / "out", Path(__file__).parent
    path = [str(here), str(here.parent), *sys.path]
    code = KILLED.format(path=path, stop_at=stop_at, image=scene.paths[0], out=str(out))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    whole = files(tmp_path / "whole")
    named = {name: content for name, content in files(out).items() if not name.startswith(".")}
    assert "classes.tif" not in named
    assert named == {name: whole[name] for name in named}
    with pytest.MonkeyPatch.context() as patch:
        counted = Stopping(patch)
        write(scene, model, paths_in(out))
    assert counted.windows == left
    assert files(out) == whole
    assert sorted(os.listdir(out)) == sorted(whole)


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


def test_a_full_disk_keeps_the_windows_and_goes_on_when_there_is_room(make_raster, model, tmp_path, small_disk):
    scene = make_scene(make_raster, 400, 400)
    disk, sizes = small_disk("600k"), SegmentSettings(window_px=64)
    (disk / "filler").write_bytes(bytes(300_000))
    with pytest.raises(OutputError, match="No space left"):
        write(scene, model, paths_in(disk / "out"), settings=sizes)
    assert [name for name in files(disk / "out") if not name.startswith(".")] == []
    (disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
    with pytest.MonkeyPatch.context() as patch:
        counted = Stopping(patch)
        write(scene, model, paths_in(disk / "out"), settings=sizes)
    assert 0 < counted.windows < 49
    write(scene, model, paths_in(tmp_path / "whole"), settings=sizes)
    assert files(disk / "out") == files(tmp_path / "whole")
