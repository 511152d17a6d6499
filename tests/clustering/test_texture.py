import numpy as np
import pytest

from geoarseg.clustering.box import box_sum
from geoarseg.clustering.texture import REACH_PX, WINDOWS_PX, fit_texture, texture_layers


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 40, 37)).astype(np.float32), rng.random((40, 37)) > 0.2


def by_hand(image, valid, row, col, side):
    """Mean and spread of each band in one window, the slow way."""
    half = side // 2
    rows = slice(max(row - half, 0), row + half + 1)
    cols = slice(max(col - half, 0), col + half + 1)
    pixels = image[:, rows, cols][:, valid[rows, cols]].astype(float)
    return pixels.mean(1), pixels.std(1)


@pytest.mark.parametrize("place", [(0, 0), (39, 36), (20, 18), (3, 30)])
def test_layers_are_the_moments_of_valid_pixels_inside(scene, place):
    image, valid = scene
    valid[place] = True
    layers = texture_layers(image, valid)[:, place[0], place[1]].reshape(7, 2)
    np.testing.assert_allclose(layers[0], image[:, place[0], place[1]])
    for number, side in enumerate(WINDOWS_PX):
        mean, spread = by_hand(image, valid, *place, side)
        np.testing.assert_allclose(layers[1 + 2 * number], mean, atol=1e-6)
        np.testing.assert_allclose(layers[2 + 2 * number], np.log(spread + 0.02), atol=1e-5)


def test_what_stands_at_invalid_pixels_has_no_influence(scene):
    image, valid = scene
    other = np.where(valid, image, 99).astype(np.float32)
    assert (texture_layers(image, valid)[:, valid] == texture_layers(other, valid)[:, valid]).all()


def test_a_window_with_its_reach_gives_the_same_bits(scene):
    image, valid = scene
    whole = texture_layers(image, valid)[:, 12:25, 10:24]
    part = (slice(12 - REACH_PX, 25 + REACH_PX), slice(10 - REACH_PX, 24 + REACH_PX))
    inner = (slice(None), *(slice(REACH_PX, -REACH_PX),) * 2)
    assert (texture_layers(image[(slice(None), *part)], valid[part])[inner] == whole).all()


def test_rough_and_smooth_of_equal_colour_are_told_apart():
    rng = np.random.default_rng(1)
    image = rng.normal(0, np.where(np.arange(80) < 40, 0.1, 1.0), (1, 60, 80)).astype(np.float32)
    valid = np.ones((60, 80), bool)
    layers = texture_layers(image, valid)
    features = fit_texture(layers[:, valid].T)(image, valid)
    main = features[:, 0].reshape(60, 80)
    left, right = main[:, 10:30], main[:, 50:70]
    assert max(left.min(), right.min()) > min(left.max(), right.max()), "the main axis parts them"


def test_a_flat_image_has_features(scene):
    flat, valid = np.zeros((3, 20, 20), np.float32), np.ones((20, 20), bool)
    features = fit_texture(texture_layers(flat, valid)[:, valid].T)
    assert np.isfinite(features(flat, valid)).all()


def test_box_sums_count_what_is_there():
    assert box_sum(np.ones((1, 5, 5)), 3)[0].tolist()[0] == [4, 6, 6, 6, 4]
    assert box_sum(np.ones((2, 2)), 15).tolist() == [[4, 4], [4, 4]]


@pytest.mark.parametrize("side", [0, 4, -3])
def test_windows_without_a_centre_are_refused(side):
    with pytest.raises(ValueError, match="odd"):
        box_sum(np.ones((5, 5)), side)
