"""What becomes of each vertex of a raster's borders, block by block: dropped, kept or rounded.

Three blocks of rows are in view. The borders of the middle and the lowest one are simplified together; then the
middle one is settled and handed on, so no border is held fast where blocks meet. The uppermost one is settled
already and only in the way of others. Blocks have so many rows as the raster's width says, so the result
depends on the raster alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geoarseg.vector.border_graph import BorderGraph, borders_of
from geoarseg.vector.corners import KEPT, ROUNDED, Marks
from geoarseg.vector.simplify import simplified
from geoarseg.vector.smooth import may_be_rounded

Pixels = npt.NDArray[np.integer]

_AROUND = -2  # what lies around the raster; neither a class nor no data


@dataclass(frozen=True)
class Generalization:
    """How borders are made plainer, in pixels."""

    largest_triangle: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]] | None = None
    """Lattice rows (n,) to the largest triangle, in square pixels, that simplification drops there (n,); or None."""
    reach: float | None = None
    """Longest cut of a corner by smoothing, in pixels; None = borders are not smoothed."""


def marked_strips(
    strips: Iterable[tuple[int, Pixels]], *, width: int, height: int, generalization: Generalization
) -> Iterator[tuple[int, Pixels, Marks]]:
    """Strips with the marks of their vertices, as `polygonize_marked` takes them.

    Args:
        strips: (first row, (rows, width) classes) of each block, without gaps.
        width: columns of the raster, in pixels.
        height: rows of the raster, in pixels.
        generalization: what to do with the borders.
    """
    above = np.full(width + 2, _AROUND, np.int16)
    graph = BorderGraph.empty()
    settled, known, waiting = 0, 0, None
    for row, pixels in _with_end(strips):
        grid = np.full((max(len(pixels), 1) + 1, width + 2), _AROUND, np.int16)
        grid[0], grid[1 : len(pixels) + 1, 1:-1] = above, pixels
        above = grid[-1]
        below, north_ends = borders_of(grid, row, _corners(row, len(grid) - 1, width, height))
        graph = graph.extended(below, north_ends)
        if generalization.largest_triangle is not None:
            first = int(np.searchsorted(graph.positions[:, 0], settled))
            limits = generalization.largest_triangle(graph.positions[:, 0])
            graph = simplified(graph, first, limits, width)
        if waiting is not None:
            yield *waiting, _marks(graph, *waiting, (known, row + len(grid) - 2), generalization)
            known = waiting[0]
            graph = graph.only(graph.positions[:, 0] >= known)
        settled, waiting = row, (row, pixels)
    if waiting is not None:
        yield *waiting, _marks(graph, *waiting, (known, height), generalization)


def _with_end(strips: Iterable[tuple[int, Pixels]]) -> Iterator[tuple[int, Pixels]]:
    """The strips, and one without rows at the end."""
    end: tuple[int, Pixels] | None = None
    for row, pixels in strips:
        yield row, pixels
        end = row + len(pixels), pixels[:0]
    if end is not None:
        yield end


def _corners(row: int, rows: int, width: int, height: int) -> npt.NDArray[np.bool_]:
    """Which vertices are the raster's own corners, (rows, width + 1)."""
    corners = np.zeros((rows, width + 1), bool)
    for at in (0, height):
        if row <= at < row + rows:
            corners[at - row, [0, width]] = True
    return corners


def _marks(
    graph: BorderGraph, row: int, pixels: Pixels, known: tuple[int, int], generalization: Generalization
) -> Marks:
    """The marks of one block, (rows, columns + 1); the graph has all vertices of the lattice rows `known`."""
    rows, width = max(len(pixels), 1), pixels.shape[1]
    marks = np.zeros((rows, width + 1), np.uint8)
    inside = (graph.positions[:, 0] >= row) & (graph.positions[:, 0] < row + rows)
    at = (graph.positions[inside] - (row, 0)).T
    marks[tuple(at)] = KEPT
    if generalization.reach is not None:
        rounded = may_be_rounded(graph, known, generalization.reach, width)
        marks[tuple(at)] |= np.where(rounded[inside], ROUNDED, np.uint8(0))
    return marks
