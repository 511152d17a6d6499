"""What a class raster must be able to do, and the one that lies in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
from affine import Affine
from rasterio._err import CPLE_BaseError  # leaks out of some calls in place of a RasterioError
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from geoarseg.block_cache import block_cache_for_copying, bound_block_cache
from geoarseg.errors import InputError
from geoarseg.raster.legend import NODATA_CLASS

GDAL_ERRORS = (RasterioError, CPLE_BaseError)
_MASKED = -1  # no data, among classes from 0 to 255


class ClassRaster(Protocol):
    """A raster of classes from 0 to 255 that can be read by rows."""

    @property
    def height(self) -> int:
        """Rows, in pixels."""

    @property
    def width(self) -> int:
        """Columns, in pixels."""

    @property
    def transform(self) -> Affine:
        """From pixels (column, row) to map units."""

    @property
    def crs(self) -> pyproj.CRS | None:
        """Coordinate system of the map units."""

    @property
    def nodata(self) -> int | None:
        """The value that is no class."""

    def rows(self, start: int, stop: int) -> npt.NDArray[np.integer]:
        """The rows from `start` to before `stop`, (rows, width) of an integer type."""


class Grid(Protocol):
    """Something that lies on a grid of pixels."""

    @property
    def height(self) -> int:
        """Rows, in pixels."""

    @property
    def width(self) -> int:
        """Columns, in pixels."""

    @property
    def transform(self) -> Affine:
        """From pixels (column, row) to map units."""


class ClassRasterFile:
    """A class raster in a file, read through GDAL. Where the file names no no-data value, that is 0."""

    def __init__(self, dataset: DatasetReader, path: Path) -> None:
        self._dataset, self._path = dataset, path
        self._declared = dataset.nodata
        self._as_is = dataset.dtypes[0] == "uint8"
        self.height: int = dataset.height
        self.width: int = dataset.width
        self.transform: Affine = dataset.transform
        self.crs = pyproj.CRS.from_wkt(dataset.crs.to_wkt()) if dataset.crs else None
        self.nodata: int = _MASKED
        if self._as_is:
            self.nodata = NODATA_CLASS if self._declared is None else int(self._declared)

    def rows(self, start: int, stop: int) -> npt.NDArray[np.integer]:
        """The rows from `start` to before `stop`, (rows, width): uint8, or int16 with -1 for no data.

        Raises:
            InputError: the rows are damaged, or hold a value that is no class.
        """
        try:
            values = self._dataset.read(1, window=Window(0, start, self.width, stop - start))
        except GDAL_ERRORS as error:
            raise InputError(
                f"Rows {start} to {stop} of {self._path} cannot be read ({error}).", "Is the file complete?"
            ) from error
        if self._as_is:
            return np.asarray(values)
        masked = values == (NODATA_CLASS if self._declared is None else self._declared)
        wrong = ((values < 0) | (values > 255)) & ~masked
        if wrong.any():
            raise InputError(
                f"{self._path} holds the value {values[wrong][0]}, but classes lie between 0 and 255.",
                "Give a raster of classes, such as geoarseg writes.",
            )
        return np.where(masked, _MASKED, values).astype(np.int16)


@contextmanager
def open_class_raster(path: str | Path) -> Iterator[ClassRasterFile]:
    """Open a class raster.

    Raises:
        InputError: it is missing, no raster, has several bands, or values that are no whole numbers.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Check the path.")
    bound_block_cache()
    try:
        dataset = rasterio.open(path)
    except GDAL_ERRORS as error:
        raise InputError(f"{path} cannot be read as a raster.", "Give a GeoTIFF of classes.") from error
    with dataset, block_cache_for_copying():
        if dataset.count != 1:
            raise InputError(
                f"{path} has {dataset.count} bands, but a class raster has one.",
                "Give the class raster, not the image.",
            )
        if np.dtype(dataset.dtypes[0]).kind not in "iu":
            raise InputError(
                f"{path} holds {dataset.dtypes[0]} values, but classes are whole numbers.",
                "Convert it, for example with gdal_translate -ot Byte.",
            )
        yield ClassRasterFile(dataset, path)


@contextmanager
def open_on_grid(path: Path, raster: ClassRaster) -> Iterator[DatasetReader]:
    """Open a raster that goes with a class raster, pixel by pixel.

    Raises:
        InputError: it cannot be read, or has another size or transform.
    """
    try:
        dataset = rasterio.open(path)
    except GDAL_ERRORS as error:
        raise InputError(f"{path} cannot be read as a raster.", "Check the path.") from error
    with dataset:
        check_same_grid(dataset, path, raster)
        yield dataset


def check_same_grid(dataset: Grid, path: Path, raster: Grid) -> None:
    """Raise an InputError unless a raster has the size and the transform of the class raster."""
    if (dataset.height, dataset.width) != (raster.height, raster.width):
        raise InputError(
            f"{path} has {dataset.height} x {dataset.width} pixels, the class raster {raster.height} x {raster.width}.",
            "Both must lie on one grid; gdalwarp -te -ts brings one onto the other's.",
        )
    pixel = max(abs(value) for value in (*raster.transform[:2], *raster.transform[3:5]))
    if not dataset.transform.almost_equals(raster.transform, precision=1e-3 * pixel):
        raise InputError(
            f"{path} lies elsewhere than the class raster (transform {tuple(dataset.transform)[:6]}, not "
            f"{tuple(raster.transform)[:6]}).",
            "Both must lie on one grid; gdalwarp -te -ts brings one onto the other's.",
        )
