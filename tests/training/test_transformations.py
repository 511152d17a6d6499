import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.training.transformations import Geometry, draw_geometry, photometric


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=4),
    st.integers(1, 3),
    st.integers(1, 9),
)
def test_geometry_is_undone(symmetries, channels, side):
    geometry = Geometry(tuple(turn for turn, _ in symmetries), tuple(flip for _, flip in symmetries))
    maps = torch.randn(len(symmetries), channels, side, side)
    assert torch.equal(geometry.undo(geometry.apply(maps)), maps)


def test_geometry_moves_as_numpy_does():
    maps = torch.arange(2 * 9.0).reshape(2, 1, 3, 3)
    moved = Geometry((1, 0), (False, True)).apply(maps)
    assert np.array_equal(moved[0, 0], np.rot90(maps[0, 0]))
    assert np.array_equal(moved[1, 0], np.fliplr(maps[1, 0]))


@pytest.mark.parametrize(
    ("kind", "turns", "flips"),
    [("plain", 1, 1), ("photometric", 1, 1), ("flip", 1, 2), ("rotation", 4, 1), ("all", 4, 2)],
)
def test_what_each_kind_draws(kind, turns, flips):
    geometry = draw_geometry(200, kind, np.random.default_rng(0))
    assert (len(set(geometry.quarter_turns)), len(set(geometry.flipped))) == (turns, flips)
    assert geometry.is_identity == (turns == flips == 1)


@pytest.mark.parametrize(("bands", "colours"), [(1, None), (3, (0, 1, 2)), (4, (2, 1, 0)), (7, None)])
def test_photometric_suits_any_bands_and_leaves_invalid_pixels_alone(bands, colours):
    images = torch.randn(5, bands, 6, 6)
    valid = torch.rand(5, 6, 6) > 0.3
    images *= valid[:, None]
    changed = photometric(images, valid, strength=0.2, colours=colours, rng=np.random.default_rng(0))
    assert changed.shape == images.shape
    assert (changed[~valid[:, None].expand_as(changed)] == 0).all()
    difference = (changed - images).abs().flatten(1).amax(1)
    assert (difference > 0).all()
    assert len(set(difference.tolist())) == 5, "each image has a draw of its own"


def test_strength_0_changes_nothing():
    images, valid = torch.randn(2, 4, 5, 5), torch.ones(2, 5, 5, dtype=torch.bool)
    changed = photometric(images, valid, strength=0.0, colours=(0, 1, 2), rng=np.random.default_rng(0))
    torch.testing.assert_close(changed, images, atol=1e-6, rtol=1e-5)


def test_grey_stays_grey_under_hue_and_saturation():
    """Equal red, green and blue have no colour to change; the near-infrared band goes its own way."""
    grey = torch.randn(3, 1, 4, 4).expand(3, 4, 4, 4).clone()
    valid = torch.ones(3, 4, 4, dtype=torch.bool)
    changed = photometric(grey, valid, strength=0.5, colours=(0, 1, 2), rng=np.random.default_rng(1))
    torch.testing.assert_close(changed[:, 0], changed[:, 1], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(changed[:, 0], changed[:, 2], atol=1e-4, rtol=1e-3)
    assert not torch.allclose(changed[:, 0], changed[:, 3], atol=1e-2)
