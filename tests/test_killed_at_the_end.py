"""Killed when the output had its final name, and before the process had tidied up: the same command does."""

import json
import shutil

import numpy as np
import pytest
from tiny_model import tiny_predictor

from geoarseg import models
from geoarseg.cli.main import run_command
from geoarseg.inference.spool import Spool, folder_of
from geoarseg.models import write_model


@pytest.fixture
def files(make_raster, tmp_path):
    """An image and a model, and the folder for what is made of them."""
    pixels = np.random.default_rng(0).integers(1, 255, (3, 50, 70)).astype(np.uint8)
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    write_model(tiny_predictor(), tmp_path / "in/m.safetensors")
    return make_raster(pixels, tmp_path / "in/image.tif"), tmp_path / "in/m.safetensors", tmp_path / "out"


def segment(files, *options, out="classes.tif"):
    image, model, folder = files
    words = ["segment", image, "-m", model, "-o", folder / out, "--device", "cpu", "-q", *options]
    return run_command([*map(str, words), "--set", "segment.window_px=32"])


@pytest.fixture
def killed(files, monkeypatch):
    """A map that is whole, and its finished windows beside it."""
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "finish", lambda self: None)
        assert segment(files) == 0
    windows = folder_of(files[2] / "classes.tif")
    assert windows.is_dir()
    return windows


def hidden(folder):
    return [path.name for path in folder.rglob(".*")]


def leave_a_folder(target):
    folder = target.with_name(f".{target.name}.tmp-0123abcd")
    folder.mkdir()
    (folder / target.name).write_text("half")


def test_windows_of_a_map_that_is_whole_go(files, killed, capsys):
    leave_a_folder(files[2] / "classes.tif")
    assert segment(files) == 2
    assert "classes.tif exists. Pass --overwrite" in capsys.readouterr().err
    assert hidden(files[2]) == []


def test_windows_go_that_were_half_deleted(files, killed):
    (killed / "arguments.json").unlink()
    assert segment(files) == 2
    assert hidden(files[2]) == []


def test_with_a_map_for_each_image_they_go_too(files, killed, capsys):
    per_image = files[2] / "image.tif"
    (files[2] / "classes.tif").rename(per_image)
    killed.rename(folder_of(per_image))
    assert segment(files, "--per-image", out=".") == 0
    assert hidden(files[2]) == []


@pytest.mark.parametrize("text", [None, "[]", "no JSON"])
def test_windows_of_other_arguments_stay(files, killed, text):
    key = json.loads((killed / "arguments.json").read_text())
    (killed / "arguments.json").write_text(text or json.dumps(key | {"model": "another"}))
    assert segment(files) == 2
    assert (killed / "journal.txt").stat().st_size > 0


def test_windows_of_a_process_at_work_stay(files, killed):
    from filelock import FileLock

    with FileLock(killed / "lock"):
        assert segment(files) == 2
        assert (killed / "journal.txt").stat().st_size > 0


def test_windows_stay_while_the_map_is_not_whole(files, killed, capsys):
    (files[2] / "classes.tif").unlink()
    capsys.readouterr()
    assert segment(files, "--log-json") == 0
    assert "100% was finished before" in capsys.readouterr().err
    assert hidden(files[2]) == []


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("model.safetensors", ["train", "{image}", "-k", "3"]),
        ("layer.gpkg", ["vectorize", "{classes}"]),
    ],
)
def test_temporary_folders_beside_a_whole_output_go(name, command, files, killed, capsys):
    image, _, folder = files
    shutil.rmtree(killed)
    (folder / name).write_text("whole")
    leave_a_folder(folder / name)
    words = [word.format(image=image, classes=folder / "classes.tif") for word in command]
    assert run_command([*words, "-o", str(folder / name), "-q"]) == 2
    assert f"{name} exists" in capsys.readouterr().err
    assert hidden(folder) == []
    assert (folder / name).read_text() == "whole"


SMALL = ("train.objective=ac", "train.steps=3", "train.batch=2", "train.crop_px=32", "train.checkpoint_every_s=0.0001")
SETTINGS = [word for text in (*SMALL, "network.width=8", "network.blocks=1") for word in ("--set", text)]


def train(files, out, seed="0"):
    words = ["train", files[0], "-o", out, "-k", "3", "--device", "cpu", "-q", "--seed", seed, *SETTINGS]
    return run_command([str(word) for word in words])


@pytest.fixture
def state(files, monkeypatch):
    """A model that is whole, and beside it the state of its training."""
    model = files[2] / "model.safetensors"
    with monkeypatch.context() as patch:
        real = models.state_path_of  # from when the model is there, nobody finds the state
        patch.setattr(models, "state_path_of", lambda path: path.with_name("lost") if path.exists() else real(path))
        assert train(files, model) == 0
    state = models.state_path_of(model)
    assert state.is_file()
    return state


def test_the_state_of_the_training_of_a_whole_model_goes(files, state, capsys):
    leave_a_folder(state)
    model = files[2] / "model.safetensors"
    assert train(files, model) == 2
    assert "model.safetensors exists. Pass --overwrite" in capsys.readouterr().err
    assert not state.exists()
    assert hidden(files[2]) == []


def test_a_run_that_goes_on_behind_the_training_drops_its_state(files, state):
    words = ["run", files[0], "-o", files[2], "-k", "3", "--device", "cpu", "-q", "--no-confidence", *SETTINGS]
    assert run_command([str(word) for word in words]) == 0
    assert (files[2] / "summary.json").is_file()
    assert not state.exists()


@pytest.mark.parametrize("damage", [True, False], ids=["damaged", "of another training"])
def test_the_state_of_another_training_stays(damage, files, state):
    model = files[2] / "model.safetensors"
    if damage:
        state.write_bytes(b"none")
    else:
        model.unlink()
        write_model(tiny_predictor(), model.with_name("other.safetensors"))
        model.with_name("other.safetensors").rename(model)
    assert train(files, model, seed="1") == 2
    assert state.exists()
