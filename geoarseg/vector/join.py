"""Polygons of one class that touch become one polygon."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geoarseg.vector.area import horizontal, unit_of

_ROTATED_PRECISION = 1e-12  # some thousand times finer than a pixel, some thousand times coarser than float64
Objects = npt.NDArray[np.object_]


def join_touching(
    wkb: Objects, classes: npt.NDArray[np.int64], areas: npt.NDArray[np.float64]
) -> tuple[Objects, npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Join the polygons of each class that share a border; multipolygons also where they touch at a corner.

    Args:
        wkb: well-known binary of disjoint polygons, (features,); if one is a multipolygon, all results are.
        classes: the class of each, (features,).
        areas: the area of each, (features,); areas of what is joined add up.

    Returns:
        The same three of the joined features, by ascending class.
    """
    geometries = shapely.from_wkb(wkb)
    multi = bool((shapely.get_type_id(geometries) == shapely.GeometryType.MULTIPOLYGON).any())
    found = [_join(geometries[classes == value], areas[classes == value], multi) for value in np.unique(classes)]
    counts = [len(joined) for joined, _ in found]
    joined = np.concatenate([joined for joined, _ in found])
    sums = np.concatenate([sums for _, sums in found])
    return np.asarray(shapely.to_wkb(joined)), np.repeat(np.unique(classes), counts), sums


def border_lengths(wkb: Objects, crs: pyproj.CRS | None) -> npt.NDArray[np.float64]:
    """Length of the border of each polygon, holes included, (features,): in metres, or in pixels without a CRS."""
    geometries, crs = shapely.from_wkb(wkb), horizontal(crs)
    if crs is None:
        return np.asarray(shapely.length(geometries))
    if not crs.is_geographic:
        return np.asarray(shapely.length(geometries) * unit_of(crs))
    geod = crs.get_geod()
    assert geod is not None
    degrees = np.rad2deg(unit_of(crs))
    scaled = shapely.transform(geometries, lambda xy: xy * degrees)
    return np.array([geod.geometry_length(shapely.boundary(geometry)) for geometry in scaled])


def _join(members: Objects, areas: npt.NDArray[np.float64], multi: bool) -> tuple[Objects, npt.NDArray[np.float64]]:
    # A border that two have shared leaves vertices in straight lines, which simplifying by nothing removes.
    parts = shapely.simplify(shapely.get_parts(shapely.union_all(members, grid_size=_grid_size(members))), 0)
    part_of = _containing(parts, members)
    if multi:
        group_of = _groups(parts)
        parts = shapely.multipolygons(parts[np.argsort(group_of, kind="stable")], indices=np.sort(group_of))
        part_of = group_of[part_of]
    sums = np.zeros(len(parts))
    np.add.at(sums, part_of, areas)
    return parts, sums


def _grid_size(members: Objects) -> float | None:
    """What to round coordinates to, so that a corner lies on the neighbour's edge; None where it does by itself.

    In a rotated raster it lies beside it by the rounding errors of float64.
    """
    xy, ring = shapely.get_coordinates(shapely.get_rings(members), return_index=True)
    steps = np.diff(xy, axis=0)[np.diff(ring) == 0]
    if (steps == 0).any(axis=1).all():
        return None
    return float(np.abs(xy).max()) * _ROTATED_PRECISION


def _containing(parts: Objects, members: Objects) -> npt.NDArray[np.intp]:
    """The part that each member has gone into, (members,)."""
    inside = shapely.point_on_surface(members)
    of_member, of_part = shapely.STRtree(parts).query(inside, predicate="intersects")
    part_of = np.zeros(len(members), np.intp)
    part_of[of_member] = of_part
    return part_of


def _groups(parts: Objects) -> npt.NDArray[np.intp]:
    """Numbers the parts such that those that touch have one number, (parts,)."""
    first, second = shapely.STRtree(parts).query(parts, predicate="intersects")
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(parts), len(parts)))
    return np.asarray(connected_components(graph, directed=False)[1], np.intp)
