"""Maps that were ended, killed or had no room go on with the same bytes."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely
from map_files import HEIGHT, WIDTH, Stopping, files, make_scene, paths_in, read, write
from tiny_model import tiny_predictor
from told import Told

from geoarseg.errors import OutputError
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
from map_files import *
from tiny_model import tiny_predictor
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
