import numpy as np
import pytest

from geoarseg.clustering.kmeans import fit_kmeans
from geoarseg.clustering.whitening import fit_linear_clusters, fit_whitening


def features(count=3000):
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0, 0, 0], [8, 0, 0, 1], [0, 60, 0, 0]])
    mixed = rng.normal(size=(4, 4))
    return (centres[rng.integers(3, size=count)] + rng.normal(0, (1, 4, 0.5, 1), (count, 4))) @ mixed + 50


def test_whitened_features_have_unit_covariance():
    points = features()
    white = fit_whitening(points, kept_variance=1.0).apply(points)
    np.testing.assert_allclose(np.cov(white, rowvar=False, bias=True), np.eye(4), atol=1e-6)
    np.testing.assert_allclose(white.mean(0), 0, atol=1e-8)


def test_the_kept_variance_bounds_the_components():
    points = features()
    assert fit_whitening(points, kept_variance=0.5).matrix.shape == (4, 1)
    assert fit_whitening(np.repeat(points, 2, axis=1), kept_variance=1.0).matrix.shape == (8, 4)


def test_the_linear_map_tells_the_nearest_centre_of_whitened_features():
    points = features()
    weight, bias = fit_linear_clusters(points, classes=5, seed=3)
    whitening = fit_whitening(points)
    expected = fit_kmeans(whitening.apply(points), classes=5, seed=3).predict(whitening.apply(points))
    assert (np.argmax(points @ weight.T + bias, 1) == expected).all()


@pytest.mark.parametrize("points", [np.ones((10, 3)), np.zeros((2, 1))])
def test_constant_features_do_not_fail(points):
    weight, bias = fit_linear_clusters(points, classes=2, seed=0)
    assert np.isfinite(weight).all()
    assert np.isfinite(bias).all()
