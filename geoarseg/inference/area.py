"""The area of interest: polygons from a vector file, laid over a scene's pixels."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyogrio
import rasterio.features
import shapely
from affine import Affine

from geoarseg.errors import InputError
from geoarseg.raster.source import Crs
from geoarseg.raster.window import Window


@dataclass(frozen=True, eq=False)
class AreaOfInterest:
    """Polygons in pixel coordinates (column, row) of a scene."""

    polygons: npt.NDArray[np.object_]
    """shapely polygons and multipolygons, (count,)."""

    def touches(self, window: Window) -> bool:
        """Whether a polygon has a point in common with the window."""
        box = shapely.box(window.col, window.row, window.col_stop, window.row_stop)
        return bool(len(self._tree.query(box, predicate="intersects")))

    def mask(self, window: Window) -> npt.NDArray[np.bool_]:
        """Which pixels have their centre in a polygon, (y, x); the same for a pixel in whichever window."""
        box = shapely.box(window.col, window.row, window.col_stop, window.row_stop)
        near = self.polygons[self._tree.query(box, predicate="intersects")]
        if len(near) == 0:
            return np.zeros(window.shape, bool)
        here = Affine.translation(window.col, window.row)
        burnt = rasterio.features.rasterize(near, out_shape=window.shape, transform=here, dtype="uint8")
        return np.asarray(burnt == 1)

    @property
    def digest(self) -> str:
        """Tells areas apart."""
        return hashlib.sha256(b"".join(shapely.to_wkb(self.polygons))).hexdigest()

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.polygons)

    def __getstate__(self) -> dict[str, object]:
        return {"polygons": self.polygons}


def read_area(path: str | os.PathLike[str], *, crs: Crs, transform: Affine, height: int, width: int) -> AreaOfInterest:
    """Read the polygons of a vector file and bring them onto a scene's pixels.

    Args:
        path: a file that GDAL or pyarrow reads, such as a GeoPackage.
        crs: the scene's coordinate system, or None: then the file is taken to be in the same units.
        transform: the scene's, from (column, row) to coordinates.
        height: rows of the scene.
        width: columns of the scene.

    Raises:
        InputError: the file cannot be read, holds no polygons, or none in the scene.
    """
    try:
        table = gpd.read_parquet(path) if str(path).endswith(".parquet") else gpd.read_file(path)
    except (pyogrio.errors.DataSourceError, OSError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(f"{path} cannot be read as polygons ({reason}).", "Give a GeoPackage of polygons.") from error
    if not isinstance(table, gpd.GeoDataFrame):
        raise InputError(f"{path} holds a table without geometries.", "Give a layer of polygons.")
    shapes = table.geometry[~(table.geometry.is_empty | table.geometry.isna())]
    wrong = sorted(set(shapes.geom_type) - {"Polygon", "MultiPolygon"})
    if wrong or len(shapes) == 0:
        found = " and ".join(wrong) if wrong else "nothing"
        raise InputError(f"{path} must hold polygons, but it holds {found}.", "Give a layer of polygons.")
    if crs is not None and shapes.crs is not None:
        shapes = shapes.to_crs(crs.to_wkt())
    elif crs is not None:
        raise InputError(f"{path} has no coordinate reference system, but the image has one.", "Assign it in QGIS.")
    polygons = shapely.force_2d(np.asarray(shapes.make_valid()))
    inverse = ~transform
    to_pixels = [inverse.a, inverse.b, inverse.d, inverse.e, inverse.c, inverse.f]
    placed = np.asarray(gpd.GeoSeries(polygons).affine_transform(to_pixels))
    inside = placed[shapely.intersects(placed, shapely.box(0, 0, width, height))]
    if len(inside) == 0:
        raise InputError(f"No polygon of {path} touches the image.", "Is its coordinate reference system right?")
    return AreaOfInterest(inside)
