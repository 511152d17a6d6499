"""The seam between whoever holds pixels and whoever uses them, and a scene that lives in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.raster.window import Window

NO_TRANSFORM = Affine.identity()
"""The transform of an image without georeference, as rasterio gives it."""


class SceneLike(Protocol):
    """What statistics, sampling and inference need of a scene."""

    @property
    def height(self) -> int:
        """Rows."""

    @property
    def width(self) -> int:
        """Columns."""

    @property
    def band_count(self) -> int:
        """Feature bands."""

    def read(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Image (band, y, x) float32, 0 where invalid, and valid (y, x) bool."""


@dataclass(frozen=True, eq=False)
class MemoryScene:
    """A scene made of an array: for tests, and for arrays that come from elsewhere."""

    image: NDArray[Any]
    """Pixel values (band, y, x), any real dtype."""
    mask: NDArray[np.bool_] | None = None
    """Which pixels are valid (y, x); None = all. Pixels that are not finite are invalid in any case."""
    crs: Any = None
    """Coordinate reference system, or None."""
    transform: Affine = NO_TRANSFORM
    """From (column, row) to coordinates."""
    band_roles: tuple[str | None, ...] = ()
    """As in `Scene`; empty = unknown."""

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.image.shape[1])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.image.shape[2])

    @property
    def band_count(self) -> int:
        """Feature bands."""
        return int(self.image.shape[0])

    @property
    def band_names(self) -> tuple[str, ...]:
        """The names "band 1" and so on."""
        return tuple(f"band {band}" for band in range(1, self.band_count + 1))

    def read(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Image (band, y, x) float32, 0 where invalid, and valid (y, x) bool.

        Raises:
            ValueError: the window leaves the scene.
        """
        check_inside(window, self.height, self.width)
        image = self.image[(slice(None), *window.slices)].astype(np.float32)
        valid = np.asarray(np.isfinite(image).all(axis=0))
        if self.mask is not None:
            valid = valid & self.mask[window.slices]
        image[:, ~valid] = 0
        return image, valid


def check_same_bands(scenes: Sequence[SceneLike]) -> None:
    """Refuse scenes that cannot be looked at by one network.

    Raises:
        InputError: they have different numbers of bands.
    """
    counts = sorted({scene.band_count for scene in scenes})
    if len(counts) > 1:
        raise InputError(
            f"The images have different numbers of bands: {' and '.join(map(str, counts))}.",
            "Pick the same bands of all with --bands.",
        )


def check_inside(window: Window, height: int, width: int) -> None:
    """Refuse a window that leaves a scene of `height` x `width` pixels.

    Raises:
        ValueError: it does.
    """
    if not Window(0, 0, height, width).contains(window):
        raise ValueError(f"{window} leaves the scene of {height} x {width} pixels")
