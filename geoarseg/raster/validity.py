"""Which pixels hold data: the rule for nodata values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scalar = Any  # a numpy scalar of any real dtype


def has_data(pixels: NDArray[Any], nodata: Sequence[float | None]) -> NDArray[np.bool_]:
    """Tell the pixels that hold data by their bands' nodata values.

    A pixel is invalid if any band equals its nodata value. The exception are unsigned integers whose nodata
    is 0 or the type's maximum: plain black or saturated pixels have that value too, so there all bands must
    equal it.

    Args:
        pixels: values (band, y, x) in the raster's own dtype.
        nodata: nodata value of each band; None = it has none.

    Returns:
        True where there is data, (y, x).
    """
    valid = np.ones(pixels.shape[1:], dtype=bool)
    ambiguous = []
    for band, value in zip(pixels, nodata, strict=True):
        if value is None or not _is_representable(value, band.dtype):
            continue
        hit = np.isnan(band) if np.isnan(value) else band == _cast(value, band.dtype)
        if band.dtype.kind == "u" and value in (0, np.iinfo(band.dtype).max):
            ambiguous.append(hit)
        else:
            valid &= ~hit
    if ambiguous:
        valid &= ~np.logical_and.reduce(ambiguous)
    return valid


def _is_representable(value: float, dtype: np.dtype[Any]) -> bool:
    """Whether a pixel of this type can equal the value at all: -9999 in a uint8 raster is no nodata."""
    if dtype.kind == "f":
        return True
    if not np.isfinite(value) or value != int(value):
        return False
    limits = np.iinfo(dtype)
    return bool(limits.min <= int(value) <= limits.max)


def _cast(value: float, dtype: np.dtype[Any]) -> Scalar:
    with np.errstate(over="ignore"):  # a float64 nodata beyond float32 becomes inf, as GDAL stores it
        return dtype.type(value) if dtype.kind == "f" else dtype.type(int(value))
