"""Clusterings of images: a model of single feature vectors, put on an image's pixels, smoothed or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.guided import smooth_memberships

_PIXELS_AT_ONCE = 1 << 15  # bounds the arrays (pixel, monomial) and (pixel, class) of a model


class ImageModel(Protocol):
    """Anything that tells the clusters of an image."""

    @property
    def classes(self) -> int:
        """Number of clusters."""

    @property
    def reach_px(self) -> int:
        """How far from a pixel its clusters depend on the image."""

    def memberships(self, image: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (class, y, x) of a normalised image (band, y, x): 1 in all where valid (y, x), else 0."""


class Features(Protocol):
    """Anything that makes a feature vector of each pixel."""

    @property
    def reach_px(self) -> int:
        """How far from a pixel its features depend on the image."""

    def __call__(self, image: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.floating]:
        """Features (pixel, feature) of the valid pixels of a normalised image (band, y, x), row by row."""


class VectorModel(Protocol):
    """A clustering of feature vectors, such as `Mixture`."""

    @property
    def classes(self) -> int:
        """Number of clusters."""

    def memberships(self, pixels: NDArray[np.floating]) -> NDArray[np.floating]:
        """Probabilities (pixel, class) of features (pixel, feature)."""


class Bands:
    """The features that are the bands themselves."""

    reach_px = 0

    def __call__(self, image: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.floating]:
        """The bands (pixel, band) of the valid pixels."""
        return image[:, valid].T


@dataclass(frozen=True, eq=False)
class Pixelwise:
    """A clustering of the feature vectors of single pixels."""

    features: Features
    """What is looked at."""
    model: VectorModel
    """What it says."""

    @property
    def classes(self) -> int:
        """Number of clusters."""
        return self.model.classes

    @property
    def reach_px(self) -> int:
        """How far from a pixel its clusters depend on the image."""
        return self.features.reach_px

    def memberships(self, image: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """See `ImageModel`."""
        shares = np.zeros((self.classes, *valid.shape), np.float32)
        vectors = self.features(image, valid)
        found: NDArray[np.float32] = np.empty((len(vectors), self.classes), np.float32)
        for first in range(0, len(vectors), _PIXELS_AT_ONCE):
            part = slice(first, first + _PIXELS_AT_ONCE)
            found[part] = self.model.memberships(vectors[part])
        shares[:, valid] = found.T
        return shares


@dataclass(frozen=True, eq=False)
class Smoothed:
    """A clustering whose probabilities go through a guided filter."""

    inner: ImageModel
    """What is smoothed."""
    radius_px: int
    """Of the filter, 1 or more."""

    @property
    def classes(self) -> int:
        """Number of clusters."""
        return self.inner.classes

    @property
    def reach_px(self) -> int:
        """How far from a pixel its clusters depend on the image."""
        return self.inner.reach_px + 2 * self.radius_px

    def memberships(self, image: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """See `ImageModel`."""
        return smooth_memberships(self.inner.memberships(image, valid), image, valid, radius_px=self.radius_px)


def smoothed(model: ImageModel, radius_px: int) -> ImageModel:
    """The model with a guided filter of this radius; as it is for 0."""
    return Smoothed(model, radius_px) if radius_px else model
