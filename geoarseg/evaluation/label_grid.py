"""Labels on the grid of an image: one file of any kind, or several rasters that make one mosaic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.evaluation.features import is_vector, read_features
from geoarseg.evaluation.labels import open_label_raster
from geoarseg.evaluation.scores import ClassValues, Labels
from geoarseg.progress import Progress
from geoarseg.raster.locate import PathLike
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.raster.source import open_quietly
from geoarseg.raster.window import Window, tile_grid

_BLOCK_PX = 1024


def labels_on_grid(
    scene: Scene, labels: Sequence[str], *, progress: Progress | None = None
) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
    """Read labels window by window.

    Args:
        scene: the image.
        labels: one raster or vector layer, as `evaluate` takes it; or several class rasters of one band that together
            lie on the image's grid.
        progress: receives the reports.

    Yields:
        Windows that cover the image, and the labels (y, x) in them; 0 = not labelled.

    Raises:
        InputError: a file cannot be used, or the labels do not lie on the image.
    """
    with ExitStack() as stack:
        source: Labels
        if len(labels) > 1:
            source = _open_mosaic(scene, labels)
        elif is_vector(labels[0]):
            source = read_features(labels[0], scene)
        else:
            source = stack.enter_context(open_label_raster(labels[0], scene))
        grid = tile_grid(scene.height, scene.width, core_px=_BLOCK_PX, halo_px=0, stride_px=1)
        with (progress or Progress()).stage("labels", len(grid), "block") as stage:
            for tile in grid:
                yield tile.core, source.read(tile.core).astype(np.uint8)
                stage.advance()


def label_values(path: PathLike) -> tuple[int, ...]:
    """The class values that occur in a class raster, without 0."""
    found = np.zeros(256, dtype=bool)
    with open_quietly(path) as dataset:
        for _, window in dataset.block_windows(1):
            found[np.unique(dataset.read(1, window=window))] = True
    return tuple(int(value) for value in np.flatnonzero(found) if value)


def _open_mosaic(scene: Scene, labels: Sequence[str]) -> ClassValues:
    mosaic = open_scene(list(labels))
    if mosaic.band_count != 1:
        raise InputError(f"{labels[0]} has {mosaic.band_count} bands; tiles of labels have one band of class values.")
    same_place = mosaic.transform.almost_equals(scene.transform, precision=1e-6) and mosaic.crs == scene.crs
    if (mosaic.height, mosaic.width) != (scene.height, scene.width) or not same_place:
        raise InputError(
            "The tiles of the labels do not cover the same grid as those of the image.",
            "Make one label raster of them, which may lie on any grid.",
        )
    return ClassValues(mosaic)
