"""Lengths of the polygons' borders, holes included: planar, geodesic or in pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyproj

from geoarseg.vector.area import horizontal, unit_of
from geoarseg.vector.batch import PolygonBatch

Floats = npt.NDArray[np.float64]


def perimeter_column(crs: pyproj.CRS | None) -> str:
    """Name of the attribute: `perimeter_m` in metres, or `perimeter_px` in pixels without a coordinate system."""
    return "perimeter_px" if crs is None else "perimeter_m"


def perimeters(batch: PolygonBatch, xy: npt.NDArray[np.number], crs: pyproj.CRS | None) -> Floats:
    """Length of the border of each feature, (features,), in the unit that `perimeter_column` says.

    Args:
        batch: the features.
        xy: (vertices, 2) their vertices in map units; in pixels without a coordinate system.
        crs: the coordinate system.
    """
    crs = horizontal(crs)
    lengths = np.zeros(len(xy))
    if crs is not None and crs.is_geographic:
        lengths[:-1] = _geodesic_lengths(xy * unit_of(crs), crs)
    else:
        step = np.diff(xy, axis=0)
        np.sqrt(step[:, 0] ** 2 + step[:, 1] ** 2, out=lengths[:-1])
        lengths *= 1.0 if crs is None else unit_of(crs)
    lengths[batch.ring_offsets[1:] - 1] = 0.0  # from the end of a ring to the start of the next
    starts = batch.ring_offsets[batch.polygon_offsets[batch.feature_offsets[:-1]]]
    total: Floats = np.add.reduceat(lengths, starts)
    return total


def _geodesic_lengths(radians: npt.NDArray[np.number], crs: pyproj.CRS) -> Floats:
    """Lengths in metres of the geodesics between each point and the next, (points - 1,)."""
    geod = crs.get_geod()
    assert geod is not None
    longitude, latitude = radians.T
    _, _, metres = geod.inv(longitude[:-1], latitude[:-1], longitude[1:], latitude[1:], radians=True)
    return np.asarray(metres)
