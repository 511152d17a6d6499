"""Scores from a matrix of counts: known answers, properties, and scikit-learn's figures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoarseg.errors import InputError
from geoarseg.metrics import (
    adjusted_rand_index,
    agreement,
    confusion_matrix,
    hungarian_assignment,
    majority_assignment,
    normalised_mutual_information,
    scores,
)

maps = arrays(np.uint8, (6, 7), elements=st.integers(1, 4))


def brute_force_accuracy(confusion):
    """The best one-to-one accuracy, by trying all matches."""
    from itertools import permutations

    counts = confusion[1:, 1:]
    side = max(counts.shape)
    square = np.zeros((side, side), dtype=np.int64)
    square[: counts.shape[0], : counts.shape[1]] = counts
    return max(square[range(side), order].sum() for order in permutations(range(side))) / counts.sum()


def test_confusion_counts_by_value():
    predicted = np.array([[1, 1, 2], [0, 2, 2]], dtype=np.uint8)
    reference = np.array([[3, 3, 1], [1, 0, 3]], dtype=np.uint8)
    confusion = confusion_matrix(predicted, reference)
    assert confusion.dtype == np.int64
    assert confusion.tolist() == [[0, 1, 0, 0], [0, 0, 0, 2], [0, 1, 0, 1]]


def test_unlabelled_and_ignored_pixels_do_not_count():
    reference = np.array([0, 1, 2, 255], dtype=np.uint8)
    confusion = confusion_matrix(np.ones(4, dtype=np.uint8), reference, ignore=(255, 2))
    assert confusion.tolist() == [[0, 0], [0, 1]]


def test_pixels_without_prediction_are_excluded_and_counted():
    result = scores(confusion_matrix(np.array([1, 0, 0, 2]), np.array([1, 1, 2, 2])))
    assert (result.scored, result.unpredicted, result.accuracy) == (2, 2, 1.0)


def test_unmatched_clusters_are_errors_one_to_one_only():
    result = scores(confusion_matrix(np.array([1, 1, 1, 2, 2, 3, 3, 3]), np.array([1, 1, 1, 1, 1, 2, 2, 2])))
    assert result.one_to_one.accuracy == 6 / 8
    assert result.many_to_one.accuracy == 1.0
    assert result.one_to_one.assignment == {1: 1, 3: 2}
    assert result.many_to_one.assignment == {1: 1, 2: 1, 3: 2}
    assert result.clusters == 3


def test_figures_of_a_known_matrix():
    confusion = np.array([[0, 0, 0], [0, 40, 10], [0, 20, 30]])
    result = agreement(confusion, {1: 1, 2: 2})
    first, second = result.classes
    assert result.accuracy == pytest.approx(0.7)
    assert result.kappa == pytest.approx((0.7 - 0.5) / 0.5)
    assert (first.precision, first.recall, first.pixels) == pytest.approx((0.8, 2 / 3, 60))
    assert first.iou == pytest.approx(40 / 70)
    assert second.f1 == pytest.approx(2 * 30 / 90)
    assert result.mean_iou == pytest.approx((40 / 70 + 30 / 60) / 2)


def test_assignment_of_one_matrix_scores_another():
    fitted = majority_assignment(np.array([[0, 0, 0], [0, 9, 1], [0, 2, 5]]))
    assert agreement(np.array([[0, 0, 0], [0, 1, 3], [0, 0, 6]]), fitted).accuracy == pytest.approx(0.7)


def test_class_without_cluster_counts_in_the_mean_iou():
    result = scores(confusion_matrix(np.array([1, 1, 1, 1]), np.array([1, 1, 1, 2])))
    assert result.one_to_one.mean_iou == pytest.approx((3 / 4 + 0) / 2)


def test_nothing_scored_is_an_error():
    with pytest.raises(InputError, match="No pixel has both"):
        scores(confusion_matrix(np.zeros(4, dtype=int), np.ones(4, dtype=int)))


@pytest.mark.parametrize(
    ("predicted", "reference", "message"),
    [
        (np.ones(3, dtype=int), np.ones(4, dtype=int), "shape"),
        (np.array([-1, 1]), np.array([1, 1]), "-1"),
        (np.array([1.5, 1.0]), np.array([1, 1]), "float64"),
        (np.array([1, 9]), np.array([1, 1]), "9"),
    ],
)
def test_bad_values_are_refused(predicted, reference, message):
    with pytest.raises(InputError, match=message):
        confusion_matrix(predicted, reference, clusters=4)


def test_dictionary_is_json():
    result = scores(confusion_matrix(np.array([1, 2, 2]), np.array([1, 2, 1])))
    tree = json.loads(json.dumps(result.to_dict()))
    assert tree == result.to_dict()
    assert tree["one_to_one"]["assignment"] == {"1": 1, "2": 2}


@given(maps, maps, st.permutations(range(1, 5)))
def test_renaming_clusters_changes_nothing(predicted, reference, names):
    renamed = np.array([0, *names], dtype=np.uint8)[predicted]
    before, after = (scores(confusion_matrix(p, reference)) for p in (predicted, renamed))
    for figure in ("nmi", "ari", "clusters", "scored"):
        assert getattr(before, figure) == pytest.approx(getattr(after, figure))
    for match in ("one_to_one", "many_to_one"):
        for figure in ("accuracy", "mean_iou"):
            assert getattr(getattr(before, match), figure) == pytest.approx(getattr(getattr(after, match), figure))


@given(maps, st.permutations(range(1, 5)))
def test_perfect_map_scores_one(reference, names):
    result = scores(confusion_matrix(np.array([0, *names])[reference], reference))
    best = result.one_to_one
    assert (best.accuracy, best.mean_iou, best.mean_f1, best.kappa) == pytest.approx((1, 1, 1, 1))
    assert (result.nmi, result.ari) == pytest.approx((1, 1))


@given(arrays(np.uint8, 30, elements=st.integers(0, 5)), arrays(np.uint8, 30, elements=st.integers(0, 3)))
def test_one_to_one_is_the_best_match_and_at_most_many_to_one(predicted, reference):
    confusion = confusion_matrix(predicted, reference)
    if confusion[1:].sum():
        result = scores(confusion)
        assert result.accuracy == pytest.approx(brute_force_accuracy(confusion))
        assert result.accuracy <= result.many_to_one.accuracy + 1e-12


@given(maps, maps)
def test_matrices_add_up_over_tiles(predicted, reference):
    tiles = [
        confusion_matrix(predicted[rows], reference[rows], clusters=4, classes=4) for rows in (slice(0, 2), slice(2, 6))
    ]
    assert np.array_equal(sum(tiles), confusion_matrix(predicted, reference, clusters=4, classes=4))


@given(maps, maps)
def test_figures_equal_those_of_scikit_learn(predicted, reference):
    sklearn = pytest.importorskip("sklearn.metrics")
    confusion = confusion_matrix(predicted, reference)
    flat = reference.ravel(), predicted.ravel()
    nmi, ari = sklearn.normalized_mutual_info_score(*flat), sklearn.adjusted_rand_score(*flat)
    assert normalised_mutual_information(confusion) == pytest.approx(nmi, abs=1e-9)
    assert adjusted_rand_index(confusion) == pytest.approx(ari, abs=1e-9)
    assignment = hungarian_assignment(confusion)
    named = np.vectorize(lambda cluster: assignment.get(int(cluster), 0))(flat[1])
    ours = agreement(confusion, assignment)
    values = [c.value for c in ours.classes]
    f1 = sklearn.f1_score(flat[0], named, labels=values, average=None, zero_division=0)
    assert [c.f1 for c in ours.classes] == pytest.approx(list(f1))
    if len(values) > 1:
        assert ours.kappa == pytest.approx(sklearn.cohen_kappa_score(flat[0], named))
