"""Score a class map against labels on the same pixels: arrays at once, rasters block by block."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.metrics import Counts, Scores, confusion_matrix, scores
from geoarseg.progress import Progress
from geoarseg.raster.locate import PathLike
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.raster.window import Window, tile_grid

HIGHEST = 255
"""The highest class value: class rasters are uint8."""

_BLOCK_PX = 1024
_TOLERANCE_PX = 0.01  # grids that differ by less over the whole raster are one grid

Blocks = Iterator[tuple[Window, NDArray[np.int64], NDArray[np.integer[Any]]]]
"""Disjoint windows that cover a map, its classes and its labels in them (y, x); 0 = none."""


class Labels(Protocol):
    """Labels on the grid of a map."""

    def read(self, window: Window) -> NDArray[np.integer[Any]]:
        """Class values (y, x) from 0 to 255; 0 = not labelled."""


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
    classes, labels = open_classes(classes_path), open_classes(labels_path)
    mismatch = grid_mismatch(classes, labels)
    if mismatch is not None:
        raise mismatch
    return scores(count_pixels(read_blocks(classes, ClassValues(labels), progress=progress), ignore=ignore))


class ClassValues:
    """The values of a class raster that lies on the grid."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def read(self, window: Window) -> NDArray[np.int64]:
        """Class values (y, x) from 0 to 255; 0 where the file has no data.

        Raises:
            InputError: there are other values, or the file cannot be read.
        """
        image, valid = self._scene.read(window)
        return whole_values(np.where(valid, image[0], 0), self._scene.paths[0])


def open_classes(path: PathLike) -> Scene:
    """Open a raster of classes.

    Raises:
        InputError: it cannot be used, or has several bands.
    """
    scene = open_scene(path)
    if scene.band_count != 1:
        raise InputError(
            f"{path} has {scene.band_count} bands; a raster of classes has one.",
            "Convert labels that are colours to class values first.",
        )
    return scene


def read_blocks(classes: Scene, labels: Labels, *, progress: Progress | None = None) -> Blocks:
    """Read a map and its labels block by block.

    Raises:
        InputError: a file cannot be read, or holds values that are no classes.
    """
    values = ClassValues(classes)
    grid = tile_grid(classes.height, classes.width, core_px=_BLOCK_PX, halo_px=0, stride_px=1)
    with (progress or Progress()).stage("score", len(grid), "block") as stage:
        for tile in grid:
            yield tile.core, values.read(tile.core), labels.read(tile.core)
            stage.advance()


def count_pixels(blocks: Blocks, *, ignore: Collection[int] = ()) -> Counts:
    """Count the pixels of all blocks by class of the map and of the labels, (256, 256) int64."""
    total = np.zeros((HIGHEST + 1, HIGHEST + 1), dtype=np.int64)
    for _, values, labels in blocks:
        total += confusion_matrix(values, labels, clusters=HIGHEST, classes=HIGHEST, ignore=ignore)
    return total


def whole_values(values: NDArray[Any], name: str) -> NDArray[np.int64]:
    """The values as class values.

    Raises:
        InputError: they are not whole numbers from 0 to 255.
    """
    whole = np.rint(values)
    if np.any(whole != values) or values.min() < 0 or values.max() > HIGHEST:
        raise InputError(
            f"{name} holds values from {values.min():g} to {values.max():g}.",
            f"Classes must be whole numbers from 0 to {HIGHEST}.",
        )
    found: NDArray[np.int64] = whole.astype(np.int64)
    return found


def grid_mismatch(classes: Scene, labels: Scene) -> InputError | None:
    """Say why the pixels of two rasters do not lie on each other; None if they do."""
    names = f"{classes.paths[0]} and {labels.paths[0]}"
    if (classes.height, classes.width) != (labels.height, labels.width):
        return InputError(
            f"{names} differ in size: {classes.height} x {classes.width} and {labels.height} x {labels.width} pixels.",
            "Bring the labels onto the grid of the map, for example with gdalwarp.",
        )
    if classes.crs is not None and labels.crs is not None and classes.crs != labels.crs:
        return InputError(
            f"{names} have different coordinate systems: {classes.crs} and {labels.crs}.",
            "Bring the labels into the coordinate system of the map.",
        )
    if None in (classes.crs, labels.crs) and _is_plain(classes) != _is_plain(labels):
        return None  # one of them is a picture without a place: its size is all it tells
    off_px = _largest_shift_px(classes, labels)
    if off_px > _TOLERANCE_PX:
        return InputError(
            f"{names} do not lie on each other: their pixels are up to {off_px:.2f} pixels apart.",
            "Bring the labels onto the grid of the map, for example with gdalwarp -tr and -te.",
        )
    return None


def _is_plain(scene: Scene) -> bool:
    return bool(scene.transform.is_identity)


def _largest_shift_px(classes: Scene, labels: Scene) -> float:
    """How far the corners of the labels lie from those of the classes, in pixels of the classes."""
    to_classes = ~classes.transform * labels.transform
    corners = [(col, row) for col in (0, labels.width) for row in (0, labels.height)]
    moved = [to_classes * corner for corner in corners]
    return float(np.abs(np.array(moved) - np.array(corners)).max())
