"""Megapixels per second of a segmentation against the bare network on the same windows in memory.

One side is what `geoarseg segment` does: read windows with their halo from a compressed GeoTIFF, normalise, infer,
crop, keep what is finished on disk, and write the Cloud Optimized GeoTIFF. The other is the network's forward pass
alone on those windows, normalised and in memory before the clock starts, on as many threads. The guided filter over the
result is no part of that pass: the first line leaves it out of ours too, the second has it. Sides alternate in this
process; the fastest round of each counts, and the seconds of all cores are printed too, which other work on the machine
disturbs less. Run it as `python benchmarks/throughput.py`; `--windows 256,512,1024` compares windows.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import torch
from mirrored import mirrored_raster

from geoarseg.config import load_settings
from geoarseg.inference.local import default_threads
from geoarseg.inference.maps import write_maps
from geoarseg.inference.predictor import one_thread
from geoarseg.inference.work import plan
from geoarseg.models import train_model
from geoarseg.network.device import mixed_precision
from geoarseg.raster.legend import Legend
from geoarseg.raster.scene import open_scene
from geoarseg.recut import with_smoothing
from geoarseg.settings import SegmentSettings

CLASSES = 6


def trained(scene, device):
    """The default network after a short training, whose map is as smooth as those of users."""
    settings = load_settings(overrides=[f"device={device}", "train.steps=60", f"classes={CLASSES}"])
    return train_model([scene], settings=settings)


def bare_inputs(job):
    """The windows of the job, normalised, on the network's device."""
    inputs = []
    for tile in job.tiles:
        image, valid = job.read(tile)
        normalised = torch.from_numpy(job.predictor.statistics.normalise(image, valid))[None]
        inputs.append(normalised.to(job.predictor.device, memory_format=torch.channels_last))
    return inputs


def bare_seconds(predictor, inputs, batch):
    """The network's forward pass on all windows."""
    device = predictor.device

    def forward(group):
        with torch.inference_mode(), mixed_precision(device), one_thread():
            predictor.network(torch.cat(group) if len(group) > 1 else group[0])

    groups = [inputs[start : start + batch] for start in range(0, len(inputs), batch)]

    def run():
        with ThreadPoolExecutor(default_threads(device.type)) as threads:
            list(threads.map(forward, groups))
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return timed(run)


def segment_seconds(scene, predictor, settings, folder):
    """The whole segmentation into a file."""
    path, legend = folder / "classes.tif", Legend.default(CLASSES)
    return timed(lambda: write_maps(scene, predictor, path, legend=legend, settings=settings, overwrite=True))


def timed(work):
    """Seconds, and seconds of all cores, that a call takes."""
    wall, cores = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cores


def main():
    """Time both sides in turn for each size of window and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096, help="side of the raster in pixels")
    parser.add_argument("--windows", default="512", help="sides of windows to compare, in pixels")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="throughput-") as name:
        scene = open_scene(mirrored_raster(Path(name) / "image.tif", options.size))
        default = trained(scene, options.device)
        rough = with_smoothing(default, 0)
        on = torch.cuda.get_device_name(default.device) if default.device.type == "cuda" else "CPU"
        print(f"{options.size} x {options.size} pixels, 4 bands, default network, {on}")
        widths = [int(width) for width in options.windows.split(",")]
        for predictor, window_px in product((rough, default), widths):
            job, settings = plan(scene, predictor, window_px=window_px), SegmentSettings(window_px=window_px)
            inputs = bare_inputs(job)
            read = statistics.fmean(tile.read.area / tile.core.area for tile in job.tiles)
            batch = 1 if predictor.device.type == "cpu" else 8
            bare, whole = [], []
            for _ in range(options.rounds):
                bare.append(bare_seconds(predictor, inputs, batch))
                whole.append(segment_seconds(scene, predictor, settings, Path(name)))
            pixels = options.size**2 / 1e6
            (ours_s, ours_cores_s), (bare_s, bare_cores_s) = (
                map(min, zip(*side, strict=True)) for side in (whole, bare)
            )
            print(
                f"  filter of {predictor.card.smoothing_px} px, windows of {window_px} px"
                f" (read {read - 1:.0%} more for the halo of {predictor.halo_px} px): segment"
                f" {pixels / ours_s:.2f} megapixels/s, bare network {pixels / bare_s:.2f}: {bare_s / ours_s:.2f} x;"
                f" seconds of all cores {ours_cores_s:.1f} and {bare_cores_s:.1f}: {bare_cores_s / ours_cores_s:.2f} x"
            )


if __name__ == "__main__":
    main()
