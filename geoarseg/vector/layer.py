"""Batches of polygons in, one layer in a file out: with class, name and area, written as the batches come."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet
import pyogrio
import pyproj
from affine import Affine

from geoarseg.errors import InputError, OutputError
from geoarseg.raster.legend import Legend
from geoarseg.vector.area import AreaRule, area_rule
from geoarseg.vector.batch import PolygonBatch
from geoarseg.vector.formats import VectorFormat, format_of, whole_or_not_at_all
from geoarseg.vector.style import complete_legend, write_style

_BATCH_FEATURES = 50_000
_BATCH_VERTICES = 2_000_000  # 32 MB of coordinates
_MAX_FEATURE_BYTES = 2**31 - 1  # offsets in Arrow's binary arrays are int32
_GEOMETRY = "geometry"


@dataclass(frozen=True)
class LayerTotals:
    """What a layer holds."""

    polygons: int
    """Number of features."""
    areas: dict[int, float]
    """Area of each class that occurs, by class value."""
    area_column: str
    """The attribute with the area, and so its unit: `area_m2`, or `area_px` without a coordinate system."""


def write_layer(
    path: str | Path,
    batches: Iterable[PolygonBatch],
    *,
    transform: Affine,
    crs: pyproj.CRS | None,
    legend: Legend | None = None,
    multi: bool = False,
    overwrite: bool = False,
) -> LayerTotals:
    """Write polygons into a file with one layer, named like the file, and style it.

    The file has its name only once it is whole; after an error or an interrupt nothing is left.

    Args:
        path: the file; its ending chooses the format (see `formats.FORMATS`).
        batches: polygons in pixel coordinates; taken one after the other.
        transform: from pixels (column, row) to map units.
        crs: coordinate system of the map units; GeoJSON is converted from it to WGS 84.
        legend: names and colours; classes that it lacks are named by their number.
        multi: the features are multipolygons (8-connectedness).
        overwrite: replace the file if it exists.

    Raises:
        InputError: the ending is unknown, or GeoJSON is asked for without a coordinate system.
        OutputError: the file exists, or cannot be written.
    """
    path = Path(path)
    kind = format_of(path)
    if kind.driver == "GeoJSON" and crs is None:
        raise InputError(
            "GeoJSON needs a coordinate system, and the raster has none.",
            "Write a GeoPackage (.gpkg) instead.",
        )
    rows = _Rows(batches, area_rule(crs, transform), transform, legend or Legend(()), multi)
    with whole_or_not_at_all(path, overwrite=overwrite) as unfinished:
        try:
            if kind.driver is None:
                _write_parquet(unfinished, rows, crs)
            else:
                write_gdal(
                    unfinished,
                    pa.RecordBatchReader.from_batches(rows.schema, rows),
                    kind=kind,
                    layer=path.stem,
                    crs=crs.to_wkt() if crs is not None else None,
                    geometry=_GEOMETRY,
                    geometry_type="MultiPolygon" if multi else "Polygon",
                )
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            OSError,
            RuntimeError,
        ) as error:
            if rows.failure is not None:  # what broke was the source, and Arrow has made a text of it
                raise rows.failure from None
            raise OutputError(f"{path} could not be written ({error}).", "Is the disk full?") from error
        totals = rows.totals()
        write_style(unfinished, complete_legend(legend, totals.areas), layer=path.stem)
    return totals


class _Rows:
    """The features as a stream of Arrow record batches, which keeps count on the way."""

    def __init__(
        self, batches: Iterable[PolygonBatch], rule: AreaRule, transform: Affine, legend: Legend, multi: bool
    ) -> None:
        self.rule = rule
        self.multi = multi
        self.failure: BaseException | None = None
        self._batches, self._transform = batches, transform
        self._names = pa.array([legend.name_of(value) for value in range(256)])
        self._polygons, self._areas = 0, np.zeros(256)
        self._seen = np.zeros(256, bool)
        self.schema = pa.schema(
            [
                ("class", pa.int32()),
                ("name", pa.string()),
                (rule.column, pa.float64()),
                (_GEOMETRY, pa.binary()),
            ]
        )

    def totals(self) -> LayerTotals:
        areas = {int(value): float(self._areas[value]) for value in np.flatnonzero(self._seen)}
        return LayerTotals(self._polygons, areas, self.rule.column)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._batches:
                for part in _portions(batch):
                    yield self._record(part)
        except BaseException as error:
            self.failure = error
            raise

    def _record(self, batch: PolygonBatch) -> pa.RecordBatch:
        areas = self.rule.measure(batch)
        self._polygons += len(batch)
        self._areas += np.bincount(batch.classes, areas, minlength=256)
        self._seen[batch.classes] = True
        classes = pa.array(batch.classes, pa.int32())
        data, offsets = batch.wkb(batch.coordinates(self._transform), multi=self.multi)
        if len(data) > _MAX_FEATURE_BYTES:
            raise OutputError(
                f"A polygon has {len(batch.corners)} vertices, more than vector files can hold.",
                "Remove small patches from the map first.",
            )
        geometry = pa.BinaryArray.from_buffers(
            pa.binary(), len(batch), [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
        )
        return pa.record_batch([classes, self._names.take(classes), pa.array(areas), geometry], schema=self.schema)


def _portions(batch: PolygonBatch) -> Iterator[PolygonBatch]:
    """The batch in parts that are small in features and in vertices; a feature is never divided."""
    vertices: npt.NDArray[np.int64] = batch.ring_offsets[batch.polygon_offsets[batch.feature_offsets]]
    start = 0
    while start < len(batch):
        fitting = int(np.searchsorted(vertices, vertices[start] + _BATCH_VERTICES, side="right")) - 1
        stop = max(start + 1, min(start + _BATCH_FEATURES, fitting))
        yield batch[start:stop]
        start = stop


def write_gdal(
    path: Path,
    records: pa.RecordBatchReader,
    *,
    kind: VectorFormat,
    layer: str,
    crs: str | None,
    geometry: str,
    geometry_type: str,
) -> None:
    """Write record batches, as they come, into a file of one of GDAL's formats; `geometry` is the column with WKB."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)  # the raster has none
        pyogrio.write_arrow(
            records,
            path,
            layer=layer,
            driver=kind.driver,
            geometry_name=geometry,
            geometry_type=geometry_type,
            crs=crs,
            **kind.options,
        )


def _write_parquet(path: Path, rows: _Rows, crs: pyproj.CRS | None) -> None:
    """Write GeoParquet 1.1, one row group a record batch."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["MultiPolygon" if rows.multi else "Polygon"],
    }
    column["crs"] = crs.to_json_dict() if crs is not None else None
    geo = {"version": "1.1.0", "primary_column": _GEOMETRY, "columns": {_GEOMETRY: column}}
    schema = rows.schema.with_metadata({"geo": json.dumps(geo)})
    with pa.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for record in rows:
            writer.write_batch(record)
