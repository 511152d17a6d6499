"""The lazy segmentation of an xarray that comes from elsewhere, such as rioxarray.

Its pixels come through Dask's graph, so that a chunk of it is made once for all windows that touch it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import rioxarray  # noqa: F401 -- registers the `.rio` accessor
import xarray as xr
from dask.base import tokenize
from dask.delayed import delayed
from dask.highlevelgraph import HighLevelGraph

from geoarseg.errors import InputError
from geoarseg.inference.lazy import Model, chunk_sizes, labelled, planes_in, planes_of
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.work import Job, Pixels, plan
from geoarseg.raster.validity import has_data
from geoarseg.raster.window import Window

_delayed: Any = delayed  # dask has no types
_tokenize: Any = tokenize
_dask_array: Any = da.Array
_DIMENSIONS = ("band", "y", "x")


@dataclass(frozen=True)
class _Outline:
    """What a plan asks of a scene."""

    height: int
    """Rows."""
    width: int
    """Columns."""
    band_count: int
    """Bands."""

    def read(self, window: Window) -> Pixels:
        """Never called: the graph brings the pixels."""
        raise NotImplementedError


def segment_array(
    array: xr.DataArray,
    model: Model,
    *,
    window_px: int = 512,
    device: str = "auto",
    confidence: bool = False,
    probabilities: bool = False,
) -> xr.DataArray | xr.Dataset:
    """Segment an array lazily: nothing is read or computed until the result is.

    The result is that of `geoarseg.segment` on a file of these pixels. Each window waits only for the chunks of the
    array that it touches with its halo.

    Args:
        array: pixel values (band, y, x), or (y, x) for a model of one band, of integers or floats; in any order of its
            dimensions, with or without Dask. Pixels without data are NaN or the array's nodata value (`rio.nodata`).
        model: a model, or the path of a model file.
        window_px: side of a window and of a chunk of the result, in pixels; rounded up to the network's stride.
        device: where a model file is loaded to: auto, cpu, cuda ...
        confidence: as in `geoarseg.segment`.
        probabilities: as in `geoarseg.segment`.

    Returns:
        As `geoarseg.segment`, with the array's coordinates, CRS and transform.

    Raises:
        InputError: the array has other dimensions or another type, or does not fit the model.
        ModelFileError: the model file cannot be used.
    """
    image = _checked(array, window_px)
    predictor = model if isinstance(model, Predictor) else Predictor.from_file(model, device=device)
    outline = _Outline(image.sizes["y"], image.sizes["x"], image.sizes["band"])
    job = plan(outline, predictor, window_px=window_px, probabilities="exact" if probabilities else "none")
    grid = _grid_of(array, image)
    return labelled(_planes(job, image), grid, predictor, confidence=confidence, probabilities=probabilities)


def _checked(array: xr.DataArray, chunk_px: int) -> xr.DataArray:
    """The array as (band, y, x) on Dask.

    Raises:
        InputError: it cannot be.
    """
    if {*array.dims, "band"} != set(_DIMENSIONS):
        raise InputError(
            f"The array must have the dimensions {', '.join(_DIMENSIONS)}, not {', '.join(map(str, array.dims))}.",
            "Rename them, as in array.rename(lat='y', lon='x'), and pick one of any other, as in array.isel(time=0).",
        )
    if array.dtype.kind not in "iuf":
        raise InputError(f"The array holds {array.dtype}.", "Convert it to integers or floats.")
    if 0 in array.shape:
        raise InputError(f"The array of {' x '.join(map(str, array.shape))} values is empty.")
    lazy = array if array.chunks is not None else array.chunk({"y": chunk_px, "x": chunk_px})
    return (lazy if "band" in lazy.dims else lazy.expand_dims("band")).transpose(*_DIMENSIONS)


def _grid_of(array: xr.DataArray, image: xr.DataArray) -> xr.DataArray:
    """An array (y, x) with the coordinates and the CRS, but without what belongs to the pixels."""
    plane = image.isel(band=0, drop=True)
    grid = xr.DataArray(np.broadcast_to(False, plane.shape), dims=("y", "x"), coords=plane.coords)
    return grid if array.rio.crs is None else grid.rio.write_crs(array.rio.crs)


def _planes(job: Job, image: xr.DataArray) -> Any:
    """As those of `geoarseg.inference.lazy`, each window from the chunks that it touches."""
    pixels = image.data.rechunk({0: -1})
    sent_once = _delayed(job, pure=True, traverse=False)  # to each worker, not with each window
    nodata = image.rio.nodata
    name = f"segment-{_tokenize(job, pixels.name, nodata)}"
    graph: dict[Any, Any] = {}
    for number, tile in enumerate(job.tiles):
        places, chunks = _touched(pixels, tile.read)
        row, col = divmod(number, job.tiles.shape[1])
        graph[name, 0, row, col] = (_compute, sent_once.key, number, nodata, places, chunks)
    count, dtype = planes_of(job)
    sizes = (chunk_sizes(length, job.tiles.core_px) for length in (job.tiles.height, job.tiles.width))
    layers = HighLevelGraph.from_collections(name, graph, dependencies=[pixels, sent_once])
    return _dask_array(layers, name, ((count,), *sizes), meta=np.empty((0, 0, 0), dtype=dtype))


def _touched(pixels: Any, wanted: Window) -> tuple[list[Window], list[tuple[str, int, int, int]]]:
    """Where the chunks lie that a window touches, and their keys in the graph."""
    sides = ((wanted.row, wanted.row_stop), (wanted.col, wanted.col_stop))
    down, right = (_stretches(sizes, *side) for sizes, side in zip(pixels.chunks[1:], sides, strict=True))
    places = [Window(top, left, height, width) for _, top, height in down for _, left, width in right]
    return places, [(pixels.name, 0, i, j) for i, _, _ in down for j, _, _ in right]


def _stretches(sizes: tuple[int, ...], start: int, stop: int) -> list[tuple[int, int, int]]:
    """Number, start and length of the chunks along one side that lie between start and stop, wholly or in part."""
    edges = [0, *accumulate(sizes)]
    first, last = bisect_right(edges, start) - 1, bisect_left(edges, stop)
    return [(number, edges[number], sizes[number]) for number in range(first, last)]


def _compute(
    job: Job, number: int, nodata: float | None, places: list[Window], chunks: list[npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    tile = job.tiles[number]
    pixels = _pasted(tile.read, places, chunks)
    valid = has_data(pixels, [nodata] * len(pixels))
    with np.errstate(over="ignore", invalid="ignore"):
        image = pixels.astype(np.float32)
    valid &= np.isfinite(image).all(axis=0)
    image[:, ~valid] = 0
    return planes_in(job, tile, (image, valid))


def _pasted(wanted: Window, places: list[Window], chunks: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """The pixels (band, y, x) of a window, from chunks that cover it."""
    pixels = np.empty((len(chunks[0]), *wanted.shape), chunks[0].dtype)
    for window, chunk in zip(places, chunks, strict=True):
        part = window.intersection(wanted)
        assert part is not None
        inside, there = (part.relative_to(whole).slices for whole in (wanted, window))
        pixels[:, *inside] = chunk[:, *there]
    return pixels
