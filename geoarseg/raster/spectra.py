"""What clusters look like: their mean spectra, shares and confidence, and those of classes made of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError


@dataclass(frozen=True)
class Spectrum:
    """What a cluster, or a class of several, looks like."""

    mean: tuple[float, ...]
    """Mean of each band, in the raster's units; that of all pixels where the cluster has none."""
    share: float
    """Share of the valid pixels, 0 to 1."""
    confidence: float
    """Mean probability that its pixels belong to its class, 0 to 1; 0 without pixels."""


class SpectraSums:
    """Adds up pixels, and gives the spectra of their clusters.

    Args:
        clusters: K.
        bands: number of bands.
    """

    def __init__(self, clusters: int, bands: int) -> None:
        self._counts = np.zeros(clusters)
        self._values = np.zeros((clusters, bands))
        self._confidence = np.zeros(clusters)

    def add(
        self,
        image: NDArray[np.floating],
        clusters: NDArray[np.integer],
        confidence: NDArray[np.floating],
    ) -> None:
        """Add the pixels of a block.

        Args:
            image: (band, y, x), in the raster's units.
            clusters: (y, x), 1..K, 0 where there is no data.
            confidence: (y, x), 0 to 1.
        """
        inside = clusters > 0
        of, size = clusters[inside].astype(np.intp) - 1, len(self._counts)
        self._counts += np.bincount(of, minlength=size)
        self._confidence += np.bincount(of, confidence[inside], minlength=size)
        for band, values in enumerate(image):
            self._values[:, band] += np.bincount(of, values[inside], minlength=size)

    def spectra(self) -> tuple[Spectrum, ...]:
        """The spectrum of each cluster.

        Raises:
            InputError: no pixel was added.
        """
        total = self._counts.sum()
        if not total:
            raise InputError("There is no valid pixel in the image.", "Check its nodata value and its mask.")
        overall = self._values.sum(axis=0) / total
        counts = np.maximum(self._counts, 1)
        means = np.where(self._counts[:, None] > 0, self._values / counts[:, None], overall)
        return tuple(
            Spectrum(tuple(map(float, mean)), float(count / total), float(sure))
            for mean, count, sure in zip(means, self._counts, self._confidence / counts, strict=True)
        )


def merge_spectra(spectra: Sequence[Spectrum], class_of: Sequence[int]) -> tuple[Spectrum, ...]:
    """The spectra of classes made of clusters, each cluster weighted by its share.

    Args:
        spectra: of the clusters.
        class_of: the class of each cluster, from 1.

    Returns:
        The spectrum of each class from 1 to the highest. A class without pixels has the mean of its clusters' means.

    Raises:
        ValueError: a class has no cluster, or the numbers of clusters differ.
    """
    classes = np.asarray(class_of)
    if len(spectra) != len(classes) or sorted(set(class_of)) != list(range(1, max(class_of) + 1)):
        raise ValueError(f"{len(spectra)} spectra do not fit the classes {list(class_of)}")
    return tuple(
        _merged([spectra[index] for index in np.flatnonzero(classes == value).tolist()])
        for value in sorted(set(class_of))
    )


def _merged(members: Sequence[Spectrum]) -> Spectrum:
    share = sum(member.share for member in members)
    weights = [member.share / share if share else 1 / len(members) for member in members]
    means = np.array([member.mean for member in members])
    confidence = sum(weight * member.confidence for weight, member in zip(weights, members, strict=True))
    return Spectrum(tuple(map(float, weights @ means)), float(share), float(confidence))
