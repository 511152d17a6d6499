"""Mean values of other rasters over each polygon, gathered while the polygons are made.

    with open_confidence(Path("confidence.tif"), raster) as confidence:
        zonal = ZonalMeans([confidence], width=raster.width, connectedness=4, nodata=raster.nodata)
        for batch in polygonize_strips(zonal.watch(strips), width=..., connectedness=4, nodata=...):
            means = zonal_means(zonal.measured(batch))  # (features, values)

`watch` sees each strip before polygonizing does, and both close a region with the same strip; what is closed
waits until its batch asks for it. A batch may be cut into slices, but no feature may be asked for twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from rasterio.io import DatasetReader
from rasterio.windows import Window

from geoarseg.errors import InputError
from geoarseg.vector.batch import PolygonBatch
from geoarseg.vector.regions import Regions, Seam, advance, keys_of, top
from geoarseg.vector.source import GDAL_ERRORS, ClassRaster, open_on_grid

_CONFIDENCE_NODATA = 255

Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class ValueRaster(Protocol):
    """Something that has values for each pixel of the class raster."""

    @property
    def names(self) -> Sequence[str]:
        """A name for each value: the column of its mean."""

    def rows(self, start: int, stop: int) -> Iterator[tuple[Floats, Bools]]:
        """Each value in the rows from `start` to before `stop`, 0 where there is none, and where there is one.

        Both are (rows, width).
        """


class ConfidenceFile:
    """A file of percent, uint8, 255 where there is none: column `confidence`."""

    names = ("confidence",)

    def __init__(self, dataset: DatasetReader, path: Path) -> None:
        self._dataset, self._path = dataset, path

    def rows(self, start: int, stop: int) -> Iterator[tuple[Floats, Bools]]:
        """The percent in the rows from `start` to before `stop`, and where it has values.

        Raises:
            InputError: the rows are damaged.
        """
        try:
            percent = self._dataset.read(1, window=Window(0, start, self._dataset.width, stop - start))
        except GDAL_ERRORS as error:
            raise InputError(
                f"Rows {start} to {stop} of {self._path} cannot be read ({error}).", "Is the file complete?"
            ) from error
        valid = percent != _CONFIDENCE_NODATA
        yield np.where(valid, percent, 0).astype(np.float64), valid


@contextmanager
def open_confidence(path: str | Path, raster: ClassRaster) -> Iterator[ConfidenceFile]:
    """Open a raster of percent, as geoarseg writes it.

    Raises:
        InputError: it cannot be read, lies on another grid, or is of another kind.
    """
    with open_on_grid(Path(path), raster) as dataset:
        if dataset.count != 1 or dataset.dtypes[0] != "uint8":
            raise InputError(
                f"{path} has {dataset.count} band(s) of {dataset.dtypes[0]}, but a confidence raster has one of uint8.",
                "Give the raster that geoarseg segment --confidence writes.",
            )
        yield ConfidenceFile(dataset, Path(path))


class ZonalMeans:
    """Means over the regions of a class raster, whose strips pass through `watch`.

    Memory holds one strip, the regions under way and the closed ones that no batch has asked for yet.

    Args:
        rasters: what is averaged, on the class raster's grid.
        width: columns of the class raster, in pixels.
        connectedness: 4, or 8, as the polygons have it.
        nodata: the class that makes no polygons, or None.
    """

    def __init__(
        self, rasters: Sequence[ValueRaster], *, width: int, connectedness: int = 4, nodata: int | None = 0
    ) -> None:
        self._rasters, self._width, self._connectedness, self._nodata = rasters, width, connectedness, nodata
        self._names = [name for raster in rasters for name in raster.names]
        self._closed_keys = np.zeros(0, np.int64)
        self._closed_totals = np.zeros((2, len(self._names), 0))

    @property
    def names(self) -> Sequence[str]:
        """The names of all values."""
        return self._names

    def watch(self, strips: Iterable[tuple[int, Ints]]) -> Iterator[tuple[int, Ints]]:
        """Pass strips on, (first row, (rows, width) classes), and average over the regions in them."""
        seam: Seam | None = None
        row, totals = 0, np.zeros((2, len(self._names), 0))
        for row, strip in strips:
            seam = seam or top(self._width, strip.dtype)
            regions = advance(seam, row, strip, connectedness=self._connectedness, nodata=self._nodata)
            totals = _moved(totals, regions) + self._totals(regions, row, len(strip))
            self._close(regions.keys[~regions.is_open], totals[:, :, ~regions.is_open])
            seam, totals = regions.carry(regions.is_open)[0], totals[:, :, regions.is_open]
            yield row, strip
        if seam is not None:
            self._close(seam.keys, totals)

    def measured(self, batch: PolygonBatch) -> PolygonBatch:
        """A finished batch with the sums and numbers of the values below each feature, as its `zonal`.

        Each feature can be asked for once.
        """
        keys = keys_of(batch)
        at = np.searchsorted(self._closed_keys, keys)
        assert (self._closed_keys[at] == keys).all()
        totals = self._closed_totals[:, :, at]
        kept = np.ones(len(self._closed_keys), bool)
        kept[at] = False
        self._closed_keys, self._closed_totals = self._closed_keys[kept], self._closed_totals[:, :, kept]
        return replace(batch, zonal=totals.T)

    def _totals(self, regions: Regions, row: int, rows: int) -> Floats:
        """Sum and number of each value over each region of a strip, (2, names, regions)."""
        starts = regions.runs.starts[regions.runs.above :] - self._width
        totals = []
        for raster in self._rasters:
            for values, valid in raster.rows(row, row + rows):
                totals.append(regions.sums(np.add.reduceat(values.ravel(), starts)))
                totals.append(regions.sums(np.add.reduceat(valid.ravel(), starts, dtype=np.int64)))
        return np.array(totals).reshape(len(self._names), 2, len(regions)).swapaxes(0, 1)

    def _close(self, keys: npt.NDArray[np.int64], totals: Floats) -> None:
        keys = np.concatenate([self._closed_keys, keys])
        order = np.argsort(keys)
        self._closed_keys = keys[order]
        self._closed_totals = np.concatenate([self._closed_totals, totals], axis=2)[:, :, order]


def _moved(totals: Floats, regions: Regions) -> Floats:
    """Totals (2, names, carried) of the carried regions, by region (2, names, regions)."""
    moved = [regions.sums_of_carried(values) for values in totals.reshape(2 * totals.shape[1], totals.shape[2])]
    return np.array(moved).reshape(*totals.shape[:2], len(regions))
