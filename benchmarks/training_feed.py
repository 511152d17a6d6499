"""How much of a training step goes by in waiting for crops, with and without threads that read ahead.

The image is a mosaic of several large deflate-compressed GeoTIFFs on disk, more than the sampler would hold in memory;
the network, its crops and the loop are those of `geoarseg train`. Waiting is all the time that the loop spends to get
its crops onto the device, normalising included. Before each round the files are dropped from the system's cache. Both
sides alternate in this process and get the same crops. Run it as `python benchmarks/training_feed.py`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from unittest import mock

import rasterio
from affine import Affine
from mirrored import mirrored_raster

from geoarseg.config import validate_settings
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.scene import open_scene
from geoarseg.raster.statistics import estimate_statistics
from geoarseg.settings import Settings
from geoarseg.training import loop

_WARM_UP = 5  # steps


def make_mosaic(folder, rasters, size):
    """Write so many rasters of size x size pixels side by side."""
    for number in range(rasters):
        path = mirrored_raster(folder / f"{number}.tif", size)
        with rasterio.open(path, "r+") as file:
            file.transform = file.transform * Affine.translation(number * size, 0)


def forget_files(folder):
    """Drop the files from the system's cache, where it can be told to."""
    if hasattr(os, "posix_fadvise"):
        for path in folder.glob("*.tif"):
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def steps_of(scene, statistics, settings):
    """Train; returns the seconds of each step, and those of it that were spent waiting."""
    train, times = settings.train, []
    draw = loop._draw

    def timed(*arguments):
        started = time.perf_counter()
        crops = draw(*arguments)
        times.append((started, time.perf_counter()))
        return crops

    sampler = CropSampler([scene], crop_px=train.crop_px, seed=0, stride_px=settings.network.stride_px)
    with mock.patch.object(loop, "_draw", timed):
        result = loop.train_network(sampler, statistics, settings=settings)
    starts = [start for start, _ in times]
    steps = [after - before for before, after in pairwise(starts)]
    waits = [end - start for start, end in times[:-1]]
    return steps[_WARM_UP:], waits[_WARM_UP:], result.losses


def main():
    """Make the mosaic, time both sides, and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rasters", type=int, default=4)
    parser.add_argument("--size", type=int, default=6000, help="side of each in pixels")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--readers", type=int, default=Settings().readers)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_mosaic(folder, options.rasters, options.size)
        scene = open_scene(folder)
        statistics = estimate_statistics([scene], seed=0)
        print(f"{options.rasters} rasters of {options.size} x {options.size} pixels, {scene.band_count} bands")
        losses, shares = set(), {}
        for _ in range(options.rounds):
            for readers in (0, options.readers):
                tree = {"device": options.device, "readers": readers, "train": {"steps": options.steps + _WARM_UP + 1}}
                forget_files(folder)
                steps, waits, seen = steps_of(scene, statistics, validate_settings(tree))
                losses.add(seen)
                shares.setdefault(readers, []).append(sum(waits) / sum(steps))
                print(
                    f"{readers} readers: a step takes {sum(steps) / len(steps):.3f} s,"
                    f" {shares[readers][-1]:.1%} of it waiting; the longest wait {max(waits):.3f} s"
                )
        assert len(losses) == 1, "the sides have not seen the same crops"
    print(f"best share of waiting: without readers {min(shares[0]):.1%}, with {min(shares[options.readers]):.1%}")


if __name__ == "__main__":
    main()
