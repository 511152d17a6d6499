"""A scene: one raster file, or several as one mosaic, read lazily.

`open_scene` looks at metadata only. A `Scene` can be read window by window, or taken as a lazy xarray.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dask.array as da
import numpy as np
import rioxarray  # noqa: F401 -- registers the `.rio` accessor
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.raster.images import find_images, open_image
from geoarseg.raster.locate import PathLike
from geoarseg.raster.memory import check_inside
from geoarseg.raster.mosaic import PlacedSource, place_sources
from geoarseg.raster.source import Crs
from geoarseg.raster.window import Window

_CHUNK_PX = 1024
_METRES_PER_DEGREE = 111_320.0
_map_blocks: Any = da.map_blocks  # dask has no types
BlockInfo = Any  # dask says in it which part of the array a call makes


@dataclass(frozen=True)
class Scene:
    """One raster file, or several on one pixel grid. Holds metadata only; picklable. Made by `open_scene`."""

    height: int
    """Rows."""
    width: int
    """Columns."""
    crs: Crs
    """The rasterio CRS, or None."""
    transform: Affine
    """From (column, row) to coordinates, as in the file to the bit; the identity without georeference."""
    band_names: tuple[str, ...]
    """Description of each band, or "band 1" and so on."""
    band_roles: tuple[str | None, ...]
    """Guess of what each band is: "red", "green", "blue", "nir" or None."""
    sources: tuple[PlacedSource, ...]
    """The files and their integer offsets; where files overlap, the first that is valid wins."""
    dtype: str
    """Dtype of the pixels in the files, as numpy names it."""

    @property
    def band_count(self) -> int:
        """Feature bands; alpha bands are not counted."""
        return len(self.band_names)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Bands, rows, columns."""
        return self.band_count, self.height, self.width

    @property
    def paths(self) -> tuple[str, ...]:
        """Absolute paths or GDAL names of the files."""
        return tuple(placed.source.path for placed in self.sources)

    @property
    def pixel_m(self) -> float | None:
        """Side of a pixel in metres, for geographic coordinates at the equator; None where no CRS tells it."""
        if self.crs is None or not (self.crs.is_geographic or self.crs.is_projected):
            return None
        unit_m = _METRES_PER_DEGREE if self.crs.is_geographic else float(self.crs.linear_units_factor[1])
        return math.sqrt(abs(self.transform.determinant)) * unit_m

    def read(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Read a window.

        Returns:
            Image (band, y, x) float32, 0 where invalid, and valid (y, x) bool.

        Raises:
            ValueError: the window leaves the scene.
            InputError: a file cannot be read there.
        """
        check_inside(window, self.height, self.width)
        image = np.zeros((self.band_count, *window.shape), dtype=np.float32)
        valid = np.zeros(window.shape, dtype=bool)
        for placed in self.sources:
            part = placed.window.intersection(window)
            if part is None:
                continue
            if part == window and len(self.sources) == 1:
                return placed.source.read(part.relative_to(placed.window))
            inside = part.relative_to(window).slices
            if valid[inside].all():
                continue
            pixels, has_data = placed.source.read(part.relative_to(placed.window))
            new = has_data & ~valid[inside]
            image[(slice(None), *inside)][:, new] = pixels[:, new]
            valid[inside] |= new
        return image, valid

    @cached_property
    def lazy(self) -> xr.DataArray:
        """The pixels as a dask-backed array (band, y, x) float32, NaN where invalid; reads nothing."""
        rows, cols = self._chunks
        empty = np.empty((0, 0, 0), dtype=np.float32)  # tells dask the type, lest it calls to find out
        chunks = ((self.band_count,), rows, cols)
        pixels = _map_blocks(_load_pixels, self, chunks=chunks, dtype=np.float32, meta=empty)
        coordinates = {"band": np.arange(1, self.band_count + 1)} | self._coordinates
        array = xr.DataArray(pixels, dims=("band", "y", "x"), coords=coordinates)
        array.attrs["long_name"] = self.band_names
        return self._georeferenced(array)

    @cached_property
    def valid(self) -> xr.DataArray:
        """The validity mask as a dask-backed array (y, x) bool; reads nothing."""
        empty = np.empty((0, 0), dtype=bool)
        mask = _map_blocks(_load_mask, self, chunks=self._chunks, dtype=bool, meta=empty)
        return self._georeferenced(xr.DataArray(mask, dims=("y", "x"), coords=self._coordinates))

    @property
    def _chunks(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        block_height, block_width = self.sources[0].source.block_shape
        rows, cols = _chunk_px(block_height), _chunk_px(block_width)
        if block_width >= self.width > _CHUNK_PX:
            cols = self.width  # strips: whole rows, as many as make the area of a square chunk
            rows = max(block_height, _CHUNK_PX * _CHUNK_PX // self.width // block_height * block_height)
        return _split(self.height, rows), _split(self.width, cols)

    @property
    def _coordinates(self) -> dict[str, NDArray[Any]]:
        """Pixel centres; a rotated scene has no coordinates that belong to rows and columns alone."""
        t = self.transform
        if t.b != 0 or t.d != 0:
            return {}
        rows, cols = np.arange(self.height) + 0.5, np.arange(self.width) + 0.5
        return {"y": t.f + rows * t.e, "x": t.c + cols * t.a}

    def _georeferenced(self, array: xr.DataArray) -> xr.DataArray:
        if self.crs is not None:
            array = array.rio.write_crs(self.crs)
        georeferenced: xr.DataArray = array.rio.write_transform(self.transform)
        return georeferenced

    def __getstate__(self) -> dict[str, Any]:
        # The cached lazy arrays hold this scene in turn, and can be made again at no cost.
        return {name: value for name, value in self.__dict__.items() if name not in ("lazy", "valid")}


def open_scene(paths: PathLike | Sequence[PathLike], *, bands: Sequence[int] | None = None) -> Scene:
    """Open one raster file, or several as one mosaic, without reading pixels.

    Args:
        paths: one image or several: a path, address or GDAL name, a folder, a pattern such as `tiles/*.tif`, or a STAC
            item. All that they name make one mosaic.
        bands: bands to use, counted from 1, in this order; None = all but alpha.

    Raises:
        InputError: a file cannot be used, or the files do not form a mosaic.
        SettingsError: `bands` names bands that are not there.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not several:
        raise InputError("No raster was given.", "Name one or more raster files.")
    placed, transform = place_sources([open_image(name, bands) for name in find_images(several)])
    first = placed[0].source
    return Scene(
        height=max(p.window.row_stop for p in placed),
        width=max(p.window.col_stop for p in placed),
        crs=first.crs,
        transform=transform,
        band_names=first.band_names,
        band_roles=first.band_roles,
        sources=placed,
        dtype=str(np.result_type(*(p.source.dtype for p in placed))),
    )


def _chunk_px(block_px: int) -> int:
    """A multiple of the block's side near 1024."""
    return block_px if block_px >= _CHUNK_PX else _CHUNK_PX // block_px * block_px


def _split(length: int, step: int) -> tuple[int, ...]:
    return tuple(min(step, length - start) for start in range(0, length, step))


def _window_of(location: Sequence[tuple[int, int]]) -> Window:
    (row, row_stop), (col, col_stop) = location[-2:]
    return Window(row, col, row_stop - row, col_stop - col)


def _load_pixels(scene: Scene, block_info: BlockInfo = None) -> NDArray[np.float32]:
    image, valid = scene.read(_window_of(block_info[None]["array-location"]))
    image[:, ~valid] = np.nan
    return image


def _load_mask(scene: Scene, block_info: BlockInfo = None) -> NDArray[np.bool_]:
    return scene.read(_window_of(block_info[None]["array-location"]))[1]
