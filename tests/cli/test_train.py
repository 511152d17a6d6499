"""`geoarseg train`, among others as a program that is interrupted and killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from safetensors.numpy import load_file

from geoarseg.cli.main import run_command
from geoarseg.datasets.crops import Crops
from geoarseg.datasets.prepare import prepare_store
from geoarseg.network.checkpoint import load_model

TINY = ["-k", "3", "--device", "cpu", "--set", "network.width=8", "--set", "network.blocks=1"]
TINY += ["--set", "train.objective=ac", "--set", "train.batch=4", "--set", "train.crop_px=32"]
PROGRAM = [sys.executable, "-c", "from geoarseg.cli.main import main; main()"]
LONG = ["--steps", "40", "--set", "train.checkpoint_every_s=0"]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "image.tif"
    pixels = np.random.default_rng(0).integers(1, 255, (4, 70, 90)).astype(np.uint8)
    profile = {"count": 4, "height": 70, "width": 90, "dtype": "uint8", "nodata": 0, "crs": "EPSG:32633"}
    transform = Affine(0.5, 0, 366015.25, 0, -0.5, 5809965.75)  # that of the labels, by make_raster
    with rasterio.open(path, "w", driver="GTiff", transform=transform, **profile) as dataset:
        dataset.write(pixels)
    return path


@pytest.fixture(scope="module", params=[1, 2])
def devices(request):
    """How many processes train."""
    if request.param > 1:
        pytest.importorskip("lightning_fabric")
    return request.param


@pytest.fixture(scope="module")
def undisturbed(image, devices, tmp_path_factory):
    """The weights of a training that nothing disturbs."""
    out = tmp_path_factory.mktemp("whole") / "whole.safetensors"
    words = ["train", image, *TINY, *LONG, "--devices", devices, "-o", out, "--quiet"]
    assert run_command(list(map(str, words))) == 0
    return load_file(out)


def start(arguments):
    return subprocess.Popen([*PROGRAM, *map(str, arguments)], stderr=subprocess.PIPE, text=True)


def wait_for(state, process):
    """Wait until the training runs, by its first state."""
    deadline = time.monotonic() + 120
    while not state.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children_of(process):
    """Folders of the processes that a process has started."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [Path("/proc") / number for number in listed.read_text().split()] if listed.exists() else []


