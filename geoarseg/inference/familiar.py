"""Whether an image is like those that a model was trained on.

A model maps whatever it is given. Pixels of another size, bands in another order or values in other units give a map
that looks like one and means nothing, so a few pixels are looked at beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geoarseg.inference.work import Job
from geoarseg.network.checkpoint import ModelCard
from geoarseg.raster.statistics import BLOCK_PX, CLIP, BandStatistics
from geoarseg.raster.window import Window

_TIMES = 1.5  # a pixel so many times as large shows other things
_BLOCKS = 4  # with data that are looked at
_LOOKS = 32  # at most, when many are empty
_FLAT = 0.02  # of the spread in training is next to none


def strange_pixels(pixel_m: float | None, card: ModelCard) -> str | None:
    """A sentence, if pixels of this side in metres are not of the size of those of the training; None = unknown."""
    if pixel_m is None or card.pixel_m is None or 1 / _TIMES < pixel_m / card.pixel_m < _TIMES:
        return None
    return (
        f"its pixels are of {pixel_m:.3g} m, those of the training were of {card.pixel_m:.3g} m."
        " Resample it with gdalwarp -tr, or train on it."
    )


def strange_values(job: Job) -> str | None:
    """A sentence, if most values of a band lie beyond those of the training, or all bands are next to flat.

    Reads four blocks of 256 x 256 pixels at most, of those that are to be mapped.

    Raises:
        InputError: the image cannot be read.
    """
    values, card = _sample(job), job.predictor.card
    if values is None:
        return None
    far = _far(values, job.predictor.statistics)
    if far:
        medians = np.median(values, axis=1)
        found = ", ".join(
            f"{medians[band]:.4g} in band {card.bands[band]} (then {card.centre[band]:.4g})" for band in far
        )
        return f"its values are not those of the training: a median of {found}. Are bands and units the same?"
    low, high = np.percentile(values, (5, 95), axis=1)
    if values.shape[1] > 1 and ((high - low) < _FLAT * np.array(card.scale)).all():
        return "its values hardly differ beside those of the training. Are the units the same?"
    return None


def _far(values: NDArray[np.float32], statistics: BandStatistics) -> Sequence[int]:
    """The bands of which most values (band, pixel) are so far off that the network does not tell them apart."""
    centre, scale = (np.array(figures)[:, None] for figures in (statistics.centre, statistics.scale))
    beyond = (np.abs(values - centre) > CLIP * scale).mean(axis=1)
    return np.flatnonzero(beyond > 0.5).tolist()


def _sample(job: Job) -> NDArray[np.float32] | None:
    """Values (band, pixel) of blocks that are to be mapped; None where those that were looked at are empty."""
    count = len(job.tiles)
    found: list[NDArray[np.float32]] = []
    for number in np.random.default_rng(0).choice(count, size=min(count, _LOOKS), replace=False).tolist():
        tile = job.tiles[number]
        if not job.is_wanted(tile):
            continue
        core = tile.core
        image, valid = job.scene.read(Window(core.row, core.col, min(core.height, BLOCK_PX), min(core.width, BLOCK_PX)))
        if valid.any():
            found.append(image[:, valid])
        if len(found) == _BLOCKS:
            break
    return np.concatenate(found, axis=1) if found else None
