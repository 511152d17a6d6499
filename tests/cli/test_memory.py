"""A limit of the address space, as `ulimit -v` sets it: one line, exit code 1, nothing half-written.

The limit is set when the libraries are loaded, a little above what they take: what they do themselves when there is not
even room for them (OpenBLAS and the threads of the C library end the process) is not ours.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from tiny_model import tiny_predictor

from geoarseg.models import write_model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")

LIMITED = """
import resource, sys
import geoarseg.pipeline, geoarseg.polygons, torch
from geoarseg.cli.main import run_command
torch.zeros(8).sum()
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = taken + int(sys.argv[1]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(run_command(sys.argv[2:]))
"""
SIDE_PX = 6000
"""The pixels of a window of this side take 432 MB as float32, and the network's maps of features more."""


@pytest.fixture
def image(tmp_path):
    """A large image that takes no space on the disk, with data in one corner."""
    path = tmp_path / "in" / "image.tif"
    path.parent.mkdir()
    size = {"count": 3, "height": SIDE_PX, "width": SIDE_PX, "dtype": "uint8", "sparse_ok": True, "tiled": True}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32633", **size) as dataset:
        pixels = np.random.default_rng(0).integers(1, 255, (3, 256, 256)).astype("uint8")
        dataset.write(pixels, window=rasterio.windows.Window(0, 0, 256, 256))
    return path


def limited(megabytes, *arguments):
    command = [sys.executable, "-c", LIMITED, str(megabytes), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=250, check=False)


def assert_one_line(done):
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("geoarseg:")]
    assert "The memory is not enough" in line
    assert "segment.window_px" in line


def test_segment_says_that_the_memory_is_not_enough(image, tmp_path):
    write_model(tiny_predictor(), tmp_path / "m.safetensors")
    out = tmp_path / "out" / "classes.tif"
    settings = ("--set", "segment.window_px=6000", "--set", "segment.threads=1", "--device", "cpu", "--quiet")
    assert_one_line(limited(700, "segment", image, "-m", tmp_path / "m.safetensors", "-o", out, *settings))
    assert not out.parent.exists()


def test_train_says_that_the_memory_is_not_enough(image, tmp_path):
    out = tmp_path / "out" / "model.safetensors"
    settings = ("train.objective=ac", "train.batch=512", "train.crop_px=256", "network.width=64", "readers=0")
    words = [word for text in settings for word in ("--set", text)]
    assert_one_line(
        limited(1200, "train", image, "-o", out, "--steps", "2", "-k", "3", "--device", "cpu", *words, "-q")
    )
    assert not out.parent.exists()
