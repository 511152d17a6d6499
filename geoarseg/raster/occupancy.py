"""Where in sparse scenes the valid pixels are, coarsely: for mosaics with gaps, images with margins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoarseg.raster.memory import SceneLike
from geoarseg.raster.window import Window, tile_grid

_MAX_LOOKS = 4096


@dataclass(frozen=True)
class Cell:
    """A square of a scene that holds valid pixels."""

    scene: int
    """Index of the scene."""
    window: Window
    """The square, clipped to the scene."""
    valid_px: int
    """Valid pixels in it, at least 1."""


def find_occupied(scenes: Sequence[SceneLike], *, cell_px: int, seed: int) -> list[Cell]:
    """Look at up to 4096 random cells of all scenes; returns those that hold valid pixels, in order."""
    grids = [tile_grid(scene.height, scene.width, core_px=cell_px, halo_px=0, stride_px=1) for scene in scenes]
    first = np.cumsum([0, *map(len, grids)])
    total = int(first[-1])
    rng = np.random.default_rng(seed)
    numbers: NDArray[np.int64] = np.sort(rng.choice(total, size=min(total, _MAX_LOOKS), replace=False))
    cells = []
    for number in numbers:
        index = int(np.searchsorted(first, number, side="right")) - 1
        window = grids[index][int(number - first[index])].core
        valid_px = int(scenes[index].read(window)[1].sum())
        if valid_px:
            cells.append(Cell(index, window, valid_px))
    return cells
