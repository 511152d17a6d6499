import numpy as np
import pytest
import torch

from geoarseg.clustering.guided import smooth_memberships
from geoarseg.inference.smoothing import box_sum, radius_in_cells, reach_px, smooth


def image_with_holes(seed=0, shape=(40, 44)):
    """Normalised bands, a map of three classes and validity."""
    rng = np.random.default_rng(seed)
    image = np.kron(rng.normal(size=(4, shape[0] // 4, shape[1] // 4)), np.ones((4, 4))) + rng.normal(
        0, 0.2, (4, *shape)
    )
    shares = rng.dirichlet([0.3] * 3, size=shape).transpose(2, 0, 1)
    valid = rng.random(shape) > 0.2
    valid[:6, :9] = False
    return (image * valid).astype(np.float32), (shares * valid).astype(np.float32), valid


def smoothed(image, shares, valid, radius, stride=1):
    tensors = (torch.from_numpy(np.ascontiguousarray(part))[None] for part in (shares, image, valid))
    return smooth(*tensors, radius_px=radius, stride_px=stride)[0].numpy()


@pytest.mark.parametrize("radius", [1, 2, 4])
def test_it_is_the_guided_filter_of_the_free_methods(radius):
    image, shares, valid = image_with_holes()
    expected = smooth_memberships(shares, image, valid, radius_px=radius)
    np.testing.assert_allclose(smoothed(image, shares, valid, radius), expected, atol=2e-5)


def test_probabilities_sum_to_one_where_there_is_data():
    image, shares, valid = image_with_holes(1)
    found = smoothed(image, shares, valid, 3)
    np.testing.assert_allclose(found.sum(0), valid, atol=1e-5)
    assert (found >= 0).all()


@pytest.mark.parametrize(("radius", "stride"), [(1, 1), (3, 1), (4, 2), (2, 2), (1, 2), (8, 4)])
def test_windows_give_the_same_bytes(radius, stride):
    """Cells that an odd side cuts off at the border included."""
    image, shares, valid = image_with_holes(2, (44, 52))
    image, valid, shares = image[:, :43, :50], valid[:43, :50], shares[:, : -(-43 // stride), : -(-50 // stride)]
    whole = smoothed(image, shares, valid, radius, stride)
    reach = reach_px(radius, stride) + stride  # and the upsampling's next cell
    for row, col in [(0, 0), (12, 8), (28, 36)]:
        rows, cols = (slice(max(first - reach, 0), first + 16 + reach) for first in (row, col))
        cells = (slice(None), *(slice(part.start // stride, -(-part.stop // stride)) for part in (rows, cols)))
        part = smoothed(image[:, rows, cols], shares[cells], valid[rows, cols], radius, stride)
        inside = (
            slice(None),
            slice(row - rows.start, row - rows.start + 16),
            slice(col - cols.start, col - cols.start + 16),
        )
        np.testing.assert_array_equal(part[inside], whole[:, row : row + 16, col : col + 16])


@pytest.mark.parametrize("stride", [2, 4])
def test_cells_are_filtered_as_their_pixels_are(stride):
    """In windows of whole cells the function that is fitted is that of all their pixels."""
    image, _, valid = image_with_holes(4)
    shape = [side // stride for side in valid.shape]
    cells = np.random.default_rng(5).dirichlet([0.3] * 3, size=shape).transpose(2, 0, 1).astype(np.float32)
    pixels = np.kron(cells, np.ones((1, stride, stride), np.float32)) * valid
    found = smoothed(image, cells, valid, 4, stride)
    expected = smoothed(image, pixels, valid, 4)
    off, done = (np.abs(other - expected)[:, valid].mean() for other in (found, pixels))
    assert off < done / 3, "windows differ by a pixel or three, no more"
    np.testing.assert_allclose(found.sum(0), valid, atol=1e-5)


def test_an_edge_of_the_image_is_one_of_the_map_whatever_the_stride():
    """Two sides of unlike brightness; cells across the edge know of both."""
    image = np.where(np.arange(48) < 23, -1.5, 1.5) * np.ones((4, 40, 1))
    valid = np.ones((40, 48), bool)
    left = np.clip((23 - np.arange(0, 48, 2)) / 2, 0, 1) * np.ones((20, 1))
    found = smoothed(image.astype(np.float32), np.stack([left, 1 - left]).astype(np.float32), valid, 4, 2)
    assert np.array_equal(found[0] > 0.5, np.broadcast_to(np.arange(48) < 23, (40, 48)))


@pytest.mark.parametrize(
    ("pixels", "stride", "cells"), [(4, 1, 4), (4, 2, 2), (2, 2, 1), (4, 4, 1), (8, 4, 2), (0, 2, 0)]
)
def test_the_radius_in_cells_is_about_that_in_pixels(pixels, stride, cells):
    assert radius_in_cells(pixels, stride) == cells


def test_box_sums_are_sums():
    planes = torch.from_numpy(np.random.default_rng(3).normal(size=(1, 2, 9, 11)))
    found = box_sum(planes, 2)
    assert found[0, 1, 4, 5].item() == pytest.approx(planes[0, 1, 2:7, 3:8].sum().item())
    assert found[0, 0, 0, 10].item() == pytest.approx(planes[0, 0, :3, 8:].sum().item())
