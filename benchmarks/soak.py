"""Trains, segments and vectorizes in a loop in one process, and tells whether it holds on to anything.

    python benchmarks/soak.py --minutes 60

Prints after each round the resident memory, open files, threads, child processes and temporary files. The first third
of the rounds is warming up. All is flat if the median memory of the last third is within 3 % of that of the second, and
if open files, threads, children and temporary files are no more in the last third than in the second.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from faults import NETWORK, make_image

from geoarseg.config import load_settings
from geoarseg.inference.maps import MapPaths, write_maps
from geoarseg.models import legend_of, state_path_of, train_model, write_model
from geoarseg.polygons import vectorize_file
from geoarseg.raster.scene import open_scene

MEMORY_GROWTH = 0.03


@dataclass(frozen=True)
class Held:
    """What the process holds after a round."""

    memory_mb: float
    """Resident memory."""
    files: int
    """Open files, pipes and sockets among them."""
    threads: int
    children: int
    """Processes that it has started and that are still there."""
    temporary: int
    """Files and folders in the temporary folder, and hidden ones beside the outputs."""


def main() -> None:
    """Run the rounds; exit code 1 if something grows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--size", type=int, default=600, help="side of the image, in pixels")
    parser.add_argument("--steps", type=int, default=20, help="steps of each training")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        temporary = Path(folder) / "temporary"
        temporary.mkdir()
        tempfile.tempdir = os.environ["TMPDIR"] = str(temporary)
        held = list(rounds(Path(folder), temporary, options.minutes * 60, options.size, options.steps))
    sys.exit(0 if judged(held) else 1)


def rounds(folder: Path, temporary: Path, seconds: float, size: int, steps: int) -> Iterator[Held]:
    """What is held after each round, for so many seconds."""
    image, until = make_image(folder / "image.tif", size), time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        number += 1
        started = time.monotonic()
        do_round(image, folder / "out", steps, seed=number)
        held = held_now(folder / "out", temporary)
        figures = "  ".join(f"{name} {value:g}" for name, value in asdict(held).items())
        print(f"round {number}: {time.monotonic() - started:.1f} s  {figures}", flush=True)
        yield held


def do_round(image: Path, out: Path, steps: int, *, seed: int) -> None:
    """One training, one map with confidence, one layer; each replaces those of the round before."""
    settings = load_settings(
        overrides=[*NETWORK, "classes=3", f"train.steps={steps}", f"seed={seed}", "device=cpu", "segment.window_px=128"]
    )
    scene = open_scene(image)
    model_path = out / "model.safetensors"
    predictor = train_model([scene], settings=settings, state_path=state_path_of(model_path))
    write_model(predictor, model_path, overwrite=True)
    paths = MapPaths(out / "classes.tif", out / "confidence.tif")
    write_maps(scene, predictor, paths, legend=legend_of(predictor), settings=settings.segment, overwrite=True)
    vectorize_file(paths.classes, out / "classes.gpkg", settings=settings.polygons, overwrite=True)


def held_now(out: Path, temporary: Path) -> Held:
    """What the process holds now."""
    gc.collect()
    process = psutil.Process()
    left = [*temporary.rglob("*"), *out.rglob(".*")]
    return Held(
        round(process.memory_info().rss / 1e6, 1),
        process.num_handles() if sys.platform == "win32" else process.num_fds(),
        process.num_threads(),
        len(process.children(recursive=True)),
        len(left),
    )


def judged(held: list[Held]) -> bool:
    """Print what grew; whether nothing did."""
    third = len(held) // 3
    if not third:
        print(f"{len(held)} rounds are too few to tell")
        return False
    before, after = held[third : 2 * third], held[2 * third :]
    memory, later = (statistics.median(one.memory_mb for one in part) for part in (before, after))
    print(f"{len(held)} rounds; memory {memory:.1f} MB in the second third, {later:.1f} MB in the last")
    flat = later <= memory * (1 + MEMORY_GROWTH)
    for name in ("files", "threads", "children", "temporary"):
        most, last = (max(getattr(one, name) for one in part) for part in (before, after))
        print(f"{name}: at most {most} in the second third, {last} in the last")
        flat &= last <= most
    print("flat" if flat else "GROWS")
    return flat


if __name__ == "__main__":
    main()
