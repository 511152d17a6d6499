"""Rounded borders: corners cut twice, after Chaikin, where that cannot make borders cross.

A cut takes a quarter of the edges at either side of a corner, but no more than the reach. Nodes stay, and both
sides of a border are cut alike. What the cuts take off lies in a small triangle at the corner. If no other
vertex lies in it then no border passes through it, and no two such triangles overlap; else the corner stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from geoarseg.vector.batch import PolygonBatch, ring_areas
from geoarseg.vector.border_graph import BEYOND, BorderGraph
from geoarseg.vector.ragged import offsets_of
from geoarseg.vector.triangles import LatticePoints

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_CUTS = 2
_TOUCHED = 7 / 16  # two cuts alter less than this part of an edge from its end
_SCALE = 1024  # parts of an edge in which the triangles are measured


def may_be_rounded(graph: BorderGraph, rows: tuple[int, int], reach: float, width: int) -> Bools:
    """Which corners can be cut without meeting another border, (vertices,).

    Args:
        graph: the borders.
        rows: first and last lattice row that the graph knows all vertices of.
        reach: longest cut, in pixels.
        width: columns of the raster, in pixels.
    """
    corners = np.flatnonzero(graph.turns)
    at, ends = graph.positions[corners, None], graph.end_positions[corners]
    unknown = ends[..., :1] == BEYOND  # straight below, further than the last row
    ends = np.where(unknown, np.concatenate([np.full_like(at[..., :1], rows[1]), at[..., 1:]], axis=-1), ends)
    step = ends - at
    length = np.sqrt((step**2).sum(axis=-1, keepdims=True))
    wanted = 2 * reach / np.maximum(length, 1e-9)
    parts = np.ceil(_SCALE * np.minimum(_TOUCHED, wanted)).astype(np.int64)
    cut = _SCALE * at + parts * step
    triangles = np.stack([cut[:, 0], _SCALE * at[:, 0], cut[:, 1]], axis=1)
    seen = (triangles[..., 0] >= _SCALE * rows[0]).all(axis=1) & (triangles[..., 0] <= _SCALE * rows[1]).all(axis=1)
    seen &= ~(unknown & (wanted > _TOUCHED)).any(axis=(1, 2))
    points = LatticePoints(graph.positions, np.ones(len(graph), bool), width)
    seen[seen] = points.within(triangles[seen], _SCALE) == 1
    rounded = np.zeros(len(graph), bool)
    rounded[corners] = seen
    return rounded


def smoothed(batch: PolygonBatch, reach: float) -> PolygonBatch:
    """Cut the corners that may be rounded.

    Args:
        batch: polygons whose vertices are marked.
        reach: longest cut, in pixels.
    """
    assert batch.rounded is not None
    last = batch.ring_offsets[1:] - 1
    lengths = np.diff(batch.ring_offsets) - 1
    opened = np.delete(np.arange(len(batch.corners)), last)  # without each ring's repeated first vertex
    xy, rounded = batch.corners[opened].astype(np.float64), batch.rounded[opened]
    for _ in range(_CUTS):
        xy, rounded, lengths = _cut(xy, rounded, lengths, reach)
    offsets = offsets_of(lengths)
    closed = np.insert(np.arange(len(xy)), offsets[1:], offsets[:-1])
    corners, ring_offsets = xy[closed], offsets + np.arange(len(offsets))
    rings = ring_areas(corners, ring_offsets)
    pixels = np.add.reduceat(rings, batch.polygon_offsets[batch.feature_offsets[:-1]])
    return replace(batch, corners=corners, ring_offsets=ring_offsets, pixels=pixels, rounded=None)


def _cut(
    xy: Floats, rounded: Bools, lengths: npt.NDArray[np.int64], reach: float
) -> tuple[Floats, Bools, npt.NDArray[np.int64]]:
    """Put two vertices, on its two edges, in the place of each that is rounded."""
    offsets = offsets_of(lengths)
    count = np.where(rounded, 2, 1)
    cut_xy, cut_rounded = np.repeat(xy, count, axis=0), np.repeat(rounded, count)
    corners = np.flatnonzero(rounded)
    place = (np.cumsum(count) - count)[corners]
    before, after = np.arange(-1, len(xy) - 1), np.arange(1, len(xy) + 1)
    before[offsets[:-1]], after[offsets[1:] - 1] = offsets[1:] - 1, offsets[:-1]
    for side, neighbour in enumerate((before, after)):
        step = xy[neighbour[corners]] - xy[corners]
        length = np.sqrt((step**2).sum(axis=1, keepdims=True))
        cut_xy[place + side] = xy[corners] + np.minimum(0.25, reach / length) * step
    return cut_xy, cut_rounded, np.add.reduceat(count, offsets[:-1])
