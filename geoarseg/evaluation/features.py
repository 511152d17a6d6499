"""Vector layers as labels: read, brought into the pixels of a map, mended, and burned window by window."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pyogrio.raw
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize

from geoarseg.errors import InputError
from geoarseg.evaluation.scores import HIGHEST
from geoarseg.raster.locate import PathLike
from geoarseg.raster.scene import Scene
from geoarseg.raster.source import one_line
from geoarseg.raster.window import Window

ENDINGS = (".gpkg", ".shp", ".geojson", ".json", ".fgb", ".parquet")
"""Endings of the files that are taken for vector layers."""
FIELDS = ("class", "class_id", "value")
"""Fields that hold the class unless another is named."""

_POLYGONS, _POINTS = (3, 6), (0, 4)  # shapely's type numbers, single and multi
_NAME_CHARACTERS = 60


@dataclass(frozen=True, eq=False)
class Features:
    """Points and polygons with a class each, in pixels of a map. Made by `read_features`."""

    geometries: NDArray[Any]
    """(feature,) of shapely: x = column, y = row; a pixel spans 1, the map begins at 0."""
    values: NDArray[np.uint8]
    """(feature,): class values; 0 = not scored."""
    names: Mapping[int, str]
    """Names of the class values, where the field holds texts."""
    warnings: tuple[str, ...]
    """What was mended and left out."""

    @cached_property
    def _tree(self) -> Any:
        return shapely.STRtree(self.geometries)

    def read(self, window: Window) -> NDArray[np.uint8]:
        """Burn the features into a window, (y, x); 0 = not labelled.

        A pixel belongs to the polygon that holds its centre, and a point to the pixel it lies in. Where features
        overlap, the later one in the layer wins.
        """
        box = shapely.box(window.col, window.row, window.col_stop, window.row_stop)
        inside = np.sort(self._tree.query(box))
        if not len(inside):
            return np.zeros(window.shape, dtype=np.uint8)
        burned: NDArray[np.uint8] = rasterize(
            zip(self.geometries[inside], self.values[inside].tolist(), strict=True),
            out_shape=window.shape,
            transform=Affine.translation(window.col, window.row),
            dtype="uint8",
        )
        return burned


def is_vector(path: PathLike) -> bool:
    """Whether the ending of a name is that of a vector layer."""
    return Path(os.fspath(path)).suffix.lower() in ENDINGS


def read_features(
    path: PathLike,
    classes: Scene,
    *,
    field: str | None = None,
    layer: str | None = None,
    names: Mapping[int, str] | None = None,
) -> Features:
    """Read a vector layer and bring it into the pixels of a map.

    Args:
        path: GeoPackage, Shapefile, GeoJSON, FlatGeobuf or GeoParquet.
        classes: the map.
        field: holds whole numbers, which are class values, or texts, which are numbered from 1 in alphabetical
            order; None = `class`, `class_id` or `value`.
        layer: name of the layer, where there are several.
        names: the values that texts stand for, in place of their alphabetical order.

    Raises:
        InputError: the layer cannot be used, or lies elsewhere.
    """
    if not Path(path).exists():
        raise InputError(f"There is no file {path}.", "Check the path.")
    geometries, column, crs = _read_layer(path, field, layer)
    if not len(geometries):
        raise InputError(f"{path} has no features.", "Give a layer with points or polygons.")
    values, texts, missing = _class_values(column, path, names)
    found, mended = _mend(_in_pixels(geometries, _to_pixels(crs, classes, path)))
    usable = np.array([geometry is not None for geometry in found])
    warnings = [
        f"{count} of {len(geometries)} features of {path} {what}."
        for count, what in (
            (mended, "had a broken geometry and were mended"),
            (int((~usable).sum()), "have no geometry that can be scored and were left out"),
            (missing, "have no class and were left out"),
        )
        if count
    ]
    kept = usable & (values > 0)
    features = Features(found[kept], values[kept], texts, tuple(warnings))
    _check_overlap(features, classes, path)
    return features


def clean_name(text: str) -> str:
    """A name from a file, without control characters and cut to 60 characters."""
    name = "".join(character if character.isprintable() else "?" for character in text).strip()
    return name if len(name) <= _NAME_CHARACTERS else name[: _NAME_CHARACTERS - 1] + "…"


def _read_layer(path: PathLike, field: str | None, layer: str | None) -> tuple[NDArray[Any], NDArray[Any], Any]:
    """Geometries, the class column and the CRS of a layer."""
    try:
        if Path(path).suffix.lower() == ".parquet":
            table = geopandas.read_parquet(path)
            column = _choose_field([str(name) for name in table.columns if name != table.geometry.name], field, path)
            return np.array(table.geometry.values, dtype=object), table[column].to_numpy(), table.crs
        layer = _choose_layer(path, layer)
        column = _choose_field(list(pyogrio.read_info(path, layer=layer)["fields"]), field, path)
        facts, _, wkb, fields = pyogrio.raw.read(path, layer=layer, columns=[column], force_2d=True)
    except InputError:
        raise
    except Exception as error:  # pyogrio, pyarrow and geopandas raise many kinds
        raise InputError(
            f"{path} cannot be read as a vector layer ({one_line(error)}).",
            "Give a GeoPackage, Shapefile, GeoJSON, FlatGeobuf or GeoParquet.",
        ) from error
    if wkb is None:
        raise InputError(f"{path} has no geometries.", "Give a layer with points or polygons.")
    return shapely.from_wkb(wkb, on_invalid="ignore"), np.asarray(fields[0]), facts["crs"]


def _choose_layer(path: PathLike, layer: str | None) -> str:
    layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    if layer is None and len(layers) == 1:
        return layers[0]
    if layer in layers:
        return layer
    listed = ", ".join(layers) or "none"
    what = f"has no layer {layer}" if layer else f"has {len(layers)} layers with geometries"
    raise InputError(f"{path} {what}; there are: {listed}.", "Name one with --layer.")


def _choose_field(fields: list[str], field: str | None, path: PathLike) -> str:
    for name in (field,) if field else FIELDS:
        if name in fields:
            return name
    what = f"has no field {field}" if field else "has no field class, class_id or value"
    raise InputError(f"{path} {what}; its fields are: {', '.join(fields) or 'none'}.", "Name one with --field.")


def _class_values(
    column: NDArray[Any], path: PathLike, known: Mapping[int, str] | None
) -> tuple[NDArray[np.uint8], Mapping[int, str], int]:
    """Class values of a field, 0 where it is empty; their names, if it holds texts; how many are empty."""
    objects = column.astype(object)
    empty = np.array([item is None or item != item or str(item).strip() == "" for item in objects], dtype=bool)
    numbers = np.zeros(len(column), dtype=np.float64)
    names: dict[int, str] = {}
    try:
        numbers[~empty] = [_number(item) for item in objects[~empty]]
    except (TypeError, ValueError):  # texts
        texts = [str(item).strip() for item in objects[~empty]]
        values = {text: value for value, text in enumerate(sorted(set(texts)), 1)}
        if known is not None:
            unknown = sorted(set(texts) - set(known.values()))
            if unknown:
                raise InputError(
                    f"{path} has the class {clean_name(unknown[0])!r}, which the map's legend does not name.",
                    "Drop --identity, or give class values.",
                ) from None
            values = {text: next(v for v, name in known.items() if name == text) for text in values}
        numbers[~empty] = [values[text] for text in texts]
        names = {value: clean_name(text) for text, value in values.items()}
    wrong = numbers[(numbers != np.rint(numbers)) | (numbers < 0) | (numbers > HIGHEST)]
    if len(wrong):
        what = f"{len(names)} classes" if names else f"the class {wrong[0]:g}"
        raise InputError(
            f"{path} has {what}.", f"Classes must be whole numbers from 0 to {HIGHEST}, or at most {HIGHEST} texts."
        )
    return numbers.astype(np.uint8), names, int(empty.sum())


def _number(item: Any) -> float:
    """The number of an item, also of one that is a text of digits; refuses other texts."""
    number = float(item)
    if isinstance(item, str) and not np.isfinite(number):
        raise ValueError(f"{item} is the name of a class")
    return number


def _to_pixels(crs: Any, classes: Scene, path: PathLike) -> Any:
    """Function from coordinates (point, 2) of the layer to columns and rows of the map."""
    to_pixel = ~classes.transform
    if (crs is None) != (classes.crs is None):
        who, other = (path, "the map has one") if crs is None else (classes.paths[0], "the labels have one")
        raise InputError(
            f"{who} has no coordinate system, but {other}.", "Give it one, for example with ogr2ogr -a_srs."
        )
    try:
        ways = [] if crs is None else [_transformer(crs, classes.crs)]
    except pyproj.exceptions.ProjError as error:
        raise InputError(f"The labels cannot be brought into {classes.crs} ({one_line(error)}).") from error

    def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = xy.T
        for way in ways:
            x, y = way.transform(x, y)
        with np.errstate(invalid="ignore"):  # pyproj gives infinities where the projection ends
            return np.column_stack(to_pixel * (np.asarray(x), np.asarray(y)))

    return move


def _transformer(source: Any, target: Any) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(pyproj.CRS(source), pyproj.CRS.from_wkt(target.to_wkt()), always_xy=True)


def _in_pixels(geometries: NDArray[Any], move: Any) -> NDArray[Any]:
    """The geometries moved; None for those that leave the domain of the projection."""
    xy, owner = shapely.get_coordinates(geometries, return_index=True)
    moved = move(xy)
    outside = np.unique(owner[~np.isfinite(moved).all(axis=1)])
    found = shapely.force_2d(geometries)
    found[outside] = None  # first: a ring of infinities cannot even be made
    kept: NDArray[Any] = shapely.set_coordinates(found, moved[~np.isin(owner, outside)])
    return kept


def _mend(geometries: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Valid points and polygons, None for all else; and how many were mended."""
    broken = ~shapely.is_valid(geometries) & ~shapely.is_missing(geometries)
    found = geometries.copy()
    found[broken] = shapely.make_valid(found[broken])
    for index in np.flatnonzero(shapely.get_type_id(found) == 7):  # collections, as mending also gives
        parts = [part for part in shapely.get_parts(found[index]) if shapely.get_type_id(part) in _POLYGONS]
        found[index] = shapely.union_all(parts) if parts else None
    found[~np.isin(shapely.get_type_id(found), _POLYGONS + _POINTS) | shapely.is_empty(found)] = None
    return found, int((broken & ~shapely.is_missing(found)).sum())


def _check_overlap(features: Features, classes: Scene, path: PathLike) -> None:
    if not len(features.values):
        raise InputError(f"{path} has no feature with a class and a geometry that can be scored.")
    left, top, right, bottom = shapely.total_bounds(features.geometries)
    if not (left < classes.width and right > 0 and top < classes.height and bottom > 0):
        raise InputError(
            f"The labels {path} do not overlap the map {classes.paths[0]}.",
            "Check the places and coordinate systems of both.",
        )
