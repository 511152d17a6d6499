"""Regions from strips are those of the whole raster, and their keys lead to their polygons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from geoarseg.vector.polygonize import polygonize_strips
from geoarseg.vector.regions import advance, keys_of, top

RASTERS = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3))


def strips_of(raster, rows):
    return ((start, raster[start : start + rows]) for start in range(0, len(raster), rows))


def plain_regions(raster, connectedness, nodata=0):
    """{key: (class, pixels)} and the labels of the whole raster, by scipy."""
    structure = np.ones((3, 3)) if connectedness == 8 else None
    found, labels = {}, np.full(raster.shape, -1, np.int64)
    for value in np.unique(raster[raster != nodata]) if nodata is not None else np.unique(raster):
        parts, count = ndimage.label(raster == value, structure)
        for part in range(1, count + 1):
            rows, columns = np.nonzero(parts == part)
            key = int(rows[0]) << 32 | int(columns[0])
            found[key] = (int(value), len(rows))
            labels[parts == part] = key
    return found, labels


def plain_borders(labels):
    """{(smaller key, larger key): edges} by looking at each pair of pixels."""
    edges = {}
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        for pair in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True):
            if pair[0] != pair[1] and min(pair) >= 0:
                edges[tuple(sorted(pair))] = edges.get(tuple(sorted(pair)), 0) + 1
    return edges


@pytest.mark.parametrize("connectedness", [4, 8])
@pytest.mark.parametrize("nodata", [0, None])
@given(raster=RASTERS, rows=st.integers(1, 13))
def test_regions_and_borders_are_those_of_the_whole(raster, rows, connectedness, nodata):
    found, borders, names = {}, {}, {}
    seam = top(raster.shape[1], raster.dtype)
    for row, strip in strips_of(raster, rows):
        regions = advance(seam, row, strip, connectedness=connectedness, nodata=nodata)
        assert (np.diff(regions.keys) > 0).all()
        new = regions.borders(np.ones(len(regions), bool))
        for pair in zip(
            regions.keys[new.one].tolist(), regions.keys[new.other].tolist(), new.edges.tolist(), strict=True
        ):
            key = tuple(sorted(pair[:2]))
            borders[key] = borders.get(key, 0) + pair[2]
        names |= dict(zip(seam.keys.tolist(), regions.keys[regions.region_of_carried].tolist(), strict=True))
        for key, value, size in zip(
            regions.keys.tolist(), regions.classes.tolist(), regions.sizes.tolist(), strict=True
        ):
            found[key] = (value, size)
        seam, _ = regions.carry(regions.is_open)

    def final(key):
        while names.get(key, key) != key:
            key = names[key]
        return key

    expected, labels = plain_regions(raster, connectedness, nodata)
    assert {key: value for key, value in found.items() if final(key) == key} == expected
    joined = {}
    for (one, other), edges in borders.items():
        pair = tuple(sorted((final(one), final(other))))
        joined[pair] = joined.get(pair, 0) + edges
    if connectedness == 8:
        joined = {pair: edges for pair, edges in joined.items() if edges}
    assert joined == plain_borders(labels)


@pytest.mark.parametrize("connectedness", [4, 8])
@given(raster=RASTERS, rows=st.integers(1, 13))
def test_keys_lead_to_the_polygons(raster, rows, connectedness):
    found = {}
    strips = strips_of(raster, rows)
    for batch in polygonize_strips(strips, width=raster.shape[1], connectedness=connectedness):
        found |= dict(
            zip(keys_of(batch).tolist(), zip(batch.classes.tolist(), batch.pixels.tolist(), strict=True), strict=True)
        )
    assert found == plain_regions(raster, connectedness)[0]
