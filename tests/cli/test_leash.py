"""geoarseg ends with the program that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="uses process groups")

LONG = ["-k", "3", "--steps", "100000", "--device", "cpu", "--set", "network.width=8", "--set", "network.blocks=1"]
LONG += ["--set", "train.objective=ac", "--set", "train.batch=2", "--set", "train.crop_px=32", "--log-json"]
STUBBORN = """
import signal, subprocess, sys, threading
from geoarseg.cli.leash import put_on_leash
put_on_leash()
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
threading.Event().wait()
"""


@pytest.fixture
def image(make_raster, tmp_path):
    rng = np.random.default_rng(0)
    return make_raster(rng.integers(1, 255, (3, 70, 90)).astype(np.uint8), tmp_path / "image.tif")


def start(arguments, grace_s, **options):
    environment = os.environ | {"GEOARSEG_LEASH": str(grace_s)}
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    return subprocess.Popen([sys.executable, *map(str, arguments)], env=environment, **pipes, **options)


def wait_for_training(process):
    for line in process.stderr:
        if '"event": "progress", "stage": "train"' in line:
            return
    raise AssertionError("it never trained")


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_closed_input_is_an_interrupt(image, tmp_path):
    process = start(["-m", "geoarseg", "train", image, "-o", tmp_path / "model.safetensors", *LONG], grace_s=60)
    wait_for_training(process)
    process.stdin.close()
    rest = process.stderr.read()
    assert process.wait(timeout=30) == 130, rest
    assert "Interrupted" in rest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image.tif", "model.safetensors.state"]


@posix_only
def test_what_does_not_heed_the_interrupt_is_ended_with_its_children(tmp_path):
    process = start(["-c", STUBBORN], grace_s=0.2, stdout=subprocess.PIPE)
    child = int(process.stdout.readline())
    process.stdin.close()
    assert process.wait(timeout=30) == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while is_alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.stdout.close()
    process.stderr.close()


def test_without_the_variable_the_input_does_not_matter():
    code = "from geoarseg.cli.main import main; main(['--version'])"
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", ["stdin", "-1", "nan", "inf"])
def test_what_is_no_number_of_seconds_is_refused(text):
    process = start(["-m", "geoarseg", "--version"], grace_s=text)
    with process, process.stderr:
        assert process.wait() == 2
        assert text in process.stderr.read()


def test_processes_started_from_here_are_not_on_the_leash():
    code = "import os; from geoarseg.cli.leash import put_on_leash; put_on_leash(); print(dict(os.environ))"
    process = start(["-c", code], grace_s=1, stdout=subprocess.PIPE)
    with process:
        assert "GEOARSEG_LEASH" not in process.stdout.read()
