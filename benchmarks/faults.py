"""Kills geoarseg at random moments, starts it again, and compares all it leaves with what an undisturbed run leaves.

    python benchmarks/faults.py --trials 50
    python benchmarks/faults.py --trials 25 --first 25 --folder faults   # the second half, some other day

Each trial kills one of run, train, segment and vectorize with SIGKILL one to three times, each time within a stage
drawn at random ("start" is before the first), then lets the same command finish. Trial n depends on n alone. With
`--folder`, what is done is kept: trials that lie there are not done again, and a script that was ended goes on.

A trial passes if after each kill nothing but whole files has a final name, and if in the end the same files are there,
hidden ones too, with the same bytes. What may differ, for it tells the time, is left out:

- the model: `seconds` of the training in its card; all else of the card and all weights count;
- rasters: the 64 digits of their tag GEOARSEG_RUN, which name the model's card;
- GeoPackages: the dates of the last change;
- summary.json: `seconds`, and `seconds` of the training;
- report.html: the lines with the times of the stages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import rasterio
from safetensors import SafetensorError, safe_open

from geoarseg.cli.main import main as main_command

NETWORK = ("network.width=8", "network.blocks=1", "train.batch=4", "train.crop_px=32", "train.checkpoint_every_s=0.1")
TRAINING = ["-k", "3", "--steps", "40", "--device", "cpu", *(word for text in NETWORK for word in ("--set", text))]
MAPPING = ["--set", "segment.window_px=32", "--set", "segment.threads=1", "--device", "cpu"]
COMMANDS = ("run", "segment", "run", "train", "vectorize")
BASES = ("image.tif", "base.safetensors", "base.tif")
FORKS = multiprocessing.get_context("forkserver")  # where all is imported: that alone takes longer than the work
STATE = ".state"  # of a training: has its final name before the training ends


@dataclass(frozen=True)
class Bench:
    """What all trials have in common."""

    folder: Path
    """Holds it all."""
    spans: dict[str, dict[str, float]]
    """For each command: how long each of its stages takes, in seconds, in order."""
    expected: dict[str, dict[str, str]]
    """For each command: a digest of each file that it leaves undisturbed."""


def main() -> None:
    """Do the trials, and print what came of all that lie in the folder; exit code 1 if there are faults."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--size", type=int, default=80, help="side of the image, in pixels")
    parser.add_argument("--folder", type=Path, help="where to keep what is done; a temporary folder by default")
    options = parser.parse_args()
    FORKS.set_forkserver_preload(["__main__", "geoarseg.pipeline", "matplotlib.figure"])
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        bench = prepared(options.folder or Path(temporary), options.size)
        journal = bench.folder / "trials.jsonl"
        for number in range(options.first, options.first + options.trials):
            if number not in {trial["number"] for trial in trials_in(journal)}:
                trial = do_trial(bench, number)
                print(json.dumps(trial), flush=True)
                with open(journal, "a") as file:
                    file.write(json.dumps(trial) + "\n")
        sys.exit(1 if told(trials_in(journal)) else 0)


def prepared(folder: Path, size: int) -> Bench:
    """The undisturbed runs: those that lie in the folder, or new ones."""
    kept, whole = folder / f"undisturbed-{size}.json", folder / "whole"
    if kept.exists():
        return Bench(folder, **json.loads(kept.read_text()))
    shutil.rmtree(whole, ignore_errors=True)  # of a script that was ended
    whole.mkdir(parents=True)
    make_image(folder / "image.tif", size)
    image, model, classes = (str(folder / name) for name in BASES)
    finish(["train", image, "-o", model, "--overwrite", *TRAINING])
    finish(["segment", image, "-m", model, "-o", classes, "--overwrite", *MAPPING])
    spans, expected = {}, {}
    for name in sorted(set(COMMANDS)):
        place = whole / name
        place.mkdir()
        started = [("start", time.monotonic()), *finish(arguments(name, folder, place))]
        ends = [moment for _, moment in started[1:]] + [time.monotonic()]
        spans[name] = {stage: end - begin for (stage, begin), end in zip(started, ends, strict=True)}
        expected[name] = contents(place)
    shares = json.loads((whole / "run/out/summary.json").read_text())["classes"]
    if sum(row["share"] > 0.02 for row in shares) < 2:
        raise SystemExit("The map has one class alone, and would look the same after many a fault.")
    kept.write_text(json.dumps({"spans": spans, "expected": expected}, indent=1))
    return Bench(folder, spans, expected)


