"""A clock that is set, forwards or back, while geoarseg is at work: nothing but dates may follow it."""

import ast
import itertools
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_model import tiny_predictor

from geoarseg.cli.main import run_command
from geoarseg.errors import InputError
from geoarseg.export import stac
from geoarseg.models import write_model

PACKAGE = Path(__file__).parents[1] / "geoarseg"
YEARS_S = 30 * 365 * 86400
WALL_CLOCKS = {"time.time", "time.time_ns", "time.localtime", "datetime.now", "datetime.utcnow", "datetime.today"}


@pytest.fixture
def jumping_clock(monkeypatch):
    """The wall clock is thirty years ahead, then thirty back, at each look at it."""
    right, jumps = time.time, itertools.cycle((YEARS_S, -YEARS_S))
    monkeypatch.setattr(time, "time", lambda: right() + next(jumps))
    monkeypatch.setattr(time, "time_ns", lambda: int(1e9 * time.time()))
    assert time.time() - time.time() > YEARS_S


@pytest.fixture
def image(make_raster, tmp_path):
    pixels = np.random.default_rng(0).integers(1, 255, (3, 70, 90)).astype(np.uint8)
    return make_raster(pixels, tmp_path / "image.tif")


def names_of_calls(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)


def test_no_module_measures_by_the_wall_clock():
    found = {str(path): WALL_CLOCKS & set(names_of_calls(path)) for path in PACKAGE.rglob("*.py")}
    assert len(found) > 100
    assert {path: names for path, names in found.items() if names} == {}


def test_training_and_its_going_on_do_not_follow_a_clock_that_is_set(image, tmp_path, jumping_clock, capfd):
    model = tmp_path / "m.safetensors"
    words = ["train", image, "-o", model, "-k", "3", "--device", "cpu", "--log-json", "--time-limit", "1h"]
    small = ("objective=ac", "steps=6", "batch=2", "crop_px=32", "checkpoint_every_s=0.001")
    words += [word for text in small for word in ("--set", f"train.{text}")]
    words += ["--set", "network.width=8", "--set", "network.blocks=1"]
    assert run_command(list(map(str, words))) == 0
    events = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    done = [event for event in events if event["stage"] == "train" and event["event"] == "end"]
    assert [event["done"] for event in done] == [6]  # the limit of an hour was not over
    lefts = [event["remaining_s"] for event in events if event.get("remaining_s") is not None]
    assert lefts
    assert all(0 <= left < YEARS_S / 1000 for left in lefts)


@pytest.mark.parametrize("seconds", [-1e9, 4e9], ids=["1938", "2096"])
def test_images_and_maps_of_any_time_are_used(seconds, image, tmp_path):
    write_model(tiny_predictor(), tmp_path / "m.safetensors")
    os.utime(image, (seconds, seconds))
    classes = tmp_path / "classes.tif"
    assert run_command(["segment", str(image), "-m", str(tmp_path / "m.safetensors"), "-o", str(classes), "-q"]) == 0
    os.utime(classes, (seconds, seconds))
    assert run_command(["export", "stac", str(classes), "-o", str(tmp_path / "item.json")]) == 0
    dated = json.loads((tmp_path / "item.json").read_text())["properties"]["datetime"]
    assert dated.startswith(str(time.gmtime(seconds).tm_year))


class Timeless(type(Path())):
    """A file that was written in a year of five digits, which many a file system can hold."""

    def stat(self, **_):
        return SimpleNamespace(st_mtime=4e11)


def test_a_map_of_no_year_is_dated_by_the_user():
    with pytest.raises(InputError, match=r"classes\.tif was written in no year of our calendar\. Date the item"):
        stac._written(Timeless("classes.tif"))
