"""Scores of maps and of rasters on one grid."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine

from geoarseg.errors import InputError
from geoarseg.evaluation import scores as module
from geoarseg.evaluation.scores import score_maps, score_rasters


@pytest.fixture
def pair():
    """Classes and labels (y, x), with some pixels of each missing."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (50, 70)).astype(np.uint8)
    classes = np.where(rng.random((50, 70)) < 0.7, (labels + 1) % 4, rng.integers(0, 6, (50, 70)))
    return classes.astype(np.uint8), labels


def test_rasters_score_as_their_arrays_do_whatever_the_blocks(pair, make_raster, monkeypatch):
    classes, labels = pair
    paths = make_raster(classes[None], nodata=0), make_raster(labels[None])
    expected = score_maps(classes, labels)
    assert score_rasters(*paths) == expected
    monkeypatch.setattr(module, "_BLOCK_PX", 16)
    assert score_rasters(*paths) == expected
    assert expected.unpredicted == ((classes == 0) & (labels > 0)).sum() > 0


def test_nodata_of_the_labels_is_not_scored(pair, make_raster):
    classes, labels = pair
    marked = np.where(labels == 0, 255, labels).astype(np.uint8)
    paths = make_raster(classes[None]), make_raster(marked[None], nodata=255)
    assert score_rasters(*paths) == score_maps(classes, labels) == score_maps(classes, marked, ignore=(255,))


def test_other_size_is_refused(pair, make_raster):
    classes, labels = pair
    with pytest.raises(InputError, match="50 x 70 and 49 x 70"):
        score_rasters(make_raster(classes[None]), make_raster(labels[None, 1:]))


def test_other_place_is_refused_and_rounding_is_not(pair, make_raster):
    classes, labels = pair
    base = Affine(0.5, 0, 1000, 0, -0.5, 2000)
    map_path = make_raster(classes[None], transform=base)
    for transform, shift in ((base * Affine.translation(0, 3), "3.00"), (base * Affine.scale(1.01), "0.70")):
        with pytest.raises(InputError, match=f"{shift} pixels apart"):
            score_rasters(map_path, make_raster(labels[None], transform=transform))
    close = make_raster(labels[None], transform=base * Affine.translation(1e-6, 0))
    assert score_rasters(map_path, close).scored > 0


def test_other_coordinate_system_is_refused(pair, make_raster):
    classes, labels = pair
    with pytest.raises(InputError, match="coordinate systems"):
        score_rasters(make_raster(classes[None]), make_raster(labels[None], crs="EPSG:32632"))


def test_labels_without_a_place_are_taken_by_size(pair, make_raster):
    classes, labels = pair
    plain = make_raster(labels[None], crs=None, transform=Affine.identity())
    assert score_rasters(make_raster(classes[None]), plain) == score_maps(classes, labels)


def test_rasters_that_hold_no_classes_are_refused(pair, make_raster):
    classes, labels = pair
    map_path = make_raster(classes[None])
    with pytest.raises(InputError, match="3 bands"):
        score_rasters(map_path, make_raster(np.stack([labels] * 3)))
    for values in (labels + np.float32(0.5), labels.astype(np.int16) - 5, labels.astype(np.uint16) + 300):
        with pytest.raises(InputError, match="whole numbers from 0 to 255"):
            score_rasters(map_path, make_raster(values[None]))