def make_image(path: Path, size: int) -> Path:
    """An image of patches of three colours, some of them rough."""
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 3, (size // 20 + 1, size // 20 + 1)).repeat(20, 0).repeat(20, 1)[:size, :size]
    colours = np.array([[40, 60, 160], [60, 150, 60], [190, 170, 140]])
    roughness = np.array([6, 30, 60])[patches]
    pixels = colours[patches].transpose(2, 0, 1) + rng.integers(-1, 2, (3, size, size)) * roughness
    profile = {"driver": "GTiff", "count": 3, "height": size, "width": size, "dtype": "uint8", "crs": "EPSG:32633"}
    grid = rasterio.transform.from_origin(4e5, 58e5, 1, 1)
    with rasterio.open(path, "w", transform=grid, **profile) as dataset:
        dataset.write(pixels.clip(0, 255).astype(np.uint8))
    return path


def arguments(name: str, folder: Path, place: Path) -> list[str]:
    """The command line; `base.safetensors` and `base.tif` are what segment and vectorize start from."""
    image, model, classes = (str(folder / file) for file in BASES)
    extra = ["--confidence", str(place / "confidence.tif"), "--probabilities", str(place / "probabilities.tif")]
    return {
        "train": ["train", image, "-o", str(place / "model.safetensors"), *TRAINING],
        "segment": ["segment", image, "-m", model, "-o", str(place / "classes.tif"), *extra, *MAPPING],
        "vectorize": ["vectorize", classes, "-o", str(place / "layer.gpkg"), "--image", image],
        "run": ["run", image, "-o", str(place / "out"), *TRAINING, *MAPPING[:-2]],
    }[name]


def do_trial(bench: Bench, number: int) -> dict[str, Any]:
    """Kill a command some times, let it finish, and compare; what happened, of JSON types."""
    rng, name, place = random.Random(number), COMMANDS[number % len(COMMANDS)], bench.folder / f"trial-{number}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    command, stages = arguments(name, bench.folder, place), list(bench.spans[name])
    trial: dict[str, Any] = {"number": number, "command": name, "kills": [], "faults": []}
    for at in sorted(rng.randrange(len(stages)) for _ in range(rng.randint(1, 3))):
        after_s = rng.uniform(0, 1.1) * bench.spans[name][stages[at]]
        if kill_in(command, stages[at], after_s):
            trial["kills"].append([stages[at], round(after_s, 3)])
        shown = finished(place)
        trial["faults"] += [f"{path} after a kill" for path in differing(shown, bench.expected[name]) if path in shown]
    finish(command, whole_already=True)
    trial["faults"] += [f"{path} in the end" for path in differing(contents(place), bench.expected[name])]
    if not trial["faults"]:
        shutil.rmtree(place)
    return trial


def differing(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """The files that are not the same on both sides."""
    return sorted(path for path in found.keys() | expected.keys() if found.get(path) != expected.get(path))


def contents(place: Path) -> dict[str, str]:
    """A digest of each file in a folder, hidden ones too."""
    return {str(path.relative_to(place)): digest(path) for path in sorted(place.rglob("*")) if path.is_file()}


def finished(place: Path) -> dict[str, str]:
    """A digest of each file that has its final name."""
    return {
        name: value
        for name, value in contents(place).items()
        if not name.endswith(STATE) and not any(part.startswith(".") for part in Path(name).parts)
    }


def digest(path: Path) -> str:
    """A digest of all in a file that does not tell the time."""
    try:
        return hashlib.sha256(timeless(path)).hexdigest()
    except (OSError, ValueError, KeyError, SafetensorError) as error:  # what is half-written cannot be read
        return str(error)


def timeless(path: Path) -> bytes:
    """What a file holds without what the module's text names."""
    content = path.read_bytes()
    if path.suffix == ".safetensors":
        with safe_open(path, framework="numpy") as file:
            weights = b"".join(name.encode() + file.get_tensor(name).tobytes() for name in sorted(file.keys()))
            cards = {key: json.loads(value) for key, value in file.metadata().items()}
        for card in cards.values():
            del card["training"]["seconds"]
        return json.dumps(cards).encode() + weights
    if path.suffix == ".json":
        summary = json.loads(content)
        del summary["seconds"], summary["training"]["seconds"]
        return json.dumps(summary).encode()
    pattern = {
        ".tif": rb'(?<=name="GEOARSEG_RUN">)[0-9a-f]{64}',
        ".gpkg": rb"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3}Z)?",
        ".html": rb"<dt>Time: \w+</dt><dd>[^<]*</dd>\n",
    }.get(path.suffix)
    return re.sub(pattern, b"", content) if pattern else content


def kill_in(command: list[str], stage: str, after_s: float) -> bool:
    """Start a command, and kill it so long after it begins a stage; whether it came so far."""
    with started(command) as (process, lines):
        if stage == "start" or stage in (begun for begun, _ in stages_of(lines)):
            process.join(after_s)
            if process.is_alive():
                return True
        process.join()
    return False


def finish(command: list[str], *, whole_already: bool = False) -> list[tuple[str, float]]:
    """Run a command to its end; which stages it began, and when.

    Args:
        command: the command line.
        whole_already: the output may be there, so that the command refuses to make it again.
    """
    said: list[str] = []
    with started(command) as (process, lines):
        stages = list(stages_of(lines, said))
        process.join()
    if process.exitcode and not (whole_already and process.exitcode == 2 and " exists" in said[-1]):
        raise SystemExit(f"{' '.join(command)} failed: {''.join(said)}")
    return stages


@contextmanager
def started(command: list[str]) -> Iterator[tuple[BaseProcess, TextIO]]:
    """Give a process of geoarseg, and what it says; what is at work at the end is killed, with all its children."""
    reader, writer = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=work, args=(command, writer))
    process.start()
    writer.close()
    with open(os.dup(reader.fileno())) as lines:
        try:
            yield process, lines
        finally:
            if process.is_alive() and process.pid:
                with suppress(ProcessLookupError):  # it has not made its group yet
                    os.killpg(process.pid, signal.SIGKILL)
                process.kill()
            process.join()
            reader.close()


def work(command: list[str], writer: Connection) -> None:
    """Be geoarseg, in a process group of its own."""
    os.setsid()
    os.dup2(writer.fileno(), sys.stderr.fileno())
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    writer.close()
    main_command([*command, "--log-json"])


def stages_of(lines: TextIO, said: list[str] | None = None) -> Iterator[tuple[str, float]]:
    """The stages that a process begins, at the moment when it does; all that it says is put into `said`."""
    for line in lines:
        if said is not None:
            said.append(line)
        if line.startswith('{"event": "start"'):
            yield json.loads(line)["stage"], time.monotonic()


def trials_in(journal: Path) -> list[dict[str, Any]]:
    """The trials that were done."""
    return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []


def told(trials: list[dict[str, Any]]) -> int:
    """Print how many kills there were in which stages, and what is wrong; returns how many trials had faults."""
    for name in sorted(set(COMMANDS)):
        kills = [stage for trial in trials if trial["command"] == name for stage, _ in trial["kills"]]
        where = ", ".join(f"{stage} {count}" for stage, count in Counter(kills).items())
        count = sum(trial["command"] == name for trial in trials)
        print(f"{name}: {count} trials, {len(kills)} kills ({where})")
    faulty = [trial for trial in trials if trial["faults"]]
    for trial in faulty:
        print(f"FAULT in trial {trial['number']}, {trial['command']}: {', '.join(trial['faults'])}")
    print(f"{len(trials)} trials, {sum(len(trial['kills']) for trial in trials)} kills, {len(faulty)} with faults")
    return len(faulty)


if __name__ == "__main__":
    main()
