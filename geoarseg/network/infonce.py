"""The ARL loss (equation 7): InfoNCE between two views' features, with separable critics and cross-image negatives.

A critic scores a pair of feature vectors by f(y, y') = phi1(y) . phi2(y'). For an anchor at a place of the first view,
the positive is the second view's vector at the same place, or displaced by at most T; the negatives come from other
images of the batch, as two places of one image may well show the same thing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Critic(nn.Sequential):
    """phi: 3 x 3 convolution, batch normalisation, ReLU, 1 x 1 convolution; (N, channel, y, x) to (N, D, y, x)."""

    def __init__(self, width: int, critic_width: int) -> None:
        super().__init__(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, critic_width, 1),
        )


def info_nce_loss(
    first: Tensor,
    second: Tensor,
    *,
    positions: int,
    negatives: int,
    max_shift: int = 0,
    valid: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Minus the InfoNCE bound of the mutual information of two views' features.

    Args:
        first: phi1 of the first view, (N, D, y, x), N at least 2.
        second: phi2 of the second view, the same shape.
        positions: anchors drawn in each image.
        negatives: places of another image that each anchor's positive is told apart from.
        max_shift: T, the largest displacement of a positive, in cells.
        valid: (N, y, x) of bool, the cells that take part; each image needs one. All when None.
        generator: the source of chance, on the CPU.

    Returns:
        A scalar in nats, at least -log(negatives + 1); 0 when the critics tell nothing apart.

    Raises:
        ValueError: the shapes differ, there is one image only, or an image has no valid cell.
    """
    if first.shape != second.shape or first.ndim != 4:
        raise ValueError(f"the views must both be (N, D, y, x), not {tuple(first.shape)} and {tuple(second.shape)}")
    count, depth, height, width = first.shape
    if count < 2:
        raise ValueError("negatives come from another image: the batch must hold two or more")
    usable = torch.ones(count, height * width) if valid is None else valid.flatten(1).float().cpu()
    if not usable.any(1).all():
        raise ValueError("an image of the batch has no valid cell")
    anchors = torch.multinomial(usable, positions, replacement=True, generator=generator)  # (N, position)
    shifted = _displace(anchors, (height, width), max_shift, usable, generator)
    step = int(torch.randint(1, count, (1,), generator=generator))  # each image's negatives come from the one so far on
    places = torch.multinomial(usable.roll(-step, 0), negatives, replacement=True, generator=generator)

    device = first.device
    at, there = _vectors(first, anchors.to(device)), _vectors(second, shifted.to(device))  # (N, position, D)
    elsewhere = _vectors(second.roll(-step, 0), places.to(device))  # (N, negative, D)
    with torch.autocast(device.type, enabled=False):
        scale = 1 / math.sqrt(depth)  # keeps the first scores near 0 for any D; the critics can undo it
        positive = (at * there).sum(2, keepdim=True) * scale
        negative = at @ elsewhere.transpose(1, 2) * scale  # (N, position, negative)
        scores = torch.cat([positive, negative], 2)
        bound = scores.log_softmax(2)[..., 0] + math.log(negatives + 1)
    return -bound.mean()


def _vectors(maps: Tensor, places: Tensor) -> Tensor:
    """The vectors (N, place, D) of maps (N, D, y, x) at some cells of each, counted row by row."""
    # By gather: unlike that of indexing, its gradient adds up in a fixed order on the CPU, for any number of threads.
    found = maps.flatten(2).gather(2, places[:, None].expand(-1, maps.shape[1], -1))
    return found.transpose(1, 2).float()


def _displace(
    places: Tensor, size: tuple[int, int], max_shift: int, usable: Tensor, generator: torch.Generator | None
) -> Tensor:
    """Move each place by up to T rows and columns; those that would leave the map or the valid cells stay."""
    if max_shift == 0:
        return places
    height, width = size
    shift = torch.randint(-max_shift, max_shift + 1, (2, *places.shape), generator=generator)
    row, column = places // width + shift[0], places % width + shift[1]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    moved = torch.where(inside, row * width + column, places)
    return torch.where(usable.gather(1, moved) > 0, moved, places)


def cells_with_data(valid: Tensor, stride_px: int) -> Tensor:
    """Which cells hold a valid pixel: (N, y, x) of bool to (N, y / stride, x / stride)."""
    height, width = valid.shape[-2:]
    padded = F.pad(valid.float()[:, None], (0, -width % stride_px, 0, -height % stride_px))
    return F.max_pool2d(padded, stride_px)[:, 0] > 0
