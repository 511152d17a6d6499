"""Label rasters, also several that make one mosaic, on the grid of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.progress import Progress
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.raster.source import PathLike, open_quietly
from geoarseg.raster.window import Window, tile_grid

_BLOCK_PX = 1024
_HIGHEST = 254


def labels_on_grid(
    scene: Scene, labels: Sequence[str], *, progress: Progress | None = None
) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
    """Read labels window by window.

    Args:
        scene: the image.
        labels: class rasters of one band that together lie on the image's grid.
        progress: receives the reports.

    Yields:
        Windows that cover the image, and the labels (y, x) in them; 0 = not labelled.

    Raises:
        InputError: a file cannot be used, or the labels do not lie on the image.
    """
    mosaic = open_scene(list(labels))
    if mosaic.band_count != 1:
        raise InputError(f"{labels[0]} has {mosaic.band_count} bands; labels have one band of class values.")
    same_place = mosaic.transform.almost_equals(scene.transform, precision=1e-6) and mosaic.crs == scene.crs
    plain = mosaic.transform.is_identity or scene.transform.is_identity
    if (mosaic.height, mosaic.width) != (scene.height, scene.width) or not (same_place or plain):
        raise InputError(
            "The labels do not lie on the grid of the image.",
            "Bring them onto it, for example with gdalwarp -tr and -te.",
        )
    grid = tile_grid(scene.height, scene.width, core_px=_BLOCK_PX, halo_px=0, stride_px=1)
    with (progress or Progress()).stage("labels", len(grid), "block") as stage:
        for tile in grid:
            image, valid = mosaic.read(tile.core)
            values = np.where(valid, image[0], 0)
            if (values < 0).any() or (values > _HIGHEST).any() or (values != np.rint(values)).any():
                raise InputError(f"The labels hold values that are no whole numbers from 0 to {_HIGHEST}.")
            yield tile.core, values.astype(np.uint8)
            stage.advance()


def label_values(path: PathLike) -> tuple[int, ...]:
    """The class values that occur in a class raster, without 0."""
    found = np.zeros(256, dtype=bool)
    with open_quietly(path) as dataset:
        for _, window in dataset.block_windows(1):
            found[np.unique(dataset.read(1, window=window))] = True
    return tuple(int(value) for value in np.flatnonzero(found) if value)
