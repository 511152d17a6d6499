"""The guided filter of `geoarseg.clustering.guided` on the network's cells, which is its upsampling too.

The guide is the mean of the bands, so that a class ends where the image has an edge, whatever the stride of the
network, and speckle goes. A cell of the network is a few pixels: the linear function of each window is fitted to the
pixels by sums over cells, and applied to pixels (He and Sun, "Fast Guided Filter", 2015; with the sums of all pixels in
place of a sample of them). Each sum is added up in the same order wherever a window begins.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from geoarseg.clustering.guided import EPSILON

_LEAST_TOTAL = 1e-12


def radius_in_cells(radius_px: int, stride_px: int) -> int:
    """The radius in cells whose window of 2 radius + 1 is nearest to that of a radius in pixels."""
    return round((2 * radius_px + 1 - stride_px) / (2 * stride_px)) if radius_px else 0


def reach_px(radius_px: int, stride_px: int) -> int:
    """How far from a cell the filter's result depends on other cells, in pixels: a mean of means."""
    return 2 * radius_in_cells(radius_px, stride_px) * stride_px


def smooth(cells: Tensor, images: Tensor, valid: Tensor, *, radius_px: int, stride_px: int = 1) -> Tensor:
    """Filter probabilities of cells, with the image's brightness as guide, to those of pixels.

    Args:
        cells: probabilities (N, class, y / stride, x / stride), rounded up, float32.
        images: normalised bands (N, band, y, x), whose mean is the guide.
        valid: which pixels are data, (N, y, x) of bool; the others take no part.
        radius_px: the windows have a side of about 2 radius + 1; see `radius_in_cells`.
        stride_px: side of a cell.

    Returns:
        (N, class, y, x), which sum to 1 where valid; 0 where invalid.
    """
    radius = radius_in_cells(radius_px, stride_px)
    cells = cells.contiguous()  # planes one after the other, whatever the network likes better
    height, width = images.shape[-2:]
    weight = valid[:, None].to(cells.dtype)
    guide = images.contiguous().mean(1, keepdim=True) * weight

    def of_cells(values: Tensor) -> Tensor:
        """Mean over each cell; beyond the border is nothing."""
        if stride_px == 1:
            return values
        return F.avg_pool2d(F.pad(values, (0, -width % stride_px, 0, -height % stride_px)), stride_px)

    share, guide_sum = of_cells(weight), of_cells(guide)
    count = box_sum(share, radius).clamp_min(1 / stride_px**2)
    mean_guide = box_sum(guide_sum, radius) / count
    variance = (box_sum(of_cells(guide**2), radius) / count - mean_guide**2).clamp_min(0)
    mean = box_sum(cells * share, radius) / count
    slope = (box_sum(guide_sum * cells, radius) / count - mean_guide * mean) / (variance + EPSILON)
    slope, offset = (box_sum(part * share, radius) / count for part in (slope, mean - slope * mean_guide))
    if stride_px > 1:
        slope, offset = (
            F.interpolate(part, scale_factor=stride_px, mode="bilinear", align_corners=False)[..., :height, :width]
            for part in (slope, offset)
        )
    # In place, for the memory of a new plane costs more than the sum that goes into it.
    filtered = slope.mul_(guide).add_(offset).clamp_(min=0).mul_(weight)
    return filtered.div_(filtered.sum(1, keepdim=True).clamp_(min=_LEAST_TOTAL))


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
