"""Claim: the sieve leaves no patch below the minimum mapping unit, in bounded memory; on dense maps GDAL's leaves many.

    python benchmarks/sieve.py [--size N] [--smoothing 1] [--least 64] [--repeat N] [--keep FOLDER]

Each way sieves the same class raster into another, in a process of its own, so that its peak memory is its own
too. The map: noise, smoothed and cut into six classes. The other way is rasterio.features.sieve, which is
GDAL's: it takes each small patch to its largest neighbour, and leaves it if that is small too. So the results
differ; what is compared is how many patches are left below the minimum, and how many pixels changed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from polygonize import _dense_raster

WAYS = ("geoarseg", "rasterio.features.sieve")


def main() -> None:
    """Compare both ways, or, as a child process, go one of them."""
    args = _arguments()
    if args.way:
        _child(args.way, args.raster, args.output, args.least)
        return
    folder = Path(args.keep or tempfile.mkdtemp(prefix="sieve-"))
    folder.mkdir(exist_ok=True)
    try:
        raster = _dense_raster(folder, args.size, args.smoothing)
        print(f"dense {args.size} x {args.size}, at least {args.least} pixels")
        print(f"  {'before':24} {_patches_below(raster, args.least):8} patches below")
        _compare(raster, folder, args.least, args.repeat)
    finally:
        if not args.keep:
            shutil.rmtree(folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4000, help="side of the dense map in pixels")
    parser.add_argument("--smoothing", type=float, default=1.0, help="standard deviation of its blur in pixels")
    parser.add_argument("--least", type=int, default=64, help="the minimum mapping unit in pixels")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each way; the fastest counts")
    parser.add_argument("--keep", help="work in this folder and keep it")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--raster", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _compare(raster: Path, folder: Path, least: int, repeat: int) -> None:
    ours = None
    for way in WAYS:
        output = folder / f"{way}.tif"
        best = min((_run(way, raster, output, least) for _ in range(repeat)), key=lambda run: run["seconds"])
        ours = ours or best
        print(
            f"  {way:24} {_patches_below(output, least):8} patches below, {_changed(raster, output):6.2%} changed, "
            f"{best['seconds']:8.1f} s  {best['seconds'] / ours['seconds']:5.2f} x  "
            f"{best['memory_mb']:6.0f} MB at the peak"
        )


def _run(way: str, raster: Path, output: Path, least: int) -> dict[str, float]:
    output.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--way", way, "--raster", str(raster), "--output", str(output)]
    command += ["--least", str(least)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _child(way: str, raster: Path, output: Path, least: int) -> None:
    """Work, and print seconds and peak memory as JSON."""
    job = {"geoarseg": _geoarseg, "rasterio.features.sieve": _rasterio}[way](raster, output, least)
    started = time.perf_counter()
    job()
    seconds = time.perf_counter() - started
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(json.dumps({"seconds": seconds, "memory_mb": int(status.split("VmHWM:")[1].split()[0]) / 1024}))


def _geoarseg(raster: Path, output: Path, least: int):
    import rasterio
    from rasterio.windows import Window

    from geoarseg.vector.sieve import sieved
    from geoarseg.vector.source import open_class_raster

    def job() -> None:
        with (
            rasterio.open(raster) as like,
            open_class_raster(raster) as source,
            sieved(source, min_pixels=least, folder=output.parent) as result,
            rasterio.open(output, "w", **like.profile) as file,
        ):
            for start in range(0, source.height, 512):
                stop = min(start + 512, source.height)
                file.write(result.rows(start, stop), 1, window=Window(0, start, source.width, stop - start))

    return job


def _rasterio(raster: Path, output: Path, least: int):
    import rasterio
    import rasterio.features

    def job() -> None:
        with rasterio.open(raster) as source:
            classes, profile = source.read(1), source.profile
        with rasterio.open(output, "w", **profile) as file:
            file.write(rasterio.features.sieve(classes, least, mask=classes != 0), 1)

    return job


def _patches_below(path: Path, least: int) -> int:
    import rasterio
    from scipy import ndimage

    with rasterio.open(path) as file:
        classes = file.read(1)
    below = 0
    for value in np.unique(classes[classes != 0]):
        labels, _ = ndimage.label(classes == value)
        below += int((np.bincount(labels.ravel())[1:] < least).sum())
    return below


def _changed(one: Path, other: Path) -> float:
    import rasterio

    with rasterio.open(one) as before, rasterio.open(other) as after:
        return float((before.read(1) != after.read(1)).mean())


if __name__ == "__main__":
    main()
