"""One round of the sieve: which small regions are given away, and to which class.

In a round with a threshold a region is a *centre* if it has that many pixels, or ranks above all its
neighbours: by the binary digits of its size, then by a hash of its key, which makes centres frequent
everywhere. Each other region that touches centres goes to one of their classes. All of that looks at the
raster as it was at the start of the round, and at nothing farther off than a neighbour's neighbours, so the
regions that memory must hold are small ones near the strip.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geoarseg.errors import InputError
from geoarseg.vector.probabilities import ProbabilityRaster
from geoarseg.vector.regions import Contacts, Regions, Seam, advance, top

Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_UNKNOWN, _BESIDE, _CENTRE = range(3)  # how a region stands


@dataclass(frozen=True)
class Gifts:
    """The regions that are given away with one strip."""

    starts: Ints
    """First pixel, in the flat raster, of each run of theirs, (runs,)."""
    lengths: Ints
    """Pixels of each run, (runs,)."""
    classes: Ints
    """New class of each run, (runs,)."""
    old_classes: Ints
    """Class of each run so far, (runs,)."""
    pending: int
    """How many other regions below the threshold have neighbours that they might be given to."""


@dataclass(frozen=True)
class _State:
    """The regions carried into the next strip: open ones, undecided ones, and neighbours of these."""

    seam: Seam
    """Their keys, classes and sizes."""
    standing: npt.NDArray[np.int8]
    """How each stands, (carried,)."""
    settled: Bools
    """Whether what becomes of each is decided already, (carried,)."""
    borders: Contacts
    """Borders that undecided ones have, by number of the carried region."""
    runs: Contacts
    """Runs of undecided ones: the carried region, the first pixel in the flat raster, the pixels."""
    likelihood: Floats
    """Sums of the classes' probabilities over each, (classes, carried)."""


def sieve_round(
    strips: Iterable[tuple[int, Ints]],
    *,
    shape: tuple[int, int],
    threshold: int,
    connectedness: int,
    nodata: int | None,
    likelihood: ProbabilityRaster | None,
) -> Iterator[Gifts]:
    """Find what one round gives away.

    Args:
        strips: (first row, (rows, width) classes) of each strip, without gaps.
        shape: rows and columns of the raster.
        threshold: pixels below which a region is given away.
        connectedness: 4, or 8 to join pixels that touch at a corner.
        nodata: the value that makes no regions, or None.
        likelihood: choose the class by it, and not by the longest border.

    Yields:
        the gifts that are certain with each strip; they lie in it or above it.
    """
    state: _State | None = None
    for row, strip in strips:
        state = state or _start(shape[1], strip.dtype, likelihood.classes if likelihood else 0)
        regions = advance(state.seam, row, strip, connectedness=connectedness, nodata=nodata)
        if row + len(strip) == shape[0]:
            regions = replace(regions, is_open=np.zeros(len(regions), bool))
        sums = np.zeros((0, len(regions)))
        if likelihood is not None:
            sums = _likelihood_of(regions, likelihood)
            sums += np.stack([regions.sums_of_carried(values) for values in state.likelihood])
        state, gifts = _decide(state, regions, sums, threshold)
        yield gifts


def _start(width: int, dtype: npt.DTypeLike, classes: int) -> _State:
    none = np.zeros(0, np.int64)
    nothing = Contacts(none, none, none)
    return _State(top(width, dtype), np.zeros(0, np.int8), np.zeros(0, bool), nothing, nothing, np.zeros((classes, 0)))


def _likelihood_of(regions: Regions, likelihood: ProbabilityRaster) -> Floats:
    """Sums of the classes' probabilities over each region in this strip, (classes, regions)."""
    wrong = (regions.classes < 1) | (regions.classes > likelihood.classes)
    if wrong.any():
        raise InputError(
            f"The class raster holds class {regions.classes[wrong][0]}, but the probabilities are those of the classes "
            f"1 to {likelihood.classes}.",
            "Give the probabilities that were written with this class raster.",
        )
    height, width = regions.grid.shape
    starts = regions.runs.starts[regions.runs.above :] - width
    bands = likelihood.rows(regions.row, regions.row + height - 1)
    return np.stack([regions.sums(np.add.reduceat(band.ravel(), starts, dtype=np.int64)) for band in bands])


