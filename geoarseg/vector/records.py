"""Polygons with their attributes as a stream of Arrow record batches, counted on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyproj
from affine import Affine

from geoarseg.errors import OutputError
from geoarseg.raster.legend import Legend
from geoarseg.vector.area import area_rule
from geoarseg.vector.batch import PolygonBatch, zonal_means
from geoarseg.vector.perimeter import perimeter_column, perimeters
from geoarseg.vector.ragged import portions

GEOMETRY = "geometry"
_BATCH_FEATURES = 50_000
_BATCH_VERTICES = 2_000_000  # 32 MB of coordinates
_MAX_FEATURE_BYTES = 2**31 - 1  # offsets in Arrow's binary arrays are int32


@dataclass(frozen=True)
class LayerTotals:
    """What a layer holds."""

    polygons: int
    """Number of features."""
    areas: dict[int, float]
    """Area of each class that occurs, by class value."""
    area_column: str
    """The attribute with the area, and so its unit: `area_m2`, or `area_px` without a coordinate system."""


class FeatureRecords:
    """The features as Arrow record batches: class, name, area, perimeter, zonal means, geometry as WKB.

    Args:
        batches: polygons in pixel coordinates; taken one after the other.
        transform: from pixels (column, row) to map units.
        crs: coordinate system of the map units.
        legend: names of the classes.
        multi: whether the features are multipolygons.
        zonal: names of the attributes that the batches bring as zonal sums.

    Attributes:
        schema: the columns.
        failure: what broke the stream, if anything did.
    """

    def __init__(
        self,
        batches: Iterable[PolygonBatch],
        *,
        transform: Affine,
        crs: pyproj.CRS | None,
        legend: Legend,
        multi: bool,
        zonal: Sequence[str] = (),
    ) -> None:
        self.multi = multi
        self.failure: BaseException | None = None
        self._batches, self._transform, self._crs = batches, transform, crs
        self._rule = area_rule(crs, transform)
        self._names = pa.array([legend.name_of(value) for value in range(256)])
        self._polygons, self._areas = 0, np.zeros(256)
        self._seen = np.zeros(256, bool)
        numbers = (self._rule.column, perimeter_column(crs), *zonal)
        self.schema = pa.schema(
            [
                ("class", pa.int32()),
                ("name", pa.string()),
                *((name, pa.float64()) for name in numbers),
                (GEOMETRY, pa.binary()),
            ]
        )

    def totals(self) -> LayerTotals:
        """What has gone through so far."""
        areas = {int(value): float(self._areas[value]) for value in np.flatnonzero(self._seen)}
        return LayerTotals(self._polygons, areas, self._rule.column)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._batches:
                for part in _portions(batch):
                    yield self._record(part)
        except BaseException as error:
            self.failure = error
            raise

    def _record(self, batch: PolygonBatch) -> pa.RecordBatch:
        areas = self._rule.measure(batch)
        self._polygons += len(batch)
        self._areas += np.bincount(batch.classes, areas, minlength=256)
        self._seen[batch.classes] = True
        classes = pa.array(batch.classes, pa.int32())
        xy = batch.coordinates(self._transform)
        lengths = perimeters(batch, batch.corners if self._crs is None else xy, self._crs)
        data, offsets = batch.wkb(xy, multi=self.multi)
        if len(data) > _MAX_FEATURE_BYTES:
            raise OutputError(
                f"A polygon has {len(batch.corners)} vertices, more than vector files can hold.",
                "Remove small patches from the map first.",
            )
        geometry = pa.BinaryArray.from_buffers(
            pa.binary(), len(batch), [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
        )
        columns = [classes, self._names.take(classes), pa.array(areas), pa.array(lengths), *_means(batch), geometry]
        return pa.record_batch(columns, schema=self.schema)


def _means(batch: PolygonBatch) -> list[pa.Array]:
    """The zonal means; null where no pixel was valid."""
    if batch.zonal is None:
        return []
    return [pa.array(column, mask=np.isnan(column)) for column in zonal_means(batch).T]


def _portions(batch: PolygonBatch) -> Iterator[PolygonBatch]:
    """The batch in parts that are small in features and in vertices; a feature is never divided."""
    vertices: npt.NDArray[np.int64] = batch.ring_offsets[batch.polygon_offsets[batch.feature_offsets]]
    for start, stop in portions(vertices, most=_BATCH_VERTICES, most_rows=_BATCH_FEATURES):
        yield batch[start:stop]
