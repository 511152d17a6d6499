"""Accuracy of a model that is still trained, over a small sample of labelled crops that stays the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.evaluation.labels import open_label_raster
from geoarseg.metrics import confusion_matrix, scores
from geoarseg.raster.scene import Scene
from geoarseg.raster.window import Window, tile_grid

_MOST_CROPS = 200
_WINDOW_PX = 256

Crop = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.integer[Any]], Window]
"""Image (band, y, x), valid (y, x), the labels (y, x) of a window in it, and that window; 0 = not labelled."""


class Model(Protocol):
    """What is judged."""

    @property
    def classes(self) -> int:
        """K."""

    @property
    def halo_px(self) -> int:
        """Context that an output pixel depends on."""

    def __call__(self, images: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (N, K, y, x)."""


def sample_of(labelled: NDArray[np.bool_], *, seed: int) -> list[int]:
    """Numbers of up to 200 of the labelled crops (crop,) of a dataset, drawn by the seed.

    Raises:
        InputError: there are none.
    """
    numbers = np.flatnonzero(labelled)
    if not len(numbers):
        raise InputError("The dataset has no labelled crops to evaluate with.", "Leave out --evaluate-every.")
    count = min(len(numbers), _MOST_CROPS)
    chosen: list[int] = np.sort(np.random.default_rng([seed, 3]).choice(numbers, count, replace=False)).tolist()
    return chosen


def judge_by_rasters(scenes: Sequence[Scene], labels: Sequence[Path], *, seed: int) -> Callable[[Model], float]:
    """One-to-one accuracy over up to 200 labelled windows of images, drawn by the seed.

    Args:
        scenes: the images.
        labels: a raster of labels for each; see `open_label_raster`.
        seed: of the draw.

    Raises:
        InputError: a raster cannot be used, or none holds a label.
    """
    grids = [tile_grid(scene.height, scene.width, core_px=_WINDOW_PX, halo_px=0, stride_px=1) for scene in scenes]
    places = [(number, tile.core) for number, grid in enumerate(grids) for tile in grid]
    chosen: list[tuple[Scene, Window, NDArray[np.uint8]]] = []
    with ExitStack() as stack:
        rasters = [
            stack.enter_context(open_label_raster(path, scene)) for scene, path in zip(scenes, labels, strict=True)
        ]
        for index in np.random.default_rng([seed, 3]).permutation(len(places)):
            number, window = places[index]
            values = rasters[number].read(window).astype(np.uint8)
            if values.any() and len(chosen) < _MOST_CROPS:
                chosen.append((scenes[number], window, values))
            if len(chosen) == _MOST_CROPS:
                break
    if not chosen:
        raise InputError("The labels are 0 all over the images.", "0 means not labelled.")

    def crop(scene: Scene, window: Window, values: NDArray[np.uint8], halo_px: int) -> Crop:
        whole = window.grown(halo_px).intersection(Window(0, 0, scene.height, scene.width))
        assert whole is not None
        return *scene.read(whole), values, window.relative_to(whole)

    return lambda model: accuracy(model, (crop(*place, model.halo_px) for place in chosen))


def accuracy(model: Model, crops: Iterable[Crop]) -> float:
    """One-to-one accuracy of a model over crops, 0 to 1; 0 when it has no valid pixel with a label."""
    total: NDArray[np.int64] = np.zeros((model.classes + 1, 256), dtype=np.int64)
    for image, valid, labels, window in crops:
        clusters = np.where(valid, model(image[None], valid[None])[0].argmax(0) + 1, 0)[window.slices]
        total += confusion_matrix(clusters, labels.astype(np.int64), clusters=model.classes, classes=255)
    return scores(total).one_to_one.accuracy if total[1:, 1:].any() else 0.0
