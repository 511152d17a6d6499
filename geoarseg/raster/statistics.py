"""Robust statistics of each band, and the normalisation that rests on them.

The centre is the median, the scale the spread between the 5th and the 95th percentile divided by 3.29, which
for a normal distribution is the standard deviation: a few clouds or saturated roofs move neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.progress import Progress
from geoarseg.raster.memory import SceneLike, check_same_bands
from geoarseg.raster.window import TileGrid, Window, tile_grid

Block = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Image (band, y, x) float32, 0 where invalid, and valid (y, x) bool."""
Place = tuple[int, Window, NDArray[np.float32], NDArray[np.bool_]]
"""The index of a scene, a window of it, and the block there."""
CLIP = 5.0
"""Normalised values end at plus and minus this many scales."""
BLOCK_PX = 256
"""Side of a sampled block."""

_NORMAL_SPREAD = 3.29  # standard deviations between the 5th and the 95th percentile of a normal distribution
_MAX_PIXELS = 1 << 20  # valid pixels kept in all: percentiles of a million are exact enough
_LOOKS_PER_BLOCK = 16  # blocks looked at for each one wanted, when many are empty
_LAST_LOOKS = 8192  # blocks looked at before a scene counts as empty


@dataclass(frozen=True)
class BandStatistics:
    """Centre and scale of each band; travels with the model."""

    centre: tuple[float, ...]
    """Median of each band, in the raster's units."""
    scale: tuple[float, ...]
    """Robust standard deviation of each band, in the raster's units; never 0."""

    def __post_init__(self) -> None:
        if len(self.centre) != len(self.scale) or not all(0 < scale < np.inf for scale in self.scale):
            raise ValueError(f"each centre needs a positive scale: {self.centre} and {self.scale}")

    @property
    def band_count(self) -> int:
        """Number of bands."""
        return len(self.centre)

    def normalise(self, image: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Bring all bands to centre 0 and scale 1.

        Args:
            image: (..., band, y, x) float32, in the raster's units.
            valid: (..., y, x) bool.

        Returns:
            (..., band, y, x) float32 within -5 and 5; 0, the centre, where invalid.

        Raises:
            InputError: the image has another number of bands.
        """
        if image.shape[-3] != self.band_count:
            raise InputError(
                f"The image has {image.shape[-3]} bands, its statistics have {self.band_count}.",
                "Pick the same bands as in training.",
            )
        centre = np.array(self.centre, dtype=np.float32)[:, None, None]
        scale = np.array(self.scale, dtype=np.float32)[:, None, None]
        normalised: NDArray[np.float32] = image - centre  # (..., band, y, x), changed in place from here on
        normalised /= scale
        np.clip(normalised, -CLIP, CLIP, out=normalised)
        np.copyto(normalised, 0, where=~valid[..., None, :, :])
        return normalised


def estimate_statistics(
    scenes: Sequence[SceneLike], *, seed: int, max_blocks: int = 64, progress: Progress | None = None
) -> BandStatistics:
    """Estimate the statistics of all scenes together from a random sample of their blocks.

    Args:
        scenes: one or more scenes with equally many bands.
        seed: makes the sample repeatable.
        max_blocks: blocks of 256 x 256 pixels to read, drawn in proportion to the scenes' areas.
        progress: receives the reports.

    Raises:
        InputError: no valid pixel was found, or the scenes have different bands.
    """
    sample = sample_pixels(scenes, seed=seed, max_blocks=max_blocks, progress=progress)
    low, centre, high = np.percentile(sample, (5, 50, 95), axis=1)
    spread = (high - low) / _NORMAL_SPREAD
    deviation = sample.std(axis=1, dtype=np.float64)
    # Most pixels of a band may share one value, and all of them may.
    scale = np.where(spread > 0, spread, np.where(deviation > 0, deviation, 1.0))
    return BandStatistics(tuple(map(float, centre)), tuple(map(float, scale)))


def estimate_percentiles(
    scenes: Sequence[SceneLike],
    *,
    seed: int,
    low: float = 2,
    high: float = 98,
    max_blocks: int = 64,
    progress: Progress | None = None,
) -> tuple[tuple[float, float], ...]:
    """Estimate two percentiles of each band, to stretch the contrast of a picture between them.

    Raises:
        InputError: no valid pixel was found, or the scenes have different bands.
    """
    sample = sample_pixels(scenes, seed=seed, max_blocks=max_blocks, progress=progress)
    ends = np.percentile(sample, (low, high), axis=1)  # (2, band)
    return tuple((float(bottom), float(top)) for bottom, top in ends.T)


def sample_pixels(
    scenes: Sequence[SceneLike], *, seed: int, max_blocks: int, progress: Progress | None = None
) -> NDArray[np.float32]:
    """Draw valid pixels (band, pixel) from random blocks of 256 x 256; all blocks if there are no more.

    Raises:
        InputError: no valid pixel was found, or the scenes have different bands.
    """
    rng = np.random.default_rng(seed)
    limit = _MAX_PIXELS // min(sum(map(len, _grids(scenes))), max_blocks)
    blocks = random_blocks(scenes, rng=rng, max_blocks=max_blocks, progress=progress)
    return np.concatenate([_thin(image[:, valid], limit, rng) for image, valid in blocks], axis=1)


def random_blocks(
    scenes: Sequence[SceneLike], *, rng: np.random.Generator, max_blocks: int, progress: Progress | None = None
) -> Iterator[Block]:
    """Read random blocks of 256 x 256 that hold valid pixels; all of them if there are no more.

    Args:
        scenes: one or more scenes with equally many bands.
        rng: draws the blocks, in proportion to the scenes' areas.
        max_blocks: how many at most.
        progress: receives the reports.

    Yields:
        Image (band, y, x) float32 in the raster's units, and valid (y, x) bool.

    Raises:
        InputError: no valid pixel was found, or the scenes have different bands.
    """
    for _, _, image, valid in random_places(scenes, rng=rng, max_blocks=max_blocks, progress=progress):
        yield image, valid


def random_places(
    scenes: Sequence[SceneLike], *, rng: np.random.Generator, max_blocks: int, progress: Progress | None = None
) -> Iterator[Place]:
    """As `random_blocks`, and where each block lies.

    Yields:
        The index of the scene, the block's window in it, image and valid.
    """
    check_same_bands(scenes)
    grids = _grids(scenes)
    total = sum(map(len, grids))
    wanted = min(total, max_blocks)
    looks = min(total, max(wanted * _LOOKS_PER_BLOCK, _LAST_LOOKS))
    order = iter(rng.choice(total, size=looks, replace=False))
    found = 0
    with (progress or Progress()).stage("statistics", wanted, "block") as stage:
        for look, place in enumerate(_read_blocks(scenes, grids, order)):
            if place[-1].any():
                found += 1
                yield place
                stage.advance()
            if found == wanted or (found and look >= wanted * _LOOKS_PER_BLOCK):
                break
    if not found:
        raise InputError(
            f"There is no valid pixel in the image ({looks} of {total} blocks were looked at).",
            "Check its nodata value and its mask.",
        )


def _grids(scenes: Sequence[SceneLike]) -> list[TileGrid]:
    return [tile_grid(scene.height, scene.width, core_px=BLOCK_PX, halo_px=0, stride_px=1) for scene in scenes]


def _read_blocks(scenes: Sequence[SceneLike], grids: Sequence[TileGrid], order: Iterator[np.int64]) -> Iterator[Place]:
    """The blocks of these numbers, which count over all scenes."""
    first = np.cumsum([0, *map(len, grids)])  # number of each scene's first block
    for number in order:
        index = int(np.searchsorted(first, number, side="right")) - 1
        window = grids[index][int(number - first[index])].core
        yield index, window, *scenes[index].read(window)


def _thin(pixels: NDArray[np.float32], limit: int, rng: np.random.Generator) -> NDArray[np.float32]:
    if pixels.shape[1] <= limit:
        return pixels
    return pixels[:, rng.choice(pixels.shape[1], size=limit, replace=False)]
