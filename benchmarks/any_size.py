"""Peak memory of `geoarseg segment` and `geoarseg vectorize` on rasters of growing size, killed once on the way.

Each command runs in a process of its own whose peak memory (VmHWM, summed over it and its workers) is read while it
runs. With `--kill`, the segmentation of the largest raster is killed (SIGKILL) when two fifths are done and started
again with the same arguments. At the end the COG is validated and the polygons are counted. Run it as
`python benchmarks/any_size.py`; `--width 8 --blocks 1` takes a small network instead of the default one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from mirrored import REAL_SCENE, mirrored_raster

COMMAND = [sys.executable, "-c", "from geoarseg.cli.main import main; main()"]
LIMIT_MB = 2048


def peak_mb(pid: int, peaks: dict[int, float]) -> float:
    """Highest resident memory so far of a process and its descendants, in megabytes."""
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        try:
            status = Path(f"/proc/{one}/status").read_text(encoding="ascii")
            peaks[one] = int(status.split("VmHWM:")[1].split()[0]) / 1024
            waiting += map(int, Path(f"/proc/{one}/task/{one}/children").read_text(encoding="ascii").split())
        except (OSError, IndexError):  # it has ended
            continue
    return sum(peaks.values())


def watched(arguments: list[str], kill_at: float | None = None) -> tuple[float, float, str]:
    """Run geoarseg; returns seconds, peak megabytes and what it printed. Kills it at a share of `segment`."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--log-json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    peaks: dict[int, float] = {}
    messages: list[str] = []

    def listen() -> None:
        for line in process.stderr:
            event = json.loads(line)
            if event["message"]:
                messages.append(event["message"])
            if kill_at and event["stage"] == "segment" and event["done"] > kill_at * (event["total"] or 1):
                process.send_signal(signal.SIGKILL)

    listener = threading.Thread(target=listen)
    listener.start()
    memory = 0.0
    while process.poll() is None:
        memory = max(memory, peak_mb(process.pid, peaks))
        time.sleep(0.1)
    listener.join()
    if process.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(f"geoarseg {' '.join(arguments)} ended with {process.returncode}: {messages[-1:]}")
    resumed = next((text for text in messages if "finished before" in text), "")
    return time.perf_counter() - started, memory, resumed


def train_small(folder: Path, width: int, blocks: int) -> Path:
    """A model of a few training steps on the scene that the large rasters repeat."""
    model = folder / "model.safetensors"
    image = REAL_SCENE if REAL_SCENE.exists() else mirrored_raster(folder / "sample.tif", 512)
    sizes = [f"--set=network.width={width}", f"--set=network.blocks={blocks}"]
    subprocess.run(
        [*COMMAND, "train", str(image), "-o", str(model), "--steps", "200", "--quiet", *sizes],
        check=True,
    )
    return model


def polygons_in(layer: Path) -> int:
    """Number of polygons of a layer."""
    import pyogrio

    return int(pyogrio.read_info(layer, layer=layer.stem)["features"])


def main() -> None:
    """Make, segment and vectorize rasters of each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,20000", help="sides of the rasters in pixels")
    parser.add_argument("--width", type=int, default=64, help="channels of the network")
    parser.add_argument("--blocks", type=int, default=3, help="residual blocks of the network")
    parser.add_argument("--kill", action="store_true", help="kill and resume the segmentation of the largest raster")
    parser.add_argument("--workers", type=int, default=0, help="local processes of the segmentation")
    parser.add_argument("--folder", type=Path, help="work here, on a real disk, and keep the files")
    options = parser.parse_args()
    sizes = sorted(map(int, options.sizes.split(",")))
    with tempfile.TemporaryDirectory(prefix="any-size-", dir=options.folder) as temporary:
        folder = options.folder or Path(temporary)
        model = train_small(folder, options.width, options.blocks)
        print(f"network of {options.width} channels and {options.blocks} blocks, {os.cpu_count()} cores")
        peaks = []
        for size in sizes:
            image = mirrored_raster(folder / f"image_{size}.tif", size)
            classes, polygons = folder / f"classes_{size}.tif", folder / f"polygons_{size}.gpkg"
            arguments = ["segment", str(image), "-m", str(model), "-o", str(classes), "--overwrite"]
            arguments += ["--workers", str(options.workers)] if options.workers else []
            if options.kill and size == sizes[-1]:
                seconds, memory, _ = watched(arguments, kill_at=0.4)
                print(f"  {size:6} segment, killed after {seconds:7.1f} s, {memory:6.0f} MB")
            seconds, memory, resumed = watched(arguments)
            peaks.append(memory)
            rate = size**2 / 1e6 / seconds
            print(f"  {size:6} segment   {seconds:7.1f} s, {memory:6.0f} MB, {rate:.2f} megapixels/s {resumed}")
            seconds, memory, _ = watched(["vectorize", str(classes), "-o", str(polygons), "--overwrite"])
            print(f"  {size:6} vectorize {seconds:7.1f} s, {memory:6.0f} MB, {polygons_in(polygons)} polygons")
            assert memory < LIMIT_MB, f"vectorize took {memory:.0f} MB"
            validate(classes)
        print(f"  segment: {max(peaks) / min(peaks) - 1:.0%} between the lowest and the highest peak")
        assert max(peaks) < LIMIT_MB, f"segment took {max(peaks):.0f} MB"


def validate(path: Path) -> None:
    """Stop if the raster is no valid Cloud Optimized GeoTIFF."""
    from rio_cogeo.cogeo import cog_validate

    valid, errors, warnings = cog_validate(path)
    print(f"         valid COG: {valid}{''.join(f'; {text}' for text in [*errors, *warnings])}")
    assert valid


if __name__ == "__main__":
    main()