def _decide(state: _State, regions: Regions, likelihood: Floats, threshold: int) -> tuple[_State, Gifts]:
    """Settle the regions about which all is known now."""
    moved, small = regions.region_of_carried, regions.sizes < threshold
    settled = np.zeros(len(regions), bool)
    settled[moved[state.settled]] = True
    undecided = small & ~settled
    borders = _borders(state, regions, undecided)
    runs = _runs(state, regions, undecided)
    standing = np.zeros(len(regions), np.int8)
    np.maximum.at(standing, moved, state.standing)
    standing[~small] = _CENTRE
    closed = undecided & ~regions.is_open
    both = _both_ways(borders)
    standing = _stand(standing, regions, both, closed, small)

    beside = closed & (standing == _BESIDE)
    beside[both.one[standing[both.other] == _UNKNOWN]] = False
    offers = both.take(beside[both.one] & (standing[both.other] == _CENTRE))
    given, classes = _choose(offers, regions, likelihood)
    new_class = regions.classes.copy()
    new_class[given] = classes
    settled_now = beside | (closed & (standing == _CENTRE))
    left = np.zeros(len(regions), bool)
    left[both.one] = settled_now[both.one]
    left[given] = False
    gifts = _gifts(runs, regions.classes, new_class, int(np.count_nonzero(left)))

    settled, undecided = settled | settled_now, undecided & ~settled_now
    borders = borders.take(undecided[borders.one] | undecided[borders.other])
    kept = regions.is_open | undecided
    kept[borders.one] = kept[borders.other] = True
    seam, number = regions.carry(kept)
    runs = runs.take(undecided[runs.one])
    below = _State(
        seam=seam,
        standing=standing[kept],
        settled=settled[kept],
        borders=Contacts(number[borders.one], number[borders.other], borders.edges),
        runs=Contacts(number[runs.one], runs.other, runs.edges),
        likelihood=likelihood[:, kept],
    )
    return below, gifts


def _borders(state: _State, regions: Regions, undecided: Bools) -> Contacts:
    """All borders of the undecided regions, each once."""
    old, new = state.borders, regions.borders(undecided)
    one = np.concatenate([regions.region_of_carried[old.one], new.one])
    other = np.concatenate([regions.region_of_carried[old.other], new.other])
    borders = Contacts(one, other, np.concatenate([old.edges, new.edges])).take(undecided[one] | undecided[other])
    pairs = np.minimum(borders.one, borders.other) * len(regions) + np.maximum(borders.one, borders.other)
    pairs, edges = _sums_by(pairs, borders.edges)
    one, other = np.divmod(pairs, max(len(regions), 1))
    return Contacts(one, other, edges)


def _sums_by(keys: Ints, values: Ints) -> tuple[Ints, Ints]:
    """The distinct keys, ascending, and the sum of the values of each."""
    if len(keys) == 0:
        return keys, values
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[first], np.add.reduceat(values, first)


def _both_ways(borders: Contacts) -> Contacts:
    return Contacts(
        np.concatenate([borders.one, borders.other]),
        np.concatenate([borders.other, borders.one]),
        np.concatenate([borders.edges, borders.edges]),
    )


def _runs(state: _State, regions: Regions, undecided: Bools) -> Contacts:
    """All runs of the undecided regions so far."""
    first, old = regions.runs.above, state.runs
    region = regions.region_of_run[first:]
    new = np.flatnonzero((region >= 0) & undecided[region]) if len(regions) else np.zeros(0, np.int64)
    starts = regions.runs.starts[first:][new] + (regions.row - 1) * regions.grid.shape[1]
    runs = Contacts(
        np.concatenate([regions.region_of_carried[old.one], region[new]]),
        np.concatenate([old.other, starts]),
        np.concatenate([old.edges, regions.lengths()[first:][new]]),
    )
    return runs.take(undecided[runs.one])


def _stand(
    standing: npt.NDArray[np.int8], regions: Regions, both: Contacts, closed: Bools, small: Bools
) -> npt.NDArray[np.int8]:
    """How each region stands, as far as its neighbours' sizes are known."""
    digits = np.where(small, np.frexp(regions.sizes)[1], 64)
    hashes = _hash(regions.keys)
    one, other = both.one, both.other
    unknown = (regions.is_open & small)[other]
    higher = (digits[other] > digits[one]) | ((digits[other] == digits[one]) & (hashes[other] > hashes[one]))
    now = np.full(len(regions), _CENTRE, np.int8)
    now[one[unknown]] = _UNKNOWN
    now[one[higher & ~unknown]] = _BESIDE
    return np.where(closed & (standing == _UNKNOWN), now, standing)


def _hash(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Other numbers for other keys, without order (the finalizer of splitmix64)."""
    mixed = keys.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
    hashes: npt.NDArray[np.uint64] = mixed ^ mixed >> np.uint64(31)
    return hashes


def _choose(offers: Contacts, regions: Regions, likelihood: Floats) -> tuple[Ints, Ints]:
    """The regions that have offers, and for each the class that it takes."""
    pairs, edges = _sums_by(offers.one << 8 | regions.classes[offers.other].astype(np.int64), offers.edges)
    region, value = pairs >> 8, pairs & 0xFF
    score = likelihood[value - 1, region] if len(likelihood) else np.zeros(len(region))
    order = np.lexsort((_hash(regions.keys[region] ^ value << 24), edges, score, region))
    best = order[np.flatnonzero(np.diff(region[order], append=-1))]
    return region[best], value[best]


def _gifts(runs: Contacts, old_class: Ints, new_class: Ints, pending: int) -> Gifts:
    runs = runs.take(old_class[runs.one] != new_class[runs.one])
    order = np.argsort(runs.other)
    region = runs.one[order]
    return Gifts(runs.other[order], runs.edges[order], new_class[region], old_class[region], pending)
