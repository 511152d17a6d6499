"""Segmenting a raster window by window, so that the result equals one pass over the whole and memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geoarseg.errors import InputError
from geoarseg.inference.predictor import Predictor
from geoarseg.progress import Progress
from geoarseg.raster.legend import NODATA_CLASS
from geoarseg.raster.memory import SceneLike
from geoarseg.raster.window import Window, next_multiple, tile_grid

NODATA_CONFIDENCE = 255
"""The confidence value that means "no data"."""


@dataclass(frozen=True)
class SegmentedWindow:
    """The result for one window."""

    window: Window
    """Where it lies in the scene."""
    classes: npt.NDArray[np.uint8]
    """(y, x), 1..K, 0 where there is no data."""
    confidence: npt.NDArray[np.uint8]
    """(y, x), the probability of the class in percent, 255 where there is no data."""


def segment_windows(
    scene: SceneLike, predictor: Predictor, *, window_px: int = 1024, progress: Progress | None = None
) -> Iterator[SegmentedWindow]:
    """Segment a scene, one window after the other, row by row.

    Windows are aligned to the network's stride and read with a halo of its receptive field, so the classes do not
    depend on `window_px`.

    Args:
        scene: the image.
        predictor: the model.
        window_px: side of a window, in pixels; rounded up to the stride.
        progress: told each window.

    Raises:
        InputError: the scene has another number of bands than the model.
    """
    if scene.band_count != predictor.statistics.band_count:
        raise InputError(
            f"The model takes {predictor.statistics.band_count} bands but the image has {scene.band_count}.",
            "Pick them with --bands.",
        )
    stride = predictor.stride_px
    tiles = tile_grid(
        scene.height,
        scene.width,
        core_px=next_multiple(window_px, stride),
        halo_px=predictor.halo_px,
        stride_px=stride,
    )
    with (progress or Progress()).stage("segment", total=scene.height * scene.width / 1e6, unit="megapixel") as stage:
        for tile in tiles:
            image, valid = scene.read(tile.read)
            core = valid[tile.core_in_read]
            if core.any():
                probabilities = predictor(image[None], valid[None])[0][:, *tile.core_in_read]
            else:
                probabilities = np.zeros((predictor.classes, *core.shape), np.float32)
            yield SegmentedWindow(tile.core, *classify(probabilities, core))
            stage.advance(tile.core.area / 1e6)


def classify(
    probabilities: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Classes and confidence in percent, both (y, x) of uint8, of probabilities (K, y, x) and validity (y, x)."""
    classes = np.where(valid, probabilities.argmax(0) + 1, NODATA_CLASS).astype(np.uint8)
    percent = np.rint(probabilities.max(0) * 100)
    return classes, np.where(valid, percent, NODATA_CONFIDENCE).astype(np.uint8)
