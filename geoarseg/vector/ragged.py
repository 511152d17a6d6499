"""Rows of unequal length in two flat arrays: the form in which chains, rings and polygons travel.

values   [ a a a | b | c c ]
offsets  [ 0       3   4   6 ]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer]


def offsets_of(lengths: Ints) -> npt.NDArray[np.int64]:
    """Offsets (n + 1,) int64 of rows with these `lengths` (n,), from 0 to the sum."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def portions(offsets: Ints, *, most: int, most_rows: int) -> Iterator[tuple[int, int]]:
    """First row and end of parts, in order, of at most so many values and rows; a single row may have more values."""
    start, rows = 0, len(offsets) - 1
    while start < rows:
        fitting = int(np.searchsorted(offsets, offsets[start] + most, side="right")) - 1
        stop = max(start + 1, min(start + most_rows, fitting))
        yield start, stop
        start = stop


@dataclass(frozen=True)
class Ragged:
    """Rows of integers, each of its own length."""

    values: npt.NDArray[np.int64]
    """The rows one after the other, (total,) int64."""
    offsets: npt.NDArray[np.int64]
    """Where each row starts, and the end of the last, (rows + 1,) int64."""

    @classmethod
    def empty(cls) -> Ragged:
        """No rows at all."""
        return cls(np.zeros(0, np.int64), np.zeros(1, np.int64))

    @classmethod
    def concatenate(cls, parts: Sequence[Ragged]) -> Ragged:
        """The rows of all `parts`, in their order."""
        lengths = np.concatenate([part.lengths for part in parts])
        return cls(np.concatenate([part.values for part in parts]), offsets_of(lengths))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Values in each row, (rows,) int64."""
        return np.diff(self.offsets)

    @property
    def row_of(self) -> npt.NDArray[np.int64]:
        """The row that each value belongs to, (total,) int64."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def take(self, rows: Ints) -> Ragged:
        """The rows with these indices, in this order."""
        lengths = self.lengths[rows]
        offsets = offsets_of(lengths)
        shift = np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        shift += np.arange(offsets[-1])
        return Ragged(self.values[shift], offsets)
