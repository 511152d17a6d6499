"""Which vertices of the class borders stay: Visvalingam and Whyatt's simplification of a whole coverage.

The vertex whose triangle with its two neighbours is smallest goes first, as long as that triangle is within the
tolerance. Here all vertices that are the smallest among their neighbours go at once, round after round. Nodes
stay. A vertex also stays if another one lies in its triangle, since borders would then cross, or if its ring
has no more than four vertices. All this is seen alike from both sides of a border, so neighbours keep the same
border, no gap or overlap can arise, and no polygon vanishes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from geoarseg.vector.border_graph import BEYOND, BorderGraph
from geoarseg.vector.triangles import LatticePoints

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_LARGEST = np.int64(1) << 40
_LAST = np.iinfo(np.int64).max


def simplified(graph: BorderGraph, first: int, limits: Floats, width: int) -> BorderGraph:
    """The graph without the vertices that simplification drops.

    Args:
        graph: the borders.
        first: vertices before this one are settled: they and their links stay.
        limits: (vertices,) the largest triangle that each vertex may take with it, in square pixels.
        width: columns of the raster, in pixels.
    """
    state = _Thinning(graph, first, limits, width)
    while state.drop_smallest():
        pass
    graph = replace(graph, ends=state.ends, end_positions=state.end_positions(), node_links=_pairs(state.node_links))
    return graph.only(state.alive)


class _Thinning:
    """A graph that loses vertices round by round."""

    def __init__(self, graph: BorderGraph, first: int, limits: Floats, width: int) -> None:
        self.graph, self._first, self._width = graph, first, width
        self._limits = np.minimum(2 * limits, _LARGEST)
        self.alive = np.ones(len(graph), bool)
        self.ends = graph.ends.copy()
        self.node_links = np.sort(_keys(graph.node_links))
        self._rank = _ranks(graph.positions)
        self._score = np.full(len(graph) + 1, _LAST)
        self._pool = np.flatnonzero(graph.turns)

    def end_positions(self) -> Ints:
        """Where the neighbours are now."""
        ends = self.ends[..., None]
        return np.where(ends == BEYOND, self.graph.end_positions, self.graph.positions[self.ends])

    def drop_smallest(self) -> bool:
        """One round; whether any vertex went."""
        ends = self.ends[self._pool]
        self._pool = self._pool[(self._pool >= self._first) & (ends >= self._first).all(axis=1)]
        triangles = self._triangles(self._pool)
        twice_area = _twice_area(triangles)
        small = twice_area <= self._limits[self._pool]
        self._pool, triangles, twice_area = self._pool[small], triangles[small], twice_area[small]
        free = np.flatnonzero(~self._closes_up(self._pool))
        alone = LatticePoints(self.graph.positions, self.alive, self._width).within(triangles[free]) == 3
        free = free[alone]
        vertices = self._smallest(self._pool[free], twice_area[free])
        if len(vertices) == 0:
            return False
        self._drop(vertices)
        return True

    def _triangles(self, vertices: Ints) -> Ints:
        ends = self.ends[vertices]
        return self.graph.positions[np.stack([ends[:, 0], vertices, ends[:, 1]], axis=1)]

    def _closes_up(self, vertices: Ints) -> Bools:
        """Whether a ring has no more than four vertices, or two borders would become one."""
        one, other = self.ends[vertices].T
        after_one, after_other = self._onward(one, vertices), self._onward(other, vertices)
        closes: Bools = (
            (after_one == other) | (after_other == one) | ((after_one == after_other) & (after_one != BEYOND))
        )
        closes |= (self._onward(after_one, one) == other) | (self._onward(after_other, other) == one)
        both_nodes = np.flatnonzero(~self.graph.turns[one] & ~self.graph.turns[other])
        chords = _keys(self.ends[vertices[both_nodes]])
        closes[both_nodes] |= _repeated(chords) | _among(chords, self.node_links)
        return closes

    def _onward(self, vertices: Ints, came_from: Ints) -> Ints:
        """The next vertex along the border, or BEYOND where a node or the edge of the graph is in the way."""
        ends = self.ends[vertices]
        onward = np.where(ends[:, 0] == came_from, ends[:, 1], ends[:, 0])
        return np.where((vertices != BEYOND) & self.graph.turns[vertices], onward, BEYOND)

    def _smallest(self, vertices: Ints, twice_area: Ints) -> Ints:
        """Those that are smaller than their neighbours, none of which may go with them."""
        self._score[vertices] = (twice_area << 22) + self._rank[vertices]
        one, other = self.ends[vertices].T
        least = self._score[vertices] < np.minimum(self._score[one], self._score[other])
        self._score[vertices] = _LAST
        vertices = vertices[least]
        _, unlike = np.unique(_keys(self.ends[vertices]), return_index=True)  # of two with one chord, the first
        return vertices[np.sort(unlike)]

    def _drop(self, vertices: Ints) -> None:
        self.alive[vertices] = False
        one, other = self.ends[vertices].T
        for here, there in ((one, other), (other, one)):
            slot = np.where(self.ends[here, 0] == vertices, 0, 1)
            turns = self.graph.turns[here]
            self.ends[here[turns], slot[turns]] = there[turns]
        both_nodes = ~self.graph.turns[one] & ~self.graph.turns[other]
        chords = _keys(np.stack([one, other], axis=1)[both_nodes])
        self.node_links = np.sort(np.concatenate([self.node_links, chords]), kind="stable")
        changed = np.zeros(len(self.alive), bool)
        changed[np.concatenate([self._pool, one, other])] = True
        self._pool = np.flatnonzero(changed & self.alive & self.graph.turns)


def _twice_area(triangles: Ints) -> Ints:
    """Twice the area of triangles (triangles, 3, 2)."""
    (y1, x1), (y2, x2) = (triangles[:, 1] - triangles[:, 0]).T, (triangles[:, 2] - triangles[:, 0]).T
    twice: Ints = np.abs(x1 * y2 - x2 * y1)
    return twice


def _ranks(positions: Ints) -> Ints:
    """Order of vertices with equal triangles: on a staircase every other one, then at random; 22 bits."""
    row, column = positions.T
    mixed = (row.astype(np.uint64) << np.uint64(32) | column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    ranks: Ints = (row + column & 1) << 21 | (mixed >> np.uint64(43)).astype(np.int64)
    return ranks


def _keys(pairs: Ints) -> Ints:
    """One number for each pair of vertices, whatever their order."""
    keys: Ints = pairs.min(axis=1, initial=_LAST) << 32 | pairs.max(axis=1, initial=0)
    return keys


def _pairs(keys: Ints) -> Ints:
    return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1)


def _repeated(keys: Ints) -> Bools:
    """Whether each key occurs more than once."""
    order = np.argsort(keys)
    same = keys[order][1:] == keys[order][:-1]
    repeated = np.zeros(len(keys), bool)
    repeated[order[1:][same]] = repeated[order[:-1][same]] = True
    return repeated


def _among(keys: Ints, known: Ints) -> Bools:
    """Whether each key is one of the `known`, which are sorted."""
    at = np.searchsorted(known, keys)
    among: Bools = np.append(known, _LAST)[at] == keys
    return among
