"""Bands with the texture around each pixel: local means and local spreads at several scales, then their main axes.

In images of decimetres the colour of a pixel says little: a roof and a road are both grey. How rough the surroundings
are tells them apart. Each band is joined by its mean and by the logarithm of its standard deviation in windows of 3, 7
and 15 pixels, and PCA takes the eight main axes of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.box import box_sum
from geoarseg.clustering.whitening import Whitening, fit_whitening

WINDOWS_PX = (3, 7, 15)
"""Sides of the windows."""
REACH_PX = max(WINDOWS_PX) // 2
"""How far from a pixel its texture is looked for."""
COMPONENTS = 8
"""Axes that are kept."""

_LEAST_SPREAD = 0.02  # in scales of a band: what is smoother than this is as good as flat


@dataclass(frozen=True, eq=False)
class TextureFeatures:
    """The main axes of bands and texture. Made by `fit_texture`."""

    axes: Whitening
    """From the layers of `texture_layers` to components."""

    @property
    def reach_px(self) -> int:
        """How far from a pixel its features are looked for."""
        return REACH_PX

    def __call__(self, image: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Features (pixel, component) of the valid pixels of a normalised image (band, y, x), row by row."""
        return self.axes.apply(texture_layers(image, valid)[:, valid].T)


def fit_texture(layers: NDArray[np.floating]) -> TextureFeatures:
    """Fit the axes to a sample of `texture_layers`, (pixel, layer), of two pixels or more."""
    return TextureFeatures(fit_whitening(layers, components=COMPONENTS, standardised=True))


def texture_layers(image: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The bands, then for each window their local means and the logarithms of their local spreads.

    Args:
        image: normalised bands (band, y, x).
        valid: which pixels are data, (y, x); the others, and what lies beyond the border, take no part.

    Returns:
        (7 band, y, x); what stands at invalid pixels has no meaning.
    """
    bands = np.where(valid, image, 0).astype(np.float64)
    layers = [bands]
    for side in WINDOWS_PX:
        count = np.maximum(box_sum(valid.astype(np.float64), side), 1)
        mean = box_sum(bands, side) / count
        variance = box_sum(bands**2, side) / count - mean**2
        layers += [mean, np.log(np.sqrt(np.maximum(variance, 0)) + _LEAST_SPREAD)]
    return np.concatenate(layers).astype(np.float32)
