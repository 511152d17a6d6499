"""Walk chains and rings: from "which node follows which" to the nodes of each component in their order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from geoarseg.vector.ragged import Ragged, offsets_of

Nodes = npt.NDArray[np.int32]
Ints = npt.NDArray[np.integer]

_FEW = 48  # so few walkers are faster one by one than as an array


def group(count: int, left: Ints, right: Ints) -> tuple[int, Nodes]:
    """Sort `count` things, linked in pairs (links,), into connected groups.

    Returns:
        how many groups there are, and the group of each thing (count,) int32.
    """
    if count == 0:
        return 0, np.zeros(0, np.int32)
    links = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(count, count))
    groups, group_of = connected_components(links.tocsr(), connection="weak")
    return int(groups), group_of


def walk(successor: Nodes) -> tuple[Ragged, Nodes]:
    """Walk all components of a graph in which each node has one successor and one predecessor.

    Args:
        successor: (nodes,) int32. An open path's last node must follow itself, its first be its lowest.

    Returns:
        the nodes of each component from its lowest node on, and each node's component (nodes,) int32.
    """
    if len(successor) == 0:
        return Ragged.empty(), np.zeros(0, np.int32)
    total = len(successor)
    links = csr_array((np.ones(total, np.int8), successor, np.arange(total + 1, dtype=np.int32)), shape=(total, total))
    count, component = connected_components(links, connection="weak")
    first = np.empty(count, np.int32)
    first[component[::-1]] = np.arange(total - 1, -1, -1, dtype=np.int32)  # the last to write is the lowest
    lengths = np.bincount(component, minlength=count)
    offsets = offsets_of(lengths)
    nodes = np.empty(total, np.int64)
    _walk_together(successor, first, lengths, offsets[:-1], nodes)
    return Ragged(nodes, offsets), component


def _walk_together(successor: Nodes, first: Nodes, lengths: Ints, places: Ints, nodes: npt.NDArray[np.int64]) -> None:
    """Fill in the `nodes` of each component, at its place: all walk a step at once until few are left."""
    longest_first = np.argsort(-lengths, kind="stable")
    lengths, place, at = lengths[longest_first], places[longest_first], first[longest_first]
    longer_than = len(lengths) - np.cumsum(np.bincount(lengths))  # components with more than 0, 1, 2 ... nodes
    step = 0
    while longer_than[step] > _FEW:
        at, place = at[: longer_than[step]], place[: longer_than[step]]
        nodes[place + step] = at
        at = successor[at]
        step += 1
    follow = successor.data
    for i in range(int(longer_than[step])):
        node, rest = int(at[i]), []
        for _ in range(int(lengths[i]) - step):
            rest.append(node)
            node = follow[node]
        nodes[place[i] + step : place[i] + lengths[i]] = rest


def split_at_touching(rings: Ragged) -> tuple[Ragged, npt.NDArray[np.int64]]:
    """Split rings that pass one vertex twice, so that they touch there instead.

    A region around a hole that meets the outside at a corner is walked in one ring; that becomes an outer
    ring and a hole.

    Args:
        rings: corner keys of closed rings; keys whose lowest bit is set may occur twice in a ring.

    Returns:
        the rings, those that were split last, and the row of `rings` that each comes from.
    """
    whole = np.arange(len(rings))
    marked = np.flatnonzero(rings.values & 1)
    if len(marked) < 2:
        return rings, whole
    ring = np.searchsorted(rings.offsets, marked, side="right") - 1
    order = np.lexsort((rings.values[marked], ring))
    marked, ring = marked[order], ring[order]
    twice = np.flatnonzero((ring[1:] == ring[:-1]) & (rings.values[marked[1:]] == rings.values[marked[:-1]]))
    if len(twice) == 0:
        return rings, whole
    is_split = np.zeros(len(rings), bool)
    is_split[ring[twice]] = True
    pinched = rings.take(np.flatnonzero(is_split))
    # The pairs' positions among the values of the pinched rings alone.
    new_start = np.zeros(len(rings), np.int64)
    new_start[is_split] = pinched.offsets[:-1]
    shift = (new_start - rings.offsets[:-1])[ring[twice]]
    one, other = marked[twice] + shift, marked[twice + 1] + shift
    successor = np.arange(1, len(pinched.values) + 1, dtype=np.int32)
    successor[pinched.offsets[1:] - 1] = pinched.offsets[:-1]
    # Visits of one ring never cross, so exchanging the ways onward at each vertex cuts off one ring each.
    successor[one], successor[other] = successor[other], successor[one]
    loops, _ = walk(successor)
    pieces = Ragged(pinched.values[loops.values], loops.offsets)
    parent = np.flatnonzero(is_split)[pinched.row_of[loops.values[loops.offsets[:-1]]]]
    rest = np.flatnonzero(~is_split)
    return Ragged.concatenate([rings.take(rest), pieces]), np.concatenate([rest, parent])
