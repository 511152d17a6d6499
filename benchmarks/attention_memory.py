"""Peak memory of one attention block, forward and backward, against the number of tokens: rank order and explicit mask.

Each measurement runs in a process of its own, which reports by how much its peak grew over what it held before. Run it
as `python benchmarks/attention_memory.py`; at 150 x 150 tokens the explicit mask takes more than ten gigabytes.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import torch

from geoarseg.network.attention import MaskedAttention
from geoarseg.network.orderings import ALL_ORDERINGS

ORDERING = ALL_ORDERINGS[8]
WIDTH = 64


def by_explicit_mask(attention, x, ordering):
    """The same block with the scores of all pairs, those that are not allowed at minus infinity."""
    height, width = x.shape[-2:]
    query, key, value = attention.queries_keys_values(x).flatten(2).transpose(1, 2).chunk(3, 2)
    ranks = torch.from_numpy(ordering.ranks(height, width).ravel())
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    scores = scores.masked_fill(ranks[:, None] < ranks[None, :], -torch.inf)
    attended = (scores.softmax(2) @ value).transpose(1, 2).reshape(len(x), -1, height, width)
    return attention.merge(torch.cat([x, attention.out(attended)], 1))


def peak_mb():
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(way, side):
    """Print the growth of the peak in megabytes, the seconds, and a figure that both ways must share."""
    torch.manual_seed(0)
    attention = MaskedAttention(WIDTH, WIDTH, 2 * side)
    call = attention if way == "rank order" else lambda x, o: by_explicit_mask(attention, x, o)
    call(torch.randn(1, WIDTH, 4, 4), ORDERING).sum().backward()  # what torch loads on first use
    x = torch.randn(1, WIDTH, side, side, requires_grad=True)
    before, started = peak_mb(), time.perf_counter()
    call(x, ORDERING).square().mean().backward()
    print(peak_mb() - before, time.perf_counter() - started, x.grad.abs().sum().item())


def main():
    """Measure both ways at every size and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[25, 50, 75, 100, 150])
    parser.add_argument("--one", nargs=2, metavar=("WAY", "SIDE"), help="measure one in this process")
    options = parser.parse_args()
    if options.one:
        measure(options.one[0], int(options.one[1]))
        return
    print("tokens        rank order            explicit mask         memory")
    for side in options.sides:
        figures = {}
        for way in ("rank order", "explicit mask"):
            command = [sys.executable, __file__, "--one", way, str(side)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            figures[way] = [float(part) for part in done.stdout.split()] if done.returncode == 0 else None
        ours, theirs = figures["rank order"], figures["explicit mask"]
        line = f"{side:3} x {side:<3} {ours[0]:9.0f} MB {ours[1]:7.2f} s"
        if theirs is None:
            print(line, "   out of memory")
            continue
        assert abs(ours[2] - theirs[2]) < 1e-3 * abs(theirs[2]), figures
        print(line, f"{theirs[0]:9.0f} MB {theirs[1]:7.2f} s {theirs[0] / max(ours[0], 1):9.1f} x")


if __name__ == "__main__":
    main()
