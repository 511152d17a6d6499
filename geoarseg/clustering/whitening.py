"""PCA whitening, and K-means behind it as one linear map: the clusters of ARL (section 3.2).

In whitened coordinates z the nearest centre c is the one with the largest z . c - |c|^2 / 2, which is linear in the
features. So a 1 x 1 convolution can hold whitening and clusters, and clustering commutes with bilinear upsampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.kmeans import fit_kmeans

_KEPT_VARIANCE = 0.99  # the rest is noise that whitening would blow up


@dataclass(frozen=True, eq=False)
class Whitening:
    """A fitted PCA whitening."""

    mean: NDArray[np.float64]
    """(feature,)."""
    matrix: NDArray[np.float64]
    """(feature, component): `(features - mean) @ matrix` has unit covariance."""

    def apply(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Whiten features (sample, feature) to (sample, component)."""
        return np.asarray((np.asarray(features, np.float64) - self.mean) @ self.matrix)


def fit_whitening(
    features: NDArray[np.floating],
    *,
    kept_variance: float = _KEPT_VARIANCE,
    components: int | None = None,
    standardised: bool = False,
) -> Whitening:
    """Fit to features (sample, feature).

    Args:
        features: two samples or more.
        kept_variance: share of the variance that the kept components hold at least, 0 to 1.
        components: keep so many instead, as far as there are that many that vary.
        standardised: give every feature the same weight, whatever its variance.
    """
    points = np.asarray(features, np.float64)
    mean = points.mean(0)
    scale = np.maximum(points.std(0), 1e-9) if standardised else np.ones(len(mean))
    covariance = np.cov((points - mean) / scale, rowvar=False, bias=True).reshape(len(mean), len(mean))
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1], axes[:, ::-1]
    total = max(float(variances.sum()), 1e-12)
    kept = components or int(np.searchsorted(np.cumsum(variances) / total, kept_variance)) + 1
    kept = max(1, min(kept, int((variances > 1e-9 * total).sum())))
    return Whitening(mean, axes[:, :kept] / np.sqrt(np.maximum(variances[:kept], 1e-12)) / scale[:, None])


def fit_linear_clusters(
    features: NDArray[np.floating], *, classes: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whiten features, cluster them by K-means, and give both as one linear map.

    Args:
        features: (sample, feature).
        classes: number of clusters K.
        seed: makes the starts of K-means repeatable.

    Returns:
        weight (K, feature) and bias (K,): the largest of `features @ weight.T + bias` tells the cluster.
    """
    whitening = fit_whitening(features)
    centres = fit_kmeans(whitening.apply(features), classes=classes, seed=seed).centres
    weight = centres @ whitening.matrix.T
    bias = -weight @ whitening.mean - (centres**2).sum(1) / 2
    return weight, bias
