"""Models on prepared datasets: counts crop by crop, matches fitted on some crops, scores on the others."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from geoarseg import scoring as module
from geoarseg.errors import InputError, SettingsError
from geoarseg.metrics import confusion_matrix, scores
from geoarseg.raster.potsdam_colours import COLOURS
from geoarseg.scoring import crop_confusions, draw_examples, evaluate_model, fit_and_score, store_accuracy


class Fake:
    """A model whose cluster is the first band's value."""

    def __init__(self, classes):
        self.classes, self.batches = classes, []

    def __call__(self, images, valid):
        assert images.dtype == np.float32
        assert valid.dtype == bool
        self.batches.append(len(images))
        return (images[:, :1] == np.arange(1, self.classes + 1)[:, None, None]).astype(np.float32)


@pytest.fixture
def store():
    """Twelve crops; the clusters are classes under other numbers, with a fifth of the pixels at random."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (12, 8, 8)).astype(np.uint8)
    clusters = np.array([1, 2, 3, 1])[labels]
    clusters = np.where(rng.random(labels.shape) < 0.2, rng.integers(1, 4, labels.shape), clusters).astype(np.uint8)
    return SimpleNamespace(
        images=np.stack([clusters, clusters * 40, clusters * 7], axis=1),
        labels=labels,
        labelled=np.ones(12, bool),
        valid=None,
        class_names=("roads", "buildings", "trees"),
        band_names=("red", "green", "blue"),
        crop_px=8,
        name="made",
    )


def test_each_crop_has_its_own_counts_whatever_the_batches(store, monkeypatch):
    monkeypatch.setattr(module, "_BATCH_PX", 5 * 64)
    predictor = Fake(3)
    counts = crop_confusions(predictor, store)
    assert predictor.batches == [5, 5, 2]
    assert (counts.shape, counts.dtype) == ((12, 4, 4), np.int64)
    for crop in range(12):
        np.testing.assert_array_equal(counts[crop], confusion_matrix(store.images[crop, 0], store.labels[crop]))
    np.testing.assert_array_equal(crop_confusions(Fake(3), store, crops=[7, 2]), counts[[7, 2]])
    ignored = crop_confusions(Fake(3), store, ignore=(2,))
    assert not ignored[:, :, 2].any()
    np.testing.assert_array_equal(ignored[:, :, [1, 3]], counts[:, :, [1, 3]])


def test_unlabelled_crops_and_padding_are_not_scored(store):
    store.labelled[[0, 4]] = False
    store.valid = np.ones(store.labels.shape, bool)
    store.valid[1, :3] = False
    counts = crop_confusions(Fake(3), store)
    assert len(counts) == 10
    assert counts[0, 0].sum() == (store.labels[1, :3] > 0).sum()
    assert counts[0, 1:].sum() == (store.labels[1, 3:] > 0).sum()
    with pytest.raises(SettingsError, match="Crop 4 has no labels"):
        crop_confusions(Fake(3), store, crops=[1, 4])
    with pytest.raises(SettingsError, match="No crops were named"):
        crop_confusions(Fake(3), store, crops=[])


def test_datasets_that_cannot_be_scored(store):
    store.labels[1, 0, 0] = 9
    with pytest.raises(InputError, match="9"):
        crop_confusions(Fake(3), store)
    predictor = Fake(3)
    predictor.card = SimpleNamespace(bands=(1, 2))
    with pytest.raises(InputError, match="takes 2 bands, but the dataset made has 3"):
        crop_confusions(predictor, store)
    store.labelled[:] = False
    with pytest.raises(InputError, match="no labelled crops"):
        evaluate_model(Fake(3), store)


def test_accuracy_is_that_of_all_pixels_and_numbers_of_clusters_do_not_matter(store):
    right = store_accuracy(Fake(3), store)
    assert right == scores(crop_confusions(Fake(3), store).sum(axis=0)).accuracy
    assert 0.75 < right < 0.95
    assert store_accuracy(Fake(3), store, crops=[3]) != right
    store.images[:, 0] = np.array([0, 3, 1, 2], np.uint8)[store.images[:, 0]]
    assert store_accuracy(Fake(3), store) == pytest.approx(right)


def test_the_match_is_scored_on_crops_it_was_not_fitted_on():
    confusions = np.zeros((5, 6, 3), np.int64)
    for crop in range(5):
        confusions[crop, crop + 1, 1] = 10  # each crop has a cluster of its own: nothing learned helps elsewhere
    assert fit_and_score(confusions, labelled_images=2, seed=0) == (0.0, 0.0)
    same = np.zeros((5, 3, 3), np.int64)
    same[:, 1, 2], same[:, 2, 1], same[:, 2, 2] = 6, 3, 1
    assert fit_and_score(same, labelled_images=1, seed=3) == (pytest.approx(0.9), pytest.approx(0, abs=1e-12))


def test_draws_repeat_by_their_seed(store):
    counts = crop_confusions(Fake(3), store)
    first = fit_and_score(counts, labelled_images=1, seed=1)
    assert first == fit_and_score(counts, labelled_images=1, seed=1)
    assert first != fit_and_score(counts, labelled_images=1, seed=2)
    assert fit_and_score(counts, labelled_images=1, seed=1, draws=1)[1] == 0
    blank = np.concatenate([counts, np.zeros_like(counts)])  # crops without a scored pixel are never drawn
    assert fit_and_score(blank, labelled_images=1, seed=1) == first
    for number in (0, 12, 99):
        with pytest.raises(SettingsError, match="Choose 1 to 11"):
            fit_and_score(counts, labelled_images=number, seed=0)
    with pytest.raises(SettingsError, match="0 draws"):
        fit_and_score(counts, labelled_images=1, seed=0, draws=0)
    with pytest.raises(InputError, match="No crop has a pixel"):
        fit_and_score(np.zeros_like(counts), labelled_images=1, seed=0)


def test_with_as_many_clusters_as_classes_the_match_is_one_to_one(store):
    found = evaluate_model(Fake(3), store)
    assert found.evaluation.match == "one-to-one"
    assert found.evaluation.agreement.accuracy == store_accuracy(Fake(3), store)
    assert (found.held_out, found.tables(), found.facts()) == (None, [], {"labelled_crops": 12})
    assert evaluate_model(Fake(3), store, match="identity").evaluation.agreement.accuracy < 0.5
    with pytest.raises(SettingsError, match="one-to-one"):
        evaluate_model(Fake(3), store, match="one-to-one", labelled_images=2)


def test_with_more_clusters_it_is_many_to_one_on_other_crops(store):
    store.images[:, 0] += 3 * (np.indices(store.labels.shape)[2] % 2).astype(np.uint8)
    found = evaluate_model(Fake(6), store, seed=4)
    counts = crop_confusions(Fake(6), store)
    assert (found.evaluation.match, found.fitted_on) == ("many-to-one", 1)
    assert found.held_out == fit_and_score(counts, labelled_images=1, seed=4)
    assert found.evaluation.confusion.sum() in {int(counts.sum() - counts[crop].sum()) for crop in range(12)}
    facts = found.facts()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["held_out"]["accuracy_mean"] == found.held_out[0]
    assert dict(found.tables()[0].rows)["crops the match was fitted on"] == "1"
    everything = evaluate_model(Fake(6), store, match="many-to-one")
    assert everything.held_out is None
    assert everything.evaluation.scores.scored == (store.labels > 0).sum()
    assert evaluate_model(Fake(6), store, labelled_images=6).fitted_on == 6


def test_examples_are_drawn_in_potsdams_colours(store):
    found = evaluate_model(Fake(3), store)
    assert found.evaluation.legend.colour_of(3) == COLOURS[3]  # trees
    caption, png = draw_examples(Fake(3), store, found.evaluation)
    assert caption.startswith("Example crops")
    assert png.startswith(b"\x89PNG")
