"""A raster of the probabilities of all classes, for a sieve by likelihood."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from geoarseg.errors import InputError
from geoarseg.vector.source import ClassRaster
from geoarseg.vector.zonal import check_same_grid

_NODATA_PERCENT = 255


class ProbabilityFile:
    """Percent in a file, band k of class k.

    Attributes:
        classes: number of classes.
    """

    def __init__(self, dataset: DatasetReader, path: Path) -> None:
        self._dataset, self._path = dataset, path
        self.classes: int = dataset.count

    def rows(self, start: int, stop: int) -> Iterator[npt.NDArray[np.uint8]]:
        """Of each class the rows from `start` to before `stop`, (rows, width) in percent, 0 for no data.

        Raises:
            InputError: the rows are damaged.
        """
        window = Window(0, start, self._dataset.width, stop - start)
        for band in range(1, self.classes + 1):
            try:
                percent = self._dataset.read(band, window=window)
            except RasterioError as error:
                raise InputError(
                    f"Rows {start} to {stop} of {self._path} cannot be read ({error}).", "Is the file complete?"
                ) from error
            yield np.where(percent == _NODATA_PERCENT, np.uint8(0), percent)


@contextmanager
def open_probabilities(path: str | Path, raster: ClassRaster) -> Iterator[ProbabilityFile]:
    """Open a raster of percent (uint8, 255 = no data), with a band for each class.

    Raises:
        InputError: it cannot be read, lies on another grid, or is of another kind.
    """
    path = Path(path)
    try:
        dataset = rasterio.open(path)
    except RasterioError as error:
        raise InputError(f"{path} cannot be read as a raster.", "Check the path.") from error
    with dataset:
        check_same_grid(dataset, path, raster)
        if set(dataset.dtypes) != {"uint8"}:
            raise InputError(
                f"{path} holds {dataset.dtypes[0]} values, but probabilities are percent in uint8.",
                "Give a raster with a band of percent for each class.",
            )
        yield ProbabilityFile(dataset, path)
