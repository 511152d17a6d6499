import json

import numpy as np
import pytest

from geoarseg.clusters import as_clusters, classes_of_clusters, distances_of, suggested, with_classes
from geoarseg.raster.legend import Legend
from geoarseg.raster.spectra import Spectrum
from geoarseg.recut import recut
from tests.tiny_model import CLASSES, random_pixels, tiny_predictor

TREE = {
    "merges": ((0, 3), (1, 2), (0, 1), (0, 4)),
    "information": (0.4, 0.3, 0.2, 0.1, 0.0),
    "cluster_shares": (0.2,) * CLASSES,
}
SPECTRA = [Spectrum((mean, 40.0, 200.0 - mean), 0.2, 0.5) for mean in (10.0, 100.0, 90.0, 150.0, 20.0)]


@pytest.fixture
def card():
    rows = [{"mean": list(spectrum.mean), "share": 0.2, "confidence": 0.5} for spectrum in SPECTRA]
    roles = ("red", "green", "blue")
    return tiny_predictor().card.model_copy(update=TREE | {"spectra": tuple(rows), "band_roles": roles})


def test_clusters_are_near_that_merge_early(card):
    distances = distances_of(card, SPECTRA)
    np.testing.assert_array_equal(distances, distances.T)
    assert [int(value) for value in distances[0]] == [0, 3, 3, 1, 4]
    assert [int(value) for value in distances[1]] == [3, 0, 2, 3, 4]
    assert distances[0, 2] < distances[0, 1]  # both by the same merge, but one is more alike
    alone = distances_of(card.model_copy(update={"merges": ()}), SPECTRA)
    assert alone[0].argsort().tolist() == [0, 4, 2, 1, 3]


def test_classes_made_of_clusters_are_taken_apart_again(card):
    predictor = tiny_predictor()
    images, valid = (array[None] for array in random_pixels(20, 20, holes=0))
    whole = predictor(images, valid)
    predictor.card = with_classes(predictor.card, [2, 1, 2, 1, 1], Legend.default(2))
    joined = type(predictor)(predictor.network, predictor.card, device="cpu")
    np.testing.assert_allclose(joined(images, valid)[:, 1], whole[:, [0, 2]].sum(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(as_clusters(joined)(images, valid), whole)


def test_classes_without_gaps_in_their_numbers(card):
    assert classes_of_clusters(card.model_copy(update={"class_of": (5, 2, 2, 4, 5)})) == (3, 1, 1, 2, 3)


def test_another_cut_gets_suggested_names(card):
    predictor = tiny_predictor()
    again = recut(type(predictor)(predictor.network, card, device="cpu"), 3)
    assert again.card == suggested(again.card)
    assert json.loads(json.dumps(list(again.card.legend))) != json.loads(Legend.default(3).to_json())
    assert [row["value"] for row in again.card.legend] == [1, 2, 3]
