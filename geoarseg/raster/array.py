"""A lazy xarray to a Cloud Optimized GeoTIFF, chunk by chunk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import dask.base
import numpy as np
import numpy.typing as npt
import rioxarray  # noqa: F401 -- registers the `.rio` accessor
import xarray as xr

from geoarseg.errors import InputError
from geoarseg.raster.cog import write_cog as write_blocks
from geoarseg.raster.legend import NODATA_CLASS, Legend
from geoarseg.raster.window import Window

_CHUNK_PX = 512
_compute: Any = dask.base.compute  # dask has no types


def write_cog(
    array: xr.DataArray, path: str | os.PathLike[str], *, legend: Legend | None = None, overwrite: bool = False
) -> Path:
    """Write classes or percentages as a Cloud Optimized GeoTIFF; memory holds one row of chunks.

    Args:
        array: (y, x) uint8, such as `geoarseg.segment` gives.
        path: the file to write.
        legend: names and colours of the classes; None = class 1, class 2 ... for arrays with class 0 as no data.
        overwrite: replace an existing file.

    Returns:
        The path.

    Raises:
        InputError: the array has another shape or type.
        OutputError: the file cannot be written, or exists already.
    """
    if array.dims != ("y", "x") or array.dtype != np.uint8:
        raise InputError(
            f"A class raster is (y, x) of uint8, not {array.dims} of {array.dtype}.", "Pick one band and convert it."
        )
    nodata = NODATA_CLASS if array.rio.nodata is None else int(array.rio.nodata)
    is_classes = nodata == NODATA_CLASS
    if legend is None and is_classes:
        values = array.attrs.get("flag_values", [])
        legend = Legend.default(max(values)) if values else None
    return write_blocks(
        path,
        _blocks(array),
        height=array.sizes["y"],
        width=array.sizes["x"],
        crs=array.rio.crs,
        transform=array.rio.transform(),
        nodata=nodata,
        legend=legend,
        overview_resampling="mode" if is_classes else "average",
        overwrite=overwrite,
    )


def _blocks(array: xr.DataArray) -> Iterator[tuple[Window, npt.NDArray[np.uint8]]]:
    """The array's chunks, a row of them at a time."""
    chunked = array if array.chunks is not None else array.chunk(_CHUNK_PX)
    assert chunked.chunks is not None
    heights, widths = chunked.chunks
    row = 0
    for height in heights:
        columns = np.concatenate([[0], np.cumsum(widths)])
        parts = [chunked[row : row + height, left:right].data for left, right in pairwise(columns)]
        for left, pixels in zip(columns, _compute(*parts), strict=False):
            yield Window(row, int(left), *pixels.shape), pixels
        row += height
