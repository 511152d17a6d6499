"""An image whose bands lie in separate files of one grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.raster.bands import check_band_count, check_bands
from geoarseg.raster.locate import Version, number_of
from geoarseg.raster.source import Crs, Source
from geoarseg.raster.window import Window


@dataclass(frozen=True)
class Stack:
    """Files as one image; to a scene it is as good as a `Source`. Made by `stack_sources`."""

    path: str
    """What the image is called."""
    parts: tuple[Source, ...]
    """A file for each band, with only that band."""
    bands: tuple[int, ...]
    """The chosen bands, counted from 1 over all files."""

    @property
    def height(self) -> int:
        """Rows."""
        return self.parts[0].height

    @property
    def width(self) -> int:
        """Columns."""
        return self.parts[0].width

    @property
    def crs(self) -> Crs:
        """The rasterio CRS, or None."""
        return self.parts[0].crs

    @property
    def transform(self) -> Affine:
        """From (column, row) to coordinates."""
        return self.parts[0].transform

    @property
    def is_georeferenced(self) -> bool:
        """Whether the files say where they lie."""
        return self.parts[0].is_georeferenced

    @property
    def is_rotated(self) -> bool:
        """Whether rows and columns run askew to the axes of the CRS."""
        return self.parts[0].is_rotated

    @property
    def band_names(self) -> tuple[str, ...]:
        """Description of each band."""
        return tuple(part.band_names[0] for part in self.parts)

    @property
    def band_roles(self) -> tuple[str | None, ...]:
        """Role of each band."""
        return tuple(part.band_roles[0] for part in self.parts)

    @property
    def dtype(self) -> str:
        """Common dtype of the bands."""
        return str(np.result_type(*(part.dtype for part in self.parts)))

    @property
    def alpha_bands(self) -> tuple[int, ...]:
        """None: each file looks at its own."""
        return ()

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the first file's blocks."""
        return self.parts[0].block_shape

    @property
    def version(self) -> Version:
        """Those of all files, and what they are called."""
        names = number_of(repr([(part.path, part.bands) for part in self.parts]))
        return (names, *(number for part in self.parts for number in part.version))

    def read(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Read a window; a pixel is valid where all bands are.

        Returns:
            Image (band, y, x) float32, 0 where invalid, and valid (y, x) bool.

        Raises:
            InputError: a file cannot be read there.
        """
        pieces = [part.read(window) for part in self.parts]
        image = np.concatenate([pixels for pixels, _ in pieces])  # (band, y, x)
        valid = np.logical_and.reduce([mask for _, mask in pieces])
        image[:, ~valid] = 0
        return image, valid


def stack_sources(name: str, sources: Sequence[Source], bands: Sequence[int] | None = None) -> Stack:
    """Put files of one grid on top of each other.

    Args:
        name: what the image is called.
        sources: the files, each with one band.
        bands: bands to use, counted from 1 over all files, in this order; None = all.

    Raises:
        InputError: the files lie on different grids, or are too many.
        SettingsError: `bands` names bands that are not there.
    """
    first = sources[0]
    for other in sources[1:]:
        _check_same_grid(name, first, other)
    chosen = tuple(range(1, len(sources) + 1)) if bands is None else check_bands(bands, name, len(sources))
    check_band_count(name, len(chosen))
    return Stack(name, tuple(sources[band - 1] for band in chosen), chosen)


def _check_same_grid(name: str, first: Source, other: Source) -> None:
    sizes = [f"{source.width} x {source.height} pixels" for source in (first, other)]
    if sizes[0] != sizes[1]:
        _refuse(name, first, sizes[0], other, sizes[1])
    if first.crs != other.crs:
        _refuse(name, first, str(first.crs), other, str(other.crs))
    corner, opposite = ((0, 0), (first.width, first.height))
    shifts_px = [np.subtract(~first.transform * (other.transform * place), place) for place in (corner, opposite)]
    if np.abs(shifts_px).max() > 1e-3:
        _refuse(name, first, f"corner {first.transform * corner}", other, f"corner {other.transform * corner}")


def _refuse(name: str, first: Source, value: str, other: Source, other_value: str) -> None:
    raise InputError(
        f"The bands of {name} lie on different grids: {first.path} has {value}, {other.path} has {other_value}.",
        "Name bands of one grid.",
    )
