"""A segmentation as a lazy xarray: computed chunk by chunk, when and where Dask is asked for it."""

from __future__ import annotations

import os
from typing import Any, Literal, cast, overload

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.delayed import delayed

from geoarseg.inference.predictor import NODATA_CONFIDENCE, Predictor
from geoarseg.inference.work import Job, Pixels, plan
from geoarseg.raster.legend import NODATA_CLASS, Legend
from geoarseg.raster.scene import Scene
from geoarseg.raster.window import Tile

_map_blocks: Any = da.map_blocks  # dask has no types
_delayed: Any = delayed
BlockInfo = Any  # dask says in it which part of the array a call makes
Model = Predictor | str | os.PathLike[str]


@overload
def segment(
    scene: Scene, model: Model, *, window_px: int = ..., device: str = ...,
    confidence: Literal[False] = ..., probabilities: Literal[False] = ...,
) -> xr.DataArray: ...  # fmt: skip
@overload
def segment(
    scene: Scene, model: Model, *, window_px: int = ..., device: str = ...,
    confidence: bool = ..., probabilities: bool = ...,
) -> xr.DataArray | xr.Dataset: ...  # fmt: skip
def segment(
    scene: Scene,
    model: Model,
    *,
    window_px: int = 512,
    device: str = "auto",
    confidence: bool = False,
    probabilities: bool = False,
) -> xr.DataArray | xr.Dataset:
    """Segment a scene lazily: nothing is read or computed until the result is.

    The classes are those that `geoarseg segment` writes. Chunks are windows; each is read with its halo and goes
    through the network by itself, on the threads or the cluster that Dask is set to.

    Args:
        scene: the image.
        model: a model, or the path of a model file.
        window_px: side of a chunk, in pixels; rounded up to the network's stride.
        device: where a model file is loaded to: auto, cpu, cuda ...
        confidence: also give the probability of the class in percent, uint8, 255 where there is no data.
        probabilities: also give the probabilities of all classes, float32, NaN where there is no data.

    Returns:
        Classes (y, x) uint8, 1..K, 0 where there is no data, with coordinates, CRS and transform. With `confidence` or
        `probabilities` a dataset of `classes`, `confidence` (y, x) and `probabilities` (class, y, x).

    Raises:
        InputError: the scene does not fit the model.
        ModelFileError: the model file cannot be used.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.from_file(model, device=device)
    job = plan(scene, predictor, window_px=window_px, probabilities="exact" if probabilities else "none")
    return labelled(_planes(job), scene.valid, predictor, confidence=confidence, probabilities=probabilities)


def labelled(
    planes: Any, grid: xr.DataArray, predictor: Predictor, *, confidence: bool, probabilities: bool
) -> xr.DataArray | xr.Dataset:
    """Name what one pass gives.

    Args:
        planes: classes, confidence, and probabilities if they are wanted, (2 or 2 + K, y, x) of Dask.
        grid: an array (y, x) with the coordinates and the CRS that the result shall have.
        predictor: the model.
        confidence: give the confidence.
        probabilities: give the probabilities.

    Returns:
        As `segment`.
    """
    classes = _on_grid(grid, planes[0].astype(np.uint8)).rio.write_nodata(NODATA_CLASS).rename("classes")
    classes.attrs.update(Legend.from_rows(predictor.card.legend).to_flags())
    if not confidence and not probabilities:
        return cast(xr.DataArray, classes)
    layers = {"classes": classes}
    if confidence:
        layers["confidence"] = _on_grid(grid, planes[1].astype(np.uint8)).rio.write_nodata(NODATA_CONFIDENCE)
    if probabilities:
        numbers = {"class": np.arange(1, predictor.classes + 1)}
        shares = xr.DataArray(planes[2:], dims=("class", "y", "x"), coords=numbers | dict(grid.coords))
        layers["probabilities"] = shares.rio.write_nodata(np.nan)
    return xr.Dataset(layers)


def _planes(job: Job) -> Any:
    """All that one pass gives, (2 or 2 + K, y, x): classes, confidence, and probabilities if the job wants them."""
    count, dtype = planes_of(job)
    rows, cols = (chunk_sizes(length, job.tiles.core_px) for length in (job.tiles.height, job.tiles.width))
    sent_once = _delayed(job, pure=True, traverse=False)  # to each worker, not with each chunk
    empty = np.empty((0, 0, 0), dtype=dtype)  # tells dask the type, lest it calls to find out
    return _map_blocks(_compute, sent_once, chunks=((count,), rows, cols), dtype=dtype, meta=empty)


def planes_of(job: Job) -> tuple[int, type[np.float32 | np.uint8]]:
    """Number and type of the planes that one pass gives."""
    return (2 + job.predictor.classes, np.float32) if job.probabilities == "exact" else (2, np.uint8)


def _compute(job: Job, block_info: BlockInfo = None) -> npt.NDArray[Any]:
    _, down, right = block_info[None]["chunk-location"]
    tile = job.tiles[int(down * job.tiles.shape[1] + right)]
    return planes_in(job, tile, job.read(tile))


def planes_in(job: Job, tile: Tile, pixels: Pixels) -> npt.NDArray[Any]:
    """The planes of one tile."""
    (done,) = job.compute([tile], [pixels])
    both = np.stack([done.classes, done.confidence])
    return both if done.probabilities is None else np.concatenate([both, done.probabilities])


def _on_grid(grid: xr.DataArray, pixels: Any) -> xr.DataArray:
    """Pixels (y, x) with coordinates and CRS."""
    return grid.copy(data=pixels)


def chunk_sizes(length: int, step: int) -> tuple[int, ...]:
    """Sizes of the chunks along one side."""
    return tuple(min(step, length - start) for start in range(0, length, step))
