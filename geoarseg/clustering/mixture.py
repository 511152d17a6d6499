"""Mixtures of Gaussians on pixel values, fitted by expectation-maximisation (Dempster, Laird and Rubin 1977).

"full" gives each class its own covariance, "tied" gives all classes one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
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
        return _monomials(np.asarray(pixels, dtype=np.float64)) @ self.coefficients

    @cached_property
    def coefficients(self) -> NDArray[np.float64]:
        """The logarithm of share times density as a polynomial of each class, (monomial, class); see `_monomials`."""
        bands = self.means.shape[1]
        inverse = np.linalg.inv(self.factors)  # (class, band, band)
        precision = inverse.transpose(0, 2, 1) @ inverse
        linear = np.einsum("kij,kj->ki", precision, self.means)
        log_volume = np.log(2 * np.pi) * bands / 2 + np.log(np.diagonal(self.factors, axis1=1, axis2=2)).sum(axis=1)
        constant = self.log_weights - log_volume - np.einsum("ki,ki->k", linear, self.means) / 2
        rows, cols = np.triu_indices(bands)
        quadratic = -precision[:, rows, cols] * np.where(rows == cols, 0.5, 1.0)
        return np.concatenate([constant[:, None], linear, quadratic], axis=1).T

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
    monomials = _monomials(points)  # of all pixels once: the sums over pixels are products with them
    mixture = _maximise(monomials, np.eye(classes)[nearest], covariance)
    before = -np.inf
    for _ in range(_ITERATIONS):
        log_joint = monomials @ mixture.coefficients
        log_density = logsumexp(log_joint, axis=1)
        mixture = _maximise(monomials, np.exp(log_joint - log_density[:, None]), covariance)
        likelihood = float(log_density.mean())
        if likelihood - before < _TOLERANCE:
            break
        before = likelihood
    return mixture


def _monomials(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """One, the bands, and the products of each two, (pixel, monomial); of points (pixel, band)."""
    rows, cols = np.triu_indices(points.shape[1])
    return np.concatenate([np.ones((len(points), 1)), points, points[:, rows] * points[:, cols]], axis=1)


def _maximise(monomials: NDArray[np.float64], shares: NDArray[np.float64], covariance: Covariance) -> Mixture:
    """The mixture that fits the points of the monomials best, given each class's share (pixel, class) in each point."""
    sums = shares.T @ monomials  # (class, monomial)
    sizes = sums[:, 0] + 10 * np.finfo(np.float64).eps
    bands = math.isqrt(2 * monomials.shape[1]) - 1  # 1 + bands + bands (bands + 1) / 2 monomials
    means, products = np.split(sums[:, 1:] / sizes[:, None], [bands], axis=1)
    rows, cols = np.triu_indices(bands)
    spreads = np.empty((len(sizes), bands, bands))
    spreads[:, rows, cols] = spreads[:, cols, rows] = products - means[:, rows] * means[:, cols]
    if covariance == "tied":
        spreads[:] = np.average(spreads, axis=0, weights=sizes)
    factors: NDArray[np.float64] = np.linalg.cholesky(spreads + _RIDGE * np.eye(bands)).astype(np.float64)
    return Mixture(np.log(sizes / sizes.sum()), means, factors)
