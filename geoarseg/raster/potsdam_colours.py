"""The colours of the ISPRS Potsdam label files, and the classes they stand for.

The published files hold a few pixels that are off their colour by a count or two. Within `TOLERANCE` of a
colour a pixel takes its class; any other colour is not scored, nor is black, which the `noBoundary` files use
for the edges of objects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASS_NAMES = ("roads", "buildings", "low vegetation", "trees", "cars", "clutter")
"""Names of the class values 1 to 6; "roads" are all impervious surfaces."""
COLOURS = ((255, 255, 255), (0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0))
"""Colour (red, green, blue) of each of these classes."""
TOLERANCE = 8
"""Counts in each band that a pixel may be off its colour."""

_RED, _GREEN, _BLUE = 4, 2, 1  # all colours are corners of the cube: a bit for each band tells which
_INEXACT, _NEITHER = 8, 16


@dataclass(frozen=True, eq=False)
class DecodedLabels:
    """The classes of a label image, and how well its colours fitted."""

    classes: NDArray[np.uint8]
    """(y, x): 1 to 6; 0 = not scored."""
    off_colour: int
    """Pixels that were off their colour within the tolerance and took its class."""
    unknown: int
    """Pixels of any other colour but black; they are not scored."""
    black: int
    """Black pixels, within the tolerance: the boundaries of the `noBoundary` files, not scored."""


def decode_colours(rgb: NDArray[np.uint8]) -> DecodedLabels:
    """Turn the colours of a label image into classes.

    Args:
        rgb: (3, y, x) uint8: red, green, blue.

    Raises:
        ValueError: the array has another shape or type.
    """
    if rgb.ndim != 3 or rgb.shape[0] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"rgb must be uint8 (3, y, x), not {rgb.dtype} {rgb.shape}")
    red, green, blue = rgb
    keys = _LEVELS[_RED][red] | _LEVELS[_GREEN][green] | _LEVELS[_BLUE][blue]  # (y, x), below 32
    counts = np.bincount(keys.ravel(), minlength=len(_CLASS_OF_KEY))
    near_black = int(counts[0] + counts[_INEXACT])
    return DecodedLabels(
        _CLASS_OF_KEY[keys],
        off_colour=int(counts[(_CLASS_OF_KEY > 0) & (np.arange(32) & _INEXACT > 0)].sum()),
        unknown=int(counts[_CLASS_OF_KEY == 0].sum()) - near_black,
        black=near_black,
    )


def encode_colours(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn classes (y, x) uint8, 0 to 6, into their colours (3, y, x) uint8; 0 becomes black."""
    palette = np.array([(0, 0, 0), *COLOURS], dtype=np.uint8)
    return np.ascontiguousarray(np.moveaxis(palette[classes], -1, 0))


def _levels(bit: int) -> NDArray[np.uint8]:
    """For each count of a band: `bit` near 255, 0 near 0, flagged where it is not exactly that or neither."""
    count = np.arange(256)
    level = np.where(count >= 255 - TOLERANCE, bit, 0)
    level |= np.where((count == 0) | (count == 255), 0, _INEXACT)
    return (level | np.where((count > TOLERANCE) & (count < 255 - TOLERANCE), _NEITHER, 0)).astype(np.uint8)


def _classes_of_keys() -> NDArray[np.uint8]:
    classes = np.zeros(32, dtype=np.uint8)
    for value, (red, green, blue) in enumerate(COLOURS, 1):
        corner = (red > 0) * _RED | (green > 0) * _GREEN | (blue > 0) * _BLUE
        classes[[corner, corner | _INEXACT]] = value
    return classes


_LEVELS = {bit: _levels(bit) for bit in (_RED, _GREEN, _BLUE)}
_CLASS_OF_KEY = _classes_of_keys()
