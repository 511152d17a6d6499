"""The probabilities of all classes that go with a class raster: one band of percent for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from rasterio.io import DatasetReader
from rasterio.windows import Window

from geoarseg.errors import InputError
from geoarseg.vector.source import GDAL_ERRORS, ClassRaster, open_on_grid

_NODATA = 255


class ProbabilityRaster(Protocol):
    """Probabilities of the classes 1, 2 ... of each pixel, on the class raster's grid."""

    @property
    def classes(self) -> int:
        """Number of classes."""

    def rows(self, start: int, stop: int) -> Iterator[npt.NDArray[np.uint8]]:
        """Of each class the rows from `start` to before `stop`, (rows, width) in percent, 0 for no data."""


class ProbabilityFile:
    """Probabilities in a file: band k holds class k in percent, uint8, 255 where there is no data."""

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
            except GDAL_ERRORS as error:
                raise InputError(
                    f"Rows {start} to {stop} of {self._path} cannot be read ({error}).", "Is the file complete?"
                ) from error
            percent[percent == _NODATA] = 0
            yield percent


@contextmanager
def open_probabilities(path: str | Path, raster: ClassRaster) -> Iterator[ProbabilityFile]:
    """Open the probabilities that go with a class raster.

    Raises:
        InputError: they cannot be read, lie on another grid, or are of another type.
    """
    path = Path(path)
    with open_on_grid(path, raster) as dataset:
        if set(dataset.dtypes) != {"uint8"}:
            raise InputError(
                f"{path} holds {dataset.dtypes[0]} values, but probabilities are percent as uint8.",
                "Give the raster that geoarseg segment --probabilities writes.",
            )
        yield ProbabilityFile(dataset, path)
