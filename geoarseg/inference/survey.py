"""A look at random blocks of an image with a model: what its clusters look like, and where each is at its purest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from geoarseg.inference.predictor import Predictor, one_thread
from geoarseg.progress import Progress
from geoarseg.raster.memory import SceneLike
from geoarseg.raster.spectra import SpectraSums, Spectrum
from geoarseg.raster.statistics import random_places
from geoarseg.raster.window import Window

SURVEY_BLOCKS = 48
"""Blocks of 256 x 256 pixels that are looked at, if there are so many."""


@dataclass(frozen=True)
class Surveyed:
    """One block and its clusters."""

    scene: int
    """Index of the scene it lies in."""
    window: Window
    """Where in the scene."""
    image: NDArray[np.float32]
    """(band, y, x), in the raster's units."""
    clusters: NDArray[np.uint8]
    """(y, x), the most probable cluster from 1; 0 where there is no data."""
    confidence: NDArray[np.float32]
    """(y, x), the probability of the class of that cluster, 0 to 1."""


@dataclass(frozen=True)
class Site:
    """The middle of a patch of one cluster."""

    scene: int
    """Index of the scene."""
    row: int
    """Row of the pixel in the scene."""
    col: int
    """Column of the pixel."""
    radius_px: float
    """Distance to the nearest pixel of another cluster."""


def survey(
    scenes: Sequence[SceneLike],
    clusters: Predictor,
    class_of: Sequence[int],
    *,
    seed: int = 0,
    max_blocks: int = SURVEY_BLOCKS,
    progress: Progress | None = None,
) -> Iterator[Surveyed]:
    """Predict random blocks, which are seen as images of their own, one at a time.

    Args:
        scenes: one or more with the bands of the model.
        clusters: a model whose classes are its clusters.
        class_of: the class of each cluster, from 1.
        seed: draws the blocks.
        max_blocks: how many.
        progress: told each block.

    Raises:
        InputError: there is no valid pixel, or the scenes have other bands.
    """
    membership = np.equal.outer(np.arange(1, max(class_of) + 1), np.asarray(class_of)).astype(np.float32)
    of = np.asarray(class_of) - 1
    rng = np.random.default_rng([seed, 4])
    with (progress or Progress()).stage("legend", unit="block") as stage:
        for index, window, image, valid in random_places(scenes, rng=rng, max_blocks=max_blocks):
            with one_thread():
                shares = clusters(image[None], valid[None])[0]  # (cluster, y, x)
            best = shares.argmax(axis=0)
            of_class = np.tensordot(membership, shares, axes=1)  # (class, y, x)
            sure = np.take_along_axis(of_class, of[best][None], axis=0)[0]
            yield Surveyed(index, window, image, np.where(valid, best + 1, 0).astype(np.uint8), sure)
            stage.advance()


def measure_spectra(blocks: Iterator[Surveyed], *, clusters: int) -> tuple[Spectrum, ...]:
    """The spectra of the clusters in the blocks, one block in memory at a time.

    Raises:
        InputError: there is no block with a valid pixel.
    """
    sums = None
    for block in blocks:
        sums = sums or SpectraSums(clusters, len(block.image))
        sums.add(block.image, block.clusters, block.confidence)
    assert sums is not None, "a survey that finds nothing raises an error of its own"
    return sums.spectra()


class SiteSearch:
    """Finds the largest patches of each cluster, block by block.

    Args:
        per_cluster: sites to keep of each, at most one of a block.
    """

    def __init__(self, per_cluster: int = 1) -> None:
        self._per_cluster = per_cluster
        self._sites: dict[int, list[Site]] = {}

    def add(self, block: Surveyed) -> None:
        """Look for patches in a block; its rim counts as the rim of a patch."""
        for cluster in np.unique(block.clusters[block.clusters > 0]).tolist():
            site = _middle(block, cluster)
            kept = sorted([*self._sites.get(cluster, []), site], key=lambda found: -found.radius_px)
            self._sites[cluster] = kept[: self._per_cluster]

    def sites(self) -> dict[int, tuple[Site, ...]]:
        """The sites of each cluster that was seen, the largest patch first."""
        return {cluster: tuple(sites) for cluster, sites in sorted(self._sites.items())}


def _middle(block: Surveyed, cluster: int) -> Site:
    depth = ndimage.distance_transform_edt(np.pad(block.clusters == cluster, 1))[1:-1, 1:-1]
    row, col = np.unravel_index(int(depth.argmax()), depth.shape)
    return Site(block.scene, block.window.row + int(row), block.window.col + int(col), float(depth[row, col]))
