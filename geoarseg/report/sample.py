"""Every n-th pixel of an image, of its map and of the confidence, and what they say of each class.

n makes them as many as a picture holds, so memory does not grow with the raster; of a small raster they are all pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoarseg.inference.predictor import NODATA_CONFIDENCE
from geoarseg.raster.legend import NODATA_CLASS
from geoarseg.raster.preview import Small, thumbnail
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.vector.source import check_same_grid

_LOW, _HIGH = 10, 90


@dataclass(frozen=True, eq=False)
class PixelSample:
    """Pixels at the same places of the three rasters."""

    image: NDArray[np.float32]
    """Pixel values (band, y, x)."""
    classes: NDArray[np.uint8]
    """Classes (y, x); 0 where there is no data."""
    confidence: NDArray[np.uint8] | None
    """Percent (y, x), 255 where there is no data; None = not known."""
    step: int
    """n."""


@dataclass(frozen=True)
class SampledSpectrum:
    """The pixel values of one class, in the units of the image."""

    mean: tuple[float, ...]
    """Of each band."""
    low: tuple[float, ...]
    """10th percentile of each band."""
    high: tuple[float, ...]
    """90th percentile of each band."""
    pixels: int
    """Pixels that it was taken from."""
    confidence: float | None
    """Mean confidence in percent; None = not known."""


def take_sample(scene: Scene, classes: Path, confidence: Path | None, *, small: Small | None = None) -> PixelSample:
    """Read the sample.

    Args:
        scene: the image.
        classes: its class raster, on the same grid.
        confidence: its confidence raster, on the same grid; None = there is none.
        small: the scene's `thumbnail`, lest it is read again.

    Raises:
        InputError: a file cannot be read, or lies on another grid.
    """
    image, valid = small or thumbnail(scene)
    mapped = open_scene(classes)
    check_same_grid(scene, Path(scene.paths[0]), mapped)
    values, known = thumbnail(mapped)
    percent = None
    if confidence is not None:
        confident = open_scene(confidence)
        check_same_grid(confident, confidence, mapped)
        shares, has_share = thumbnail(confident)
        percent = np.where(has_share, shares[0], NODATA_CONFIDENCE).astype(np.uint8)
    return PixelSample(
        image,
        np.where(known & valid, values[0], NODATA_CLASS).astype(np.uint8),
        percent,
        -(-scene.height // image.shape[1]) if scene.height >= scene.width else -(-scene.width // image.shape[2]),
    )


def spectrum_of(sample: PixelSample, value: int | None = None) -> SampledSpectrum | None:
    """The values of one class, or of all of them together; None where the sample has no pixel of it."""
    inside = sample.classes != NODATA_CLASS if value is None else sample.classes == value
    pixels = sample.image[:, inside]  # (band, pixel)
    if not pixels.shape[1]:
        return None
    low, high = np.percentile(pixels, (_LOW, _HIGH), axis=1)
    confidence = None
    if sample.confidence is not None:
        percent = sample.confidence[inside]
        percent = percent[percent != NODATA_CONFIDENCE]
        confidence = float(percent.mean()) if percent.size else None
    mean = pixels.mean(axis=1, dtype=np.float64)
    return SampledSpectrum(_plain(mean), _plain(low), _plain(high), pixels.shape[1], confidence)


def _plain(values: NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
