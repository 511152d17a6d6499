"""Polygons from strips equal those of the whole raster."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import rasterio.features
import scipy.ndimage
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shapely.geometry import shape

from geoarseg.vector import polygonize
from geoarseg.vector.polygonize import polygonize_strips

PIXELS = Affine.identity()
RASTERS = st.integers(1, 4).flatmap(
    lambda classes: arrays(
        np.uint8,
        st.tuples(st.integers(1, 14), st.integers(1, 14)),
        elements=st.integers(0, classes),
        fill=st.nothing(),
    )
)


def in_strips(raster, rows):
    return ((start, raster[start : start + rows]) for start in range(0, len(raster), rows))


def batches_of(raster, rows, *, connectedness=4, nodata=0):
    strips = in_strips(raster, rows)
    return list(polygonize_strips(strips, width=raster.shape[1], connectedness=connectedness, nodata=nodata))


def polygons(raster, rows, *, connectedness=4, nodata=0):
    """Sorted (class, normalised WKT)."""
    found = []
    for batch in batches_of(raster, rows, connectedness=connectedness, nodata=nodata):
        geometries = batch.geometries(PIXELS, multi=connectedness == 8)
        assert shapely.is_valid(geometries).all()
        np.testing.assert_array_equal(shapely.area(geometries), batch.pixels)
        found += zip(batch.classes.tolist(), shapely.to_wkt(shapely.normalize(geometries)).tolist(), strict=True)
    return sorted(found)


def polygons_in_one_pass(raster, *, connectedness=4, nodata=0):
    """The same of GDAL over the whole raster; rings that cross themselves are mended into multipolygons."""
    mask = None if nodata is None else raster != nodata
    found = []
    for geometry, value in rasterio.features.shapes(raster, mask=mask, connectivity=connectedness):
        polygon = shape(geometry)
        if connectedness == 8:
            polygon = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
            polygon = polygon if polygon.geom_type == "MultiPolygon" else shapely.MultiPolygon([polygon])
        found.append((int(value), shapely.normalize(polygon).wkt))
    return sorted(found)


def spiral(size):
    """A spiral of one-pixel arms: one polygon that crosses every seam many times."""
    raster = np.ones((size, size), np.uint8)
    row, column, step = 1, 0, (0, 1)
    while True:
        moves = 0
        while True:
            ahead, beyond = (row + step[0], column + step[1]), (row + 2 * step[0], column + 2 * step[1])
            if not all(0 <= i < size for i in ahead) or (all(0 <= i < size for i in beyond) and raster[beyond] == 2):
                break
            row, column = ahead
            raster[row, column] = 2
            moves += 1
        if moves < 2:
            return raster
        step = (step[1], -step[0])


def nested_rings(size):
    distance = np.minimum.outer(np.minimum(np.arange(size), np.arange(size)[::-1]), np.arange(size))
    distance = np.minimum(distance, distance[:, ::-1])
    return (distance % 3 + 1).astype(np.uint8)


@given(
    raster=RASTERS,
    rows=st.integers(1, 15),
    connectedness=st.sampled_from([4, 8]),
    nodata=st.sampled_from([0, 1, None]),
)
def test_strips_give_the_polygons_of_the_whole(raster, rows, connectedness, nodata):
    options = {"connectedness": connectedness, "nodata": nodata}
    assert polygons(raster, rows, **options) == polygons_in_one_pass(raster, **options)


@given(raster=RASTERS, rows=st.integers(1, 15), connectedness=st.sampled_from([4, 8]))
def test_areas_sum_to_the_valid_pixels(raster, rows, connectedness):
    batches = batches_of(raster, rows, connectedness=connectedness)
    pixels = np.zeros(256)
    for batch in batches:
        np.add.at(pixels, batch.classes, batch.pixels)
    expected = np.bincount(raster.ravel(), minlength=256)
    expected[0] = 0
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("connectedness", [4, 8])
@pytest.mark.parametrize(
    "raster",
    [
        spiral(23),
        nested_rings(25),
        (np.indices((12, 13)).sum(axis=0) % 2).astype(np.uint8),
        (np.indices((12, 13)).sum(axis=0) % 2 + 1).astype(np.uint8),
        np.array([[1, 1, 2, 0, 1]], np.uint8),
        np.array([[1, 1, 2, 0, 1]], np.uint8).T,
        np.ones((9, 1), np.uint8),
        np.ones((1, 1), np.uint8),
        np.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], np.uint8),
        np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], np.uint8),
    ],
    ids=[
        "spiral",
        "rings",
        "chess, half empty",
        "chess",
        "row",
        "column",
        "bar",
        "pixel",
        "touching holes",
        "pinched",
    ],
)
def test_awkward_shapes(raster, rows, connectedness):
    expected = polygons_in_one_pass(raster, connectedness=connectedness)
    assert polygons(raster, rows, connectedness=connectedness) == expected


def test_spiral_is_one_polygon():
    assert len(polygons(spiral(41), 4)) == 2


@pytest.mark.parametrize("connectedness", [4, 8])
def test_large_noise(connectedness):
    # Enough rings in a strip to be walked together as arrays, and long ones to be walked alone.
    raster = np.random.default_rng(1).integers(0, 3, (150, 170)).astype(np.uint8)
    expected = polygons_in_one_pass(raster, connectedness=connectedness)
    assert polygons(raster, 40, connectedness=connectedness) == expected


def test_columns_beyond_16_bits():
    raster = np.random.default_rng(2).integers(0, 3, (3, 70_000)).astype(np.uint8)
    assert polygons(raster, 2) == polygons_in_one_pass(raster)


@given(raster=RASTERS, rows=st.integers(1, 15), connectedness=st.sampled_from([4, 8]))
def test_polygons_know_their_first_pixel(raster, rows, connectedness):
    structure = np.ones((3, 3)) if connectedness == 8 else None
    expected = set()
    for value in np.unique(raster[raster > 0]):
        labels, _ = scipy.ndimage.label(raster == value, structure)
        places, first = np.unique(labels, return_index=True)
        expected |= {(int(value), *map(int, divmod(at, raster.shape[1]))) for at in first[places > 0]}
    batches = batches_of(raster, rows, connectedness=connectedness)
    found = [(int(c), *map(int, at)) for b in batches for c, at in zip(b.classes, b.first_pixels, strict=True)]
    assert sorted(found) == sorted(expected)


def test_nodata_makes_no_polygon():
    assert batches_of(np.zeros((5, 4), np.uint8), 2) == []
    assert batches_of(np.full((5, 4), 7, np.uint8), 2, nodata=7) == []


def test_no_vertices_at_seams():
    (batch,) = batches_of(np.ones((100, 3), np.uint8), 1)
    assert len(batch.corners) == 5
    assert {tuple(corner) for corner in batch.corners.tolist()} == {(0, 0), (0, 100), (3, 100), (3, 0)}


def test_finished_polygons_leave_at_once():
    raster = np.zeros((40, 3), np.uint8)
    raster[1], raster[30] = 1, 2
    read = []

    def strips():
        for start in range(40):
            read.append(start)
            yield start, raster[start : start + 1]

    first = next(polygonize_strips(strips(), width=3))
    assert first.classes.tolist() == [1]
    assert len(read) == 3


def test_chains_under_way_are_dropped_when_finished():
    # Memory holds what is open only: a tall raster of closed patches leaves nothing behind.
    from geoarseg.vector.polygonize import _advance, _top

    patch = np.array([[0, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]], np.uint8)
    seam = _top(patch.dtype, 3, 0)
    for row in range(0, 40, 4):
        seam, finished = _advance(seam, row, patch, 0, 4)
        assert len(seam.chains) == len(seam.rings) == len(seam.features) == 0
        assert row == 0 or [len(batch) for batch in finished.batches()] == [1]


@given(raster=RASTERS, connectedness=st.sampled_from([4, 8]), most=st.integers(1, 40))
def test_parts_of_what_a_strip_finishes_are_the_whole(raster, connectedness, most):
    whole = list(batches_of(raster, len(raster), connectedness=connectedness))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polygonize, "_BATCH_VERTICES", most)
        parts = list(batches_of(raster, len(raster), connectedness=connectedness))
    transform, multi = Affine.identity(), connectedness == 8

    def rows(batches):
        return [
            (int(value), float(pixels), tuple(first), geometry.wkb)
            for batch in batches
            for value, pixels, first, geometry in zip(
                batch.classes,
                batch.pixels,
                batch.first_pixels.tolist(),
                batch.geometries(transform, multi=multi),
                strict=True,
            )
        ]

    assert rows(parts) == rows(whole)
    assert all(len(part) == 1 or len(part.corners) - len(part.ring_offsets) + 1 <= most for part in parts)


@given(raster=RASTERS, connectedness=st.sampled_from([4, 8]))
def test_wkb_is_that_of_shapely(raster, connectedness):
    transform = Affine(0.3, 0.1, 500_000.0, 0.2, -0.3, 5_800_000.0)
    multi = connectedness == 8
    for batch in batches_of(raster, 4, connectedness=connectedness):
        data, offsets = batch.wkb(batch.coordinates(transform), multi=multi)
        assert offsets[-1] == len(data)
        expected = shapely.to_wkb(batch.geometries(transform, multi=multi), byte_order=1)
        found = [data[start:stop].tobytes() for start, stop in pairwise(offsets)]
        assert found == list(expected)


@given(raster=RASTERS, start=st.integers(0, 5), length=st.integers(1, 5))
def test_part_of_a_batch(raster, start, length):
    for batch in batches_of(raster, 20, connectedness=8):
        expected = batch.geometries(PIXELS, multi=True)[start : start + length]
        if len(expected):
            part = batch[start : start + length]
            assert list(part.geometries(PIXELS, multi=True)) == list(expected)
            np.testing.assert_array_equal(part.pixels, shapely.area(expected))
