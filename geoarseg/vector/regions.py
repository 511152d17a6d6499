"""Connected regions of equal class, strip by strip, with an identity that holds across strips.

Rows are taken apart into runs of one class. Runs of one class that touch are one region, and what touches the
strip's last row waits for the next strip, where its runs there are found again. A region's key is its first
pixel, row << 32 | column: also the upper left corner of the polygon that `polygonize_strips` makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geoarseg.vector.batch import PolygonBatch
from geoarseg.vector.chains import group

Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]

_ROW_SHIFT = 32


def keys_of(batch: PolygonBatch) -> npt.NDArray[np.int64]:
    """The key of the region that each feature of a batch shows, (features,) int64."""
    keys: npt.NDArray[np.int64] = batch.first_pixels[:, 0] << _ROW_SHIFT | batch.first_pixels[:, 1]
    return keys


@dataclass(frozen=True)
class Contacts:
    """Pairs of things that touch, and along how many pixel edges."""

    one: Ints
    """The first of each pair, (pairs,)."""
    other: Ints
    """The second of each pair, (pairs,)."""
    edges: Ints
    """Pixel edges that they share here, (pairs,); 0 where they touch at a corner."""

    def take(self, chosen: Bools) -> Contacts:
        """The chosen pairs."""
        return Contacts(self.one[chosen], self.other[chosen], self.edges[chosen])


@dataclass(frozen=True)
class Runs:
    """Runs of one class along the rows of a grid, in raster order."""

    starts: Ints
    """First pixel of each run in the flat grid, (runs,); a run ends where the next one starts."""
    classes: Ints
    """Class of each run, (runs,)."""
    above: int
    """How many of them lie in the first row."""
    below: int
    """How many of them lie in the last row."""
    contacts: Contacts
    """Runs of one row with those of the next that they touch."""
    has_left: Bools
    """Whether each run, but for those of the first row, has one on its left, (runs,)."""


def find_runs(grid: Ints, connectedness: int) -> Runs:
    """Find the runs of a grid of classes, (rows, columns), two rows or more; with 8, corners touch too."""
    width = grid.shape[1]
    begins = np.ones(grid.shape, bool)
    np.not_equal(grid[:, 1:], grid[:, :-1], out=begins[:, 1:])
    flat = begins.ravel()
    starts = np.flatnonzero(flat)
    in_row = np.count_nonzero(begins, axis=1)
    above = int(in_row[0])
    has_left = np.ones(len(starts), bool)
    has_left[:above] = False
    has_left[np.cumsum(in_row[:-1])] = False

    # Going along two rows at once, the pair of runs changes where either row has a new one.
    at = np.flatnonzero(begins[:-1] | begins[1:])
    upper = np.cumsum(flat[at]) - 1
    lower = np.cumsum(flat[width:][at]) + (above - 1)
    edges = np.diff(at, append=flat.size - width)
    if connectedness == 8:
        inner = np.flatnonzero(at[1:] % width) + 1
        ones, others = (upper, upper[inner - 1], upper[inner]), (lower, lower[inner], lower[inner - 1])
        upper, lower = np.concatenate(ones), np.concatenate(others)
        edges = np.concatenate([edges, np.zeros(2 * len(inner), np.int64)])
    contacts = Contacts(upper, lower, edges)
    return Runs(starts, grid.ravel()[starts], above, int(in_row[-1]), contacts, has_left)


@dataclass(frozen=True)
class Seam:
    """The regions that are carried from one strip into the next, by their keys."""

    pixels: Ints
    """The last row of the strip, (columns,)."""
    region_of_run: Ints
    """The carried region of each run in that row, -1 for no data."""
    keys: npt.NDArray[np.int64]
    """Key of each carried region, ascending, (carried,)."""
    classes: Ints
    """Class of each carried region, (carried,)."""
    sizes: npt.NDArray[np.int64]
    """Pixels of each carried region so far, (carried,)."""


def top(width: int, dtype: npt.DTypeLike) -> Seam:
    """What is carried into the first strip: nothing."""
    none = np.zeros(0, np.int64)
    return Seam(np.zeros(width, dtype), np.full(1, -1), none, np.zeros(0, dtype), none)


@dataclass(frozen=True)
class Regions:
    """The regions of a strip and those carried into it, numbered by their keys."""

    grid: Ints
    """The last row of the strip above, and the strip, (rows + 1, columns)."""
    row: int
    """Row of the raster of the strip's first row."""
    runs: Runs
    """The runs of the grid."""
    region_of_run: Ints
    """The region of each run, -1 for no data, (runs,)."""
    region_of_carried: Ints
    """The region of each carried region, (carried,)."""
    keys: npt.NDArray[np.int64]
    """Key of each region, ascending, (regions,)."""
    classes: Ints
    """Class of each region, (regions,)."""
    sizes: npt.NDArray[np.int64]
    """Pixels of each region so far, (regions,)."""
    is_open: Bools
    """Whether each region has pixels in the strip's last row, so that it may go on, (regions,)."""

    def __len__(self) -> int:
        return len(self.keys)

    def lengths(self) -> Ints:
        """Pixels of each run that are new with this strip, (runs,): 0 in the row of the strip above."""
        lengths = np.diff(self.runs.starts, append=self.grid.size)
        lengths[: self.runs.above] = 0
        return lengths

    def sums(self, of_run: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
        """Add up a value of each of the strip's own runs, (runs - above,), over each region, (regions,)."""
        return _sums(self.region_of_run[self.runs.above :], of_run, len(self))

    def sums_of_carried(self, of_carried: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
        """Add up a value of each carried region, (carried,), over each region, (regions,)."""
        return _sums(self.region_of_carried, of_carried, len(self))

    def borders(self, chosen: Bools) -> Contacts:
        """Borders of the chosen regions (regions,) that are new with this strip; a pair may come several times."""
        runs, of_run = self.runs, self.region_of_run
        run_is_chosen = np.append(chosen, False)[of_run]  # -1 is the last
        left = np.flatnonzero(runs.has_left[1:] & (run_is_chosen[1:] | run_is_chosen[:-1]))
        touching = runs.contacts.take(run_is_chosen[runs.contacts.one] | run_is_chosen[runs.contacts.other])
        one = of_run[np.concatenate([touching.one, left])]
        other = of_run[np.concatenate([touching.other, left + 1])]
        edges = np.concatenate([touching.edges, np.ones(len(left), np.int64)])
        return Contacts(one, other, edges).take((one != other) & (one >= 0) & (other >= 0))

    def carry(self, kept: Bools) -> tuple[Seam, Ints]:
        """Carry the `kept` regions (regions,), all open ones among them, into the next strip.

        Returns:
            the seam, and the new number of each kept region (regions,).
        """
        assert kept[self.is_open].all()
        number = np.cumsum(kept) - 1
        last = self.region_of_run[len(self.region_of_run) - self.runs.below :]
        carried = np.where(last >= 0, number[last], -1) if len(self) else last
        return Seam(self.grid[-1], carried, self.keys[kept], self.classes[kept], self.sizes[kept]), number


def advance(seam: Seam, row: int, strip: Ints, *, connectedness: int, nodata: int | None) -> Regions:
    """Take in one strip.

    Args:
        seam: what was carried out of the strip above.
        row: row of the raster of the strip's first row.
        strip: (rows, columns) classes.
        connectedness: 4, or 8 to join pixels that touch at a corner.
        nodata: the value that makes no regions, or None.
    """
    grid = np.concatenate([seam.pixels[None], strip])
    runs = find_runs(grid, connectedness)
    valid = np.ones(len(runs.starts), bool) if nodata is None else runs.classes != nodata
    valid[: runs.above] = seam.region_of_run >= 0
    of_carried, of_run, first_carried, first_runs = _group(seam, runs, valid)
    count = len(first_carried) + len(first_runs)
    last = of_run[len(of_run) - runs.below :]
    is_open = np.zeros(count, bool)
    is_open[last[last >= 0]] = True
    lengths = np.diff(runs.starts[runs.above :], append=grid.size)
    sizes = _sums(of_run[runs.above :], lengths, count) + _sums(of_carried, seam.sizes, count)
    keys = _keys(runs.starts[first_runs], row, grid.shape[1])
    return Regions(
        grid=grid,
        row=row,
        runs=runs,
        region_of_run=of_run,
        region_of_carried=of_carried,
        keys=np.concatenate([seam.keys[first_carried], keys]),
        classes=np.concatenate([seam.classes[first_carried], runs.classes[first_runs]]),
        sizes=sizes.astype(np.int64),
        is_open=is_open,
    )


def _group(seam: Seam, runs: Runs, valid: Bools) -> tuple[Ints, Ints, Ints, Ints]:
    """Join runs and carried regions.

    Returns:
        the region of each carried region and of each run; which carried regions, and which runs, are the first
        of their regions.
    """
    carried, contacts = len(seam.keys), runs.contacts
    same = runs.classes[contacts.one] == runs.classes[contacts.other]
    same &= valid[contacts.one] & valid[contacts.other]
    upper, lower = contacts.one[same], contacts.other[same]
    # Each run hangs on one above it. That leaves few links, between the trees' roots, to search.
    root = np.arange(carried + len(runs.starts))
    root[carried : carried + runs.above] = np.where(
        valid[: runs.above], seam.region_of_run, root[carried : carried + runs.above]
    )
    root[carried + lower] = carried + upper
    further = np.flatnonzero(root[carried + lower] != carried + upper)
    is_root = root == np.arange(len(root))
    while not np.array_equal(higher := root[root], root):
        root = higher
    number = np.cumsum(is_root) - 1
    roots = np.flatnonzero(is_root)
    count, group_of = group(len(roots), number[root[carried + upper[further]]], number[root[carried + lower[further]]])
    first = np.empty(count, np.int64)
    first[group_of[::-1]] = np.arange(len(roots) - 1, -1, -1)  # the last to write is the lowest
    is_first = np.zeros(len(roots), bool)
    is_first[first] = True
    is_first[roots >= carried] &= valid[roots[roots >= carried] - carried]
    region_of_root = (np.cumsum(is_first) - 1)[first[group_of]]
    region = region_of_root[number[root]]
    region[carried:][~valid] = -1
    firsts = roots[is_first]
    return region[:carried], region[carried:], firsts[firsts < carried], firsts[firsts >= carried] - carried


def _keys(starts: Ints, row: int, width: int) -> npt.NDArray[np.int64]:
    """Keys of pixels of a grid whose second row is the raster's `row`."""
    rows, columns = np.divmod(starts, width)
    keys: npt.NDArray[np.int64] = rows + (row - 1) << _ROW_SHIFT | columns
    return keys


def _sums(of: Ints, values: npt.NDArray[np.generic], count: int) -> npt.NDArray[np.float64]:
    """Sum of the values of each of `count` regions; values of region -1 are left out."""
    return np.bincount(of + 1, weights=values, minlength=count + 1)[1:].astype(np.float64)
