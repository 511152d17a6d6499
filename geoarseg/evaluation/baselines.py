"""Maps by free methods that need no network: what a trained one has to beat.

A model is fitted to a bounded random sample, then the scene is mapped window by window, whatever its size. Windows are
read with as much around them as the model looks at, so the map does not depend on them::

    model = fit_baseline(scene, statistics, method="texture", classes=6, seed=0, smoothing_px=4)
    for window, classes in map_scene(scene, statistics, model): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.fitting import CONSENSUS_BLOCKS, fit_consensus, fit_texture_mixture
from geoarseg.clustering.image_model import Bands, ImageModel, Pixelwise, smoothed
from geoarseg.clustering.kmeans import fit_kmeans
from geoarseg.clustering.mixture import Covariance, fit_mixture
from geoarseg.clustering.recipe import FINE, Recipe
from geoarseg.errors import SettingsError
from geoarseg.progress import Progress
from geoarseg.raster.legend import MAX_CLASSES
from geoarseg.raster.memory import SceneLike
from geoarseg.raster.statistics import BandStatistics, random_blocks, sample_pixels
from geoarseg.raster.window import Window, next_multiple, tile_grid

Baseline = Literal["kmeans", "mixture-full", "mixture-tied", "texture", "consensus"]
Blocks = Iterator[tuple[Window, NDArray[np.uint8]]]
"""Disjoint windows that cover a scene, and their classes (y, x) uint8: 1 to K, 0 = nodata."""

_SAMPLE_PIXELS = 60_000
_SAMPLE_BLOCKS = 64
_BLOCK_PX = 512


def kmeans_map(
    scene: SceneLike, statistics: BandStatistics, *, classes: int, seed: int, progress: Progress | None = None
) -> Blocks:
    """Map a scene by K-means on standardised pixel values.

    The model is fitted before this returns; the windows are mapped as they are asked for.

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
    model = fit_baseline(scene, statistics, method="kmeans", classes=classes, seed=seed, progress=progress)
    return map_scene(scene, statistics, model, progress=progress)


def fit_baseline(
    scene: SceneLike,
    statistics: BandStatistics,
    *,
    method: Baseline,
    classes: int,
    seed: int,
    smoothing_px: int = 0,
    recipe: Recipe = FINE,
    progress: Progress | None = None,
) -> ImageModel:
    """Fit a method to a sample of a scene.

    Args:
        scene: what to map.
        statistics: of the scene's bands.
        method: K-means and mixtures on single pixels, a full mixture on bands with texture, or the consensus of
            several mixtures.
        classes: number of clusters, 2 to 254.
        seed: makes sample and starts repeatable.
        smoothing_px: radius of a guided filter over the probabilities, which in a consensus is over each member's; 0
            for none.
        recipe: of the consensus; but for its filter.
        progress: receives the reports.

    Raises:
        SettingsError: the number of classes is out of range, the radius is negative, or there is no such method.
        InputError: the scene has no valid pixel, or other bands than the statistics.
    """
    if method not in get_args(Baseline):
        raise SettingsError(f"There is no method {method!r}.", f"Choose from {', '.join(get_args(Baseline))}.")
    if not 2 <= classes <= MAX_CLASSES:
        raise SettingsError(f"The number of classes must be between 2 and {MAX_CLASSES}, not {classes}.")
    if smoothing_px < 0:
        raise SettingsError(f"The radius of the filter must be 0 px or more, not {smoothing_px}.")
    if method in ("texture", "consensus"):
        rng = np.random.default_rng(seed)
        count = CONSENSUS_BLOCKS if method == "consensus" else _SAMPLE_BLOCKS
        blocks = random_blocks([scene], rng=rng, max_blocks=count, progress=progress)
        images = [(statistics.normalise(image, valid), valid) for image, valid in blocks]
        if method == "consensus":
            own = replace(recipe, smoothing_px=smoothing_px)
            return fit_consensus(images, classes=classes, seed=seed, recipe=own, progress=progress)
        mixture = fit_texture_mixture(images, classes=classes, seed=seed, pixels=_SAMPLE_PIXELS, rng=rng)
        return smoothed(mixture, smoothing_px)
    sample = _sample_bands(scene, statistics, seed=seed, progress=progress)
    if method == "kmeans":
        return smoothed(Pixelwise(Bands(), fit_kmeans(sample, classes=classes, seed=seed)), smoothing_px)
    covariance: Covariance = "full" if method == "mixture-full" else "tied"
    model = fit_mixture(sample, classes=classes, seed=seed, covariance=covariance)
    return smoothed(Pixelwise(Bands(), model), smoothing_px)


def map_scene(
    scene: SceneLike,
    statistics: BandStatistics,
    model: ImageModel,
    *,
    alignment_px: int = 1,
    progress: Progress | None = None,
) -> Blocks:
    """Map a scene by a fitted model, window by window.

    Args:
        scene: what to map.
        statistics: of the bands that the model was fitted to.
        model: tells the classes.
        alignment_px: windows start on multiples of this, which a network's stride asks for.
        progress: receives the reports.

    Yields:
        Windows and their classes, row by row.
    """
    core_px, halo_px = (next_multiple(px, alignment_px) for px in (_BLOCK_PX, model.reach_px))
    grid = tile_grid(scene.height, scene.width, core_px=core_px, halo_px=halo_px, stride_px=alignment_px)
    with (progress or Progress()).stage("baseline", len(grid), "block") as stage:
        for tile in grid:
            image, valid = scene.read(tile.read)
            classes = np.zeros(tile.core.shape, dtype=np.uint8)
            inside = valid[tile.core_in_read]
            if inside.any():
                shares = model.memberships(statistics.normalise(image, valid), valid)
                found = shares[(slice(None), *tile.core_in_read)].argmax(axis=0)
                classes[inside] = found[inside] + 1
            yield tile.core, classes
            stage.advance()


def _sample_bands(
    scene: SceneLike, statistics: BandStatistics, *, seed: int, progress: Progress | None
) -> NDArray[np.float32]:
    """Up to 60,000 valid pixels (pixel, band) of a scene, standardised."""
    pixels = sample_pixels([scene], seed=seed, max_blocks=_SAMPLE_BLOCKS, progress=progress)
    if pixels.shape[1] > _SAMPLE_PIXELS:
        rng = np.random.default_rng(seed)
        pixels = pixels[:, rng.choice(pixels.shape[1], size=_SAMPLE_PIXELS, replace=False)]
    row = pixels[:, None, :]  # (band, 1, pixel): an image of one row
    return statistics.normalise(row, np.ones(row.shape[1:], dtype=bool))[:, 0].T
