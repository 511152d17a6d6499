"""The job: a class raster in, a layer of polygons out, strip by strip."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyogrio

from geoarseg.errors import InputError, SettingsError
from geoarseg.progress import Progress, Stage
from geoarseg.raster.legend import Legend
from geoarseg.vector.area import area_rule
from geoarseg.vector.formats import format_of
from geoarseg.vector.layer import write_layer
from geoarseg.vector.polygonize import polygonize_strips
from geoarseg.vector.source import ClassRaster

_STRIP_PIXELS = 1 << 19
"""Pixels in a strip: pure noise takes 400 MB to polygonize, and larger strips are no faster."""
_MIN_STRIP_ROWS = 16


@dataclass(frozen=True)
class VectorSummary:
    """What vectorizing made."""

    path: Path
    """The layer."""
    polygons: int
    """Number of polygons."""
    areas: dict[int, float]
    """Area of each class that occurs, by class value."""
    area_column: str
    """The attribute with the area, and so its unit: `area_m2`, or `area_px` without a coordinate system."""
    seconds: float
    """Time it took."""


def vectorize_raster(
    raster: ClassRaster,
    path: str | Path,
    *,
    legend: Legend | None = None,
    connectedness: int = 4,
    strip_rows: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> VectorSummary:
    """Turn a class raster into polygons and write them to a layer.

    Polygons are those of the whole raster, whatever the strips. Memory holds one strip and the polygons under
    way.

    Args:
        raster: the classes, as from `open_class_raster`.
        path: the layer; its ending chooses the format.
        legend: names and colours of the classes.
        connectedness: 4, or 8 to join pixels that touch at a corner (the layer then holds multipolygons).
        strip_rows: rows in a strip, in pixels; by default half a million pixels' worth.
        overwrite: replace the layer if it exists.
        progress: hears of each row.

    Raises:
        InputError: the raster or the ending of the name is of the wrong kind.
        OutputError: the layer exists, or cannot be written.
        SettingsError: connectedness or strip_rows is out of range.
    """
    started = time.monotonic()
    format_of(Path(path))
    rows = _strip_rows(raster, connectedness, strip_rows)
    with (progress or Progress()).stage("vectorize", raster.height, "row") as stage:
        batches = polygonize_strips(
            _strips(raster, rows, stage),
            width=raster.width,
            connectedness=connectedness,
            nodata=raster.nodata,
        )
        totals = write_layer(
            path,
            batches,
            transform=raster.transform,
            crs=raster.crs,
            legend=legend,
            multi=connectedness == 8,
            overwrite=overwrite,
        )
    return VectorSummary(Path(path), totals.polygons, totals.areas, totals.area_column, time.monotonic() - started)


def polygons_of(
    raster: ClassRaster,
    *,
    legend: Legend | None = None,
    connectedness: int = 4,
    progress: Progress | None = None,
) -> gpd.GeoDataFrame:
    """Turn a class raster into a GeoDataFrame with class, name, area_m2 (or area_px) and geometry."""
    legend = legend or Legend(())
    rule = area_rule(raster.crs, raster.transform)
    classes, areas, geometries = [np.zeros(0, np.int32)], [np.zeros(0)], [np.zeros(0, object)]
    rows = _strip_rows(raster, connectedness, None)
    with (progress or Progress()).stage("vectorize", raster.height, "row") as stage:
        for batch in polygonize_strips(
            _strips(raster, rows, stage),
            width=raster.width,
            connectedness=connectedness,
            nodata=raster.nodata,
        ):
            classes.append(batch.classes.astype(np.int32))
            areas.append(rule.measure(batch))
            geometries.append(batch.geometries(raster.transform, multi=connectedness == 8))
    values = np.concatenate(classes)
    columns = {
        "class": values,
        "name": [legend.name_of(value) for value in values.tolist()],
        rule.column: np.concatenate(areas),
    }
    return gpd.GeoDataFrame(columns, geometry=np.concatenate(geometries), crs=raster.crs)


def read_polygons(path: str | Path) -> gpd.GeoDataFrame:
    """Read a layer that `vectorize_raster` wrote.

    Raises:
        InputError: the file is missing.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Check the path.")
    if path.suffix.lower() == ".parquet":
        return gpd.read_parquet(path)
    layers = pyogrio.list_layers(path)[:, 0]  # a GeoPackage holds its style as a second one
    return gpd.read_file(path, layer=path.stem if path.stem in layers else layers[0])


def _strip_rows(raster: ClassRaster, connectedness: int, strip_rows: int | None) -> int:
    if connectedness not in (4, 8):
        raise SettingsError(f"Connectedness must be 4 or 8, not {connectedness}.")
    if strip_rows is not None and strip_rows < 1:
        raise SettingsError(f"A strip must have at least 1 row, not {strip_rows}.")
    return strip_rows or max(_MIN_STRIP_ROWS, _STRIP_PIXELS // raster.width)


def _strips(raster: ClassRaster, strip_rows: int, stage: Stage) -> Iterator[tuple[int, npt.NDArray[np.integer]]]:
    for start in range(0, raster.height, strip_rows):
        stop = min(start + strip_rows, raster.height)
        yield start, raster.rows(start, stop)
        stage.advance(stop - start)
