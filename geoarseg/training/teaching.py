"""A teacher for the network: the consensus of mixtures on blocks of the image, and crops of what it says.

The consensus is the strongest method without a network. A network that learns its clusters maps with one pass what took
six mixtures, and its map is as good or better (`benchmarks/quality.md`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from geoarseg.clustering.fitting import consensus_lessons
from geoarseg.clustering.merging import MergeTree
from geoarseg.clustering.recipe import Recipe
from geoarseg.progress import Progress
from geoarseg.raster.sampling import Over
from geoarseg.raster.statistics import BandStatistics, Block
from geoarseg.settings import Settings


@dataclass(frozen=True, eq=False)
class Lesson:
    """A block of an image and what the teacher says of it."""

    image: npt.NDArray[np.float32]
    """Pixel values (band, y, x)."""
    shares: npt.NDArray[np.float32]
    """The teacher's probabilities (cluster, y, x), which sum to 1 at valid pixels and to 0 elsewhere; one is valid."""


@dataclass(frozen=True, eq=False)
class Teacher:
    """What the network is to learn. Made by `find_teacher`."""

    lessons: list[Lesson]
    """One for each block."""
    tree: MergeTree
    """How the clusters merge to classes."""
    joint: npt.NDArray[np.float64]
    """How often they meet, (cluster, cluster), by which they merge."""
    alpha: float
    """How unequal classes may be by the tree."""


def find_teacher(
    blocks: Iterable[Block],
    statistics: BandStatistics,
    *,
    settings: Settings,
    recipe: Recipe,
    progress: Progress | None = None,
) -> Teacher:
    """Fit the consensus of mixtures to blocks of an image.

    Args:
        blocks: pixel values and validity, each with a valid pixel.
        statistics: normalise them.
        settings: classes, clusters and seed.
        recipe: which mixtures, and how they merge.
        progress: hears of it.
    """
    blocks = list(blocks)
    found = consensus_lessons(
        [(statistics.normalise(image, valid), valid) for image, valid in blocks],
        classes=settings.classes,
        clusters=settings.clusters,
        seed=settings.seed,
        recipe=recipe,
        progress=progress,
    )
    lessons = [Lesson(image, shares) for (image, _), shares in zip(blocks, found.maps, strict=True)]
    return Teacher(lessons, found.tree, found.joint, found.alpha)


class LessonSampler:
    """Random square crops of lessons, each around a valid pixel; repeatable by its seed, resumable by its state.

    Attributes:
        crop_px: their side. Where a lesson is smaller, crops reach beyond it and are invalid there.

    Args:
        lessons: one or more, each with a valid pixel.
        crop_px: their side.
        seed: makes the draws repeatable.
    """

    def __init__(self, lessons: Sequence[Lesson], *, crop_px: int, seed: int) -> None:
        self.crop_px = crop_px
        self._lessons = [Lesson(_padded(lesson.image, crop_px), _padded(lesson.shares, crop_px)) for lesson in lessons]
        self._centres = [np.argwhere(lesson.shares.any(axis=0)) for lesson in self._lessons]
        counts = np.array([len(centres) for centres in self._centres], float)
        self._odds = counts / counts.sum()
        self._rng = np.random.default_rng([seed, 3])

    def draw(self, count: int, *, over: Over = map) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Images (count, band, y, x) and shares (count, cluster, y, x) of random crops; nothing is read."""
        images, shares = [], []
        for number in self._rng.choice(len(self._lessons), size=count, p=self._odds):
            lesson, centres = self._lessons[number], self._centres[number]
            centre = centres[self._rng.integers(len(centres))]
            first = np.clip(centre - self.crop_px // 2, 0, np.array(lesson.image.shape[1:]) - self.crop_px)
            part = (slice(None), *(slice(start, start + self.crop_px) for start in first))
            images.append(lesson.image[part])
            shares.append(lesson.shares[part])
        return np.stack(images), np.stack(shares)

    def state(self) -> dict[str, Any]:
        """The state of the draws, of JSON types only."""
        return {"generator": self._rng.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue as the sampler did that gave this state; it must have had the same lessons."""
        self._rng.bit_generator.state = state["generator"]


def _padded(planes: npt.NDArray[np.float32], side_px: int) -> npt.NDArray[np.float32]:
    """Planes (..., y, x) with zeros below and to the right, to this side at least."""
    missing = [max(side_px - side, 0) for side in planes.shape[-2:]]
    return np.pad(planes, [(0, 0), *((0, more) for more in missing)]) if any(missing) else planes
