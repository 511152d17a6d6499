"""What there is to do in one segmentation, and how one tile of it is done; the same for all ways to run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from geoarseg.errors import GeoArSegError, InputError
from geoarseg.inference.area import AreaOfInterest
from geoarseg.inference.predictor import (
    NODATA_CONFIDENCE,
    Classified,
    Predictor,
    Probabilities,
    no_probability,
    one_thread,
)
from geoarseg.raster.legend import NODATA_CLASS
from geoarseg.raster.memory import SceneLike
from geoarseg.raster.window import Tile, TileGrid, Window, next_multiple, tile_grid

Pixels = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]
"""Image (band, y, x) and validity (y, x)."""


@dataclass(frozen=True)
class SegmentedWindow:
    """The result for one window."""

    window: Window
    """Where it lies in the scene."""
    classes: npt.NDArray[np.uint8]
    """(y, x), 1..K, 0 where there is no data."""
    confidence: npt.NDArray[np.uint8]
    """(y, x), the probability of the class in percent, 255 where there is no data."""
    probabilities: npt.NDArray[Any] | None = None
    """(class, y, x), as the job wants them: percent, 255 where there is no data, or float32 and NaN; None = not."""


@dataclass(frozen=True)
class Job:
    """One segmentation: picklable, so that it can be sent to other processes."""

    scene: SceneLike
    """The image."""
    predictor: Predictor
    """The model."""
    tiles: TileGrid
    """The windows, aligned to the network and with a halo of its receptive field."""
    area: AreaOfInterest | None = None
    """Outside is no data; None = no such limit."""
    probabilities: Probabilities = "none"
    """What is wanted beside classes and confidence."""

    def is_wanted(self, tile: Tile) -> bool:
        """Whether any pixel of the tile may lie in the area of interest."""
        return self.area is None or self.area.touches(tile.core)

    def read(self, tile: Tile) -> Pixels:
        """The pixels of one tile, with its halo."""
        return self.scene.read(tile.read)

    def compute(self, tiles: Sequence[Tile], pixels: Sequence[Pixels]) -> list[SegmentedWindow]:
        """Segment tiles whose pixels have one shape; those without data in their core cost nothing."""
        results = {}
        wanted = []
        for number, tile in enumerate(tiles):
            valid = pixels[number][1][tile.core_in_read]
            if self.area is not None:
                valid = valid & self.area.mask(tile.core)
            if valid.any():
                wanted.append((number, valid))
            else:
                results[number] = self.nothing_in(tile.core)
        if wanted:
            images, valid = (_batch([pixels[number][part] for number, _ in wanted]) for part in (0, 1))
            found = self._classify(images, valid)
            for place, (number, inside) in enumerate(wanted):
                results[number] = self._crop(found, place, tiles[number], inside)
        return [results[number] for number in range(len(tiles))]

    def nothing_in(self, window: Window) -> SegmentedWindow:
        """The result for a window without data."""
        shares = None
        if self.probabilities != "none":
            shares = np.full((self.predictor.classes, *window.shape), no_probability(self.probabilities))
        return SegmentedWindow(
            window,
            np.full(window.shape, NODATA_CLASS, np.uint8),
            np.full(window.shape, NODATA_CONFIDENCE, np.uint8),
            shares,
        )

    def _classify(self, images: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> Classified:
        if self.predictor.device.type != "cpu":
            return self.predictor.classify(images, valid, probabilities=self.probabilities)
        with one_thread():
            return self.predictor.classify(images, valid, probabilities=self.probabilities)

    def _crop(self, found: Classified, place: int, tile: Tile, inside: npt.NDArray[np.bool_]) -> SegmentedWindow:
        """The core of one tile of a batch; what is not `inside` (y, x) is no data."""
        core, shares = tile.core_in_read, None
        if found.probabilities is not None:
            nothing = no_probability(self.probabilities)
            shares = np.where(inside, found.probabilities[place][:, *core], nothing)
        return SegmentedWindow(
            tile.core,
            np.where(inside, found.classes[place][core], np.uint8(NODATA_CLASS)),
            np.where(inside, found.confidence[place][core], np.uint8(NODATA_CONFIDENCE)),
            shares,
        )


def _batch(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Arrays as one with a further axis in front; a single one is not copied."""
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)


def compute_as_fits(
    job: Job, tiles: Sequence[Tile], pixels: Sequence[Pixels], on_halving: Callable[[int], None]
) -> list[SegmentedWindow]:
    """As `Job.compute`, in halves, quarters ... if the GPU's memory is not enough for all at once.

    Args:
        job: the scene and the model.
        tiles: tiles whose pixels have one shape.
        pixels: their pixels.
        on_halving: told how many tiles are tried next.

    Raises:
        GeoArSegError: the memory of the GPU is not enough for one window.
    """
    try:
        return job.compute(tiles, pixels)
    except torch.OutOfMemoryError as error:
        if len(tiles) == 1:
            height, width = tiles[0].read.shape
            raise GeoArSegError(
                f"The memory of the GPU is not enough for a window of {width} x {height} pixels.",
                "Use a smaller one: --set segment.window_px=256.",
            ) from error
    torch.cuda.empty_cache()
    half = len(tiles) // 2
    on_halving(half)
    parts = (slice(half), slice(half, None))
    return [done for part in parts for done in compute_as_fits(job, tiles[part], pixels[part], on_halving)]


def plan(
    scene: SceneLike,
    predictor: Predictor,
    *,
    window_px: int,
    region: Window | None = None,
    area: AreaOfInterest | None = None,
    probabilities: Probabilities = "none",
) -> Job:
    """Divide a segmentation into tiles.

    Args:
        scene: the image.
        predictor: the model.
        window_px: side of a window, in pixels; rounded up to the network's stride.
        region: segment only this part; None = all.
        area: segment only what lies in these polygons; None = all.
        probabilities: what is wanted beside classes and confidence.

    Raises:
        InputError: the scene has another number of bands than the model.
        SettingsError: the region leaves the scene.
    """
    if scene.band_count != predictor.statistics.band_count:
        raise InputError(
            f"The model takes {predictor.statistics.band_count} bands but the image has {scene.band_count}.",
            "Pick them with --bands.",
        )
    tiles = tile_grid(
        scene.height,
        scene.width,
        core_px=next_multiple(window_px, predictor.stride_px),
        halo_px=predictor.halo_px,
        stride_px=predictor.stride_px,
        region=region,
    )
    return Job(scene, predictor, tiles, area, probabilities)
