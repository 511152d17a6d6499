"""Draws the pictures of "How it works" from the code itself: orderings, kernel masks, views, windows.

    python docs/making/drawings.py docs/images/method

The same code gives the same bytes; a test holds the drawings that are kept beside the pages to that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from geoarseg.network.orderings import ALL_ORDERINGS, Ordering, orderings_by_name
from geoarseg.raster.window import TileGrid, Window, tile_grid

INK, PALE, GRID = "#1f2937", "#eef2f7", "#94a3b8"
EARLIER, LATER, CURRENT = "#2a7f9e", "#e6ebf1", "#d9480f"
CELL = 22
"""Side of a drawn pixel."""


def svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """A drawing on white, so that it reads on a dark page too."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
            f' height="{height:g}" role="img" font-family="DejaVu Sans, Verdana, sans-serif">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width:g}" height="{height:g}" rx="8" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, size: float = 11, *, anchor: str = "middle", bold: bool = False) -> str:
    """One line of text."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" fill="{INK}"{weight}>'
        f"{escape(words)}</text>"
    )


def box(x: float, y: float, width: float, height: float, fill: str, line: str = GRID, more: str = "") -> str:
    """One rectangle."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}" stroke="{line}"'
        f"{' ' + more if more else ''}/>"
    )


def pixel(left: float, top: float, row: int, col: int, fill: str) -> str:
    """A pixel of a grid whose upper left corner is given."""
    return box(left + col * CELL, top + row * CELL, CELL, CELL, fill)


