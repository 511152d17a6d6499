"""Score a class map against labels on the same pixels: arrays at once, rasters block by block."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.metrics import Scores, confusion_matrix, scores
from geoarseg.progress import Progress
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.raster.source import PathLike
from geoarseg.raster.window import Window, tile_grid

_BLOCK_PX = 1024
_HIGHEST = 255  # class rasters are uint8
_TOLERANCE_PX = 0.01  # grids that differ by less over the whole raster are one grid


def score_maps(predicted: NDArray[Any], reference: NDArray[Any], *, ignore: Collection[int] = ()) -> Scores:
    """Score a class map held in memory.

    Args:
        predicted: classes (y, x), an integer dtype; 0 = nodata.
        reference: labels (y, x), an integer dtype; 0 = not labelled.
        ignore: further values of the labels that are not scored.

    Raises:
        InputError: the shapes differ, a value is negative, or no pixel has both a label and a class.
    """
    return scores(confusion_matrix(predicted, reference, ignore=ignore))


def score_rasters(
    classes_path: PathLike,
    labels_path: PathLike,
    *,
    ignore: Collection[int] = (),
    progress: Progress | None = None,
) -> Scores:
    """Score a class raster against a label raster of the same grid, in bounded memory.

    Args:
        classes_path: one band of classes, 0 to 255; 0 and the file's nodata value = no class.
        labels_path: one band of labels, 0 to 255; 0 and the file's nodata value = not labelled.
        ignore: further values of the labels that are not scored.
        progress: receives the reports.

    Raises:
        InputError: a file cannot be used, the grids differ, or no pixel has both a label and a class.
    """
    classes, labels = _open_band(classes_path), _open_band(labels_path)
    _check_same_grid(classes, labels)
    total = np.zeros((_HIGHEST + 1, _HIGHEST + 1), dtype=np.int64)
    grid = tile_grid(classes.height, classes.width, core_px=_BLOCK_PX, halo_px=0, stride_px=1)
    with (progress or Progress()).stage("score", len(grid), "block") as stage:
        for tile in grid:
            total += confusion_matrix(
                _read_values(classes, tile.core),
                _read_values(labels, tile.core),
                clusters=_HIGHEST,
                classes=_HIGHEST,
                ignore=ignore,
            )
            stage.advance()
    return scores(total)


def _open_band(path: PathLike) -> Scene:
    scene = open_scene(path)
    if scene.band_count != 1:
        raise InputError(
            f"{path} has {scene.band_count} bands; a raster of classes has one.",
            "Convert labels that are colours to class values first.",
        )
    return scene


def _read_values(scene: Scene, window: Window) -> NDArray[np.int64]:
    """Class values (y, x); 0 where the file has no data."""
    image, valid = scene.read(window)
    values = np.where(valid, image[0], 0)
    whole = np.rint(values)
    if np.any(whole != values) or values.min() < 0 or values.max() > _HIGHEST:
        raise InputError(
            f"{scene.paths[0]} holds values from {values.min():g} to {values.max():g}.",
            f"Classes must be whole numbers from 0 to {_HIGHEST}.",
        )
    return whole.astype(np.int64)


def _check_same_grid(classes: Scene, labels: Scene) -> None:
    """Refuse rasters whose pixels do not lie on each other."""
    names = f"{classes.paths[0]} and {labels.paths[0]}"
    if classes.shape != labels.shape:
        raise InputError(
            f"{names} differ in size: {classes.height} x {classes.width} and {labels.height} x {labels.width} pixels.",
            "Bring the labels onto the grid of the map, for example with gdalwarp.",
        )
    if classes.crs is not None and labels.crs is not None and classes.crs != labels.crs:
        raise InputError(
            f"{names} have different coordinate systems: {classes.crs} and {labels.crs}.",
            "Bring the labels into the coordinate system of the map.",
        )
    if None in (classes.crs, labels.crs) and _is_plain(classes) != _is_plain(labels):
        return  # one of them is a picture without a place: its size is all it tells
    off_px = _largest_shift_px(classes, labels)
    if off_px > _TOLERANCE_PX:
        raise InputError(
            f"{names} do not lie on each other: their pixels are up to {off_px:.2f} pixels apart.",
            "Bring the labels onto the grid of the map, for example with gdalwarp -tr and -te.",
        )


def _is_plain(scene: Scene) -> bool:
    return bool(scene.transform.is_identity)


def _largest_shift_px(classes: Scene, labels: Scene) -> float:
    """How far the corners of the labels lie from those of the classes, in pixels of the classes."""
    to_classes = ~classes.transform * labels.transform
    corners = [(col, row) for col in (0, labels.width) for row in (0, labels.height)]
    moved = [to_classes * corner for corner in corners]
    return float(np.abs(np.array(moved) - np.array(corners)).max())
