"""The rasters of a map as one STAC item, with the extensions for rasters, projections and classifications."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pystac
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import DataType, NoDataStrings, RasterBand, RasterExtension, Sampling
from rasterio.warp import transform_bounds, transform_geom

from geoarseg.errors import InputError
from geoarseg.export.stac_parts import add_file, classes_of, relative_to_item
from geoarseg.inference.predictor import NODATA_CONFIDENCE
from geoarseg.raster.legend import NODATA_CLASS
from geoarseg.raster.source import GDAL_ERRORS, Source, open_quietly, open_source
from geoarseg.raster.style import read_legend

_WGS84 = "EPSG:4326"
_EDGE_POINTS = 5  # on each edge of the outline, which a projection bends


def map_item(paths: Sequence[Path], item_path: Path, *, name: str, when: datetime) -> pystac.Item:
    """The item of rasters that lie on one grid.

    Args:
        paths: the rasters.
        item_path: where the item will be.
        name: its id.
        when: its date.

    Raises:
        InputError: a raster cannot be read, two have one name, or they lie on different grids.
    """
    rasters = [open_source(path) for path in paths]
    _check_one_grid(paths, rasters)
    item = pystac.Item(name, *_whereabouts(rasters[0]), when, {})
    _add_projection(item, rasters[0])
    for path, raster in zip(paths, rasters, strict=True):
        _add_raster(item, path, item_path, raster)
    return item


def _check_one_grid(paths: Sequence[Path], rasters: Sequence[Source]) -> None:
    grids = [(raster.height, raster.width, raster.transform, raster.crs) for raster in rasters]
    for path, grid in zip(paths, grids, strict=True):
        if grid != grids[0]:
            raise InputError(f"{path} does not lie on the grid of {paths[0]}.", "Write an item for each.")
    if len({path.stem for path in paths}) < len(paths):
        raise InputError("Two of the rasters have the same name.", "Write an item for each.")


def _outline(raster: Source, points: int = 1) -> list[tuple[float, float]]:
    """Coordinates along the border of a raster in its own CRS, so many for each edge, closed, against the clock."""
    corners = [(0, 0), (0, raster.height), (raster.width, raster.height), (raster.width, 0), (0, 0)]
    border = [
        (left + (right - left) * step / points, top + (bottom - top) * step / points)
        for (left, top), (right, bottom) in pairwise(corners)
        for step in range(points)
    ]
    return [raster.transform * place for place in (*border, (0, 0))]


def _whereabouts(raster: Source) -> tuple[dict[str, Any] | None, list[float] | None]:
    """Outline and bounds in degrees; none without a CRS, or with one that no way leads from to the globe."""
    if raster.crs is None:
        return None, None
    ring = {"type": "Polygon", "coordinates": [_outline(raster, _EDGE_POINTS)]}
    try:
        geometry = transform_geom(raster.crs, _WGS84, ring, antimeridian_cutting=True)
        bbox = transform_bounds(raster.crs, _WGS84, *_bounds(raster))
    except GDAL_ERRORS:
        return None, None
    return (geometry, list(bbox)) if all(map(math.isfinite, bbox)) else (None, None)


def _bounds(raster: Source) -> tuple[float, float, float, float]:
    """Left, bottom, right and top in the raster's CRS."""
    x, y = zip(*_outline(raster), strict=True)
    return min(x), min(y), max(x), max(y)


def _add_projection(item: pystac.Item, raster: Source) -> None:
    authority = raster.crs.to_authority() if raster.crs else None
    ProjectionExtension.ext(item, add_if_missing=True).apply(
        code=":".join(authority) if authority else None,
        wkt2=None if authority or not raster.crs else raster.crs.to_wkt(version="WKT2_2019"),
        bbox=list(_bounds(raster)),
        shape=[raster.height, raster.width],
        transform=list(raster.transform)[:6],
    )


def _add_raster(item: pystac.Item, path: Path, item_path: Path, raster: Source) -> None:
    legend = read_legend(path)
    is_percent = legend is None and raster.dtype == "uint8" and set(raster.nodata) == {float(NODATA_CONFIDENCE)}
    title = "Classes" if legend else "Probability in percent" if is_percent else path.stem
    href = relative_to_item(path, item_path)
    asset = pystac.Asset(href, title=title, media_type=_media_type(path), roles=["data"])
    add_file(item, path.stem, asset, path)
    unit, kind = "%" if is_percent else None, DataType(raster.dtype)
    bands = [RasterBand.create(_nodata(value), Sampling.AREA, kind, unit=unit) for value in raster.nodata]
    RasterExtension.ext(asset, add_if_missing=True).apply(bands)
    if legend:
        ClassificationExtension.ext(asset, add_if_missing=True).apply(classes=classes_of(legend, nodata=NODATA_CLASS))


def _media_type(path: Path) -> str | None:
    with open_quietly(path) as dataset:
        if dataset.driver != "GTiff":
            return None
        is_cog = dataset.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG"
        return pystac.MediaType.COG if is_cog else pystac.MediaType.GEOTIFF


def _nodata(value: float | None) -> float | NoDataStrings | None:
    """A nodata value as JSON can have it."""
    return value if value is None or math.isfinite(value) else NoDataStrings(str(value))
