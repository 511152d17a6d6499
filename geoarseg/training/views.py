"""The two views of a training step: which orderings they obey (section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geoarseg.network.orderings import Ordering


def draw_pair(orderings: Sequence[Ordering], rng: np.random.Generator) -> tuple[Ordering, Ordering]:
    """Two orderings drawn independently, so possibly the same one twice (the paper's `random`)."""
    first, second = rng.integers(len(orderings), size=2)
    return orderings[first], orderings[second]
