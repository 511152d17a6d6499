"""A batch of finished polygons in whole pixel coordinates, and the forms they leave in: shapely and WKB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine

from geoarseg.vector.ragged import Ragged, offsets_of

Offsets = npt.NDArray[np.int64]

_HEADER = 9  # bytes: byte order, geometry type, number of parts
_COUNT = 4  # bytes: vertices in a ring
_VERTEX = 16  # bytes: two float64
_POLYGON, _MULTIPOLYGON = 3, 6


@dataclass(frozen=True)
class PolygonBatch:
    """Features made of polygons made of rings made of vertices; each level refers to the next by offsets."""

    classes: npt.NDArray[np.integer]
    """Class of each feature, (features,)."""
    pixels: npt.NDArray[np.float64]
    """Area of each feature in pixels, (features,)."""
    first_pixels: npt.NDArray[np.int64]
    """Row and column of the first pixel, row by row, of the region that each feature was made of, (features, 2)."""
    corners: npt.NDArray[np.int32] | npt.NDArray[np.float64]
    """Column and row of the rings' vertices, (vertices, 2), in pixels from the raster's upper left corner.
    Whole numbers, unless borders were smoothed. Each ring repeats its first vertex; seen on the image, outer
    rings turn anticlockwise, holes clockwise."""
    ring_offsets: Offsets
    """First vertex of each ring, (rings + 1,)."""
    polygon_offsets: Offsets
    """First ring, the outer one, of each polygon, (polygons + 1,)."""
    feature_offsets: Offsets
    """First polygon of each feature, (features + 1,)."""
    rounded: npt.NDArray[np.bool_] | None = None
    """Whether smoothing may round each vertex, (vertices,); None where it is not asked for, or done."""
    zonal: npt.NDArray[np.float64] | None = None
    """Sum over the valid pixels below each feature, and their number, (features, values, 2), if measured."""

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, part: slice) -> PolygonBatch:
        start, stop, _ = part.indices(len(self))
        features = self.feature_offsets[start : stop + 1]
        polygons = self.polygon_offsets[features[0] : features[-1] + 1]
        rings = self.ring_offsets[polygons[0] : polygons[-1] + 1]
        return PolygonBatch(
            classes=self.classes[start:stop],
            pixels=self.pixels[start:stop],
            first_pixels=self.first_pixels[start:stop],
            corners=self.corners[rings[0] : rings[-1]],
            ring_offsets=rings - rings[0],
            polygon_offsets=polygons - polygons[0],
            feature_offsets=features - features[0],
            rounded=None if self.rounded is None else self.rounded[rings[0] : rings[-1]],
            zonal=None if self.zonal is None else self.zonal[start:stop],
        )

    def take(self, features: Offsets) -> PolygonBatch:
        """The features with these indices, in this order."""
        polygons = _members(self.feature_offsets, features)
        rings = _members(self.polygon_offsets, polygons)
        vertices = _members(self.ring_offsets, rings)
        return PolygonBatch(
            classes=self.classes[features],
            pixels=self.pixels[features],
            first_pixels=self.first_pixels[features],
            corners=self.corners[vertices],
            ring_offsets=offsets_of(np.diff(self.ring_offsets)[rings]),
            polygon_offsets=offsets_of(np.diff(self.polygon_offsets)[polygons]),
            feature_offsets=offsets_of(np.diff(self.feature_offsets)[features]),
            rounded=None if self.rounded is None else self.rounded[vertices],
            zonal=None if self.zonal is None else self.zonal[features],
        )

    def coordinates(self, transform: Affine) -> npt.NDArray[np.float64]:
        """The vertices in map units, (vertices, 2) float64."""
        column, row = self.corners.T
        xy = np.empty(self.corners.shape, np.float64)
        xy[:, 0] = transform.a * column + transform.b * row + transform.c
        xy[:, 1] = transform.d * column + transform.e * row + transform.f
        return xy

    def geometries(self, transform: Affine, *, multi: bool) -> npt.NDArray[np.object_]:
        """The features as shapely polygons, or as multipolygons if `multi`, (features,)."""
        offsets = (self.ring_offsets, self.polygon_offsets)
        polygons = shapely.from_ragged_array(shapely.GeometryType.POLYGON, self.coordinates(transform), offsets)
        if not multi:
            return np.asarray(polygons)
        feature_of = np.repeat(np.arange(len(self)), np.diff(self.feature_offsets))
        return np.asarray(shapely.multipolygons(polygons, indices=feature_of)).reshape(-1)

    def wkb(self, xy: npt.NDArray[np.float64], *, multi: bool) -> tuple[npt.NDArray[np.uint8], Offsets]:
        """The features as well-known binary, one after the other.

        Written by hand: through shapely's objects this takes longer than all the rest of polygonizing.

        Args:
            xy: (vertices, 2) float64 coordinates of the vertices.
            multi: write multipolygons; without it each feature must be one polygon.

        Returns:
            the bytes, and the first byte of each feature (features + 1,).
        """
        ring_bytes = _COUNT + _VERTEX * np.diff(self.ring_offsets)
        polygon_bytes = _HEADER + np.add.reduceat(ring_bytes, self.polygon_offsets[:-1])
        polygon_at = offsets_of(polygon_bytes)
        feature_at = polygon_at[self.feature_offsets]
        if multi:
            feature_at = feature_at + _HEADER * np.arange(len(self) + 1)
            polygon_at = polygon_at[:-1] + _HEADER * np.repeat(
                np.arange(1, len(self) + 1), np.diff(self.feature_offsets)
            )
        ring_at = offsets_of(ring_bytes)[:-1]
        rings_in = np.diff(self.polygon_offsets)
        ring_at += np.repeat(polygon_at[: len(rings_in)] + _HEADER - ring_at[self.polygon_offsets[:-1]], rings_in)

        out = np.empty(feature_at[-1], np.uint8)
        # Runs of bytes that are vertices and runs that are not, in turn: then one stroke moves all vertices.
        vertex_at = ring_at + _COUNT
        vertex_bytes = ring_bytes - _COUNT
        between = np.diff(np.concatenate([vertex_at, feature_at[-1:]])) - vertex_bytes
        runs = np.stack([vertex_bytes, between], axis=1).ravel()
        holds_vertex = np.zeros(len(out), bool)
        holds_vertex[vertex_at[0] :] = np.repeat(np.tile([True, False], len(vertex_at)), runs)
        out[holds_vertex] = np.ascontiguousarray(xy, "<f8").view(np.uint8).ravel()
        _put_count(out, ring_at, np.diff(self.ring_offsets))
        _put_header(out, polygon_at[: len(rings_in)], _POLYGON, rings_in)
        if multi:
            _put_header(out, feature_at[:-1], _MULTIPOLYGON, np.diff(self.feature_offsets))
        return out, feature_at


def zonal_means(batch: PolygonBatch) -> npt.NDArray[np.float64]:
    """The mean of each value below each feature, (features, values); NaN where no pixel was valid."""
    assert batch.zonal is not None
    sums, numbers = np.moveaxis(batch.zonal, -1, 0)
    means: npt.NDArray[np.float64] = np.divide(sums, numbers, out=np.full(sums.shape, np.nan), where=numbers > 0)
    return means


def _members(offsets: Offsets, rows: Offsets) -> Offsets:
    """Indices of all that the `rows` refer to by `offsets`, in their order."""
    return Ragged(np.arange(offsets[-1]), offsets).take(rows).values


def ring_areas(xy: npt.NDArray[np.float64], offsets: Offsets) -> npt.NDArray[np.float64]:
    """Areas of closed rings (vertices, 2), (rings,): positive where they turn anticlockwise, with y downward."""
    (x, y), (right, below) = xy[:-1].T, xy[1:].T
    twice = np.zeros(len(xy))
    np.multiply(x + right, y - below, out=twice[:-1])
    twice[offsets[1:] - 1] = 0.0
    areas: npt.NDArray[np.float64] = np.add.reduceat(twice, offsets[:-1]) / 2
    return areas


def _put_header(out: npt.NDArray[np.uint8], at: Offsets, kind: int, parts: Offsets) -> None:
    out[at] = 1  # little-endian
    _put_count(out, at + 1, np.full(len(at), kind))
    _put_count(out, at + 5, parts)


def _put_count(out: npt.NDArray[np.uint8], at: Offsets, count: Offsets) -> None:
    out[at[:, None] + np.arange(4)] = count.astype("<u4").view(np.uint8).reshape(-1, 4)
