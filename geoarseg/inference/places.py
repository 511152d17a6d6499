"""The probabilities of a model's classes at single pixels of an image; only the windows that hold one are read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoarseg.inference.predictor import Predictor, one_thread
from geoarseg.inference.work import plan
from geoarseg.progress import Progress
from geoarseg.raster.memory import SceneLike

_WINDOW_PX = 256


def probabilities_at(
    scene: SceneLike, predictor: Predictor, pixels: NDArray[np.int64], *, progress: Progress | None = None
) -> NDArray[np.float32]:
    """Predict single pixels, as they come out in the map of the whole scene.

    Args:
        scene: the image.
        predictor: the model.
        pixels: (pixel, 2), row and column of each; all lie in the scene.
        progress: told each window.

    Returns:
        (pixel, class); NaN where there is no data.

    Raises:
        InputError: the scene has another number of bands than the model.
    """
    tiles = plan(scene, predictor, window_px=_WINDOW_PX).tiles
    rows, cols = pixels.T
    tile_of = rows // tiles.core_px * tiles.shape[1] + cols // tiles.core_px
    found = np.full((len(pixels), predictor.classes), np.nan, np.float32)
    wanted = np.unique(tile_of)
    with (progress or Progress()).stage("labels", len(wanted), "window") as stage:
        for number in wanted:
            tile, here = tiles[int(number)], np.flatnonzero(tile_of == number)
            image, valid = scene.read(tile.read)
            at = rows[here] - tile.read.row, cols[here] - tile.read.col
            if valid[at].any():
                with one_thread():
                    shares = predictor(image[None], valid[None])[0]
                found[here] = np.where(valid[at], shares[:, *at], np.nan).T
            stage.advance()
    return found
