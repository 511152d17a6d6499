import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.network.mutual_information import joint_counts, mutual_information_loss


def maps(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).softmax(1)


def balanced_one_hot(classes=4, side=8):
    labels = torch.arange(side * side).reshape(1, side, side) % classes
    return torch.nn.functional.one_hot(labels, classes).movedim(-1, 1).float()


def test_identical_balanced_one_hot_maps_give_minus_log_k():
    p = balanced_one_hot()
    assert mutual_information_loss(p, p).item() == pytest.approx(-math.log(4), abs=1e-6)


def test_independent_maps_give_zero():
    p = torch.tensor([0.1, 0.2, 0.7]).reshape(1, 3, 1, 1).expand(2, 3, 6, 5)
    q = torch.tensor([0.5, 0.3, 0.2]).reshape(1, 3, 1, 1).expand(2, 3, 6, 5)
    # symmetrising mixes the marginals, so only equal marginals are exactly independent
    assert mutual_information_loss(p, p).item() == pytest.approx(0, abs=1e-6)
    assert -0.2 < mutual_information_loss(p, q).item() <= 1e-6


@given(
    t=st.integers(0, 4),
    classes=st.integers(2, 5),
    height=st.integers(5, 13),
    width=st.integers(5, 13),
    seed=st.integers(0, 99),
)
def test_fft_equals_direct_and_a_loop(t, classes, height, width, seed):
    p, q = maps(2, classes, height, width, seed=seed), maps(2, classes, height, width, seed=seed + 100)
    valid = torch.rand(2, height, width, generator=torch.Generator().manual_seed(seed)) > 0.3
    direct = joint_counts(p, q, max_shift_px=t, valid=valid, use_fft=False)
    fft = joint_counts(p, q, max_shift_px=t, valid=valid, use_fft=True)
    torch.testing.assert_close(fft, direct, rtol=1e-9, atol=1e-9)
    dy, dx = t, -t  # the definition itself, at one corner of the displacements
    index = (dy + t) * (2 * t + 1) + (dx + t)
    here = (p * valid[:, None])[:, :, : height - dy, -dx:]
    there = (q * valid[:, None])[:, :, dy:, : width + dx]
    expected = torch.einsum("nkyx,njyx->kj", here, there)
    torch.testing.assert_close(direct[index], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("t", [0, 1, 3])
def test_gradients_in_float64(t):
    p = torch.randn(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    q = torch.randn(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)

    def loss(a, b):
        return mutual_information_loss(a.softmax(1), b.softmax(1), max_shift_px=t, marginal_weight=1.5)

    assert torch.autograd.gradcheck(loss, (p, q))


def test_float32_fft_is_close_to_float64():
    p, q = maps(4, 6, 40, 50, seed=1), maps(4, 6, 40, 50, seed=2)
    exact = joint_counts(p, q, max_shift_px=5, use_fft=False)
    rough = joint_counts(p.float(), q.float(), max_shift_px=5, use_fft=True)
    assert ((rough - exact).abs() / exact).max() < 1e-4


@pytest.mark.parametrize("t", [0, 2])
def test_finite_for_one_hot_and_uniform_maps(t):
    one_hot = torch.zeros(1, 4, 6, 6)
    one_hot[:, 0] = 1
    for p in (one_hot, torch.full((1, 4, 6, 6), 0.25)):
        p = p.clone().requires_grad_()
        loss = mutual_information_loss(p, p, max_shift_px=t)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(p.grad).all()


def test_invalid_pixels_take_no_part():
    p, q = maps(1, 3, 8, 8, seed=1), maps(1, 3, 8, 8, seed=2)
    valid = torch.ones(1, 8, 8, dtype=torch.bool)
    valid[:, 2:5, 3:] = False
    changed_p, changed_q = p.clone(), q.clone()
    changed_p[:, :, 2:5, 3:] = 1 / 3
    changed_q[:, :, 2:5, 3:] = 1 / 3
    for t in (0, 2):
        first = mutual_information_loss(p, q, max_shift_px=t, valid=valid)
        torch.testing.assert_close(first, mutual_information_loss(changed_p, changed_q, max_shift_px=t, valid=valid))
    assert mutual_information_loss(p, q, valid=torch.zeros_like(valid)).item() == 0


def test_lambda_weighs_the_marginal_entropies():
    p = balanced_one_hot(3, 6)
    plain, weighted = mutual_information_loss(p, p), mutual_information_loss(p, p, marginal_weight=1.5)
    assert (plain - weighted).item() == pytest.approx(math.log(3), abs=1e-5)  # 2 x 0.5 x log 3


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match="must both be"):
        mutual_information_loss(torch.ones(1, 2, 3, 3), torch.ones(1, 3, 3, 3))
    with pytest.raises(ValueError, match="does not fit"):
        mutual_information_loss(torch.ones(1, 2, 3, 3), torch.ones(1, 2, 3, 3), max_shift_px=3)


@pytest.mark.parametrize(("height", "width", "t"), [(150, 90, 3), (58, 117, 3), (70, 131, 7), (5, 300, 4)])
def test_the_blocks_of_the_fft_hold_every_pair(height, width, t):
    p, q = maps(2, 3, height, width), maps(2, 3, height, width, seed=1)
    by_fft, by_shifts = (joint_counts(p, q, max_shift_px=t, use_fft=way) for way in (True, False))
    torch.testing.assert_close(by_fft, by_shifts)


def test_summed_displacements_are_one_joint():
    """IIC's other form: the joints add up first, so the loss is that of their sum."""
    p, q = maps(2, 3, 9, 8), maps(2, 3, 9, 8, seed=1)
    joint = joint_counts(p, q, max_shift_px=2).sum(0)
    joint = (joint + joint.T) / (2 * joint.sum())
    marginal = joint.sum(0)
    expected = -(joint * (joint / torch.outer(marginal, marginal)).log()).sum()
    loss = mutual_information_loss(p, q, max_shift_px=2, displacements="summed")
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    assert loss.item() != pytest.approx(mutual_information_loss(p, q, max_shift_px=2).item(), abs=1e-9)


def test_joints_are_summed_before_the_logarithm():
    """Half a batch here and half elsewhere give the loss of the whole."""
    p, q = maps(4, 3, 9, 8), maps(4, 3, 9, 8, seed=1)
    elsewhere = joint_counts(p[2:], q[2:], max_shift_px=1)
    loss = mutual_information_loss(p[:2], q[:2], max_shift_px=1, sum_over_processes=lambda joint: joint + elsewhere)
    assert loss.item() == pytest.approx(mutual_information_loss(p, q, max_shift_px=1).item(), abs=1e-12)
