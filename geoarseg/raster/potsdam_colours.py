"""The colours of the ISPRS Potsdam label files, and the classes they stand for.

The published files hold a few pixels that are off their colour by a count or two, at the edges between
classes. Within `TOLERANCE` of a colour a pixel takes its class; any other colour, black among them, which the
`noBoundary` files use for the edges, is not scored.
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
"""Counts in each band that a pixel may be off its colour; the colours are 255 apart."""

_SHIFTS = np.array([16, 8, 0], dtype=np.uint32)[:, None, None]
_PALETTE = np.array(COLOURS, dtype=np.int16)  # (class, 3)
_CODES = (_PALETTE.astype(np.uint32) << _SHIFTS[:, 0, 0]).sum(axis=1)  # (class,)


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
    """Black pixels (within the tolerance): the boundaries of the `noBoundary` files, not scored."""


def decode_colours(rgb: NDArray[np.uint8]) -> DecodedLabels:
    """Turn the colours of a label image into classes.

    Args:
        rgb: (3, y, x) uint8: red, green, blue.

    Raises:
        ValueError: the array has another shape or type.
    """
    if rgb.ndim != 3 or rgb.shape[0] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"rgb must be uint8 (3, y, x), not {rgb.dtype} {rgb.shape}")
    red, green, blue = rgb.astype(np.uint32)
    codes = red << 16 | green << 8 | blue  # (y, x)
    classes = np.zeros(codes.shape, dtype=np.uint8)
    for value, code in enumerate(_CODES, 1):
        classes[codes == code] = value
    odd = classes == 0  # few: the pixels whose colour is not exactly one of the six
    found, place, counts = np.unique(codes[odd], return_inverse=True, return_counts=True)
    values, black = _nearest(found)
    classes[odd] = values[place.reshape(-1)]
    return DecodedLabels(
        classes,
        off_colour=int(counts[values > 0].sum()),
        unknown=int(counts[(values == 0) & ~black].sum()),
        black=int(counts[black].sum()),
    )


def encode_colours(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn classes (y, x) uint8, 0 to 6, into their colours (3, y, x) uint8; 0 becomes black."""
    palette = np.array([(0, 0, 0), *COLOURS], dtype=np.uint8)
    return np.ascontiguousarray(np.moveaxis(palette[classes], -1, 0))


def _nearest(codes: NDArray[np.uint32]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The class (colour,) of each packed colour, 0 = none within the tolerance, and which ones are black."""
    colours = ((codes[:, None] >> _SHIFTS[:, 0, 0]) & 255).astype(np.int16)  # (colour, 3)
    distance = np.abs(colours[:, None] - _PALETTE).max(axis=2)  # (colour, class)
    values = np.where(distance.min(axis=1) <= TOLERANCE, distance.argmin(axis=1) + 1, 0).astype(np.uint8)
    return values, colours.max(axis=1, initial=0) <= TOLERANCE
