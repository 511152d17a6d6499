"""Kills geoarseg at random moments, starts it again, and compares the bytes with those of an undisturbed run.

    python benchmarks/faults.py --trials 60
    python benchmarks/faults.py --trials 8 --size 200 --commands run

Each trial kills one of train, segment, vectorize and run with SIGKILL one to three times, then lets the same command
finish. A trial passes if nothing but whole files ever has a final name, and if all outputs are those of an undisturbed
run, byte for byte; what tells the time does not count: the model's card and what names it, times in
`summary.json` and in the GeoPackage.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from safetensors.numpy import load_file

TIMED = ("seconds", "timings")
NETWORK = ("network.width=8", "network.blocks=1", "train.batch=4", "train.crop_px=32", "train.checkpoint_every_s=0.1")
TRAINING = ["-k", "3", "--steps", "60", "--device", "cpu", *(word for text in NETWORK for word in ("--set", text))]
MAPPING = ["--set", "segment.window_px=64", "--set", "segment.threads=1", "--device", "cpu"]


def main() -> None:
    """Do the trials."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--size", type=int, default=700, help="side of the image, in pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", default="train,segment,vectorize,run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        failed = do_trials(Path(folder), options.trials, options.size, options.seed, options.commands.split(","))
    sys.exit(1 if failed else 0)


def do_trials(folder: Path, trials: int, size: int, seed: int, names: list[str]) -> int:
    """Do the trials, in turn of each command; returns how many failed."""
    rng = random.Random(seed)
    image = make_image(folder / "image.tif", size)
    whole = folder / "whole"
    took_s, expected = {}, {}
    prepare(image, whole)
    for name in names:
        started = time.monotonic()
        finish(arguments(name, image, whole, whole))
        took_s[name] = time.monotonic() - started
        expected[name] = contents(outputs(name, whole))
    failed = kills = 0
    for trial in range(trials):
        name, place = names[trial % len(names)], folder / f"trial{trial}"
        place.mkdir()
        command, hit = arguments(name, image, place, whole), 0
        for _ in range(rng.randint(1, 3)):
            hit += kill_after(command, rng.uniform(0.2, 1.05) * took_s[name])
            faults = unfinished(outputs(name, place), expected[name])
            failed += report(trial, name, faults, "after the kill")
        if not all(path.exists() for path in outputs(name, place)):
            finish(command)
        found = contents(outputs(name, place))
        differing = [path for path in expected[name] if found.get(path) != expected[name][path]]
        left = [path.name for path in place.rglob(".*")]
        failed += report(trial, name, [*differing, *left], "after the restart")
        kills += hit
        print(f"trial {trial + 1}: {name}, {hit} kills", flush=True)
        shutil.rmtree(place)
    print(f"{trials} trials, {kills} kills that hit, {failed} faults")
    return failed


def make_image(path: Path, size: int) -> Path:
    """An image with structure."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(20, 200, (3, size // 20 + 1, size // 20 + 1)).repeat(20, 1).repeat(20, 2)[:, :size, :size]
    pixels = (blocks + rng.integers(0, 30, blocks.shape)).astype(np.uint8)
    profile = {"driver": "GTiff", "count": 3, "height": size, "width": size, "dtype": "uint8", "crs": "EPSG:32633"}
    grid = rasterio.transform.from_origin(4e5, 58e5, 1, 1)
    with rasterio.open(path, "w", transform=grid, **profile) as dataset:
        dataset.write(pixels)
    return path


def prepare(image: Path, whole: Path) -> None:
    """The model and the class raster from which segment and vectorize start."""
    whole.mkdir()
    finish(["train", str(image), "-o", str(whole / "base.safetensors"), *TRAINING])
    finish(["segment", str(image), "-m", str(whole / "base.safetensors"), "-o", str(whole / "base.tif"), *MAPPING])


def arguments(name: str, image: Path, place: Path, whole: Path) -> list[str]:
    """The command line."""
    model, classes = str(whole / "base.safetensors"), str(whole / "base.tif")
    return {
        "train": ["train", str(image), "-o", str(place / "model.safetensors"), *TRAINING],
        "segment": ["segment", str(image), "-m", model, "-o", str(place / "classes.tif"), *MAPPING],
        "vectorize": ["vectorize", classes, "-o", str(place / "layer.gpkg")],
        "run": ["run", str(image), "-o", str(place / "run"), *TRAINING, *MAPPING[:-2]],
    }[name]


def outputs(name: str, place: Path) -> list[Path]:
    """What a command writes."""
    if name == "run":
        names = ("model.safetensors", "classes.tif", "classes.gpkg", "preview.png", "summary.json")
        return [place / "run" / file for file in names]
    return [place / {"train": "model.safetensors", "segment": "classes.tif", "vectorize": "layer.gpkg"}[name]]


def contents(paths: list[Path]) -> dict[str, str]:
    """A digest of each file that is there, by its name."""
    return {path.name: digest(path) for path in paths if path.exists()}


def digest(path: Path) -> str:
    """A digest of what in a file does not tell the time."""
    if path.suffix == ".safetensors":
        weights = load_file(path)
        content = b"".join(name.encode() + weights[name].tobytes() for name in sorted(weights))
    elif path.suffix == ".gpkg":
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            rows = connection.execute(f'SELECT * FROM "{path.stem}"').fetchall()  # our own file
        content = repr(rows).encode()
    elif path.suffix == ".json":
        tree = json.loads(path.read_text())
        tree["training"] = {key: value for key, value in tree["training"].items() if key not in TIMED}
        content = json.dumps({key: value for key, value in tree.items() if key not in TIMED}, sort_keys=True).encode()
    elif path.suffix == ".tif":  # its tag names the model's card, which tells how long the training took
        with rasterio.open(path) as dataset:
            content = dataset.read().tobytes() + repr(dataset.profile).encode()
    else:
        content = path.read_bytes()
    return hashlib.sha256(content).hexdigest()


def unfinished(paths: list[Path], expected: dict[str, str]) -> list[str]:
    """Outputs that have their final name, and are not what they should be."""
    found = {}
    for path in paths:
        try:
            found |= contents([path])
        except (OSError, ValueError, sqlite3.Error) as error:  # what is half-written cannot be read
            found[path.name] = str(error)
    return [name for name, value in found.items() if value != expected[name]]


def report(trial: int, name: str, faults: list[str], when: str) -> int:
    """Print faults; returns 1 if there are any."""
    if faults:
        print(f"FAULT in trial {trial + 1}, {name}, {when}: {', '.join(faults)}", flush=True)
    return int(bool(faults))


def start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start geoarseg in a process group of its own."""
    program = [sys.executable, "-c", "from geoarseg.cli.main import main; main()", *command, "--quiet"]
    return subprocess.Popen(
        program, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(os.environ)
    )


def kill_after(command: list[str], seconds: float) -> int:
    """Start a command and kill it after so long; whether it was still at work."""
    process = start(command)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return 1
    return 0


def finish(command: list[str]) -> None:
    """Run a command to its end."""
    process = start(command)
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {said.decode()}")


if __name__ == "__main__":
    main()
