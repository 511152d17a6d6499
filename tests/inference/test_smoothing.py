import numpy as np
import pytest
import torch

from geoarseg.clustering.guided import smooth_memberships
from geoarseg.inference.smoothing import box_sum, reach_px, smooth


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


def smoothed(image, shares, valid, radius):
    tensors = (torch.from_numpy(np.ascontiguousarray(part))[None] for part in (shares, image, valid))
    return smooth(*tensors, radius_px=radius)[0].numpy()


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


@pytest.mark.parametrize("radius", [1, 3])
def test_windows_give_the_same_bytes(radius):
    image, shares, valid = image_with_holes(2)
    whole = smoothed(image, shares, valid, radius)
    reach = reach_px(radius)
    for row, col in [(0, 0), (13, 7), (20, 22)]:
        rows, cols = (slice(max(first - reach, 0), first + 16 + reach) for first in (row, col))
        part = smoothed(image[:, rows, cols], shares[:, rows, cols], valid[rows, cols], radius)
        inside = (
            slice(None),
            slice(row - rows.start, row - rows.start + 16),
            slice(col - cols.start, col - cols.start + 16),
        )
        np.testing.assert_array_equal(part[inside], whole[:, row : row + 16, col : col + 16])


def test_box_sums_are_sums():
    planes = torch.from_numpy(np.random.default_rng(3).normal(size=(1, 2, 9, 11)))
    found = box_sum(planes, 2)
    assert found[0, 1, 4, 5].item() == pytest.approx(planes[0, 1, 2:7, 3:8].sum().item())
    assert found[0, 0, 0, 10].item() == pytest.approx(planes[0, 0, :3, 8:].sum().item())
