"""The guided filter of `geoarseg.clustering.guided` on tensors, as it runs over the windows of a map.

The guide is the mean of the bands, so that a class ends where the image has an edge, whatever the stride of the
network, and speckle goes. Each sum is added up in the same order wherever a window begins.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from geoarseg.clustering.guided import EPSILON

_LEAST_TOTAL = 1e-12


def reach_px(radius_px: int) -> int:
    """How far from a pixel the filter's result depends on the image: a mean of means."""
    return 2 * radius_px


def smooth(probabilities: Tensor, images: Tensor, valid: Tensor, *, radius_px: int) -> Tensor:
    """Filter probabilities with the image's brightness as guide; they sum to 1 again where valid.

    Args:
        probabilities: (N, class, y, x), float32.
        images: normalised bands (N, band, y, x), whose mean is the guide.
        valid: which pixels are data, (N, y, x) of bool; the others take no part.
        radius_px: the windows have a side of 2 radius + 1.

    Returns:
        (N, class, y, x); 0 where invalid.
    """
    probabilities = probabilities.contiguous()  # planes one after the other, whatever the network likes better
    weight = valid[:, None].to(probabilities.dtype)
    guide = images.contiguous().mean(1, keepdim=True) * weight
    count = box_sum(weight, radius_px).clamp_min(1)

    def local_mean(values: Tensor) -> Tensor:
        return box_sum(values * weight, radius_px) / count

    mean_guide = local_mean(guide)
    variance = (local_mean(guide**2) - mean_guide**2).clamp_min(0)
    mean = local_mean(probabilities)
    slope = (local_mean(guide * probabilities) - mean_guide * mean) / (variance + EPSILON)
    filtered = local_mean(slope) * guide + local_mean(mean - slope * mean_guide)
    filtered = filtered.clamp_min(0) * weight
    return filtered / filtered.sum(1, keepdim=True).clamp_min(_LEAST_TOTAL)


def box_sum(planes: Tensor, radius_px: int) -> Tensor:
    """Sum over the window of side 2 radius + 1 around each pixel of (N, plane, y, x); beyond the border is nothing."""
    padded = F.pad(planes, (radius_px,) * 4)
    return _window_sum(_window_sum(padded, 2 * radius_px + 1, dim=-1), 2 * radius_px + 1, dim=-2)


def _window_sum(values: Tensor, side: int, *, dim: int) -> Tensor:
    """Sums of `side` neighbours along a dimension, which becomes as much shorter.

    Sums of 1, 2, 4 ... neighbours make those of any number: a few additions of whole planes, many times faster than
    pooling, and in the same order everywhere.
    """
    length = values.shape[dim] - side + 1
    total, start, power, width = None, 0, values, 1
    while True:
        if side & width:
            part = power.narrow(dim, start, length)
            total, start = part if total is None else total + part, start + width
        if 2 * width > side:
            assert total is not None
            return total
        left = power.shape[dim] - width
        power, width = power.narrow(dim, 0, left) + power.narrow(dim, width, left), 2 * width
