"""Speed of onnxruntime on the CPU beside torch: the same windows, one after the other, in this process.

torch runs as `geoarseg segment` runs it (channels last, one thread a window with `--threads 1`). Both sides alternate
and the best of each counts. Needs `pip install 'geoarseg[onnx]' onnxruntime`. Run it as
`python benchmarks/onnx_speed.py`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from geoarseg.export.onnx_file import export_onnx
from geoarseg.inference.predictor import Predictor
from geoarseg.models import write_model
from geoarseg.network.checkpoint import ModelCard
from geoarseg.network.model import build_network
from geoarseg.settings import NetworkSettings


def random_model(form):
    """A model of four bands and six classes with random weights."""
    settings, bands = NetworkSettings(form=form), (1, 2, 3, 4)
    numbers = {"bands": bands, "band_names": ("",) * 4, "centre": (128.0,) * 4, "scale": (40.0,) * 4}
    card = ModelCard(version="0", network=settings, clusters=6, legend=(), **numbers)
    return Predictor(build_network(settings, bands=4, classes=6), card, device="cpu")


def main():
    """Time both sides and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window", type=int, default=512, help="side of a window in pixels")
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--form", default="F2")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    side = options.window
    images = rng.integers(1, 255, (options.windows, 1, 4, side, side)).astype(np.float32)
    valid = np.ones((1, side, side), bool)
    predictor = random_model(options.form)
    with tempfile.TemporaryDirectory() as folder:
        write_model(predictor, Path(folder) / "model.safetensors")
        path = export_onnx(Path(folder) / "model.safetensors", Path(folder) / "model.onnx", raw=True)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])

    def by_torch():
        return [predictor(image, valid) for image in images]

    def by_onnxruntime():
        return [session.run(None, {"image": image})[0] for image in images]

    difference = max(abs(a - b).max() for a, b in zip(by_torch(), by_onnxruntime(), strict=True))
    best = {by_torch: float("inf"), by_onnxruntime: float("inf")}
    for _ in range(options.repeats):
        for run in best:
            started = time.perf_counter()
            run()
            best[run] = min(best[run], time.perf_counter() - started)
    megapixels = options.windows * side * side / 1e6
    torch_speed, onnx_speed = (megapixels / seconds for seconds in best.values())
    print(f"{options.form}, {options.windows} windows of {side} pixels, {options.threads} thread(s)")
    print(f"torch {torch_speed:.2f} megapixels/s, onnxruntime {onnx_speed:.2f}: {onnx_speed / torch_speed:.2f} x")
    print(f"largest difference of a probability {difference:.1e}")


if __name__ == "__main__":
    main()
