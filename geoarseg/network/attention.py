"""The attention block of g_ar (section 3.1, equation 2), causal in any ordering, and windowed on large inputs.

An ordering is a permutation: with the tokens in the order of their ranks, its mask is the plain causal one, which fused
attention computes without ever building the matrix of all pairs. Without an ordering, each token sees the whole of a
window as large as the crops of the training. Windows lie on a grid that is fixed in the raster, half a window apart,
and their outputs are blended by weights that fall linearly from the centre to the border and sum to 1 at each token, so
an output depends on the raster and not on the tile in which it is computed.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geoarseg.network.orderings import Ordering

Spans = tuple[tuple[int, int, int], ...]
"""Windows along one axis: (start, stop, start of the whole window, which may lie outside)."""


class MaskedAttention(nn.Module):
    """Attention whose output is concatenated with the input and merged by a 1 x 1 convolution.

    Args:
        width: channels of input and output.
        attention_width: channels d of queries, keys and values.
        window_cells: side of the windows without an ordering, even, in cells of the input.
    """

    def __init__(self, width: int, attention_width: int, window_cells: int) -> None:
        super().__init__()
        if window_cells < 2 or window_cells % 2:
            raise ValueError(f"the attention's window must be an even number of cells, not {window_cells}")
        self.window_cells = window_cells
        self.queries_keys_values = nn.Conv2d(width, 3 * attention_width, 1)
        self.out = nn.Conv2d(attention_width, width, 1)
        self.merge = nn.Conv2d(2 * width, width, 1)
        with torch.no_grad():  # starts as its input plus a little: the residual path stays open
            self.merge.weight[:, :width, 0, 0] = torch.eye(width)

    def forward(self, x: Tensor, ordering: Ordering | None = None) -> Tensor:
        """(N, channel, y, x) to the same shape, under an ordering over all of it, or unmasked in windows."""
        qkv = self.queries_keys_values(x)
        attended = self._in_windows(qkv) if ordering is None else _causal(qkv, ordering)
        merged: Tensor = self.merge(torch.cat([x, self.out(attended)], 1))
        return merged

    def _in_windows(self, qkv: Tensor) -> Tensor:
        height, width = qkv.shape[-2:]
        hop = self.window_cells // 2
        blended = qkv.new_zeros(qkv.shape[0], qkv.shape[1] // 3, height, width)
        weights = _fall(hop).to(qkv)
        for top, bottom, first_row in _spans(height, hop):
            for left, right, first_column in _spans(width, hop):
                part = qkv[..., top:bottom, left:right]
                weight = (
                    weights[top - first_row : bottom - first_row, None]
                    * weights[left - first_column : right - first_column]
                )
                attended = _attend(part.flatten(2))
                blended[..., top:bottom, left:right] += attended.reshape(*attended.shape[:2], *weight.shape) * weight
        return blended


def _attend(qkv: Tensor, *, causal: bool = False) -> Tensor:
    """Softmax attention of tokens: (N, 3 d, token) to (N, d, token)."""
    query, key, value = (part.transpose(1, 2).unsqueeze(1).contiguous() for part in qkv.chunk(3, 1))  # (N, 1, token, d)
    return F.scaled_dot_product_attention(query, key, value, is_causal=causal)[:, 0].transpose(1, 2)


def _causal(qkv: Tensor, ordering: Ordering) -> Tensor:
    height, width = qkv.shape[-2:]
    to_ordering, back = (index.to(qkv.device) for index in _permutation(ordering, height, width))
    attended = _attend(qkv.flatten(2)[..., to_ordering], causal=True)
    return attended[..., back].reshape(*attended.shape[:2], height, width)


@lru_cache(maxsize=64)
def _permutation(ordering: Ordering, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The cells in the order of their ranks, and each cell's rank."""
    ranks = ordering.ranks(height, width).ravel()
    return torch.from_numpy(np.argsort(ranks)), torch.from_numpy(ranks)


def _spans(length: int, hop: int) -> Spans:
    """Windows of two hops, one hop apart, that cover an axis twice; those at its ends are cut."""
    starts = range(-hop, length, hop)
    return tuple((max(start, 0), min(start + 2 * hop, length), start) for start in starts)


def _fall(hop: int) -> Tensor:
    """Weights along a window of two hops; two windows one hop apart sum to 1."""
    rise = (torch.arange(hop) + 0.5) / hop
    return torch.cat([rise, rise.flip(0)])
