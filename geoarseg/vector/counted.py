"""A class raster that remembers how much of each class has been read from it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyproj
from affine import Affine

from geoarseg.vector.area import pixel_areas
from geoarseg.vector.source import ClassRaster

_VALUES = 257  # -1 for no data, and the classes from 0 to 255


class CountedRaster:
    """Another class raster, whose pixels are counted when they are read for the first time, from top to bottom.

    Attributes:
        height, width, transform, crs, nodata: those of the raster.
    """

    def __init__(self, raster: ClassRaster) -> None:
        self._raster = raster
        self.height, self.width = raster.height, raster.width
        self.transform: Affine = raster.transform
        self.crs: pyproj.CRS | None = raster.crs
        self.nodata: int | None = raster.nodata
        self._pixel_areas = pixel_areas(raster.crs, raster.transform, raster.width)
        self._areas = np.zeros(_VALUES)
        self._counted = 0

    def rows(self, start: int, stop: int) -> npt.NDArray[np.integer]:
        """The rows from `start` to before `stop`, (rows, width), as the raster has them."""
        pixels = self._raster.rows(start, stop)
        fresh = max(self._counted, start)
        if fresh < stop:
            self._count(fresh, pixels[fresh - start :])
            self._counted = stop
        return pixels

    def areas(self) -> dict[int, float]:
        """Area of each class that has been read, in the unit of `area_rule`."""
        valid = self._areas.copy()
        valid[0] = 0.0
        if self.nodata is not None and 0 <= self.nodata < _VALUES - 1:
            valid[self.nodata + 1] = 0.0
        return {int(value): float(valid[value + 1]) for value in np.flatnonzero(valid[1:])}

    def _count(self, start: int, pixels: npt.NDArray[np.integer]) -> None:
        rows = np.arange(len(pixels))
        bins = pixels.astype(np.int64) + (_VALUES * rows[:, None] + 1)
        numbers = np.bincount(bins.ravel(), minlength=_VALUES * len(rows)).reshape(-1, _VALUES)
        self._areas += self._pixel_areas(rows + start) @ numbers
