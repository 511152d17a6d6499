"""Clusters get the class of their labels, whatever the numbers of labels, and the score does not leak."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.errors import SettingsError
from geoarseg.evaluation.voting import LabelVotes, cross_validate, name_clusters, predict

FAR = 1.0 - np.eye(4)
EVEN = np.full(4, 0.25)


def labels_of(clusters, classes, *, count=4, weights=None, sharpness=1.0):
    """Labels whose pixels lie in these clusters, with the rest of the probability spread over all."""
    probabilities = np.eye(count)[clusters] * sharpness + (1 - sharpness) / count
    weights = np.ones(len(clusters)) if weights is None else np.asarray(weights, float)
    return LabelVotes(probabilities, np.asarray(classes), weights, max(classes) + 1)


def test_many_clusters_become_one_class():
    naming = name_clusters(labels_of([0, 1, 2, 3], [0, 1, 0, 1], sharpness=0.7), EVEN, FAR)
    assert naming.class_of.tolist() == [0, 1, 0, 1]
    assert naming.labelled.all()
    np.testing.assert_allclose(naming.posterior.sum(axis=1), 1)


@given(st.integers(1, 60))
def test_more_labels_of_one_class_do_not_take_the_other_s_cluster(times):
    naming = name_clusters(labels_of([0] * times + [1], [0] * times + [1], sharpness=0.8), EVEN, FAR, prior="equal")
    assert naming.class_of[:2].tolist() == [0, 1]


def test_the_prior_decides_a_cluster_that_classes_share():
    """A rare class has half of its labels in a cluster where a common one has a fifth of its own."""
    labels = labels_of([0] * 32 + [1] * 8 + [1, 1, 2, 2], [0] * 40 + [1] * 4)
    found = {prior: name_clusters(labels, EVEN, FAR, prior=prior).class_of[1] for prior in ("labels", "equal")}
    assert found == {"labels": 0, "equal": 1}


def test_a_cluster_without_labels_follows_the_nearest_that_has_some():
    distances = np.array([[0, 5, 1, 3], [5, 0, 4, 2], [1, 4, 0, 6], [3, 2, 6, 0.0]])
    naming = name_clusters(labels_of([0, 1], [0, 1]), EVEN, distances)
    assert naming.labelled.tolist() == [True, True, False, False]
    assert naming.nearest.tolist() == [0, 1, 0, 1]
    assert naming.class_of.tolist() == [0, 1, 0, 1]


def test_weights_count_like_repetitions():
    once = name_clusters(labels_of([0, 1, 1], [0, 0, 1], weights=[1, 2, 3], sharpness=0.6), EVEN, FAR)
    often = name_clusters(labels_of([0, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1], sharpness=0.6), EVEN, FAR)
    np.testing.assert_allclose(once.posterior, often.posterior)


def test_an_unknown_prior_is_refused():
    with pytest.raises(SettingsError, match="between, equal, labels"):
        name_clusters(labels_of([0, 1], [0, 1]), EVEN, FAR, prior="image")


def test_a_pixel_gets_the_class_whose_clusters_sum_highest():
    assert predict(np.array([[0.4, 0.3, 0.3, 0]]), np.array([0, 1, 1, 0]), 2).tolist() == [1]


def test_clear_labels_validate_perfectly_and_noise_by_chance():
    rng = np.random.default_rng(0)
    clusters = np.arange(200) % 4
    clear = cross_validate(labels_of(clusters, clusters % 2), np.arange(200), EVEN, FAR)
    assert clear.accuracy == clear.balanced_accuracy == 1
    assert clear.recalls == (1, 1)
    assert (clear.groups, clear.folds) == (200, 10)
    noise = cross_validate(labels_of(clusters, rng.integers(0, 2, 200)), np.arange(200), EVEN, FAR)
    assert 0.35 < noise.accuracy < 0.65


def test_neighbours_do_not_leak():
    """Each group of labels has a cluster of its own, so what is known of one says nothing of another."""
    clusters = np.repeat(np.arange(4), 10)
    classes = np.array([0, 1, 0, 1])[clusters]
    distances = np.array([[0, 1, 9, 9], [1, 0, 9, 9], [9, 9, 0, 1], [9, 9, 1, 0.0]])  # the other class is nearer
    labels = labels_of(clusters, classes)
    assert cross_validate(labels, np.arange(40), EVEN, distances).accuracy == 1
    assert cross_validate(labels, clusters, EVEN, distances).accuracy == 0


def test_classes_in_one_place_are_not_scored():
    labels = labels_of([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2])
    found = cross_validate(labels, np.array([0, 1, 2, 3, 4, 4]), EVEN, FAR)
    assert found.recalls == (1, 1, None)
    assert found.accuracy == 1
    assert cross_validate(labels, np.array([0, 1, 2, 2, 4, 4]), EVEN, FAR) is None


def test_few_labels_leave_a_wide_interval():
    clusters = np.arange(10) % 2
    found = cross_validate(labels_of(clusters, clusters), np.arange(10), EVEN, FAR)
    low, high = found.interval
    assert low == pytest.approx(0.722, abs=0.002)
    assert high == 1
