"""Megapixels per second of a segmentation against the bare network on the same windows in memory.

One side is what `geoarseg segment` does: read windows with their halo from a compressed GeoTIFF, normalise, infer,
crop, keep what is finished on disk, and write the Cloud Optimized GeoTIFF. The other is the network's forward pass
alone on those windows, normalised and in memory before the clock starts, on as many threads. Sides alternate in this
process; the fastest round of each counts. Run it as `python benchmarks/throughput.py`; `--windows 256,512,1024`
compares windows.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from mirrored import mirrored_raster

from geoarseg.inference.local import default_threads
from geoarseg.inference.maps import write_maps
from geoarseg.inference.predictor import Predictor, one_thread
from geoarseg.inference.work import plan
from geoarseg.network.checkpoint import ModelCard
from geoarseg.network.device import mixed_precision
from geoarseg.network.model import build_network
from geoarseg.raster.legend import Legend
from geoarseg.raster.scene import open_scene
from geoarseg.raster.statistics import estimate_statistics
from geoarseg.settings import NetworkSettings, SegmentSettings

CLASSES = 6


def untrained(scene, device):
    """The default network with fresh weights: what it computes costs the same."""
    statistics_ = estimate_statistics([scene], seed=0, max_blocks=4)
    settings, bands = NetworkSettings(), scene.band_count
    card = ModelCard(
        version="0", network=settings, classes=CLASSES, bands=tuple(range(1, bands + 1)), band_names=scene.band_names,
        centre=statistics_.centre, scale=statistics_.scale, legend=(),
    )  # fmt: skip
    return Predictor(build_network(settings, bands=bands, classes=CLASSES), card, device=device)


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
    started = time.perf_counter()
    with ThreadPoolExecutor(default_threads(device.type)) as threads:
        list(threads.map(forward, groups))
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def segment_seconds(scene, predictor, settings, folder):
    """The whole segmentation into a file."""
    started = time.perf_counter()
    write_maps(
        scene, predictor, folder / "classes.tif", legend=Legend.default(CLASSES), settings=settings, overwrite=True
    )
    return time.perf_counter() - started


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
        predictor = untrained(scene, options.device)
        on = torch.cuda.get_device_name(predictor.device) if predictor.device.type == "cuda" else "CPU"
        print(f"{options.size} x {options.size} pixels, 4 bands, default network, halo {predictor.halo_px} px, {on}")
        for window_px in map(int, options.windows.split(",")):
            job, settings = plan(scene, predictor, window_px=window_px), SegmentSettings(window_px=window_px)
            inputs = bare_inputs(job)
            read = statistics.fmean(tile.read.area / tile.core.area for tile in job.tiles)
            batch = 1 if predictor.device.type == "cpu" else 8
            bare, whole = [], []
            for _ in range(options.rounds):
                bare.append(bare_seconds(predictor, inputs, batch))
                whole.append(segment_seconds(scene, predictor, settings, Path(name)))
            pixels = options.size**2 / 1e6
            print(
                f"  windows of {window_px:4} px (read {read - 1:.0%} more for the halo): segment"
                f" {pixels / min(whole):.2f} megapixels/s, bare network {pixels / min(bare):.2f}:"
                f" {min(bare) / min(whole):.2f} x"
            )


if __name__ == "__main__":
    main()