def shade(share: float) -> str:
    """From pale (0, the first pixel) to strong (1, the last one)."""
    pale, strong = np.array([226, 240, 246]), np.array([42, 127, 158])
    red, green, blue = np.rint(pale + share * (strong - pale)).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def draw_orderings(side: int = 5) -> str:
    """All sixteen orderings: the path through a grid, its first pixel pale and its last one strong."""
    across, step_x, step_y = 4, side * CELL + 58, side * CELL + 46
    parts = [
        part
        for number, ordering in enumerate(ALL_ORDERINGS)
        for part in _path(ordering, side, 29 + number % across * step_x, 16 + number // across * step_y)
    ]
    return svg(across * step_x, 4 * step_y + 10, "The sixteen orderings", parts)


def _path(ordering: Ordering, side: int, left: float, top: float) -> Iterator[str]:
    ranks = ordering.ranks(side, side)
    for row, col in np.ndindex(side, side):
        yield pixel(left, top, row, col, shade(ranks[row, col] / (side * side - 1)))
    places = np.stack(np.unravel_index(np.argsort(ranks, axis=None), ranks.shape), axis=1)
    points = " ".join(f"{left + (col + 0.5) * CELL:g},{top + (row + 0.5) * CELL:g}" for row, col in places)
    yield f'<polyline points="{points}" fill="none" stroke="{INK}" stroke-width="1.2" stroke-linejoin="round"/>'
    row, col = places[0]
    yield f'<circle cx="{left + (col + 0.5) * CELL:g}" cy="{top + (row + 0.5) * CELL:g}" r="4" fill="{CURRENT}"/>'
    yield text(left + side * CELL / 2, top + side * CELL + 18, ordering.name, 10)


def draw_masks(kernel_px: int = 3, side: int = 5) -> str:
    """Where the shifted, masked kernel lies around the current pixel, for one corner of each scan."""
    shown = orderings_by_name(["rows-top-left", "rows-top-right", "columns-left-top", "zigzag-top-left-row"])
    step = side * CELL + 50
    parts = [
        part for number, ordering in enumerate(shown) for part in _kernel(ordering, kernel_px, side, 25 + number * step)
    ]
    y = 16 + side * CELL + 44
    marks = [("weight in use", EARLIER), ("masked weight", LATER), ("the current pixel, in use", EARLIER)]
    for number, (words, fill) in enumerate(marks):
        x = 25 + number * 150
        parts += [box(x, y - 11, 14, 14, fill), text(x + 21, y, words, anchor="start")]
        if "current" in words:
            parts.append(_ring(x, y - 11, 14))
    return svg(len(shown) * step, y + 16, "Shifted and masked kernels of 3 x 3", parts)


def _kernel(ordering: Ordering, kernel_px: int, side: int, left: float, top: float = 16) -> Iterator[str]:
    half, middle = kernel_px // 2, side // 2
    for row, col in np.ndindex(side, side):
        yield pixel(left, top, row, col, "#ffffff")
    row, col = (middle + shift * half - half for shift in ordering.shift)
    for (y, x), used in np.ndenumerate(ordering.kernel_mask(kernel_px)):
        yield pixel(left, top, row + y, col + x, EARLIER if used else LATER)
    yield _ring(left + middle * CELL, top + middle * CELL, CELL)
    yield text(left + side * CELL / 2, top + side * CELL + 18, ordering.name, 10)


def _ring(x: float, y: float, size: float) -> str:
    return box(x + 1.5, y + 1.5, size - 3, size - 3, "none", CURRENT, 'stroke-width="3"')


def draw_views(side: int = 9) -> str:
    """What one pixel may see under an ordering, and under the opposite one."""
    (first,) = orderings_by_name(["rows-top-left"])
    step = side * CELL + 44
    shown = [(first, "first reading"), (first.opposite, "second reading")]
    parts = [
        part
        for number, (ordering, words) in enumerate(shown)
        for part in _view(ordering, words, side, 22 + number * step)
    ]
    return svg(2 * step, side * CELL + 76, "What a pixel may see in two readings of opposite orderings", parts)


def _view(ordering: Ordering, words: str, side: int, left: float, top: float = 34) -> Iterator[str]:
    ranks = ordering.ranks(side, side)
    middle = side // 2
    yield text(left + side * CELL / 2, top - 12, words, 12, bold=True)
    for row, col in np.ndindex(side, side):
        yield pixel(left, top, row, col, EARLIER if ranks[row, col] <= ranks[middle, middle] else LATER)
    yield _ring(left + middle * CELL, top + middle * CELL, CELL)
    yield text(left + side * CELL / 2, top + side * CELL + 20, f"under {ordering.name}", 10)


def draw_windows() -> str:
    """A raster in windows: each is read with a halo, and answers for its core alone."""
    grid: TileGrid = tile_grid(height=1100, width=1700, core_px=512, halo_px=64, stride_px=2)
    scale, left, top = 0.3, 20, 20
    width, height = 1700 * scale, 1100 * scale
    parts = [_window(tile.core, scale, left, top, PALE) for tile in grid]
    tile = next(tile for tile in grid if tile.core.row > 0 and tile.core.col > 0)
    parts += [_window(tile.read, scale, left, top, "#bfe0ec", EARLIER), _window(tile.core, scale, left, top, EARLIER)]
    x, y = left + (tile.core.col + 256) * scale, top + (tile.core.row + 256) * scale
    parts.append(text(x, y + 4, "core").replace(INK, "#ffffff"))
    parts.append(text(x, top + tile.read.row * scale + 13, "read: core and halo", 10))
    parts.append(
        text(left, top + height + 20, "a raster of 1700 x 1100 pixels, windows of 512, halo of 64", anchor="start")
    )
    return svg(width + 40, height + 60, "Windows with a halo", parts)


def _window(window: Window, scale: float, left: float, top: float, fill: str, line: str = GRID) -> str:
    return box(
        left + window.col * scale, top + window.row * scale, window.width * scale, window.height * scale, fill, line
    )


DRAWINGS = {
    "orderings.svg": draw_orderings,
    "masks.svg": draw_masks,
    "views.svg": draw_views,
    "windows.svg": draw_windows,
}


def main() -> None:
    """Write all drawings into the folder that is named."""
    if len(sys.argv) != 2:
        raise SystemExit("Name the folder for the drawings.")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWINGS.items():
        (folder / name).write_text(draw(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
