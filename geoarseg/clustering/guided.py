"""The guided filter (He, Sun and Tang, "Guided Image Filtering", TPAMI 2013) on maps of probabilities.

In each window the map p is fitted as a linear function of the guide I, ``a . I + b`` (equations 5 and 6; a is a vector
for a guide of several bands), and each pixel takes the mean of the functions of all windows that hold it (equation 8).
Where the guide is flat this is the mean of means, so speckle goes; where it has an edge the map gets the same edge.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.box import box_sum

EPSILON = 0.16
"""Variance of the guide, in squared scales of the bands, under which a window counts as flat."""

_LEAST_TOTAL = 1e-12


def guided_filter(
    planes: NDArray[np.floating],
    guide: NDArray[np.floating],
    valid: NDArray[np.bool_],
    *,
    radius_px: int,
    epsilon: float = EPSILON,
) -> NDArray[np.float64]:
    """Filter planes so that their edges are those of a guide.

    Args:
        planes: what is filtered, (plane, y, x).
        guide: one band or more, (band, y, x).
        valid: which pixels take part, (y, x). Windows at the border and beside invalid pixels are as much smaller.
        radius_px: the windows have a side of 2 radius + 1.
        epsilon: variance of the guide that is taken for flat, above 0.

    Returns:
        (plane, y, x); 0 where invalid. A pixel depends on those up to 2 `radius_px` away. Planes that sum to a constant
        still do.
    """
    weight = valid.astype(np.float64)
    side = 2 * radius_px + 1
    count = np.maximum(box_sum(weight, side), 1)

    def local_mean(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return box_sum(np.where(valid, values, 0), side) / count

    guide = np.where(valid, guide, 0).astype(np.float64)
    mean_guide = local_mean(guide)
    precision = _precision(guide, mean_guide, local_mean, epsilon)
    filtered = np.empty(planes.shape)
    for number, plane in enumerate(planes):
        mean = local_mean(plane)
        covariance = local_mean(guide * plane) - mean_guide * mean
        slope = (precision * covariance).sum(axis=1)  # (band, y, x)
        offset = mean - (slope * mean_guide).sum(axis=0)
        filtered[number] = (local_mean(slope) * guide).sum(axis=0) + local_mean(offset)
    return filtered * weight


def smooth_memberships(
    memberships: NDArray[np.floating],
    image: NDArray[np.floating],
    valid: NDArray[np.bool_],
    *,
    radius_px: int,
) -> NDArray[np.float32]:
    """Filter probabilities with the image's brightness as guide; they sum to 1 again where valid.

    Args:
        memberships: probabilities (class, y, x).
        image: normalised bands (band, y, x), whose mean is the guide.
        valid: which pixels are data, (y, x).
        radius_px: see `guided_filter`.
    """
    brightness = np.asarray(image, np.float64).mean(axis=0, keepdims=True)
    filtered = np.maximum(guided_filter(memberships, brightness, valid, radius_px=radius_px), 0)
    total = filtered.sum(axis=0)
    shares: NDArray[np.float32] = (filtered / np.maximum(total, _LEAST_TOTAL)).astype(np.float32)
    return shares


def _precision(
    guide: NDArray[np.floating],
    mean_guide: NDArray[np.float64],
    local_mean: Callable[[NDArray[np.floating]], NDArray[np.float64]],
    epsilon: float,
) -> NDArray[np.float64]:
    """Inverse of each window's covariance of the guide plus epsilon, (band, band, y, x)."""
    if len(guide) == 1:
        return (1 / (np.maximum(local_mean(guide**2) - mean_guide**2, 0) + epsilon))[None]
    products = np.stack([local_mean(band * guide) for band in guide])  # (band, band, y, x)
    covariance = np.moveaxis(products - mean_guide[:, None] * mean_guide, (0, 1), (-2, -1))
    inverse = np.linalg.inv(covariance + epsilon * np.eye(len(guide)))
    return np.ascontiguousarray(np.moveaxis(inverse, (-2, -1), (0, 1)))
