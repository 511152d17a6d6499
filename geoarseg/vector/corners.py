"""The corners of a strip's class borders, linked into chains that keep their class on the right-hand side.

Between four pixels lies a vertex; an edge leaves it wherever two neighbouring pixels differ::

        NW | NE          A border runs along the edges with its own class on the right as it walks:
      -----+-----        east over the top of a pixel, south along its right side, west, north.
        SW | SE          So each class turns around its outer border clockwise, around holes anticlockwise.

A *corner* is where a border turns, named by the direction in which it arrives. It turns right (around one
pixel) or left (around three pixels of one class). Where a class meets itself only diagonally, both pixels
turn right: that keeps 4-connected regions apart. In *noded* borders there is a corner too wherever a border
passes straight by the end of another one, so that neighbours have all vertices of their shared borders.

On every lattice row the k-th corner that leaves eastward is followed by the k-th that is arrived at
eastward; the same holds of the other directions, and of columns. So linking needs no search: two lists in
the same order, side by side. What leaves the strip through its lower border ends in a *terminal*, what
comes in through it begins at a *source*; a chain that came down from the strip above is one node.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

EAST, SOUTH, WEST, NORTH = range(4)

Bools = npt.NDArray[np.bool_]
Nodes = npt.NDArray[np.int32]
Keys = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.integer]
Marks = npt.NDArray[np.uint8]

KEPT, ROUNDED = np.uint8(1), np.uint8(2)
"""Bits of a vertex's mark: it stays in the polygons; smoothing may round it."""

_ROW_SHIFT = 32  # a key is row << 32 | column << 2 | rounded << 1 | diagonal


def key_rows(keys: Keys) -> Keys:
    """Lattice rows of corner keys."""
    return keys >> _ROW_SHIFT


def key_columns(keys: Keys) -> Keys:
    """Lattice columns of corner keys."""
    return (keys & 0xFFFFFFFF) >> 2


def key_rounded(keys: Keys) -> Bools:
    """Whether smoothing may round the corners of these keys."""
    return (keys & 2) > 0


def _turns(noded: bool) -> npt.NDArray[np.uint32]:
    """Does a corner arrive, does one leave, by the bits "an edge leads east, south, west, north": (2, 16).

    One uint32 holds the answers for the four directions: a look-up moves four bytes at once.
    """
    arrives, leaves = np.zeros((2, 16, 4), bool)
    for code in range(16):
        edge = [bool(code >> d & 1) for d in range(4)]
        for d in range(4):
            ahead, right, behind, left = (edge[(d + turn) % 4] for turn in range(4))
            passes = noded and left
            arrives[code, d] = behind and (right or not ahead or passes)
            leaves[code, d] = ahead and (right or not behind or passes)
    return np.stack([arrives, leaves]).view(np.uint32)[..., 0]


_TURNS = {noded: _turns(noded) for noded in (False, True)}


