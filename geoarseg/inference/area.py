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
from pyproj.exceptions import ProjError
from shapely.errors import GEOSException

from geoarseg.errors import InputError
from geoarseg.raster.scene import Scene
from geoarseg.raster.window import Window, tile_grid

_BLOCK_PX = 512


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
        mask = np.zeros(window.shape, bool)
        stop = (window.row_stop, window.col_stop)
        for tile in tile_grid(*stop, core_px=_BLOCK_PX, halo_px=0, stride_px=1, region=window):
            row, col = (start - start % _BLOCK_PX for start in (tile.core.row, tile.core.col))
            block = Window(row, col, _BLOCK_PX, _BLOCK_PX)
            mask[tile.core.relative_to(window).slices] = self._burn(block)[tile.core.relative_to(block).slices]
        return mask

    def _burn(self, block: Window) -> npt.NDArray[np.bool_]:
        """The mask of one block of a fixed grid: on a border, GDAL's rounding depends on where it counts from."""
        box = shapely.box(block.col, block.row, block.col_stop, block.row_stop)
        near = self.polygons[self._tree.query(box, predicate="intersects")]
        if len(near) == 0:
            return np.zeros(block.shape, bool)
        here = Affine.translation(block.col, block.row)
        burnt = rasterio.features.rasterize(near, out_shape=block.shape, transform=here, dtype="uint8")
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


def read_polygons(path: str | os.PathLike[str]) -> gpd.GeoSeries:
    """Read the polygons of a vector file, in its own coordinate system.

    Args:
        path: a file that GDAL or pyarrow reads, such as a GeoPackage; it must have one layer with geometries.

    Raises:
        InputError: the file cannot be read, or holds something else than polygons.
    """
    try:
        table = gpd.read_parquet(path) if str(path).endswith(".parquet") else gpd.read_file(path, layer=_layer_of(path))
    except InputError:
        raise
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(f"{path} cannot be read as polygons ({reason}).", "Give a GeoPackage of polygons.") from error
    if not isinstance(table, gpd.GeoDataFrame):
        raise InputError(f"{path} holds a table without geometries.", "Give a layer of polygons.")
    shapes = table.geometry[~(table.geometry.is_empty | table.geometry.isna())]
    wrong = sorted(set(shapes.geom_type) - {"Polygon", "MultiPolygon"})
    if wrong or len(shapes) == 0:
        found = " and ".join(wrong) if wrong else "nothing"
        raise InputError(f"{path} must hold polygons, but it holds {found}.", "Give a layer of polygons.")
    return shapes


def area_on(scene: Scene, shapes: gpd.GeoSeries) -> AreaOfInterest | None:
    """Bring polygons onto a scene's pixels; None if none touches it.

    Args:
        scene: the image. If it has no coordinate system, the polygons are taken to be in its units.
        shapes: polygons and multipolygons.

    Raises:
        InputError: the polygons cannot be brought into the scene's coordinate system.
    """
    if scene.crs is not None:
        if shapes.crs is None:
            raise InputError("The polygons have no coordinate reference system, but the image has.", "Assign it.")
        try:
            shapes = shapes.to_crs(scene.crs.to_wkt())
        except (ProjError, GEOSException) as error:
            raise InputError(
                f"The polygons cannot be brought from {shapes.crs.name} to that of the image ({error}).",
                "Reproject them in QGIS.",
            ) from error
    flat = shapely.force_2d(np.asarray(shapes))
    flat = flat[np.isfinite(shapely.bounds(flat)).all(axis=1)]  # the projection has no place for the others
    inverse = ~scene.transform
    to_pixels = [inverse.a, inverse.b, inverse.d, inverse.e, inverse.c, inverse.f]
    placed = np.asarray(gpd.GeoSeries(flat).affine_transform(to_pixels))
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(placed)))
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]  # spikes become lines
    inside = polygons[shapely.intersects(polygons, shapely.box(0, 0, scene.width, scene.height))]
    return AreaOfInterest(inside) if len(inside) else None


def _layer_of(path: str | os.PathLike[str]) -> str | None:
    """The one layer with geometries: QGIS keeps styles in a layer without; None = GDAL's first."""
    layers = [str(name) for name, geometry in pyogrio.list_layers(path) if geometry is not None]
    if len(layers) > 1:
        raise InputError(f"{path} has several layers: {', '.join(layers)}.", "Save the one that counts to a file.")
    return layers[0] if layers else None
