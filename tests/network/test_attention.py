import pytest
import torch

from geoarseg.network.attention import MaskedAttention, _fall, _spans
from geoarseg.network.model import build_network
from geoarseg.network.orderings import ALL_ORDERINGS
from geoarseg.settings import NetworkSettings


def block(window_cells=6, width=4):
    torch.manual_seed(0)
    return MaskedAttention(width, 5, window_cells).double()


def by_explicit_mask(attention, x, ordering):
    """Equation 2 word for word: all pairs, disallowed scores at minus infinity."""
    height, width = x.shape[-2:]
    query, key, value = attention.queries_keys_values(x).flatten(2).transpose(1, 2).chunk(3, 2)
    ranks = torch.from_numpy(ordering.ranks(height, width).ravel())
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    scores = scores.masked_fill(ranks[:, None] < ranks[None, :], -torch.inf)
    attended = (scores.softmax(2) @ value).transpose(1, 2).reshape(len(x), -1, height, width)
    return attention.merge(torch.cat([x, attention.out(attended)], 1))


@pytest.mark.parametrize("ordering", ALL_ORDERINGS, ids=lambda o: o.name)
def test_rank_order_and_causal_attention_equal_the_explicit_mask(ordering):
    attention, x = block(), torch.randn(2, 4, 5, 7, dtype=torch.float64)
    torch.testing.assert_close(attention(x, ordering), by_explicit_mask(attention, x, ordering))


def test_the_weights_of_overlapping_windows_sum_to_one():
    for length in (1, 5, 6, 17):
        total = torch.zeros(length)
        for start, stop, first in _spans(length, 3):
            total[start:stop] += _fall(3)[start - first : stop - first]
        torch.testing.assert_close(total, torch.ones(length))


def test_without_an_ordering_a_constant_input_stays_constant():
    attention = block()
    x = torch.randn(1, 4, 1, 1, dtype=torch.float64).expand(1, 4, 13, 10)
    out = attention(x)
    torch.testing.assert_close(out, out[..., :1, :1].expand_as(out))


def test_a_window_that_holds_all_tokens_is_plain_attention():
    attention, x = block(window_cells=20), torch.randn(1, 4, 3, 3, dtype=torch.float64)
    first = ALL_ORDERINGS[0]
    last_token = attention(x, first)[..., -1, -1]  # the last in the ordering sees all
    # both windows that hold the corner hold all nine tokens
    torch.testing.assert_close(attention(x)[..., -1, -1], last_token)


def test_the_window_must_be_even():
    with pytest.raises(ValueError, match="even"):
        MaskedAttention(4, 4, 5)


@pytest.mark.parametrize("stride_px", [1, 2])
def test_tiles_equal_the_whole_with_attention(stride_px):
    settings = NetworkSettings(width=4, blocks=2, stride_px=stride_px, attention=True, attention_width=4)
    network = build_network(settings, bands=2, classes=3, crop_px=8 * stride_px).double().eval()
    step, halo = network.alignment_px, network.halo_px
    assert step == 4 * stride_px
    assert halo % step == 0
    size = 2 * halo + 3 * step
    x = torch.randn(1, 2, size, size + 3, dtype=torch.float64)
    with torch.inference_mode():
        whole = network(x)
        top = left = halo + step
        part = network(x[..., top - halo : top + step + halo, left - halo :])
    torch.testing.assert_close(
        part[..., halo : halo + step, halo : halo + step], whole[..., top : top + step, left : left + step]
    )


def test_no_tensor_of_all_pairs_is_built():
    """The largest tensor, forward and backward, grows with the tokens and not with their square."""
    from torch.utils._python_dispatch import TorchDispatchMode

    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            out = function(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, tuple) else (out,):
                if isinstance(tensor, torch.Tensor):
                    largest = max(largest, tensor.numel())
            return out

    attention, tokens = block(window_cells=40).float(), 40 * 40
    x = torch.randn(1, 4, 40, 40, requires_grad=True)
    with Watch():
        attention(x, ALL_ORDERINGS[3]).sum().backward()
        attention(x)
    assert largest <= 15 * tokens  # the three maps of 5 channels; all pairs would be 1600 times the tokens