@dataclass(frozen=True)
class CornerGraph:
    """The corners of one strip and their succession.

    Nodes are numbered: sources, corners (by row and column), chains of the strip above, terminals.
    """

    successor: Nodes
    """The node after each node, (nodes,) int32; a terminal is followed by itself."""
    source_columns: Nodes
    """Lattice column of each source, (ends,) int32."""
    terminal_columns: Nodes
    """Lattice column of each terminal, (ends,) int32."""
    keys: Keys
    """Place of each corner, (corners,) int64; the lowest bit is set where its class may touch itself."""
    classes: Pixels
    """The class on the right-hand side of each corner, (corners,)."""
    begins_hole: Bools
    """Whether a hole's border looks like this at its first corner by row and column, (corners,) bool."""
    kept: Bools
    """Whether each corner stays in the polygons, (corners,) bool."""
    touching: Nodes
    """Pairs of corners, (pairs, 2) int32, whose pixels have one class and touch only diagonally here."""
    northward: Nodes
    """Upper ends of the borders that run north: chains and corners, by column, then row."""
    head_columns: Nodes
    """Lattice column in which each chain of the strip above begins, upward, (chains,)."""
    grid: Pixels
    """The pixels, (rows + 1, columns + 2)."""
    row: int
    """Lattice row of the first corners."""

    @property
    def first_corner(self) -> int:
        """Number of the first node that is a corner."""
        return len(self.source_columns)

    @property
    def first_chain(self) -> int:
        """Number of the first node that stands for a chain of the strip above."""
        return self.first_corner + len(self.keys)

    @property
    def first_terminal(self) -> int:
        """Number of the first node that is a terminal."""
        return len(self.successor) - len(self.terminal_columns)

    def borders_left_of(self, corners: Nodes) -> Nodes:
        """A node of the border that bounds, on the left, the pixel below and left of each corner (from 0)."""
        height, width = self.grid.shape
        at = (key_rows(self.keys[corners]) - self.row + 1) * width + key_columns(self.keys[corners])
        pixels = self.grid.ravel()
        edges = np.flatnonzero(pixels[1:] != pixels[:-1])  # edge i is on the right of pixel i
        edge = edges[np.searchsorted(edges, at) - 1]

        rows = np.concatenate([key_rows(self.keys) - self.row, np.full(len(self.head_columns), -1)])
        columns = np.concatenate([key_columns(self.keys), self.head_columns])
        nodes = self.northward - self.first_corner
        ends = columns[nodes] * height + rows[nodes] + 1  # rows from -1 to height - 2
        found = np.searchsorted(ends, edge % width * height + edge // width, side="right") - 1
        borders: Nodes = self.northward[found]
        return borders


def link_corners(
    grid: Pixels, row: int, outside: int, tail_columns: Nodes, head_columns: Nodes, marks: Marks | None = None
) -> CornerGraph:
    """Find and link the corners at the upper border of each of the strip's pixel rows.

    Args:
        grid: (rows + 1, columns + 2) classes: the last pixel row of the strip above, then this strip, with a
            column of `outside` at either side.
        row: lattice row of the first corners, in pixels from the top of the raster.
        outside: the value that has no borders of its own (no data).
        tail_columns: (chains,) lattice columns in which the chains of the strip above come down.
        head_columns: (chains,) lattice columns in which they begin, upward.
        marks: (rows, columns + 1) marks of the vertices of noded borders; without them all corners stay.
    """
    differs = grid[-1, :-1] != grid[-1, 1:]
    sources = np.flatnonzero(differs & (grid[-1, 1:] != outside)).astype(np.int32)
    terminals = np.flatnonzero(differs & (grid[-1, :-1] != outside)).astype(np.int32)
    vertices = _find_vertices(grid, outside, len(sources), noded=marks is not None)
    corner_marks = vertices.marks(marks)
    starts = np.arange(len(sources), dtype=np.int32)
    first_chain = len(sources) + len(vertices.slots)
    chains = np.arange(first_chain, first_chain + len(tail_columns), dtype=np.int32)
    ends = np.arange(len(terminals), dtype=np.int32) + np.int32(first_chain + len(chains))

    successor = np.empty(first_chain + len(chains) + len(ends), np.int32)
    successor[ends] = ends
    for d in (EAST, WEST):
        successor[vertices.leaving(d)[0]] = vertices.arriving(d)[0]
    down = _by_column((chains, tail_columns), vertices.leaving(SOUTH))
    successor[down] = _by_column(vertices.arriving(SOUTH), (ends, terminals))
    northward = _by_column((chains, head_columns), vertices.arriving(NORTH))
    successor[_by_column(vertices.leaving(NORTH), (starts, sources))] = northward
    return CornerGraph(
        successor=successor,
        source_columns=sources,
        terminal_columns=terminals,
        keys=vertices.keys(row) | (corner_marks & ROUNDED),
        classes=vertices.pixels.ravel()[vertices.slots],
        begins_hole=vertices.begins_hole(),
        kept=(corner_marks & KEPT) > 0,
        touching=vertices.touching_pairs() - np.int32(len(sources)),
        northward=northward,
        head_columns=head_columns,
        grid=grid,
        row=row,
    )


@dataclass(frozen=True)
class _Vertices:
    """The vertices of a strip at which borders turn, by row and column."""

    row: npt.NDArray[np.int32]
    """Row, from the strip's first, (vertices,)."""
    column: npt.NDArray[np.int32]
    """Column, (vertices,)."""
    code: npt.NDArray[np.uint8]
    """Bits: an edge leads east, south, west, north, (vertices,)."""
    pixels: Pixels
    """The class on the right of what arrives eastward, southward, westward, northward, (vertices, 4)."""
    leaves: Bools
    """Whether a corner leaves in each direction, (vertices, 4)."""
    touches: Bools
    """Whether south-west and north-east, north-west and south-east are of one class and touch only here,
    (vertices, 2)."""
    slots: npt.NDArray[np.int64]
    """The corners: vertex * 4 + direction of arrival, (corners,)."""
    nodes: Nodes
    """Number of the corner that arrives in each direction, (vertices, 4); -1 without one."""

    def leaving(self, direction: int) -> tuple[Nodes, Nodes]:
        """The corners that leave in this direction, and their columns."""
        at = np.flatnonzero(self.leaves[:, direction])
        turned_right = self.code[at] >> ((direction + 1) & 3) & 1
        passed = self.code[at] >> ((direction + 2) & 3) & 1
        turned = np.where(turned_right, (direction - 1) & 3, (direction + 1) & 3)
        arrival = np.where(passed & ~turned_right, direction, turned)
        return self.nodes[at, arrival], self.column[at]

    def arriving(self, direction: int) -> tuple[Nodes, Nodes]:
        """The corners that arrive in this direction, and their columns."""
        at = np.flatnonzero(self.nodes[:, direction] >= 0)
        return self.nodes[at, direction], self.column[at]

    def keys(self, first_row: int) -> Keys:
        """Keys of the corners."""
        rows = self.row.astype(np.int64) + first_row
        keys: Keys = rows << _ROW_SHIFT | self.column.astype(np.int64) << 2 | self.touches.any(axis=1)
        return np.asarray(keys[self.slots >> 2])

    def begins_hole(self) -> Bools:
        """Whether each corner arrives westward and turns left, so that something else is south-east."""
        code = self.code[self.slots >> 2]
        result: Bools = ((self.slots & 3) == WEST) & (code >> NORTH & 1 == 0) & (code >> WEST & 1 == 0)
        return result

    def marks(self, marks: Marks | None) -> Marks:
        """The mark of each corner."""
        if marks is None:
            return np.full(len(self.slots), KEPT)
        vertex = self.slots >> 2
        return np.asarray(marks[self.row[vertex], self.column[vertex]])

    def touching_pairs(self) -> Nodes:
        """The two corners, (pairs, 2), wherever pixels of one class touch only diagonally."""
        return np.concatenate([self.nodes[self.touches[:, d]][:, [d, d + 2]] for d in (EAST, SOUTH)])


def _find_vertices(grid: Pixels, outside: int, first_node: int, *, noded: bool) -> _Vertices:
    vertical = grid[:, :-1] != grid[:, 1:]
    horizontal = grid[:-1] != grid[1:]
    turning = np.zeros(horizontal.shape, bool)
    np.logical_and(vertical[:-1] | vertical[1:], horizontal[:, :-1] | horizontal[:, 1:], out=turning[:, :-1])
    at = np.flatnonzero(turning)  # of the pixel north-west of each vertex, in the flat grid

    flat, width = grid.ravel(), grid.shape[1]
    nw, ne, sw, se = (flat[at + step] for step in (0, 1, width, width + 1))
    code = np.zeros(len(at), np.uint8)
    for bit, differs in enumerate((ne != se, sw != se, nw != sw, nw != ne)):
        code |= differs.view(np.uint8) << np.uint8(bit)
    pixels = np.stack([sw, nw, ne, se], axis=1)
    inside = pixels != outside
    arrives, leaves = (table[code].view(bool).reshape(-1, 4) for table in _TURNS[noded])
    slots = np.flatnonzero(arrives & inside)
    nodes = np.full(pixels.shape, -1, np.int32)
    nodes.ravel()[slots] = np.arange(first_node, first_node + len(slots), dtype=np.int32)
    row, column = np.divmod(at.astype(np.int32), np.int32(width))
    return _Vertices(
        row=row,
        column=column,
        code=code,
        pixels=pixels,
        leaves=leaves & inside[:, [3, 0, 1, 2]],
        touches=(pixels[:, :2] == pixels[:, 2:]) & inside[:, :2] & (code == 15)[:, None],
        slots=slots,
        nodes=nodes,
    )


def _by_column(upper: tuple[Nodes, Nodes], lower: tuple[Nodes, Nodes]) -> Nodes:
    """The nodes of two lists (nodes, columns) by column, the upper list first in each column."""
    columns = np.concatenate([upper[1], lower[1]])
    if len(columns) and int(columns.max()) < 1 << 16:
        columns = columns.astype(np.uint16)  # numpy sorts these by radix
    return np.concatenate([upper[0], lower[0]])[np.argsort(columns, kind="stable")]
