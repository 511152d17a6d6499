"""Rectangles of pixels and the partition of a raster into tiles: pure integers, nothing is read here.

A tile has a `core`, which it alone answers for, and a `read` window, the core grown by a halo of context::

    +---------------+
    |  read         |   The cores of a `TileGrid` cover every pixel exactly once. Cores and halos are
    |   +-------+   |   multiples of the network's stride, so each read window starts on the stride's
    |   | core  |   |   grid: only then does the network see the same pixels in the same phase
    |   +-------+   |   whichever tile they fall into.
    +---------------+
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from geoarseg.errors import SettingsError


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels."""

    row: int
    """First row, from 0 at the top; may be negative only for windows that reach beyond a raster."""
    col: int
    """First column, from 0 at the left."""
    height: int
    """Rows, at least 1."""
    width: int
    """Columns, at least 1."""

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"a window must hold at least one pixel, not {self.height} x {self.width}")

    @property
    def row_stop(self) -> int:
        """First row below the window."""
        return self.row + self.height

    @property
    def col_stop(self) -> int:
        """First column right of the window."""
        return self.col + self.width

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def area(self) -> int:
        """Pixels in the window."""
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices that cut the window out of an array (y, x) of the raster."""
        return slice(self.row, self.row_stop), slice(self.col, self.col_stop)

    def contains(self, other: Window) -> bool:
        """Whether no pixel of `other` lies outside this window."""
        return (
            self.row <= other.row
            and self.col <= other.col
            and other.row_stop <= self.row_stop
            and other.col_stop <= self.col_stop
        )

    def intersection(self, other: Window) -> Window | None:
        """The pixels that both windows hold, or None if there are none."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        height, width = min(self.row_stop, other.row_stop) - row, min(self.col_stop, other.col_stop) - col
        return Window(row, col, height, width) if height > 0 and width > 0 else None

    def relative_to(self, outer: Window) -> Window:
        """The same pixels, counted from the upper left corner of `outer`."""
        return self.shifted(-outer.row, -outer.col)

    def shifted(self, rows: int, cols: int) -> Window:
        """The window moved down by `rows` and right by `cols`."""
        return Window(self.row + rows, self.col + cols, self.height, self.width)

    def grown(self, margin_px: int) -> Window:
        """The window with `margin_px` more pixels on each of its four sides."""
        return Window(
            self.row - margin_px,
            self.col - margin_px,
            self.height + 2 * margin_px,
            self.width + 2 * margin_px,
        )


@dataclass(frozen=True)
class Tile:
    """One tile of a raster."""

    core: Window
    """The pixels that this tile alone answers for."""
    read: Window
    """The core and its halo, clipped to the raster."""

    @property
    def core_in_read(self) -> tuple[slice, slice]:
        """Row and column slices that cut the core out of an array of the read window."""
        return self.core.relative_to(self.read).slices


@dataclass(frozen=True)
class TileGrid(Sequence[Tile]):
    """All tiles of a raster, or of a part of it, row by row. Made by `tile_grid`."""

    height: int
    """Rows of the raster."""
    width: int
    """Columns of the raster."""
    core_px: int
    """Side of the square cores; those at the edges of the region are cut off."""
    halo_px: int
    """Context around each core."""
    stride_px: int
    """Read windows start on multiples of it."""
    region: Window
    """The part that the cores cover. Cores lie on one grid of the raster, wherever the region starts."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of tiles downward and to the right."""
        down = -(-self.region.row_stop // self.core_px) - self.region.row // self.core_px
        right = -(-self.region.col_stop // self.core_px) - self.region.col // self.core_px
        return down, right

    def __len__(self) -> int:
        down, right = self.shape
        return down * right

    @overload
    def __getitem__(self, index: int) -> Tile: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Tile]: ...
    def __getitem__(self, index: int | slice) -> Tile | Sequence[Tile]:
        if isinstance(index, slice):
            return [self._tile(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"tile {index} of {len(self)}")
        return self._tile(index % len(self))

    def _tile(self, index: int) -> Tile:
        down, right = divmod(index, self.shape[1])
        row = (self.region.row // self.core_px + down) * self.core_px
        col = (self.region.col // self.core_px + right) * self.core_px
        core = Window(row, col, self.core_px, self.core_px).intersection(self.region)
        assert core is not None
        # A region may cut a core off the stride; what is read starts on it all the same.
        top, left = (start - start % self.stride_px for start in (core.row, core.col))
        aligned = Window(top, left, core.row_stop - top, core.col_stop - left)
        read = aligned.grown(self.halo_px).intersection(Window(0, 0, self.height, self.width))
        assert read is not None
        return Tile(core, read)


def tile_grid(
    height: int, width: int, *, core_px: int, halo_px: int, stride_px: int, region: Window | None = None
) -> TileGrid:
    """Divide a raster into tiles whose cores cover each pixel exactly once.

    Args:
        height: rows of the raster.
        width: columns of the raster.
        core_px: side of a core, a multiple of `stride_px`.
        halo_px: context to read around a core, 0 or a multiple of `stride_px`.
        stride_px: pixels of the raster per cell of the network's coarsest grid.
        region: cover only this part of the raster; None = all.

    Raises:
        SettingsError: a size is not positive, or the core or the halo is not a multiple of the stride, or the region
            leaves the raster.
    """
    for name, value, least in (
        ("raster height", height, 1),
        ("raster width", width, 1),
        ("stride", stride_px, 1),
        ("tile size", core_px, 1),
        ("halo", halo_px, 0),
    ):
        if value < least:
            raise SettingsError(f"The {name} must be at least {least} px, not {value}.", f"Use {least} or more.")
    for name, value in (("tile size", core_px), ("halo", halo_px)):
        if value % stride_px:
            raise SettingsError(
                f"The {name} of {value} px is not a multiple of the network's stride of {stride_px} px.",
                f"The next valid value is {next_multiple(value, stride_px)}.",
            )
    whole = Window(0, 0, height, width)
    if region is not None and not whole.contains(region):
        raise SettingsError(
            f"The window of {region.width} x {region.height} px from column {region.col}, row {region.row} leaves the"
            f" image of {width} x {height} px.",
            "Give one that lies inside.",
        )
    return TileGrid(height, width, core_px, halo_px, stride_px, region or whole)


def next_multiple(value: int, stride_px: int) -> int:
    """The smallest multiple of `stride_px` that is not below `value`."""
    return -(-value // stride_px) * stride_px
