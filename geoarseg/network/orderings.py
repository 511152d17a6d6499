"""The orderings of the paper (section 3.1, figures 2 to 5) as a table of ranks, kernel masks and shifts.

An ordering is a bijection from the pixels of a grid to ranks 0, 1, 2 ...; a pixel may see those of equal or lower
rank. Eight raster-scan orderings go by rows or by columns from one of the four corners; `rows-top-right` reads rows
from the top, each from the right. Eight zigzag orderings go by anti-diagonals from a corner, turning at each border::

    rows-top-left    columns-left-top    zigzag-top-left-row
      0 1 2              0 3 6                0 1 5
      3 4 5              1 4 7                2 4 6
      6 7 8              2 5 8                3 7 8

A convolution under an ordering (figure 3 c) reads its input shifted by floor(F/2), so that the kernel's border line
lies on the current pixel's line, and masks what comes after the current pixel there. For F = 3 (x: weight in use, o:
the current pixel, also in use, .: masked)::

    rows-top-left     rows-top-right    columns-left-top    zigzag-top-left-*
      x x x             x x x             x x x               x x x
      x x x             x x x             x x o               x x x
      x o .             . o x             x x .               x x o
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

BoolGrid = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Ordering:
    """One ordering of the pixels of a grid."""

    name: str
    """As in the settings, such as `rows-top-left`."""
    scan: str
    """`rows`, `columns` or `zigzag`."""
    down: int
    """1 when rows are visited from the top, -1 from the bottom."""
    right: int
    """1 when columns are visited from the left, -1 from the right."""
    first_along_row: bool = True
    """For zigzag: whether the first step goes along the row."""

    def allows(self, dy: int, dx: int) -> bool:
        """Whether the pixel at offset (dy, dx) comes before, or is, the current pixel at every position of any grid."""
        dy, dx = dy * self.down, dx * self.right
        if self.scan == "rows":
            return dy < 0 or (dy == 0 and dx <= 0)
        if self.scan == "columns":
            return dx < 0 or (dx == 0 and dy <= 0)
        return dy + dx < 0 or dy == dx == 0

    @property
    def shift(self) -> tuple[int, int]:
        """Where the kernel's centre lies from the current pixel, in units of floor(F/2) rows and columns."""
        if self.scan == "rows":
            return -self.down, 0
        if self.scan == "columns":
            return 0, -self.right
        return -self.down, -self.right

    def kernel_mask(self, kernel_px: int) -> BoolGrid:
        """The weights in use, (F, F) of bool, for the shifted kernel."""
        return _kernel_mask(self, kernel_px)

    def padding(self, kernel_px: int) -> tuple[int, int, int, int]:
        """Zeros to put left, right, above and below the input: the shift, as `torch.nn.functional.pad` takes it."""
        half = kernel_px // 2
        sy, sx = self.shift
        return half - sx * half, half + sx * half, half - sy * half, half + sy * half

    def ranks(self, height: int, width: int) -> npt.NDArray[np.int64]:
        """The rank of each pixel, (height, width) of int64 with the values 0 .. height * width - 1."""
        row, column = np.indices((height, width))
        row = row if self.down == 1 else height - 1 - row
        column = column if self.right == 1 else width - 1 - column
        if self.scan == "rows":
            return row * width + column
        if self.scan == "columns":
            return column * height + row
        diagonal = row + column
        along = np.where((diagonal % 2 == 1) == self.first_along_row, row, column)
        ranks = np.empty(height * width, dtype=np.int64)
        ranks[np.lexsort((along.ravel(), diagonal.ravel()))] = np.arange(height * width)
        return ranks.reshape(height, width)

    @property
    def opposite(self) -> Ordering:
        """The ordering that visits the grid from the other corner: its view sees what this one's does not."""
        return next(
            o
            for o in ALL_ORDERINGS
            if o.scan == self.scan
            and (o.down, o.right) == (-self.down, -self.right)
            and o.first_along_row == self.first_along_row
        )


@lru_cache(maxsize=256)
def _kernel_mask(ordering: Ordering, kernel_px: int) -> BoolGrid:
    half = kernel_px // 2
    sy, sx = ordering.shift
    offsets = range(-half, half + 1)
    mask = np.array([[ordering.allows(y + sy * half, x + sx * half) for x in offsets] for y in offsets])
    mask.setflags(write=False)
    return mask


def _table() -> tuple[Ordering, ...]:
    vertical = {"top": 1, "bottom": -1}
    horizontal = {"left": 1, "right": -1}
    rows = [
        Ordering(f"rows-{v}-{h}", "rows", down, right)
        for v, down in vertical.items()
        for h, right in horizontal.items()
    ]
    columns = [
        Ordering(f"columns-{h}-{v}", "columns", down, right)
        for h, right in horizontal.items()
        for v, down in vertical.items()
    ]
    zigzag = [
        Ordering(f"zigzag-{v}-{h}-{first}", "zigzag", down, right, first == "row")
        for v, down in vertical.items()
        for h, right in horizontal.items()
        for first in ("row", "column")
    ]
    return (*rows, *columns, *zigzag)


ALL_ORDERINGS: tuple[Ordering, ...] = _table()
"""The sixteen orderings: eight raster-scan, then eight zigzag."""
_BY_NAME = {ordering.name: ordering for ordering in ALL_ORDERINGS}


def orderings_by_name(names: Sequence[str]) -> tuple[Ordering, ...]:
    """The orderings of these names; a KeyError names one that is unknown."""
    return tuple(_BY_NAME[name] for name in names)


def never_used(orderings: Sequence[Ordering], kernel_px: int) -> BoolGrid:
    """The weights of a kernel that every one of these orderings masks, (F, F) of bool."""
    used: BoolGrid = np.any([ordering.kernel_mask(kernel_px) for ordering in orderings], axis=0)
    return ~used
