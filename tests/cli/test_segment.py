import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from tiny_model import random_pixels, tiny_predictor

from geoarseg.cli.main import run_command
from geoarseg.models import write_model

WINDOW = ["--set", "segment.window_px=64", "--device", "cpu"]


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.safetensors"
    write_model(tiny_predictor(), path, overwrite=False)
    return str(path)


@pytest.fixture
def image(make_raster, tmp_path):
    pixels, valid = random_pixels(500, 600)
    return str(make_raster(np.where(valid, pixels, 0).astype("uint8"), tmp_path / "image.tif", nodata=0))


def arguments(image, model, folder):
    """A command that writes all there is."""
    outputs = ["-o", str(folder / "classes.tif"), "--confidence", str(folder / "confidence.tif")]
    return ["segment", image, "-m", model, *outputs, "--probabilities", str(folder / "probabilities.tif"), *WINDOW]


def files(folder):
    """Bytes of all files but those in hidden folders, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


SLOW_DISK = """
import time
from geoarseg.inference.spool import Spool
write = Spool.write
Spool.write = lambda *arguments: (time.sleep(0.05), write(*arguments))
"""


def start(command, preamble=""):
    code = f"{preamble}\nfrom geoarseg.cli.main import main; main()"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", code, *command, "--log-json"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def wait_for_windows(process, folder, count):
    journal = folder / ".classes.tif.partial" / "journal.txt"
    while not journal.exists() or len(journal.read_text().splitlines()) < count:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def events_of(text):
    return [json.loads(line) for line in text.splitlines()]


def test_all_outputs(image, model, tmp_path, capsys):
    out = tmp_path / "out"
    assert run_command(arguments(image, model, out)) == 0, capsys.readouterr().err
    for name in ("classes", "confidence", "probabilities"):
        assert cog_validate(out / f"{name}.tif", strict=True, quiet=True)[0]
    with rasterio.open(out / "probabilities.tif") as dataset:
        assert dataset.descriptions == tuple(f"class {n}" for n in range(1, 6))
    assert run_command(arguments(image, model, out)) == 2
    assert "classes.tif exists. Pass --overwrite" in capsys.readouterr().err
    assert run_command([*arguments(image, model, out), "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("end", ["SIGKILL", "SIGINT"])
def test_what_was_killed_goes_on_with_the_same_bytes(image, model, tmp_path, end):
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert run_command([*arguments(image, model, whole), "--quiet"]) == 0
    process = start(arguments(image, model, out), SLOW_DISK)
    wait_for_windows(process, out, 5)
    os.killpg(process.pid, getattr(signal, end))
    text = process.communicate(timeout=120)[1]
    assert process.returncode == (-signal.SIGKILL if end == "SIGKILL" else 130)
    assert files(out) == {}
    if end == "SIGINT":
        assert any("goes on from there" in (event["message"] or "") for event in events_of(text))
    process = start(arguments(image, model, out))
    events = events_of(process.communicate(timeout=240)[1])
    assert process.returncode == 0
    assert any("was finished before; going on" in (event["message"] or "") for event in events)
    begun = next(event for event in events if event["event"] == "progress" and event["stage"] == "segment")
    assert begun["done"] >= 5 * 64 * 64 / 1e6 * 0.5
    assert files(out) == files(whole)
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_second_process_gets_one_line(image, model, tmp_path, capsys):
    out = tmp_path / "out"
    process = start(arguments(image, model, out), SLOW_DISK)
    wait_for_windows(process, out, 1)
    os.kill(process.pid, signal.SIGSTOP)  # so that it is still there
    assert run_command(arguments(image, model, out)) == 2
    assert "classes.tif is being written by another geoarseg." in capsys.readouterr().err
    process.kill()
    process.communicate(timeout=60)
    assert run_command([*arguments(image, model, out), "--quiet"]) == 0


BAD = {
    "model": (["-m", "{text}"], "is not a safetensors file"),
    "no polygons": (["--aoi", "{text}"], "cannot be read as polygons"),
    "no area": (["--aoi", "{missing}"], "cannot be read as polygons"),
    "window outside": (["--window", "590,0,20,20"], "leaves the image of 600 x 500 px"),
    "window of words": (["--window", "here"], "no window such as"),
    "empty window": (["--window", "1,1,0,5"], "no window such as"),
    "one file twice": (["--probabilities", "{out}"], "Two outputs are to be one file"),
    "a folder": (["-o", "{folder}"], "is a folder"),
    "workers and scheduler": (
        ["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"],
        "with a scheduler there are none",
    ),
    "no address": (["--scheduler", "here"], "--scheduler"),
    "bands": (["--bands", "1,2"], "takes 3 bands but the image has 2"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line_and_code_2(case, image, model, tmp_path, capsys):
    extra, words = BAD[case]
    places = {name: str(tmp_path / f"{name}.gpkg") for name in ("text", "missing")}
    (tmp_path / "text.gpkg").write_text("nothing of use")
    places |= {"out": str(tmp_path / "out" / "classes.tif"), "folder": str(tmp_path)}
    command = ["segment", image, "-m", model, "-o", places["out"], *WINDOW]
    assert run_command([*command, *(argument.format(**places) for argument in extra)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1, error
    assert not (tmp_path / "out").exists()
