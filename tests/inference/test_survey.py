"""Surveys measure what the map of the whole image shows, and single pixels come out as they do in it."""

import numpy as np

from geoarseg.inference.places import probabilities_at
from geoarseg.inference.survey import SiteSearch, Surveyed, measure_spectra, survey
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.window import Window
from tests.tiny_model import CLASSES, random_pixels, tiny_predictor


def test_spectra_are_those_of_the_map():
    image, valid = random_pixels(60, 90, holes=0.2)
    predictor = tiny_predictor()
    spectra = measure_spectra(survey([MemoryScene(image, valid)], predictor, [1, 2, 1, 2, 2]), clusters=CLASSES)
    shares = predictor(np.where(valid, image, 0)[None], valid[None])[0]
    clusters = np.where(valid, shares.argmax(axis=0) + 1, 0)
    for value, spectrum in enumerate(spectra, 1):
        inside = clusters == value
        assert np.isclose(spectrum.share, inside.sum() / valid.sum())
        if inside.any():
            np.testing.assert_allclose(spectrum.mean, image[:, inside].mean(axis=1), rtol=1e-5)
            members = [0, 2] if value in (1, 3) else [1, 3, 4]
            np.testing.assert_allclose(spectrum.confidence, shares[members].sum(axis=0)[inside].mean(), rtol=1e-5)


def test_a_site_is_the_middle_of_the_largest_patch():
    clusters = np.ones((40, 50), np.uint8)
    clusters[5:8, 30:33] = 2
    clusters[20:31, 20:35] = 2
    clusters[39, 0] = 0
    search = SiteSearch()
    window = Window(100, 200, 40, 50)
    search.add(Surveyed(0, window, np.zeros((1, 40, 50)), clusters, np.ones((40, 50))))
    search.add(Surveyed(0, Window(0, 0, 3, 3), np.zeros((1, 3, 3)), np.full((3, 3), 2, np.uint8), np.ones((3, 3))))
    (site,) = search.sites()[2]
    assert (site.row, site.radius_px) == (125, 6)
    assert 225 <= site.col <= 229
    assert list(search.sites()) == [1, 2]


def test_single_pixels_are_those_of_the_map():
    image, valid = random_pixels(300, 290, holes=0.1)
    predictor = tiny_predictor()
    whole = predictor(np.where(valid, image, 0)[None], valid[None])[0]
    rng = np.random.default_rng(0)
    pixels = np.stack([rng.integers(0, 300, 60), rng.integers(0, 290, 60)], axis=1)
    found = probabilities_at(MemoryScene(image, valid), predictor, pixels)
    rows, cols = pixels.T
    seen = valid[rows, cols]
    assert 0 < seen.sum() < len(seen)
    np.testing.assert_allclose(found[seen], whole[:, rows, cols].T[seen], atol=1e-5)
    assert np.isnan(found[~seen]).all()