@pytest.mark.slow
@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_training_ends_as_an_undisturbed_one(image, undisturbed, tmp_path, signal_, devices, capsys):
    out, state = tmp_path / "parts.safetensors", tmp_path / "parts.safetensors.state"
    words = ["train", image, *TINY, *LONG, "--devices", devices, "-o", out]
    process = start(words)
    wait_for(state, process)
    children = children_of(process)
    process.send_signal(signal_)
    error = process.communicate(timeout=60)[1]
    if signal_ == signal.SIGINT:
        assert process.returncode == 130, error
        assert "the same command goes on from there" in error
        assert "Traceback" not in error
    assert state.is_file()
    assert not out.exists()
    deadline = time.monotonic() + 20
    while any(child.exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(child.exists() for child in children), "none outlives the one that started it"

    code, error = run_command(list(map(str, words))), capsys.readouterr().err
    assert code == 0, error
    assert "Going on behind step" in error
    assert not state.exists()
    ended = load_file(out)
    assert ended.keys() == undisturbed.keys()
    assert all(ended[name].tobytes() == undisturbed[name].tobytes() for name in ended)


def test_restart_ignores_the_state(image, tmp_path, capsys):
    out = tmp_path / "model.safetensors"
    common = ["train", image, *TINY, "--steps", "100000", "--set", "train.checkpoint_every_s=0", "-o", out]
    process = start(common)
    wait_for(tmp_path / "model.safetensors.state", process)
    process.kill()
    process.communicate()
    common[common.index("100000")] = "3"
    assert run_command([*map(str, common), "--restart"]) == 0
    error = capsys.readouterr().err
    assert "Going on" not in error
    assert "starts afresh" not in error


def test_labels_choose_the_best_and_curves_are_written(image, make_raster, tmp_path):
    labels = make_raster(np.random.default_rng(1).integers(0, 4, (1, 70, 90)).astype(np.uint8), tmp_path / "labels.tif")
    curves, out = tmp_path / "curves", tmp_path / "model.safetensors"
    arguments = ["train", image, *TINY, "-o", out, "--steps", "6", "--evaluate-every", "2", "--labels", labels]
    if have_tensorboard := pytest.importorskip("tensorboard"):
        arguments += ["--tensorboard", curves]
    assert run_command([*map(str, arguments), "--quiet"]) == 0
    training = load_model(out)[1].training
    assert [step for step, _ in training["scores"]] == [2, 4, 6]
    best = max(training["scores"], key=lambda pair: pair[1])
    assert training["best_step"] == best[0]
    assert 1 / 3 < best[1] < 0.6
    assert not have_tensorboard or any(curves.iterdir())


class Stripes:
    """Three sources of four crops of 40 px; those of the last have no labels."""

    name, class_names, band_names, crop_px, unit, padded = "made", ("one", "two"), ("red", "nir"), 40, "file", False
    sources, request = ("0.bin", "1.bin", "2.bin"), {"dataset": "made"}

    def __init__(self, folder):
        self.folder = folder
        for name in self.sources:
            (folder / name).write_text(name)

    def files(self, number):
        return [self.folder / self.sources[number]]

    def read(self, number):
        rng = np.random.default_rng(number)
        labels = 1 + rng.integers(0, 2, (4, 1, 5)).repeat(40, 1).repeat(8, 2).astype(np.uint8)
        images = np.stack([labels * 60, 200 - labels * 50], axis=1) + rng.integers(0, 9, (4, 2, 40, 40))
        return Crops(
            images.astype(np.uint8), labels * (number < 2), number < 2, np.zeros((4, 2), dtype=np.int32), None, {}
        )


def test_a_dataset_is_trained_on_and_scored_by(tmp_path, devices):
    (tmp_path / "src").mkdir()
    prepare_store(Stripes(tmp_path / "src"), tmp_path / "store")
    out = tmp_path / "model.safetensors"
    arguments = ["train", "--data", tmp_path / "store", *TINY, "-k", "2", "-o", out, "--steps", "80", "--quiet"]
    arguments += ["--evaluate-every", "40", "--set", "train.learning_rate=3e-3", "--devices", devices]
    assert run_command(list(map(str, arguments))) == 0
    card = load_model(out)[1]
    assert card.band_names == ("red", "nir")
    assert max(score for _, score in card.training["scores"]) > 0.9


BAD = {
    "neither images nor data": ([], "either IMAGES or --data"),
    "both": (["{image}", "--data", "store"], "either IMAGES or --data"),
    "labels and data": (["--data", "store", "--labels", "{image}"], "labels of its own"),
    "no labels": (["{image}", "--evaluate-every", "5"], "--labels"),
    "too many labels": (["{image}", "--labels", "{image}", "--labels", "{image}"], "2 --labels for 1 images"),
    "no store": (["--data", "nowhere"], "nowhere"),
    "labels are an image": (["{image}", "--labels", "{text}"], "text"),
    "devices do not divide the batch": (["{image}", "--devices", "3"], "multiple of devices"),
    "one device of a number": (["{image}", "--devices", "2", "--device", "mps"], "mps"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_go_together_gets_one_line_and_code_2(case, image, tmp_path, capsys):
    arguments, words = BAD[case]
    (tmp_path / "text.tif").write_text("this is no raster")
    places = {"image": image, "text": tmp_path / "text.tif"}
    out = tmp_path / "model.safetensors"
    arguments = [argument.format(**places) for argument in arguments]
    assert run_command(["train", *TINY, "--quiet", "-o", str(out), *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1, error
    assert not out.exists()


def test_the_help_says_that_labels_end_unsupervised(capsys):
    assert run_command(["train", "--help"]) == 0
    assert "no longer unsupervised" in " ".join(capsys.readouterr().out.split())
    assert os.environ.get("LOCAL_RANK") is None
