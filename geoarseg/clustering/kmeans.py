"""K-means on pixel values: Lloyd's iteration from k-means++ starts (Arthur and Vassilvitskii 2007)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.floating]
"""Standardised values (pixel, band)."""

_ITERATIONS = 100
_RESTARTS = 5
_TOLERANCE = 1e-4  # of a band's deviation: centres that move less have settled


@dataclass(frozen=True, eq=False)
class KMeans:
    """A fitted K-means."""

    centres: NDArray[np.float64]
    """(class, band), the largest cluster first."""
    inertia: float
    """Mean squared distance of the pixels of the fit to their centres."""

    @property
    def classes(self) -> int:
        """Number of centres."""
        return len(self.centres)

    def memberships(self, pixels: Pixels) -> NDArray[np.float32]:
        """1 for the nearest centre of each pixel and 0 for the others, (pixel, class)."""
        return np.eye(self.classes, dtype=np.float32)[self.predict(pixels)]

    def predict(self, pixels: Pixels) -> NDArray[np.intp]:
        """The nearest centre of each pixel, (pixel,), from 0."""
        return np.asarray(squared_distances(pixels, self.centres).argmin(axis=1))


def fit_kmeans(pixels: Pixels, *, classes: int, seed: int) -> KMeans:
    """Fit centres to pixels; the best of five starts.

    Args:
        pixels: standardised values (pixel, band), at least one.
        classes: number of centres.
        seed: makes the starts repeatable.
    """
    rng = np.random.default_rng(seed)
    points = np.asarray(pixels, dtype=np.float64)
    return min((_settle(points, _spread(points, classes, rng)) for _ in range(_RESTARTS)), key=_inertia)


def squared_distances(pixels: Pixels, centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared Euclidean distances (pixel, centre)."""
    # |x|^2 - 2 x c + |c|^2 in place of differences: no array (pixel, centre, band).
    points = np.asarray(pixels, dtype=np.float64)
    products = points @ centres.T
    squared = (points**2).sum(axis=1)[:, None] - 2 * products + (centres**2).sum(axis=1)
    return np.asarray(np.maximum(squared, 0))


def _inertia(model: KMeans) -> float:
    return model.inertia


def _spread(points: NDArray[np.float64], classes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw centres from the points, each with odds of its squared distance to those drawn before."""
    centres: NDArray[np.float64] = points[rng.integers(len(points))][None]
    for _ in range(1, classes):
        odds = squared_distances(points, centres).min(axis=1)
        total = odds.sum()
        share = odds / total if total > 0 else None
        centres = np.concatenate([centres, points[rng.choice(len(points), p=share)][None]])
    return centres


def _settle(points: NDArray[np.float64], centres: NDArray[np.float64]) -> KMeans:
    """Move the centres to the means of their points until they rest; a centre without points stays."""
    for _ in range(_ITERATIONS):
        nearest = squared_distances(points, centres).argmin(axis=1)
        sizes = np.bincount(nearest, minlength=len(centres))
        sums = np.stack([np.bincount(nearest, band, len(centres)) for band in points.T], axis=1)
        moved = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)
        shift = float(np.abs(moved - centres).max())
        centres = moved
        if shift < _TOLERANCE:
            break
    distances = squared_distances(points, centres)
    sizes = np.bincount(distances.argmin(axis=1), minlength=len(centres))
    return KMeans(centres[np.argsort(-sizes, kind="stable")], float(distances.min(axis=1).mean()))
