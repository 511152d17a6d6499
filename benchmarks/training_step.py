"""What masks, shifts, the loss and the guard of masked weights cost in a training step.

One side is a step of AC as the training does it; the other is two plain forward and backward passes of the same
network on the same crops, without masks, shifts and loss, and a plain step of Adam. Both sides alternate in this
process. Run it as `python benchmarks/training_step.py`.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from geoarseg.network.masked import masked_weights_kept
from geoarseg.network.model import build_network
from geoarseg.network.orderings import ALL_ORDERINGS
from geoarseg.settings import NetworkSettings, TrainSettings
from geoarseg.training.objective import Objective
from geoarseg.training.views import draw_pair

CASES = {
    "default: 64 channels, 3 blocks, 16 crops of 64, stride 2, K = 6, T = 1": (
        NetworkSettings(),
        TrainSettings(),
        16,
        64,
    ),
    "128 channels, 5 blocks, 8 crops of 200, stride 4, K = 6, T = 10": (
        NetworkSettings(width=128, blocks=5, stride_px=4),
        TrainSettings(max_shift_px=10),
        8,
        200,
    ),
}


def main():
    """Time both sides of every case and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    for title, (settings, train, batch, crop_px) in CASES.items():
        torch.manual_seed(0)
        crops = torch.randn(batch, 4, crop_px, crop_px).to(memory_format=torch.channels_last)
        valid = torch.ones(batch, crop_px, crop_px, dtype=torch.bool)
        rng = np.random.default_rng(0)
        networks = [build_network(settings, bands=4, classes=6, crop_px=crop_px).train() for _ in range(2)]
        objective = Objective(networks[0], train)
        optimizers = [torch.optim.Adam(network.parameters(), lr=1e-4) for network in networks]

        def ours(objective=objective, optimizer=optimizers[0], data=(crops, valid), network=networks[0], rng=rng):
            views = draw_pair(ALL_ORDERINGS[:8], rng)
            loss = objective(*data, views, rng).loss
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            with masked_weights_kept(network, views):
                optimizer.step()

        def plain(network=networks[1], optimizer=optimizers[1], crops=crops):
            optimizer.zero_grad(set_to_none=True)
            for _ in range(2):
                network(crops).mean().backward()
            optimizer.step()

        best = {ours: float("inf"), plain: float("inf")}
        for _ in range(options.repeats):
            for side in best:
                started = time.perf_counter()
                side()
                best[side] = min(best[side], time.perf_counter() - started)
        print(title)
        print(f"  AC step {best[ours]:.3f} s, two plain passes {best[plain]:.3f} s: {best[ours] / best[plain]:.2f} x")


if __name__ == "__main__":
    main()
