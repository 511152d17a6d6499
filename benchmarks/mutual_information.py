"""The AC loss, forward and backward: FFT, shifted products, and the big-kernel convolution, side by side.

The third is the usual formulation: each map of the second view is a kernel for the first, with padding T. Run it as
`python benchmarks/mutual_information.py`; all sides run in this process, on the same maps, and must agree.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch.nn import functional as F

from geoarseg.network.mutual_information import joint_counts, loss_of_joint


def by_convolution(p, q, t):
    """Joint counts (displacement, K, K) by one convolution whose kernels are the maps themselves."""
    joint = F.conv2d(q.transpose(0, 1), p.transpose(0, 1), padding=t)  # (K', K, 2T+1, 2T+1)
    return joint.permute(2, 3, 1, 0).reshape(-1, p.shape[1], p.shape[1])


WAYS = {
    "FFT": lambda p, q, t: joint_counts(p, q, max_shift_px=t, use_fft=True),
    "shifted products": lambda p, q, t: joint_counts(p, q, max_shift_px=t, use_fft=False),
    "big-kernel convolution": by_convolution,
}


def measure(way, p, q, t, repeats):
    """Best time in seconds of forward and backward, and the loss."""
    best = float("inf")
    for _ in range(repeats):
        p.grad = q.grad = None
        started = time.perf_counter()
        loss = loss_of_joint(WAYS[way](p, q, t))
        loss.backward()
        best = min(best, time.perf_counter() - started)
    return best, loss.item()


def main():
    """Measure every way and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--skip-shifts", action="store_true", help="leave out the shifted products, which take longest")
    options = parser.parse_args()
    for batch, classes, side, t in (
        (16, 6, 64, 1),
        (8, 6, options.size, 1),
        (8, 6, options.size, 5),
        (8, 6, options.size, 10),
        (8, 36, options.size, 10),
    ):
        torch.manual_seed(0)
        p, q = (torch.randn(batch, classes, side, side).softmax(1).requires_grad_() for _ in range(2))
        ways = [way for way in WAYS if not (options.skip_shifts and way == "shifted products")]
        results = {way: measure(way, p, q, t, options.repeats) for way in ways}
        fft, loss = results["FFT"]
        print(f"N={batch} K={classes} {side}x{side} T={t}")
        for way, (seconds, other) in results.items():
            assert abs(other - loss) < 1e-5, (way, other, loss)
            print(f"  {way:<24} {seconds:8.3f} s   {seconds / fft:6.1f} x FFT")


if __name__ == "__main__":
    main()
