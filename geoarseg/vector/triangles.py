"""How many points of a sorted set lie in each of many triangles, in exact arithmetic of whole numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geoarseg.vector.ragged import offsets_of

Ints = npt.NDArray[np.int64]

_FAR = np.int64(1) << 60


class LatticePoints:
    """Vertices of the pixel lattice, and which of them count.

    Args:
        positions: (points, 2) rows and columns from 0 to `width`, sorted by row, then column.
        counts: (points,) bool.
        width: columns of pixels.
    """

    def __init__(self, positions: Ints, counts: npt.NDArray[np.bool_], width: int) -> None:
        self._width = width
        self._ids = self._id(positions[:, 0], positions[:, 1])
        self._before = np.concatenate([[0], np.cumsum(counts)])

    def _id(self, rows: Ints, columns: Ints) -> Ints:
        return rows * (self._width + 3) + np.clip(columns, -1, self._width + 1) + 1

    def within(self, corners: Ints, scale: int = 1) -> Ints:
        """Points in each triangle, its border included.

        Args:
            corners: (triangles, 3, 2) int64 rows and columns of the corners, in units of 1 / scale pixels.
            scale: parts of a pixel.

        Returns:
            the numbers of points, (triangles,).
        """
        if len(corners) == 0:
            return np.zeros(0, np.int64)
        rows = corners[:, :, 0]
        first, last = -(-rows.min(axis=1) // scale), rows.max(axis=1) // scale
        heights = np.maximum(last - first + 1, 0)
        offsets = offsets_of(heights)
        triangle = np.repeat(np.arange(len(corners)), heights)
        row = first[triangle] + np.arange(offsets[-1]) - offsets[triangle]
        left, right = _extent(corners, triangle, row * scale)
        start = np.searchsorted(self._ids, self._id(row, -(-left // scale)), side="left")
        stop = np.searchsorted(self._ids, self._id(row, right // scale), side="right")
        found = np.where(left <= right, self._before[np.maximum(start, stop)] - self._before[start], 0)
        return np.bincount(triangle, found, minlength=len(corners)).astype(np.int64)


def _extent(corners: Ints, triangle: Ints, row: Ints) -> tuple[Ints, Ints]:
    """The lowest and the highest whole column of each triangle in a row: (rows,), (rows,)."""
    left, right = np.full(len(row), _FAR), np.full(len(row), -_FAR)
    for i in range(3):
        one, other = corners[:, i], corners[:, (i + 1) % 3]
        downward = (one[:, 0] <= other[:, 0])[:, None]
        top, bottom = np.where(downward, one, other)[triangle], np.where(downward, other, one)[triangle]
        fall, run = bottom[:, 0] - top[:, 0], bottom[:, 1] - top[:, 1]
        level, crossed = fall == 0, (top[:, 0] <= row) & (row <= bottom[:, 0])
        shift, fall = (row - top[:, 0]) * run, np.maximum(fall, 1)
        lowest = np.where(level, np.minimum(run, 0), -(-shift // fall))
        highest = np.where(level, np.maximum(run, 0), shift // fall)
        left = np.where(crossed, np.minimum(left, top[:, 1] + lowest), left)
        right = np.where(crossed, np.maximum(right, top[:, 1] + highest), right)
    return left, right
