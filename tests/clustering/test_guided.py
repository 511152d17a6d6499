import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.clustering.box import box_sum
from geoarseg.clustering.guided import guided_filter, smooth_memberships


def make(seed=0, classes=3, bands=2, shape=(30, 26), holes=0.2):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(classes, 0.3), shape).transpose(2, 0, 1)
    return shares, rng.normal(size=(bands, *shape)), rng.random(shape) >= holes


def test_a_flat_guide_gives_the_mean_of_means():
    planes, guide, valid = make(holes=0)
    filtered = guided_filter(planes, np.ones_like(guide), valid, radius_px=3)

    def mean(values):
        return box_sum(values, 7) / box_sum(np.ones(valid.shape), 7)

    np.testing.assert_allclose(filtered, mean(mean(planes)), atol=1e-12)


@pytest.mark.parametrize("bands", [1, 3])
def test_a_plane_that_is_linear_in_the_guide_stays(bands):
    _, guide, valid = make(bands=bands)
    plane = np.tensordot(np.arange(1, bands + 1), guide, 1) + 5
    filtered = guided_filter(plane[None], guide, valid, radius_px=4, epsilon=1e-10)
    np.testing.assert_allclose(filtered[0][valid], plane[valid], atol=1e-6)


def test_the_coefficients_are_those_of_ridge_regression():
    """Equations 5, 6 and 8, window by window and the slow way."""
    planes, guide, valid = make(shape=(9, 8))
    radius, epsilon = 2, 0.3
    total, count = np.zeros(valid.shape), np.zeros(valid.shape)
    for row, col in zip(*np.nonzero(valid), strict=True):
        part = (
            slice(max(row - radius, 0), row + radius + 1),
            slice(max(col - radius, 0), col + radius + 1),
        )
        use = valid[part]
        x, y = guide[:, part[0], part[1]][:, use].T, planes[0][part][use]
        centred = x - x.mean(0)
        slope = np.linalg.solve(centred.T @ centred / len(x) + epsilon * np.eye(2), centred.T @ (y - y.mean()) / len(x))
        total[part] += np.tensordot(slope, guide[:, part[0], part[1]], 1) + y.mean() - x.mean(0) @ slope
        count[part] += 1
    filtered = guided_filter(planes[:1], guide, valid, radius_px=radius, epsilon=epsilon)[0]
    np.testing.assert_allclose(filtered[valid], (total / count)[valid], atol=1e-10)


def test_edges_of_the_guide_are_kept_and_speckle_goes():
    rng = np.random.default_rng(2)
    truth = np.repeat(np.arange(40) >= 20, 30).reshape(40, 30)
    noisy = truth ^ (rng.random(truth.shape) < 0.15)
    shares = np.stack([~noisy, noisy]).astype(float)
    image = np.where(truth, 1.0, -1.0)[None] + rng.normal(0, 0.1, (1, *truth.shape))
    valid = np.ones(truth.shape, bool)
    guided = smooth_memberships(shares, image, valid, radius_px=4).argmax(0)
    assert (guided == truth).mean() > 0.995
    assert (noisy == truth).mean() < 0.9
    at_edge = smooth_memberships(shares, image, valid, radius_px=4)[1][19:21].mean(1)
    blurred = smooth_memberships(shares, np.zeros_like(image), valid, radius_px=4)[1][19:21].mean(1)
    assert at_edge[1] - at_edge[0] > 3 * (blurred[1] - blurred[0])


@given(st.integers(0, 1000), st.integers(1, 5), st.integers(1, 4))
def test_probabilities_stay_probabilities(seed, classes, radius):
    shares, image, valid = make(seed, classes, shape=(12, 15), holes=0.5)
    smooth = smooth_memberships(shares, image, valid, radius_px=radius)
    assert smooth.min() >= 0
    np.testing.assert_allclose(smooth.sum(0), valid, atol=1e-5)
    raw = guided_filter(shares, image, valid, radius_px=radius)
    np.testing.assert_allclose(raw.sum(0), valid, atol=1e-9)


def test_invalid_pixels_have_no_influence():
    shares, image, valid = make()
    shares_too, image_too = np.where(valid, shares, 7.0), np.where(valid, image, np.nan)
    one = guided_filter(shares, image, valid, radius_px=3)
    assert np.array_equal(one, guided_filter(shares_too, image_too, valid, radius_px=3))
    assert not guided_filter(shares, image, np.zeros_like(valid), radius_px=3).any()


@pytest.mark.parametrize("bands", [1, 2])
def test_a_window_with_its_reach_gives_the_same_bits(bands):
    shares, image, valid = make(bands=bands)
    whole = guided_filter(shares, image, valid, radius_px=2)[:, 10:20, 8:18]
    part = (slice(None), slice(6, 24), slice(4, 22))
    window = guided_filter(shares[part], image[part], valid[part[1:]], radius_px=2)[:, 4:-4, 4:-4]
    assert np.array_equal(window, whole)
