"""How small areas may be, and how plain borders: from metres to the pixels of a raster."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyproj
from affine import Affine

from geoarseg.errors import SettingsError
from geoarseg.vector.area import pixel_areas, pixels_of_area
from geoarseg.vector.marks import Generalization

BLOCK_PIXELS = 1 << 19
"""Pixels in a block of rows: pure noise takes 400 MB to polygonize, and larger blocks are no faster."""
_MIN_BLOCK_ROWS = 64
_MIN_REACH = 1.0


def block_rows(width: int) -> int:
    """Rows of a block in which borders are generalized: of the raster's width alone."""
    return max(_MIN_BLOCK_ROWS, BLOCK_PIXELS // width)


def least_pixels(
    crs: pyproj.CRS | None,
    transform: Affine,
    shape: tuple[int, int],
    *,
    sieve_px: int | None,
    min_area_m2: float | None,
) -> int:
    """The least pixels that an area may have; 1 if nothing is to be sieved.

    In a geographic system, square metres are counted in the pixels of the raster's middle row.

    Args:
        crs: coordinate system of the map units.
        transform: from pixels (column, row) to map units.
        shape: rows and columns.
        sieve_px: the least pixels.
        min_area_m2: or the least square metres.

    Raises:
        SettingsError: square metres are asked for without a coordinate system.
    """
    if min_area_m2 is None:
        return sieve_px or 1
    return pixels_of_area(min_area_m2, crs=crs, transform=transform, shape=shape)


def generalization(
    crs: pyproj.CRS | None, transform: Affine, shape: tuple[int, int], *, simplify_m: float | None, smooth: bool
) -> Generalization | None:
    """What to do with the borders of a raster; None if nothing is asked for.

    A triangle of `simplify_m` squared square metres has as many pixels everywhere but in a geographic system,
    where it is counted in the pixels of its latitude. Smoothing reaches as far as the tolerance, or a pixel.

    Args:
        crs: coordinate system of the map units.
        transform: from pixels (column, row) to map units.
        shape: rows and columns.
        simplify_m: tolerance of simplification, in metres; in pixels without a coordinate system.
        smooth: whether to round the borders.

    Raises:
        SettingsError: the tolerance is larger than the raster.
    """
    if simplify_m is None and not smooth:
        return None
    height, width = shape
    if simplify_m is None:
        return Generalization(None, _MIN_REACH)
    area = pixel_areas(crs, transform, width)
    middle = simplify_m / float(np.sqrt(area(np.array([height // 2]))[0]))
    if middle > max(height, width):
        raise SettingsError(
            f"Simplification by {simplify_m:g} {'pixels' if crs is None else 'metres'} is more than the whole raster.",
            "Give a tolerance of a few pixels.",
        )

    def largest_triangle(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        return simplify_m**2 / np.maximum(area(rows), 1e-12)

    return Generalization(largest_triangle, max(middle, _MIN_REACH) if smooth else None)
