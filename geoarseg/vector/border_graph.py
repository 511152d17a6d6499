"""The borders of a class raster as a graph: vertices of the pixel lattice, and which follows which.

A vertex is where a border turns, or where three or four borders meet (a *node*). No data is a class here, and
what lies around the raster another one, so every border has two sides and both see the same vertices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.integer]

BEYOND = -1
"""Stands for a vertex that is not in the graph."""

_EAST, _SOUTH, _WEST, _NORTH = 1, 2, 4, 8
_DEGREE = np.array([code.bit_count() for code in range(16)], np.uint8)


@dataclass(frozen=True)
class BorderGraph:
    """The vertices of some consecutive lattice rows, sorted by row, then column."""

    positions: Ints
    """Lattice row and column of each vertex, (vertices, 2)."""
    turns: Bools
    """Whether one border just turns here, so that the vertex has two neighbours, (vertices,); else it is a node."""
    ends: Ints
    """The two neighbours of each vertex that turns, (vertices, 2); BEYOND outside these rows."""
    end_positions: Ints
    """Their lattice rows and columns, (vertices, 2, 2); in row BEYOND where they are further down and not known."""
    node_links: Ints
    """Pairs of nodes that a straight border joins, (links, 2)."""
    open_columns: Ints
    """Columns in which borders leave the rows southward, (open,)."""
    open_ends: Ints
    """The vertex at the upper end of each of these borders, (open,), or BEYOND."""
    open_rows: Ints
    """The lattice row of that vertex, (open,)."""

    @classmethod
    def empty(cls) -> BorderGraph:
        """No rows."""
        none, pairs = np.zeros(0, np.int64), np.zeros((0, 2), np.int64)
        return cls(pairs, np.zeros(0, bool), pairs, np.zeros((0, 2, 2), np.int64), pairs, none, none, none)

    def __len__(self) -> int:
        return len(self.positions)

    def extended(self, below: BorderGraph, north_ends: Ints) -> BorderGraph:
        """This graph and the rows `below`, where this one's open borders lead to the vertices `north_ends` (open,).

        A border may pass through `below` without a vertex: then its end there is BEYOND.
        """
        shift = len(self)
        joined = BorderGraph(
            positions=np.concatenate([self.positions, below.positions]),
            turns=np.concatenate([self.turns, below.turns]),
            ends=np.concatenate([self.ends, _shifted(below.ends, shift)]),
            end_positions=np.concatenate([self.end_positions, below.end_positions]),
            node_links=np.concatenate([self.node_links, below.node_links + shift]),
            open_columns=below.open_columns,
            open_ends=_shifted(below.open_ends, shift),
            open_rows=below.open_rows,
        )
        passing = north_ends == BEYOND
        at = np.searchsorted(below.open_columns, self.open_columns[passing])
        joined.open_ends[at], joined.open_rows[at] = self.open_ends[passing], self.open_rows[passing]
        return joined._linked(
            self.open_ends[~passing],
            north_ends[~passing] + shift,
            np.stack([self.open_rows[~passing], self.open_columns[~passing]], axis=1),
        )

    def _linked(self, upper: Ints, lower: Ints, upper_positions: Ints) -> BorderGraph:
        """With straight borders between vertices one above the other; `upper` may be BEYOND."""
        turns = self.turns[lower]
        self.ends[lower[turns], 1], self.end_positions[lower[turns], 1] = upper[turns], upper_positions[turns]
        known = upper != BEYOND
        upper, lower = upper[known], lower[known]
        turns = self.turns[upper]
        self.ends[upper[turns], 1] = lower[turns]
        self.end_positions[upper[turns], 1] = self.positions[lower[turns]]
        between_nodes = ~turns & ~self.turns[lower]
        links = np.stack([upper, lower], axis=1)[between_nodes]
        return replace(self, node_links=np.concatenate([self.node_links, links]))

    def only(self, keep: Bools) -> BorderGraph:
        """The graph without the vertices that are not to `keep`, (vertices,) bool."""
        new = np.append(np.where(keep, np.cumsum(keep) - 1, BEYOND), BEYOND)  # the last is BEYOND's own
        links = new[self.node_links]
        return replace(
            self,
            positions=self.positions[keep],
            turns=self.turns[keep],
            ends=new[self.ends[keep]],
            end_positions=self.end_positions[keep],
            node_links=links[(links != BEYOND).all(axis=1)],
            open_ends=new[self.open_ends],
        )


def borders_of(grid: Pixels, row: int, corners: Bools) -> tuple[BorderGraph, Ints]:
    """The vertices at the upper border of each pixel row but the first.

    Args:
        grid: (rows + 1, columns + 2) classes, with what lies around the raster.
        row: lattice row of the first vertices.
        corners: (rows, columns + 1) bool: the raster's own corners, which are nodes.

    Returns:
        the graph, and the first vertex on each border that enters it from the north, by column, or BEYOND.
    """
    vertical = grid[:, :-1] != grid[:, 1:]
    horizontal = grid[:-1] != grid[1:]
    turning = (vertical[:-1] | vertical[1:]) & (horizontal[:, :-1] | horizontal[:, 1:])
    rows, columns = np.nonzero(turning)
    code = np.zeros(len(rows), np.uint8)
    for bit, edge in enumerate((horizontal[:, 1:], vertical[1:], horizontal[:, :-1], vertical[:-1])):
        code |= edge[rows, columns].view(np.uint8) << np.uint8(bit)
    positions = np.stack([rows + row, columns], axis=1)
    turns = (_DEGREE[code] == 2) & ~corners[rows, columns]

    # In a row, and in a column, the next vertex along a border is the next one that there is.
    by_column = np.argsort(columns, kind="stable")
    column = columns[by_column]
    same = column[:-1] == column[1:]
    follows = (code[by_column[:-1]] & _SOUTH > 0) & same
    west = np.flatnonzero(code & _EAST)
    across = np.stack([west, west + 1], axis=1)
    down = np.stack([by_column[:-1][follows], by_column[1:][follows]], axis=1)
    ends = np.full((len(code), 2), BEYOND, np.int64)
    for axis, (one, other) in enumerate((across.T, down.T)):
        ends[one, axis], ends[other, axis] = other, one
    end_positions = np.where((ends == BEYOND)[..., None], BEYOND, positions[ends])

    links = np.concatenate([across, down])
    leaving = by_column[np.append(~same, True)[: len(code)] & (code[by_column] & _SOUTH > 0)]
    entering = by_column[np.append(True, ~same)[: len(code)] & (code[by_column] & _NORTH > 0)]
    open_columns = np.flatnonzero(vertical[-1])
    last, first = _at(open_columns, leaving, columns), _at(np.flatnonzero(vertical[0]), entering, columns)
    graph = BorderGraph(
        positions=positions,
        turns=turns,
        ends=ends,
        end_positions=end_positions,
        node_links=links[~turns[links].any(axis=1)],
        open_columns=open_columns,
        open_ends=last,
        open_rows=np.append(positions[:, 0], BEYOND)[last],
    )
    return graph, first


def _shifted(vertices: Ints, shift: int) -> Ints:
    return np.where(vertices == BEYOND, BEYOND, vertices + shift)


def _at(wanted: Ints, vertices: Ints, columns: Ints) -> Ints:
    """The vertex in each of the `wanted` columns, or BEYOND; `vertices` are sorted by column."""
    found = np.full(len(wanted), BEYOND, np.int64)
    found[np.searchsorted(wanted, columns[vertices])] = vertices
    return found
