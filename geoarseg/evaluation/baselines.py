"""Maps by methods that look at single pixels only: what a trained network has to beat.

A model is fitted to a bounded random sample, then the scene is mapped block by block, whatever its size::

    for window, classes in kmeans_map(scene, statistics, classes=6, seed=0): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.kmeans import Pixels, fit_kmeans
from geoarseg.clustering.mixture import Covariance, fit_mixture
from geoarseg.errors import SettingsError
from geoarseg.progress import Progress
from geoarseg.raster.legend import MAX_CLASSES
from geoarseg.raster.memory import SceneLike
from geoarseg.raster.statistics import BandStatistics, sample_pixels
from geoarseg.raster.window import Window, tile_grid

Blocks = Iterator[tuple[Window, NDArray[np.uint8]]]
"""Disjoint windows that cover a scene, and their classes (y, x) uint8: 1 to K, 0 = nodata."""

_SAMPLE_PIXELS = 60_000
_SAMPLE_BLOCKS = 64
_BLOCK_PX = 512


class PixelModel(Protocol):
    """Anything that tells the class of single pixels."""

    def predict(self, pixels: Pixels) -> NDArray[np.intp]:
        """Class of each pixel (pixel,), from 0, by its standardised values (pixel, band)."""


def kmeans_map(
    scene: SceneLike, statistics: BandStatistics, *, classes: int, seed: int, progress: Progress | None = None
) -> Blocks:
    """Map a scene by K-means on standardised pixel values.

    The model is fitted before this returns; the blocks are mapped as they are asked for.

    Args:
        scene: what to map.
        statistics: of the scene's bands.
        classes: number of clusters, 2 to 254.
        seed: makes sample and starts repeatable.
        progress: receives the reports.

    Returns:
        Windows and their classes, row by row.

    Raises:
        SettingsError: the number of classes is out of range.
        InputError: the scene has no valid pixel, or other bands than the statistics.
    """
    sample = sample_standardised(scene, statistics, classes=classes, seed=seed, progress=progress)
    return map_pixels(scene, statistics, fit_kmeans(sample, classes=classes, seed=seed), progress=progress)


def mixture_map(
    scene: SceneLike,
    statistics: BandStatistics,
    *,
    classes: int,
    seed: int,
    covariance: Covariance = "full",
    progress: Progress | None = None,
) -> Blocks:
    """Map a scene by a mixture of Gaussians on standardised pixel values; as `kmeans_map`.

    Args:
        scene: what to map.
        statistics: of the scene's bands.
        classes: number of Gaussians, 2 to 254.
        seed: makes sample and starts repeatable.
        covariance: "full", one for each class, or "tied", one for all.
        progress: receives the reports.

    Raises:
        SettingsError: the number of classes is out of range, or there is no such covariance.
        InputError: the scene has no valid pixel, or other bands than the statistics.
    """
    sample = sample_standardised(scene, statistics, classes=classes, seed=seed, progress=progress)
    model = fit_mixture(sample, classes=classes, seed=seed, covariance=covariance)
    return map_pixels(scene, statistics, model, progress=progress)


def sample_standardised(
    scene: SceneLike, statistics: BandStatistics, *, classes: int, seed: int, progress: Progress | None = None
) -> NDArray[np.float32]:
    """Draw up to 60,000 valid pixels (pixel, band) of a scene and standardise them.

    Raises:
        SettingsError: the number of classes is out of range.
        InputError: the scene has no valid pixel, or other bands than the statistics.
    """
    if not 2 <= classes <= MAX_CLASSES:
        raise SettingsError(f"The number of classes must be between 2 and {MAX_CLASSES}, not {classes}.")
    pixels = sample_pixels([scene], seed=seed, max_blocks=_SAMPLE_BLOCKS, progress=progress)
    if pixels.shape[1] > _SAMPLE_PIXELS:
        rng = np.random.default_rng(seed)
        pixels = pixels[:, rng.choice(pixels.shape[1], size=_SAMPLE_PIXELS, replace=False)]
    row = pixels[:, None, :]  # (band, 1, pixel): an image of one row
    return statistics.normalise(row, np.ones(row.shape[1:], dtype=bool))[:, 0].T


def map_pixels(
    scene: SceneLike, statistics: BandStatistics, model: PixelModel, *, progress: Progress | None = None
) -> Blocks:
    """Map a scene by a fitted model, block by block.

    Args:
        scene: what to map.
        statistics: of the bands that the model was fitted to.
        model: tells the classes.
        progress: receives the reports.

    Yields:
        Windows and their classes, row by row.
    """
    grid = tile_grid(scene.height, scene.width, core_px=_BLOCK_PX, halo_px=0, stride_px=1)
    with (progress or Progress()).stage("baseline", len(grid), "block") as stage:
        for tile in grid:
            image, valid = scene.read(tile.core)
            pixels = statistics.normalise(image, valid)[:, valid].T  # (pixel, band)
            classes = np.zeros(valid.shape, dtype=np.uint8)
            if len(pixels):
                classes[valid] = model.predict(pixels) + 1
            yield tile.core, classes
            stage.advance()
