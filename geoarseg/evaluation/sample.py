"""A reference sample on a map: the map's class at each unit, the strata's areas, and the estimates from both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize

from geoarseg.evaluation.estimators import StratifiedEstimates, Stratum, estimate_stratified
from geoarseg.evaluation.features import Features
from geoarseg.evaluation.scores import HIGHEST, Blocks, Labels
from geoarseg.metrics import Counts
from geoarseg.raster.scene import Scene
from geoarseg.raster.window import Window, tile_grid
from geoarseg.vector.area import ellipsoid_areas, horizontal
from geoarseg.vector.batch import PolygonBatch

_BLOCK_PX = 1024
_SCALE = 10**9  # shares become whole numbers for the matching

Values = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sample:
    """Sample units that lie on the map."""

    strata: Values
    """Stratum of each unit (unit,)."""
    mapped: Values
    """Value of the map at each unit (unit,)."""
    reference: Values
    """Reference class of each unit (unit,)."""
    xy: NDArray[np.float64]
    """Column and row of a point in each unit (unit, 2), in pixels."""
    left_out: int
    """Units outside the map or the strata, or without data in them."""


@dataclass(frozen=True)
class Areas:
    """How much of the map each value covers."""

    pixels: NDArray[np.int64]
    """(256,): pixels by value."""
    area: NDArray[np.float64]
    """(256,): area by value, in `unit`."""
    unit: str
    """`m2`, or `px` without a coordinate system."""

    def strata(self) -> dict[int, Stratum]:
        """The values that occur, as strata; 0 is none."""
        return {
            int(value): Stratum(int(self.pixels[value]), float(self.area[value]))
            for value in np.flatnonzero(self.pixels)
            if value
        }


def read_sample(features: Features, classes: Scene, values: Labels, strata: Labels | None) -> Sample:
    """Look up the map, and the strata, at each feature.

    A point takes the value of its pixel, a polygon that of most pixels whose centres it holds, the lowest of several;
    a polygon that holds none takes the pixel of a point in it.

    Args:
        features: the units.
        classes: the map.
        values: its values.
        strata: values of the strata; None = those of the map.
    """
    points = shapely.get_coordinates(shapely.point_on_surface(features.geometries))
    mapped = _values_at(features, points, classes, values)
    stratum = mapped if strata is None else _values_at(features, points, classes, strata)
    used = (mapped > 0) & (stratum > 0)
    reference = features.values.astype(np.int64)[used]
    return Sample(stratum[used], mapped[used], reference, points[used], int((~used).sum()))


def measure_areas(blocks: Blocks, classes: Scene, *, by_label: bool) -> Areas:
    """Add up pixels and areas over the map.

    Args:
        blocks: of the map; in the place of labels, the strata.
        classes: the map.
        by_label: by the strata, where the map has data; False = by the map's own values.
    """
    pixels, area = np.zeros(HIGHEST + 1, dtype=np.int64), np.zeros(HIGHEST + 1)
    row_area, unit = _row_areas(classes)
    for window, values, labels in blocks:
        of = np.where(values > 0, labels, 0) if by_label else values
        pixels += np.bincount(of.ravel(), minlength=HIGHEST + 1)
        weights = np.repeat(row_area(window.row, window.row_stop), window.width)
        area += np.bincount(of.ravel(), weights, minlength=HIGHEST + 1)
    return Areas(pixels, area, unit)


def weighted_counts(sample: Sample, population: Mapping[int, Stratum]) -> Counts:
    """Estimated area by value of the map and reference class, (256, 256) int64, in billionths of the whole."""
    size = np.zeros(HIGHEST + 1)
    for value, stratum in population.items():
        size[value] = stratum.area
    units = np.bincount(sample.strata, minlength=HIGHEST + 1)
    weight = size[sample.strata] / units[sample.strata]
    counts = np.zeros((HIGHEST + 1, HIGHEST + 1))
    np.add.at(counts, (sample.mapped, sample.reference), weight / weight.sum())
    return np.rint(counts * _SCALE).astype(np.int64)


def estimate_sample(
    sample: Sample, assignment: Mapping[int, int], population: Mapping[int, Stratum], *, own_strata: bool
) -> StratifiedEstimates:
    """Estimate accuracies and areas of a map whose values stand for classes.

    Args:
        sample: the units.
        assignment: class of each value of the map; values that it lacks are wrong.
        population: the strata.
        own_strata: the strata are not the map's values, so that Stehman's finite correction applies.

    Raises:
        InputError: no unit lies on the map.
    """
    table = np.zeros(HIGHEST + 1, dtype=np.int64)
    for value, class_value in assignment.items():
        table[value] = class_value
    return estimate_stratified(sample.strata, table[sample.mapped], sample.reference, population, finite=own_strata)


def _values_at(features: Features, points: NDArray[np.float64], classes: Scene, source: Labels) -> Values:
    """Value of each feature (feature,); 0 where there is none or it lies outside."""
    whole = Window(0, 0, classes.height, classes.width)
    read = lru_cache(maxsize=4)(source.read)  # neighbours share their blocks
    found = np.zeros(len(points), dtype=np.int64)
    polygons = np.isin(shapely.get_type_id(features.geometries), (3, 6))
    cols, rows = np.floor(points).astype(np.int64).T
    inside = (rows >= 0) & (rows < whole.height) & (cols >= 0) & (cols < whole.width)
    grid = tile_grid(whole.height, whole.width, core_px=_BLOCK_PX, halo_px=0, stride_px=1)
    tiles = rows // _BLOCK_PX * grid.shape[1] + cols // _BLOCK_PX
    for tile in np.unique(tiles[inside]):
        window = grid[int(tile)].core
        here = inside & (tiles == tile)
        found[here] = read(window)[rows[here] - window.row, cols[here] - window.col]
    for index in np.flatnonzero(polygons):
        counts = _count_under(features.geometries[index], whole, read)
        if counts.any():
            counts[0] = counts[0] if not counts[1:].any() else 0  # most of what has data
            found[index] = counts.argmax()
    return found


def _count_under(polygon: Any, whole: Window, read: Callable[[Window], Any]) -> Values:
    """Pixels (256,) by value whose centres lie in a polygon."""
    counts = np.zeros(HIGHEST + 1, dtype=np.int64)
    left, top, right, bottom = polygon.bounds
    row, col = max(int(np.floor(top)), 0), max(int(np.floor(left)), 0)
    stop_row, stop_col = min(int(np.ceil(bottom)), whole.height), min(int(np.ceil(right)), whole.width)
    for start_row in range(row, stop_row, _BLOCK_PX):
        for start_col in range(col, stop_col, _BLOCK_PX):
            height, width = min(_BLOCK_PX, stop_row - start_row), min(_BLOCK_PX, stop_col - start_col)
            under = rasterize(
                [polygon],
                out_shape=(height, width),
                transform=Affine.translation(start_col, start_row),
                dtype="uint8",
            ).astype(bool)
            if under.any():
                values = read(Window(start_row, start_col, height, width))[under]
                counts += np.bincount(values, minlength=HIGHEST + 1)
    return counts


def _row_areas(classes: Scene) -> tuple[Callable[[int, int], NDArray[np.float64]], str]:
    """Function from rows to the area of one pixel in each, and the unit of that."""
    crs = horizontal(pyproj.CRS.from_wkt(classes.crs.to_wkt())) if classes.crs else None
    if crs is None:
        return lambda start, stop: np.ones(stop - start), "px"
    if not crs.is_geographic:
        pixel_m2 = abs(classes.transform.determinant) * (crs.axis_info[0].unit_conversion_factor ** 2)
        return lambda start, stop: np.full(stop - start, pixel_m2), "m2"
    column = classes.width // 2
    return lambda start, stop: ellipsoid_areas(_pixels(column, start, stop), classes.transform, crs), "m2"


def _pixels(column: int, start: int, stop: int) -> PolygonBatch:
    """The pixels of a column as polygons, one a row."""
    number = stop - start
    ring = np.array([(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)], dtype=np.int32)
    at = np.stack([np.arange(start, stop), np.full(number, column)], axis=1)
    singles = np.arange(number + 1, dtype=np.int64)
    return PolygonBatch(
        classes=np.ones(number, np.int64),
        pixels=np.ones(number),
        first_pixels=at,
        corners=(ring + at[:, None, ::-1]).reshape(-1, 2).astype(np.int32),
        ring_offsets=singles * 5,
        polygon_offsets=singles,
        feature_offsets=singles,
    )
