"""Areas of polygons on the ground: planar, geodesic or in pixels, as the coordinate system has it.

In a geographic system the area is that on the ellipsoid with edges straight in longitude and latitude, as the
borders of pixels are, so the areas of all polygons add up to that of the raster. By Green's theorem it is the integral
of q(latitude) d(longitude) around each ring, with q the area from the equator to that latitude per radian
of longitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
from affine import Affine

from geoarseg.errors import SettingsError
from geoarseg.vector.batch import PolygonBatch

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AreaRule:
    """How areas are measured."""

    column: str
    """Name of the attribute: `area_m2` in square metres, `area_px` in pixels."""
    measure: Callable[[PolygonBatch], Floats]
    """Area of each feature of a batch, (features,) float64, in the unit that `column` says."""


def area_rule(crs: pyproj.CRS | None, transform: Affine) -> AreaRule:
    """How areas are measured in this coordinate system, with this transform from pixels to map units."""
    crs = horizontal(crs)
    if crs is None:
        return AreaRule("area_px", lambda batch: batch.pixels.astype(np.float64))
    if crs.is_geographic:
        return AreaRule("area_m2", lambda batch: ellipsoid_areas(batch, transform, crs))
    pixel_m2 = abs(transform.determinant) * unit_of(crs) ** 2
    return AreaRule("area_m2", lambda batch: (batch.pixels * pixel_m2).astype(np.float64))


def pixel_areas(crs: pyproj.CRS | None, transform: Affine, width: int) -> Callable[[npt.NDArray[Any]], Floats]:
    """Function from rows (n,) to the area of a pixel in each, (n,), in the unit of `area_rule`.

    Of a rotated raster in a geographic system, this is the pixel in the middle of the row.
    """
    crs = horizontal(crs)
    if crs is None:
        return lambda rows: np.ones(len(rows))
    pixel = abs(transform.determinant) * unit_of(crs) ** 2
    if not crs.is_geographic:
        return lambda rows: np.full(len(rows), pixel)
    half = unit_of(crs) * (abs(transform.e) or abs(transform.d)) / 2

    def of_rows(rows: npt.NDArray[Any]) -> Floats:
        middle = transform.d * width / 2 + transform.e * (rows + 0.5) + transform.f
        latitude: Floats = np.asarray(unit_of(crs) * middle, np.float64)
        band = _area_from_equator(latitude + half, crs) - _area_from_equator(latitude - half, crs)
        areas: Floats = np.abs(band) * pixel / (2 * half)
        return areas

    return of_rows


def pixels_of_area(area_m2: float, *, crs: pyproj.CRS | None, transform: Affine, shape: tuple[int, int]) -> int:
    """The pixels (at least 1) that cover an area; in a geographic system those at the raster's centre.

    Args:
        area_m2: square metres.
        crs: coordinate system of the raster.
        transform: from pixels (column, row) to map units.
        shape: rows and columns of the raster.

    Raises:
        SettingsError: there is no coordinate system to tell metres by, or the area is no positive number.
    """
    if not 0 < area_m2 < math.inf:
        raise SettingsError(f"The least area must be a positive number of square metres, not {area_m2}.")
    if crs is None:
        raise SettingsError("The raster has no coordinate system, so it has no square metres.", "Use pixels instead.")
    pixel_m2 = float(pixel_areas(crs, transform, shape[1])(np.array([(shape[0] - 1) / 2]))[0])
    return max(1, math.ceil(area_m2 / pixel_m2 * (1 - 1e-9)))


def horizontal(crs: pyproj.CRS | None) -> pyproj.CRS | None:
    """The horizontal part of a coordinate system that may also have heights or a shift to another datum."""
    while crs is not None:
        if crs.is_bound and crs.source_crs is not None:
            crs = crs.source_crs
        elif crs.is_compound:
            crs = crs.sub_crs_list[0]
        else:
            break
    return crs


def ellipsoid_areas(batch: PolygonBatch, transform: Affine, crs: pyproj.CRS) -> Floats:
    """Areas in square metres on the ellipsoid of a geographic coordinate system, (features,) float64."""
    column, row = batch.corners[:-1].T
    step_column, step_row = np.diff(batch.corners, axis=0).T
    between_rings = batch.ring_offsets[1:-1] - 1
    unit = unit_of(crs)  # radians
    latitude = unit * (transform.d * column + transform.e * row + transform.f)
    # Only where both change along an edge, in rotated rasters or generalized borders, does it take more than one
    # point of Gauss and Legendre.
    askew = transform.b != 0 or transform.d != 0 or bool(np.any((step_column != 0) & (step_row != 0)))
    at, weights = np.polynomial.legendre.leggauss(5 if askew else 1)
    rise = unit * (transform.d * step_column + transform.e * step_row) * askew
    q = np.zeros(len(latitude))
    for t, weight in zip(at, weights, strict=True):
        q += weight / 2 * _area_from_equator(latitude + (t + 1) / 2 * rise, crs)
    q *= unit * (transform.a * step_column + transform.b * step_row)
    q[between_rings] = 0.0
    starts = batch.ring_offsets[batch.polygon_offsets[batch.feature_offsets[:-1]]]
    areas: Floats = np.abs(np.add.reduceat(q, starts))
    return areas


def _area_from_equator(latitude: Floats, crs: pyproj.CRS) -> Floats:
    """Square metres between the equator and a latitude (in radians), per radian of longitude."""
    geod = crs.get_geod()
    assert geod is not None
    sine = np.sin(np.clip(latitude, -np.pi / 2, np.pi / 2))
    if geod.es == 0.0:
        return geod.a**2 * sine
    e = np.sqrt(geod.es)
    area: Floats = geod.b**2 / 2 * (sine / (1 - geod.es * sine**2) + np.arctanh(e * sine) / e)
    return area


def unit_of(crs: pyproj.CRS) -> float:
    """One map unit in metres, or in radians for a geographic system."""
    return crs.axis_info[0].unit_conversion_factor if crs.axis_info else 1.0
