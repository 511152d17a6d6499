import math

import pytest
import torch

from geoarseg.network.infonce import cells_with_data, info_nce_loss


def loss(first, second, **options):
    options = {"positions": 50, "negatives": 31, "generator": torch.Generator().manual_seed(0), **options}
    return info_nce_loss(first, second, **options)


def test_critics_that_say_nothing_give_0():
    zeros = torch.zeros(3, 8, 5, 6)
    assert loss(zeros, zeros).item() == pytest.approx(0, abs=1e-6)


def test_a_perfect_critic_reaches_the_bound():
    """Images of different unit vectors: the positive scores high, every negative low."""
    vectors = torch.eye(4)[:, :, None, None].expand(4, 4, 5, 5) * 40
    assert loss(vectors, vectors).item() == pytest.approx(-math.log(32), abs=1e-4)


def test_independent_views_give_no_information():
    torch.manual_seed(0)
    first, second = torch.randn(8, 16, 20, 20), torch.randn(8, 16, 20, 20)
    assert loss(first, second, positions=400).item() > 0  # a bound of 0, minus what chance costs


def test_a_displacement_finds_positives_beside():
    """Each row has a vector of its own; with T = 1 two thirds of the positives lie on another row."""
    rows = torch.eye(6).repeat(2, 1, 1)[:, :, :, None].expand(2, 6, 6, 6).clone() * 30
    rows[1] = -rows[1].roll(3, 0)
    straight, displaced = loss(rows, rows), loss(rows, rows, max_shift=1)
    assert straight.item() == pytest.approx(-math.log(32), abs=1e-3)
    assert displaced > straight + 0.5


def test_invalid_cells_take_no_part():
    torch.manual_seed(0)
    first, second = torch.randn(2, 4, 6, 6), torch.randn(2, 4, 6, 6)
    valid = torch.ones(2, 6, 6, dtype=torch.bool)
    valid[:, 3:] = False
    first.requires_grad_()
    second.requires_grad_()
    loss(first, second, valid=valid, max_shift=2).backward()
    for view in (first, second):
        assert (view.grad[:, :, 3:] == 0).all()
        assert (view.grad[:, :, :3] != 0).any()


def test_gradients_against_finite_differences():
    torch.manual_seed(0)
    first, second = (torch.randn(2, 3, 3, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))

    def fixed(a, b):
        return loss(a, b, positions=4, negatives=5, max_shift=1, generator=torch.Generator().manual_seed(1)).double()

    # the scores are computed in float32
    assert torch.autograd.gradcheck(fixed, (first, second), eps=1e-2, atol=1e-2, rtol=1e-2, nondet_tol=1e-6)


def test_what_cannot_be_is_refused():
    maps = torch.zeros(1, 4, 5, 5)
    with pytest.raises(ValueError, match="another image"):
        loss(maps, maps)
    maps = torch.zeros(2, 4, 5, 5)
    with pytest.raises(ValueError, match="must both be"):
        loss(maps, maps[:, :3])
    with pytest.raises(ValueError, match="no valid cell"):
        loss(maps, maps, valid=torch.zeros(2, 5, 5, dtype=torch.bool))


def test_cells_with_data():
    valid = torch.zeros(1, 5, 6, dtype=torch.bool)
    valid[0, 4, 3] = True
    cells = cells_with_data(valid, 2)
    assert cells.shape == (1, 3, 3)
    assert cells[0].nonzero().tolist() == [[2, 1]]
