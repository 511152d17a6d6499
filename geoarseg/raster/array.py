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
from affine import Affine

from geoarseg.errors import InputError
from geoarseg.progress import Progress, Stage
from geoarseg.raster.cog import write_cog as write_blocks
from geoarseg.raster.legend import NODATA_CLASS, Legend
from geoarseg.raster.window import Window

_CHUNK_PX = 512
_TOLERANCE_PX = 1e-6
_compute: Any = dask.base.compute  # dask has no types


def write_cog(
    array: xr.DataArray,
    path: str | os.PathLike[str],
    *,
    legend: Legend | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write classes or percentages as a Cloud Optimized GeoTIFF; memory holds one row of chunks.

    Args:
        array: (y, x) uint8, such as `geoarseg.segment` gives, or a part of it.
        path: the file to write.
        legend: names and colours of the classes; None = those in the array's attributes, if they are there.
        overwrite: replace an existing file.
        progress: told each row of chunks.

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
        legend = Legend.from_flags(array.attrs)
    with (progress or Progress()).stage("write", total=array.sizes["y"], unit="row") as stage:
        return write_blocks(
            path,
            _blocks(array, stage),
            height=array.sizes["y"],
            width=array.sizes["x"],
            crs=array.rio.crs,
            transform=_transform_of(array),
            nodata=nodata,
            legend=legend,
            overview_resampling="mode" if is_classes else "average",
            overwrite=overwrite,
        )


def _transform_of(array: xr.DataArray) -> Affine:
    """The transform of an array that may be a part of the one whose transform is written in its attributes.

    Only the coordinates tell which part. Where that is a window of the whole, the pixel size is kept to the bit.
    """
    whole: Affine = array.rio.transform()
    if "x" not in array.coords or "y" not in array.coords or whole.b or whole.d:
        return whole
    right, col = _steps(array["x"].values, whole.a, whole.c)
    down, row = _steps(array["y"].values, whole.e, whole.f)
    if (right, down) != (1, 1):
        step_x, step_y = whole.a * right, whole.e * down
        return Affine(step_x, 0, whole.c + whole.a * col, 0, step_y, whole.f + whole.e * row)
    return whole if (row, col) == (0, 0) else whole * Affine.translation(col, row)


def _steps(centres: npt.NDArray[np.float64], size: float, start: float) -> tuple[float, float]:
    """Width of an array's cells, and where the first one's edge lies, in cells of the whole that starts at `start`."""
    step = (centres[-1] - centres[0]) / size / (len(centres) - 1) if len(centres) > 1 else 1.0
    edge = (centres[0] - start) / size - step / 2
    return _whole_number(step), _whole_number(edge)


def _whole_number(value: float) -> float:
    return float(round(value)) if abs(value - round(value)) < _TOLERANCE_PX else float(value)


def _blocks(array: xr.DataArray, stage: Stage) -> Iterator[tuple[Window, npt.NDArray[np.uint8]]]:
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
        stage.advance(height)
