import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.errors import InputError
from geoarseg.raster.spectra import SpectraSums, Spectrum, merge_spectra


def sums_of(image, clusters, confidence, count=4, rows=7):
    """The spectra of an image that is added in strips."""
    sums = SpectraSums(count, len(image))
    for top in range(0, clusters.shape[0], rows):
        part = slice(top, top + rows)
        sums.add(image[:, part], clusters[part], confidence[part])
    return sums.spectra()


def test_means_shares_and_confidence_are_those_of_the_pixels():
    rng = np.random.default_rng(0)
    image, clusters = rng.normal(500, 90, (3, 20, 15)), rng.integers(0, 4, (20, 15))
    confidence = rng.random((20, 15))
    spectra = sums_of(image, clusters, confidence)
    for value in (1, 2, 3):
        inside = clusters == value
        np.testing.assert_allclose(spectra[value - 1].mean, image[:, inside].mean(axis=1))
        assert spectra[value - 1].share == pytest.approx(inside.sum() / (clusters > 0).sum())
        assert spectra[value - 1].confidence == pytest.approx(confidence[inside].mean())
    assert (spectra[3].share, spectra[3].confidence) == (0, 0)  # was not seen
    np.testing.assert_allclose(spectra[3].mean, image[:, clusters > 0].mean(axis=1))


@given(st.lists(st.integers(1, 3), min_size=8, max_size=8).filter(lambda v: set(v) == {1, 2, 3}), st.integers(0, 99))
def test_merged_spectra_are_those_of_merged_pixels(class_of, seed):
    rng = np.random.default_rng(seed)
    image, clusters, confidence = rng.random((2, 12, 12)), rng.integers(1, 9, (12, 12)), rng.random((12, 12))
    merged = merge_spectra(sums_of(image, clusters, confidence, count=8), class_of)
    whole = sums_of(image, np.array([0, *class_of])[clusters], confidence, count=3)
    for one, other in zip(merged, whole, strict=True):
        np.testing.assert_allclose(one.mean, other.mean)
        assert (one.share, one.confidence) == pytest.approx((other.share, other.confidence))


def test_a_class_without_pixels_has_the_plain_mean():
    spectra = [Spectrum((2.0,), 0, 0), Spectrum((4.0,), 0, 0), Spectrum((9.0,), 1, 0.5)]
    assert merge_spectra(spectra, [1, 1, 2])[0] == Spectrum((3.0,), 0, 0)


@pytest.mark.parametrize("class_of", [[1, 2], [1, 3, 3], [0, 1, 2]])
def test_classes_that_do_not_fit_are_refused(class_of):
    with pytest.raises(ValueError, match="do not fit"):
        merge_spectra([Spectrum((1.0,), 0.2, 0.5)] * 3, class_of)


def test_no_pixel_is_an_error():
    with pytest.raises(InputError, match="no valid pixel"):
        SpectraSums(3, 2).spectra()
