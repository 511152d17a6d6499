"""Batches of polygons in, one layer in a file out: with class, name and area, written as the batches come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pyogrio
import pyproj
from affine import Affine

from geoarseg.errors import InputError, OutputError
from geoarseg.raster.legend import Legend
from geoarseg.vector.batch import PolygonBatch
from geoarseg.vector.formats import VectorFormat, field_names, format_of, whole_or_not_at_all
from geoarseg.vector.records import GEOMETRY, FeatureRecords, LayerTotals
from geoarseg.vector.style import complete_legend, write_style
from geoarseg.vector.writing import write_beside, write_here


def write_layer(
    path: str | Path,
    batches: Iterable[PolygonBatch],
    *,
    transform: Affine,
    crs: pyproj.CRS | None,
    legend: Legend | None = None,
    multi: bool = False,
    zonal: Sequence[str] = (),
    workers: int = 1,
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
        multi: the features are multipolygons (8-connectedness, or dissolved).
        zonal: names of the attributes that the batches bring as zonal sums; the layer has their means.
        workers: with 2, another process writes while this one takes batches; GeoParquet is quick without.
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
    rows = FeatureRecords(batches, transform=transform, crs=crs, legend=legend or Legend(()), multi=multi, zonal=zonal)
    with whole_or_not_at_all(path, overwrite=overwrite) as unfinished:
        try:
            if kind.driver is None:
                _write_parquet(unfinished, rows, crs)
            else:
                _write_gdal(unfinished, rows, crs, kind, workers)
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


def _write_gdal(path: Path, rows: FeatureRecords, crs: pyproj.CRS | None, kind: VectorFormat, workers: int) -> None:
    names = field_names(rows.schema.names, kind)
    schema = pa.schema([field.with_name(name) for field, name in zip(rows.schema, names, strict=True)])
    options = {
        "layer": path.stem,
        "driver": kind.driver,
        "geometry_name": GEOMETRY,
        "geometry_type": "MultiPolygon" if rows.multi else "Polygon",
        "crs": crs.to_wkt() if crs is not None else None,
        **kind.options,
    }
    write = write_beside if workers > 1 else write_here
    write(path, schema, (record.rename_columns(schema.names) for record in rows), options)


def _write_parquet(path: Path, rows: FeatureRecords, crs: pyproj.CRS | None) -> None:
    """Write GeoParquet 1.1, one row group a record batch."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["MultiPolygon" if rows.multi else "Polygon"],
    }
    column["crs"] = crs.to_json_dict() if crs is not None else None
    geo = {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
    schema = rows.schema.with_metadata({"geo": json.dumps(geo)})
    with pa.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for record in rows:
            writer.write_batch(record)
