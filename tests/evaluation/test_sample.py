"""Reference samples on maps: which value a unit gets, areas on the ground, and estimates of a known map."""

from __future__ import annotations

import geopandas
import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine

from geoarseg.errors import InputError
from geoarseg.evaluation import sample as module
from geoarseg.evaluation import scores as blocks_module
from geoarseg.evaluation.evaluate import evaluate_map
from geoarseg.evaluation.features import Features
from geoarseg.evaluation.sample import measure_areas, read_sample
from geoarseg.evaluation.scores import ClassValues, open_classes, read_blocks

UTM = Affine(10, 0, 366_000, 0, -10, 5_810_000)


@pytest.fixture
def world(make_raster):
    """Truth, a map with other numbers that is right for 70 %, and its path."""
    rng = np.random.default_rng(8)
    truth = np.where(np.arange(120) < 80, 1, np.where(np.arange(120) < 110, 2, 3)) * np.ones((100, 1), int)
    noisy = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(1, 4, truth.shape))
    classes = np.array([0, 6, 2, 4], np.uint8)[noisy]
    return truth, classes, make_raster(classes[None], transform=UTM, nodata=0)


def write_points(path, rows, cols, values):
    x, y = UTM * (cols + 0.5, rows + 0.5)
    geopandas.GeoDataFrame({"class": values}, geometry=shapely.points(x, y), crs="EPSG:32633").to_file(path)
    return path


def draw(mask, count, seed=0):
    found = np.argwhere(mask)
    return found[np.random.default_rng(seed).choice(len(found), count, replace=False)].T


def features_of(geometries, values=None):
    values = np.ones(len(geometries), np.uint8) if values is None else np.array(values, np.uint8)
    return Features(np.array(geometries, dtype=object), values, {}, ())


def test_estimates_hold_the_truth(world, tmp_path):
    truth, classes, path = world
    drawn = [draw(classes == value, 150) for value in (6, 2, 4)]
    rows, cols = np.concatenate(drawn, axis=1)
    points = write_points(tmp_path / "points.gpkg", rows, cols, truth[rows, cols])
    result = evaluate_map(path, points, sample=True)
    estimates = result.sampled.estimates
    assert result.agreement.assignment == {6: 1, 2: 2, 4: 3}
    assert any("optimistic" in text for text in result.warnings)
    right = np.array([0, 0, 2, 0, 3, 0, 1])[classes] == truth
    assert abs(estimates.overall.value - right.mean()) < estimates.overall.margin
    for found in estimates.classes:
        assert abs(found.area.value - (truth == found.value).sum() * 100) < found.area.margin  # pixels of 100 m2
    assert result.sampled.unit == "m2"
    assert result.sampled.mapped_area == {
        1: (classes == 6).sum() * 100,
        2: (classes == 2).sum() * 100,
        3: (classes == 4).sum() * 100,
    }
    assert not any("optimistic" in text for text in evaluate_map(path, points, sample=True, match="identity").warnings)


def test_strata_that_are_not_the_map_classes(world, make_raster, tmp_path):
    truth, classes, path = world
    strata = np.where(np.arange(100) < 60, 1, 2)[:, None] * np.ones((1, 120), int)
    strata[:3] = 0
    strata_path = make_raster(strata[None].astype(np.uint8), transform=UTM)
    rows, cols = np.concatenate([draw(strata == value, 200) for value in (1, 2)] + [np.array([[0], [0]])], axis=1)
    points = write_points(tmp_path / "points.gpkg", rows, cols, truth[rows, cols])
    result = evaluate_map(path, points, sample=True, strata_path=strata_path)
    estimates = result.sampled.estimates
    assert result.sampled.sample.left_out == 1
    assert "1 sample units lie outside" in result.warnings[0]
    right = (np.array([0, 0, 2, 0, 3, 0, 1])[classes] == truth)[3:]
    assert abs(estimates.overall.value - right.mean()) < estimates.overall.margin
    assert sum(c.area.value for c in estimates.classes) == pytest.approx(97 * 120 * 100)
    assert sum(result.sampled.mapped_area.values()) == 97 * 120 * 100  # mapped is what the estimates speak of


@pytest.mark.parametrize("block_px", [8, 1024])
def test_units_take_the_value_under_them(block_px, make_raster, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_PX", block_px)
    classes = np.zeros((20, 30), np.uint8)
    classes[:10, :12], classes[:10, 12:], classes[12:, :] = 1, 2, 3
    scene = open_classes(make_raster(classes[None], nodata=0))
    geometries = [
        shapely.Point(11.99, 0.01),
        shapely.Point(12.0, 0.01),
        shapely.box(8, 2, 20, 8),  # mostly 2
        shapely.box(4, 2, 20, 8),  # as many of 1 as of 2: the lower
        shapely.box(3.6, 3.6, 3.9, 3.9),  # no centre of a pixel
        shapely.box(2, 9, 9, 20),  # mostly 3, some without data
        shapely.Point(5, 11),  # no data
        shapely.Point(-1, 5),
        shapely.box(25, 15, 60, 60),  # partly outside
    ]
    sample = read_sample(features_of(geometries), scene, ClassValues(scene), None)
    assert sample.mapped.tolist() == [1, 2, 2, 1, 1, 3, 3]
    assert sample.left_out == 2


def test_areas_on_the_ellipsoid(make_raster, monkeypatch):
    monkeypatch.setattr(blocks_module, "_BLOCK_PX", 16)
    classes = np.ones((40, 30), np.uint8)
    classes[20:] = 2
    scene = open_classes(make_raster(classes[None], crs="EPSG:4326", transform=Affine(0.1, 0, 10, 0, -0.1, 60)))
    areas = measure_areas(read_blocks(scene, ClassValues(scene)), scene, by_label=False)
    densified = shapely.segmentize(shapely.box(10, 56, 13, 58), 0.01)  # geodesics close to the parallels
    expected = abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(densified)[0])
    assert areas.area[2] == pytest.approx(expected, rel=1e-5)
    assert areas.area[1] < areas.area[2]  # nearer to the pole
    assert areas.pixels[1:3].tolist() == [600, 600]
    plain = open_classes(make_raster(classes[None], crs=None, transform=Affine.identity()))
    assert measure_areas(read_blocks(plain, ClassValues(plain)), plain, by_label=False).area[1] == 600


def test_samples_that_cannot_be_used(world, make_raster, tmp_path):
    truth, classes, path = world
    with pytest.raises(InputError, match="no vector layer"):
        evaluate_map(path, make_raster(truth[None].astype(np.uint8), transform=UTM), sample=True)
    classes = classes.copy()
    classes[:5] = 0
    holes = make_raster(classes[None], transform=UTM, nodata=0)
    points = write_points(tmp_path / "points.gpkg", np.array([1, 2]), np.array([1, 2]), [1, 2])
    with pytest.raises(InputError, match="No unit of the sample"):
        evaluate_map(holes, points, sample=True)
