"""The two views of a training step: which orderings they obey, and how they are drawn (section 3.2, table 1d)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from geoarseg.network.orderings import Ordering

Sampling = Literal["random", "no_repeat", "hard"]
Pair = tuple[Ordering | None, Ordering | None]
"""The orderings of the two views; None = no mask."""


def draw_pair(orderings: Sequence[Ordering], rng: np.random.Generator, sampling: Sampling = "random") -> Pair:
    """Draw the orderings of a step.

    Args:
        orderings: those to draw from; without any, both views go unmasked.
        rng: the source of chance.
        sampling: `random`: independently, so possibly the same one twice; `no_repeat`: two distinct ones; `hard`: one
            and its opposite, whose receptive fields share the current pixel only.
    """
    if not orderings:
        return None, None
    if sampling == "hard":
        one = orderings[int(rng.integers(len(orderings)))]
        return one, one.opposite
    first, second = (orderings[int(i)] for i in rng.choice(len(orderings), size=2, replace=sampling == "random"))
    return first, second
