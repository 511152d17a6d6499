"""Simplified and smoothed polygons: one coverage without gaps and overlaps, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from geoarseg.vector.marks import Generalization, marked_strips
from geoarseg.vector.polygonize import polygonize_marked, polygonize_strips
from geoarseg.vector.smooth import smoothed
from geoarseg.vector.triangles import LatticePoints

PIXELS = Affine.identity()
NOISE = st.integers(1, 4).flatmap(
    lambda classes: arrays(
        np.uint8, st.tuples(st.integers(1, 16), st.integers(1, 16)), elements=st.integers(0, classes), fill=st.nothing()
    )
)
TOLERANCES = st.sampled_from([None, 0.3, 0.8, 1.0, 1.5, 3.0, 10.0, 1000.0])
REACHES = st.sampled_from([None, 0.3, 1.0, 2.5, 50.0])


def blobs(seed, shape, blur, classes=4):
    rng = np.random.default_rng(seed)
    layers = [gaussian_filter(rng.standard_normal(shape), blur) for _ in range(classes)]
    return np.argmax(layers, axis=0).astype(np.uint8)


BLOBS = st.builds(blobs, st.integers(0, 9999), st.tuples(st.integers(10, 60), st.integers(10, 60)), st.floats(0.5, 4))


def generalized(raster, rows, *, tolerance=None, reach=None, connectedness=4, nodata=0):
    """Classes, geometries in pixels, and areas in pixels."""
    height, width = raster.shape
    largest = None if tolerance is None else lambda at: np.full(len(at), tolerance**2)
    strips = ((start, raster[start : start + rows]) for start in range(0, height, rows))
    marked = marked_strips(strips, width=width, height=height, generalization=Generalization(largest, reach))
    found = [(np.zeros(0, np.uint8), np.zeros(0, object), np.zeros(0))]
    for batch in polygonize_marked(marked, width=width, connectedness=connectedness, nodata=nodata):
        batch = smoothed(batch, reach) if reach is not None else batch
        found.append((batch.classes, batch.geometries(PIXELS, multi=connectedness == 8), batch.pixels))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def number(raster, *, connectedness=4, nodata=0):
    """Polygons of each class, as they are without generalization."""
    batches = polygonize_strips([(0, raster)], width=raster.shape[1], connectedness=connectedness, nodata=nodata)
    return np.bincount(np.concatenate([np.zeros(0, int), *(batch.classes for batch in batches)]), minlength=9)


@given(
    raster=NOISE | BLOBS,
    rows=st.integers(1, 17),
    tolerance=TOLERANCES,
    reach=REACHES,
    connectedness=st.sampled_from([4, 8]),
    nodata=st.sampled_from([0, None]),
)
def test_polygons_stay_a_coverage(raster, rows, tolerance, reach, connectedness, nodata):
    options = {"connectedness": connectedness, "nodata": nodata}
    classes, geometries, areas = generalized(raster, rows, tolerance=tolerance, reach=reach, **options)
    assert shapely.is_valid(geometries).all()
    assert shapely.coverage_is_valid(geometries)
    assert np.bincount(classes, minlength=9).tolist() == number(raster, **options).tolist()
    np.testing.assert_allclose(shapely.area(geometries), areas, rtol=1e-9, atol=1e-12)
    assert (areas > 0).all()
    if nodata is None:
        assert areas.sum() == pytest.approx(raster.size)
        assert shapely.equals(shapely.coverage_union_all(geometries), shapely.box(0, 0, *raster.shape[::-1]))


@given(raster=BLOBS, rows=st.integers(1, 17), tolerance=TOLERANCES, reach=REACHES)
def test_borders_with_no_data_are_those_of_a_class(raster, rows, tolerance, reach):
    options = {"tolerance": tolerance, "reach": reach}
    classes, geometries, areas = generalized(raster, rows, nodata=None, **options)
    valid_classes, valid_geometries, valid_areas = generalized(raster, rows, **options)
    np.testing.assert_allclose(
        np.bincount(classes, areas, minlength=9)[1:], np.bincount(valid_classes, valid_areas, minlength=9)[1:]
    )
    holes = shapely.union_all(geometries[classes == 0])
    assert shapely.union_all(valid_geometries).area + holes.area == pytest.approx(raster.size)


@given(raster=NOISE | BLOBS, rows=st.integers(1, 17))
def test_noded_borders_enclose_the_same_polygons(raster, rows):
    _, geometries, areas = generalized(raster, rows)
    batches = list(polygonize_strips([(0, raster)], width=raster.shape[1]))
    expected = [geometry for batch in batches for geometry in batch.geometries(PIXELS, multi=False)]
    plain = shapely.normalize(shapely.simplify(geometries, 0))
    assert sorted(plain, key=str) == sorted(shapely.normalize(shapely.simplify(expected, 0)), key=str)
    assert sorted(areas) == sorted(area for batch in batches for area in batch.pixels)


def test_staircases_become_straight_where_blocks_meet():
    raster = (np.arange(60)[:, None] > np.arange(60)[None]).astype(np.uint8) + 1
    _, geometries, areas = generalized(raster, 7, tolerance=1.0)
    assert areas == pytest.approx([1800, 1800], rel=0.04)
    steps = np.diff(shapely.get_coordinates(shapely.intersection_all(shapely.boundary(geometries))), axis=0)
    diagonal = steps[:, 0] == steps[:, 1]
    assert diagonal[1:-1].all()  # the ends lie on the frame


def test_vertices_do_not_gather_where_blocks_meet():
    raster = blobs(3, (300, 200), 6)
    _, geometries, _ = generalized(raster, 20, tolerance=2.0)
    rows = shapely.get_coordinates(geometries)[:, 1]
    inner = rows[(rows > 0) & (rows < 300)]
    at_seams = np.isin(inner % 20, [19, 0, 1]).mean()
    assert at_seams < 2 * 3 / 20


def test_small_islands_stay_quadrangles():
    raster = np.ones((20, 20), np.uint8)
    raster[5, 5], raster[10, 3:5], raster[14:17, 10:13] = 2, 3, 4
    classes, geometries, areas = generalized(raster, 8, tolerance=1000.0)
    assert dict(zip(classes.tolist(), areas.tolist(), strict=True)) == {1: 388.0, 2: 1.0, 3: 2.0, 4: 9.0}
    assert (shapely.get_num_coordinates(geometries[classes > 1]) == 5).all()


def test_simplification_drops_vertices_and_keeps_areas():
    raster = blobs(0, (200, 200), 5)
    exact_classes, exact, exact_areas = generalized(raster, 64)
    classes, geometries, areas = generalized(raster, 64, tolerance=2.0)
    assert shapely.get_num_coordinates(geometries).sum() < 0.3 * shapely.get_num_coordinates(exact).sum()
    before, after = (np.bincount(*found)[1:] for found in ((exact_classes, exact_areas), (classes, areas)))
    assert np.abs(after / before - 1).max() < 0.01


def test_smoothing_softens_the_angles():
    raster = blobs(1, (120, 120), 5)
    sharpest = []
    for reach in (None, 2.0):
        _, geometries, _ = generalized(raster, 64, tolerance=1.5, reach=reach)
        angles = []
        for ring in shapely.get_rings(shapely.get_parts(geometries)):
            step = np.diff(shapely.get_coordinates(ring), axis=0)
            heading = np.unwrap(np.arctan2(*step.T))
            angles.append(np.abs(np.diff(heading)))
        sharpest.append(np.median(np.concatenate(angles)))
    assert sharpest[1] < 0.6 * sharpest[0]


def test_rounding_is_bounded_by_the_reach():
    raster = np.ones((200, 200), np.uint8)
    raster[40:160, 40:160] = 2
    classes, geometries, _ = generalized(raster, 64, tolerance=3.0, reach=3.0)
    (square,) = geometries[classes == 2]
    assert shapely.hausdorff_distance(square, shapely.box(40, 40, 160, 160)) < 3
    assert shapely.get_num_coordinates(square) == 17  # each of the four corners became four


@given(
    points=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40, unique=True),
    corners=st.lists(st.tuples(*[st.integers(-20, 120)] * 6), min_size=1, max_size=5),
    scale=st.sampled_from([1, 4, 16]),
)
def test_points_in_triangles(points, corners, scale):
    at = np.array(sorted(points), np.int64).reshape(-1, 2)
    counts = np.arange(len(at)) % 3 > 0
    triangles = np.array(corners, np.int64).reshape(-1, 3, 2)
    found = LatticePoints(at, counts, 9).within(triangles, scale)
    for triangle, number_within in zip(triangles, found, strict=True):
        shape = shapely.MultiPoint(triangle).convex_hull
        assert number_within == shapely.intersects(shape, shapely.points(at[counts] * scale)).sum()
