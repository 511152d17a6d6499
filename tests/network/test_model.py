import copy

import numpy as np
import pytest
import torch

from geoarseg.network.masked import MaskedConv2d, masked_weights_kept
from geoarseg.network.model import Autoregressive, build_network
from geoarseg.network.orderings import ALL_ORDERINGS, orderings_by_name
from geoarseg.settings import NetworkSettings


def g_ar(width, blocks, kernel_px=3, *, attention=False, channels=None):
    settings = NetworkSettings(width=4, blocks=blocks, kernel_px=kernel_px, attention=attention, attention_width=4)
    settings = settings.model_copy(update={"width": width})  # narrower than a user may ask for, to be fast
    return Autoregressive(channels or width, settings, blocks, 4)


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("kernel_px", [3, 5])
@pytest.mark.parametrize("ordering", ALL_ORDERINGS, ids=lambda o: o.name)
def test_g_ar_is_causal_by_its_jacobian(ordering, kernel_px, attention):
    """The one law: the output at q depends on the input at p only if rank(p) <= rank(q)."""
    torch.manual_seed(0)
    height, width = 5, 6
    g = g_ar(2, 2, kernel_px, attention=attention, channels=3).double()  # with an entry, as in F1
    x = torch.randn(1, 3, height, width, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda v: g(v, ordering), x)
    depends = jacobian.abs().sum((0, 1, 4, 5)).reshape(height * width, height * width) > 0  # (q, p)
    ranks = torch.from_numpy(ordering.ranks(height, width).ravel())
    allowed = ranks[:, None] >= ranks[None, :]
    assert not depends[~allowed].any()
    assert depends.diagonal().all(), "the current pixel is seen"
    if attention:
        assert depends[allowed].all(), "attention reaches all that came before"


def test_every_weight_is_trained_by_the_eight_raster_orderings():
    layer = MaskedConv2d(1, 1, 3)
    x = torch.randn(1, 1, 8, 8)
    sum(layer(x, ordering).square().sum() for ordering in ALL_ORDERINGS[:8]).backward()
    assert (layer.weight.grad != 0).all()


def test_without_an_ordering_it_is_an_ordinary_convolution():
    layer = MaskedConv2d(3, 4, 5)
    x = torch.randn(2, 3, 9, 7)
    torch.testing.assert_close(layer(x), torch.nn.functional.conv2d(x, layer.weight, layer.bias, padding=2))


@pytest.mark.parametrize("kernel_px", [3, 5])
def test_masked_weights_stay_bit_identical_through_adam(kernel_px):
    torch.manual_seed(0)
    g = g_ar(4, 1, kernel_px)
    optimizer = torch.optim.Adam(g.parameters(), lr=0.1)
    x = torch.randn(1, 4, 8, 8)

    def step(orderings):
        before = copy.deepcopy(g.state_dict())
        optimizer.zero_grad()
        sum(g(x, ordering).square().mean() for ordering in orderings).backward()
        with masked_weights_kept(g, orderings):
            optimizer.step()
        return before

    step(orderings_by_name(["rows-bottom-right", "columns-left-bottom"]))  # gives all weights a momentum
    pair = orderings_by_name(["rows-top-left", "rows-top-left"])
    before = step(pair)
    after = g.state_dict()
    masked = torch.from_numpy(~pair[0].kernel_mask(kernel_px))
    for name, weight in after.items():
        if name.endswith("weight"):
            assert torch.equal(weight[..., masked], before[name][..., masked])
            assert (weight[..., ~masked] != before[name][..., ~masked]).float().mean() > 0.9


@pytest.mark.parametrize("stride_px", [1, 2, 4])
@pytest.mark.parametrize(("blocks", "kernel_px"), [(1, 3), (2, 5)])
def test_the_halo_covers_the_receptive_field(stride_px, blocks, kernel_px):
    settings = NetworkSettings(width=4, blocks=blocks, kernel_px=kernel_px, stride_px=stride_px)
    network = build_network(settings, bands=2, classes=3).double().eval()
    for parameter in network.parameters():
        parameter.data.abs_().add_(0.01)  # so that nothing cancels and every ReLU is open
    size = 4 * network.halo_px + 8
    size -= size % stride_px
    x = torch.rand(1, 2, size, size, dtype=torch.float64, requires_grad=True)
    logits = network.d(network.g_ar(network.features(x)))
    logits = (
        torch.nn.functional.interpolate(logits, scale_factor=stride_px, mode="bilinear") if stride_px > 1 else logits
    )
    reach = 0
    for offset in range(stride_px):
        centre = size // 2 // stride_px * stride_px + offset
        (gradient,) = torch.autograd.grad(logits[0, :, centre, centre].sum(), x, retain_graph=True)
        rows = np.flatnonzero(gradient.abs().sum((0, 1, 3)).numpy())
        reach = max(reach, centre - rows.min(), rows.max() - centre)
    assert reach <= network.halo_px <= reach + 2 * stride_px
    assert network.halo_px % stride_px == 0


@pytest.mark.parametrize("stride_px", [1, 2, 4])
def test_any_size_gives_probabilities_of_that_size(stride_px):
    network = build_network(NetworkSettings(width=8, blocks=1, stride_px=stride_px), bands=3, classes=5).eval()
    p = network(torch.randn(2, 3, 13, 10))
    assert p.shape == (2, 5, 13, 10)
    torch.testing.assert_close(p.sum(1), torch.ones(2, 13, 10))


def test_the_seed_decides_the_weights():
    first, second, third = (
        build_network(NetworkSettings(width=8, blocks=1), bands=3, classes=4, seed=seed).d.weight for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_g_ar_has_no_batch_normalisation():
    network = build_network(NetworkSettings(), bands=4, classes=6)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.g_ar.modules())
