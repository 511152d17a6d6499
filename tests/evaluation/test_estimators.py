"""Estimates from samples: the published examples, how the two methods agree, and how often intervals hold."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geoarseg.errors import InputError
from geoarseg.evaluation.estimators import Stratum, estimate_stratified

# Olofsson et al. 2014, section 5: deforestation, forest gain, stable forest, stable non-forest; pixels of 30 m.
OLOFSSON = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
OLOFSSON_PIXELS = (200_000, 150_000, 3_200_000, 6_450_000)
# Stehman 2014, table 2: four strata of ten pixels each.
STEHMAN_STRATA = "A" * 10 + "B" * 10 + "C" * 10 + "D" * 10
STEHMAN_MAP = "A" * 7 + "B" * 3 + "A" + "B" * 11 + "C" * 6 + "B" * 2 + "D" * 10
STEHMAN_REFERENCE = "AAAAACBABC" + "ABBBBBAABB" + "CCCCCDDBBA" + "DDDDDDDCCB"
STEHMAN_PIXELS = (40_000, 30_000, 20_000, 10_000)


def units_of(matrix):
    """Map class and reference class of each unit of a matrix of counts."""
    rows, cols = np.indices(matrix.shape)
    return np.repeat(rows.ravel() + 1, matrix.ravel()), np.repeat(cols.ravel() + 1, matrix.ravel())


def population_of(pixels, pixel_area=1.0):
    return {value: Stratum(count, count * pixel_area) for value, count in enumerate(pixels, 1)}


def coded(text):
    return np.array(["ABCD".index(letter) + 1 for letter in text])


def test_olofssons_example():
    mapped, reference = units_of(OLOFSSON)
    result = estimate_stratified(mapped, mapped, reference, population_of(OLOFSSON_PIXELS, 0.09), finite=False)
    assert (result.overall.value, result.overall.margin) == pytest.approx((0.95, 0.02), abs=0.005)
    users = [(c.users.value, c.users.margin) for c in result.classes]
    producers = [(c.producers.value, c.producers.margin) for c in result.classes]
    published = [(0.88, 0.07), (0.73, 0.10), (0.93, 0.04), (0.96, 0.02)]
    np.testing.assert_allclose(users, published, atol=0.0051)
    # The paper prints 0.23 and 0.01 for the second and the fourth margin, which its own equation 7 does not give.
    np.testing.assert_allclose(producers, [(0.75, 0.21), (0.85, 0.25), (0.93, 0.03), (0.96, 0.02)], atol=0.0051)
    deforestation = result.classes[0]
    assert deforestation.area.value == pytest.approx(235_086 * 0.09, abs=0.1)  # hectares
    assert deforestation.area.margin == pytest.approx(68_418 * 0.09, abs=0.1)
    assert deforestation.share.se == pytest.approx(0.0035, abs=5e-5)
    areas = [round(c.area.value) for c in result.classes]
    assert areas == [21_158, 11_686, 285_770, 581_386]
    assert result.classes[3].area.margin == pytest.approx(16_282, abs=1)


def test_stehmans_example():
    result = estimate_stratified(
        coded(STEHMAN_STRATA), coded(STEHMAN_MAP), coded(STEHMAN_REFERENCE), population_of(STEHMAN_PIXELS)
    )
    a, b, c, _ = result.classes
    assert (result.overall.value, result.overall.se) == pytest.approx((0.63, 0.085), abs=5e-4)
    assert (a.share.value, a.share.se) == pytest.approx((0.35, 0.082), abs=5e-4)
    assert (c.share.value, c.share.se) == pytest.approx((0.20, 0.064), abs=5e-4)
    assert (b.users.value, b.users.se) == pytest.approx((0.574, 0.125), abs=5e-4)
    assert (b.producers.value, b.producers.se) == pytest.approx((0.794, 0.116), abs=6e-4)
    assert result.matrix[2][3] == pytest.approx(0.08)


def test_it_is_olofssons_where_strata_are_map_classes():
    """Equations 5 to 7 and 10 of Olofsson et al., written out."""
    mapped, reference = units_of(OLOFSSON)
    result = estimate_stratified(mapped, mapped, reference, population_of(OLOFSSON_PIXELS), finite=False)
    n = OLOFSSON.sum(axis=1)
    total = np.array(OLOFSSON_PIXELS, dtype=float)
    w, share = total / total.sum(), OLOFSSON / n[:, None]
    u = np.diag(share)
    assert result.overall.se == pytest.approx(np.sqrt((w**2 * u * (1 - u) / (n - 1)).sum()))
    for j, found in enumerate(result.classes):
        column = w * share[:, j]
        p = column[j] / column.sum()
        others = [total[i] ** 2 * share[i, j] * (1 - share[i, j]) / (n[i] - 1) for i in range(4) if i != j]
        inner = total[j] ** 2 * (1 - p) ** 2 * u[j] * (1 - u[j]) / (n[j] - 1) + p**2 * sum(others)
        assert found.users.se == pytest.approx(np.sqrt(u[j] * (1 - u[j]) / (n[j] - 1)))
        assert found.producers.se == pytest.approx(np.sqrt(inner) / (column.sum() * total.sum()))
        assert found.share.se == pytest.approx(np.sqrt((w**2 * share[:, j] * (1 - share[:, j]) / (n - 1)).sum()))


@pytest.mark.parametrize("finite", [True, False])
def test_intervals_hold_the_truth_about_as_often_as_they_say(finite):
    rng = np.random.default_rng(5)
    strata = np.repeat([1, 2, 3], (6000, 3000, 1000))
    reference = np.where(rng.random(10_000) < 0.75, strata, rng.integers(1, 4, 10_000))
    mapped = np.where(rng.random(10_000) < 0.8, reference, rng.integers(1, 4, 10_000))
    population = {
        value: Stratum(int(count), float(count))
        for value, count in zip(*np.unique(strata, return_counts=True), strict=True)
    }
    right = mapped == reference
    truth = {
        "overall": right.mean(),
        "area": (reference == 2).sum(),
        "users": right[mapped == 2].mean(),
        "producers": right[reference == 2].mean(),
    }
    held = dict.fromkeys(truth, 0)
    for _ in range(400):
        drawn = np.concatenate([rng.choice(np.flatnonzero(strata == value), 80, replace=False) for value in (1, 2, 3)])
        result = estimate_stratified(strata[drawn], mapped[drawn], reference[drawn], population, finite=finite)
        second = result.classes[1]
        for name, estimate in (
            ("overall", result.overall),
            ("area", second.area),
            ("users", second.users),
            ("producers", second.producers),
        ):
            held[name] += abs(estimate.value - truth[name]) <= estimate.margin
    assert all(0.91 <= count / 400 <= 0.985 for count in held.values()), held


def test_a_census_has_no_error():
    reference = np.array([1, 1, 2, 2, 1])
    mapped = np.array([1, 2, 2, 2, 1])
    result = estimate_stratified(np.ones(5, int), mapped, reference, {1: Stratum(5, 50.0)})
    assert (result.overall.value, result.overall.se) == pytest.approx((0.8, 0))
    assert [c.area.value for c in result.classes] == pytest.approx([30, 20])


def test_odd_samples_are_told():
    population = population_of((100, 50, 50))
    result = estimate_stratified(np.array([1, 1, 2]), np.array([1, 0, 3]), np.array([1, 1, 2]), population)
    assert (result.single, result.missed, result.covered) == ((2,), (3,), pytest.approx(0.75))
    assert result.classes[1].users is None  # nothing is mapped as 2
    assert result.classes[2].producers is None  # and nothing is 3
    tree = result.to_dict()
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree
    with pytest.raises(InputError, match="no units"):
        estimate_stratified(np.array([], int), np.array([], int), np.array([], int), population)
    with pytest.raises(InputError, match="stratum 9"):
        estimate_stratified(np.array([9]), np.array([1]), np.array([1]), population)
