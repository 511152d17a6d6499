"""Sums over square windows that are the same to the bit wherever an array begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d


def box_sum(planes: NDArray[np.floating], side_px: int) -> NDArray[np.float64]:
    """Sum each plane over the window around each pixel.

    A running sum would be faster for large windows, but its rounding depends on where a row begins, and with it a map
    on the windows it was made in. Here each sum is added up in the same order everywhere.

    Args:
        planes: (..., y, x); beyond the border there is nothing.
        side_px: side of the window, odd.

    Raises:
        ValueError: the side is even or not positive.
    """
    if side_px < 1 or side_px % 2 == 0:
        raise ValueError(f"the side of a window must be odd and positive, not {side_px}")
    ones = np.ones(side_px)
    rows = correlate1d(np.asarray(planes, np.float64), ones, axis=-1, mode="constant")
    return np.asarray(correlate1d(rows, ones, axis=-2, mode="constant"))
