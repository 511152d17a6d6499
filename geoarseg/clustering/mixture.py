"""Mixtures of Gaussians on pixel values, fitted by expectation-maximisation (Dempster, Laird and Rubin 1977).

"full" gives each class its own covariance, "tied" gives all classes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp, softmax

from geoarseg.clustering.kmeans import Pixels, fit_kmeans
from geoarseg.errors import SettingsError

Covariance = Literal["full", "tied"]

_ITERATIONS = 100
_TOLERANCE = 1e-3  # gain of the mean log-likelihood, in nats, at which the fit has settled
_START_PIXELS = 10_000  # of the K-means to start from, which need not be exact
_RIDGE = 1e-3  # added to each variance: a class of equal pixels stays a Gaussian


@dataclass(frozen=True, eq=False)
class Mixture:
    """A fitted mixture of Gaussians."""

    log_weights: NDArray[np.float64]
    """Logarithm of each class's share, (class,)."""
    means: NDArray[np.float64]
    """(class, band)."""
    factors: NDArray[np.float64]
    """Lower Cholesky factor of each class's covariance, (class, band, band)."""

    def log_joint(self, pixels: Pixels) -> NDArray[np.float64]:
        """Logarithm of share times density of each class at each pixel, (pixel, class), in nats."""
        points = np.asarray(pixels, dtype=np.float64)
        joint: NDArray[np.float64] = np.empty((len(points), self.classes))
        for number, (log_weight, mean, factor) in enumerate(
            zip(self.log_weights, self.means, self.factors, strict=True)
        ):
            # A product with the inverse: many times faster than solving for so many pixels, and the factors are small.
            white = (points - mean) @ solve_triangular(factor, np.eye(len(mean)), lower=True).T  # (pixel, band)
            log_volume = np.log(2 * np.pi) * len(mean) / 2 + np.log(np.diagonal(factor)).sum()
            joint[:, number] = log_weight - log_volume - np.einsum("ij,ij->i", white, white) / 2
        return joint

    @property
    def classes(self) -> int:
        """Number of Gaussians."""
        return len(self.means)

    def memberships(self, pixels: Pixels) -> NDArray[np.float64]:
        """Probability of each class at each pixel, (pixel, class)."""
        return np.asarray(softmax(self.log_joint(pixels), axis=1))

    def predict(self, pixels: Pixels) -> NDArray[np.intp]:
        """The most probable class of each pixel, (pixel,), from 0."""
        return np.asarray(self.log_joint(pixels).argmax(axis=1))


def fit_mixture(pixels: Pixels, *, classes: int, seed: int, covariance: Covariance = "full") -> Mixture:
    """Fit a mixture to pixels, starting from their K-means.

    Args:
        pixels: standardised values (pixel, band), at least one.
        classes: number of Gaussians.
        seed: makes the K-means repeatable.
        covariance: "full" or "tied".

    Raises:
        SettingsError: no such covariance.
    """
    if covariance not in get_args(Covariance):
        raise SettingsError(f"A mixture's covariance is full or tied, not {covariance!r}.")
    points = np.asarray(pixels, dtype=np.float64)
    starts = points
    if len(points) > _START_PIXELS:
        starts = points[np.random.default_rng(seed).choice(len(points), _START_PIXELS, replace=False)]
    nearest = fit_kmeans(starts, classes=classes, seed=seed).predict(points)
    mixture = _maximise(points, np.eye(classes)[nearest], covariance)
    before = -np.inf
    for _ in range(_ITERATIONS):
        log_joint = mixture.log_joint(points)
        log_density = logsumexp(log_joint, axis=1)
        mixture = _maximise(points, np.exp(log_joint - log_density[:, None]), covariance)
        likelihood = float(log_density.mean())
        if likelihood - before < _TOLERANCE:
            break
        before = likelihood
    return mixture


def _maximise(points: NDArray[np.float64], shares: NDArray[np.float64], covariance: Covariance) -> Mixture:
    """The mixture that fits the points best, given each class's share (pixel, class) in each point."""
    sizes = shares.sum(axis=0) + 10 * np.finfo(np.float64).eps
    means = shares.T @ points / sizes[:, None]
    spreads: NDArray[np.float64] = np.empty((len(sizes), points.shape[1], points.shape[1]))
    for number, mean in enumerate(means):
        centred = points - mean
        spreads[number] = (shares[:, number] * centred.T) @ centred / sizes[number]
    if covariance == "tied":
        spreads[:] = np.average(spreads, axis=0, weights=sizes)
    factors: NDArray[np.float64] = np.linalg.cholesky(spreads + _RIDGE * np.eye(points.shape[1])).astype(np.float64)
    return Mixture(np.log(sizes / sizes.sum()), means, factors)
