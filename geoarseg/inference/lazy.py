"""A segmentation as a lazy xarray: computed chunk by chunk, when and where Dask is asked for it."""

from __future__ import annotations

import json
import os
from typing import Any, Literal, overload

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from geoarseg.inference.predictor import NODATA_CONFIDENCE, Predictor, one_thread
from geoarseg.inference.work import Job, plan
from geoarseg.raster.legend import NODATA_CLASS, Legend
from geoarseg.raster.scene import Scene

_map_blocks: Any = da.map_blocks  # dask has no types
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
    job = plan(scene, predictor, window_px=window_px)
    rows, cols = (_sizes(length, job.tiles.core_px) for length in (scene.height, scene.width))
    layers: dict[str, xr.DataArray] = {}
    if probabilities:
        shares = _blocks(_probabilities, job, (predictor.classes,), rows, cols, np.float32)
        coordinates = {"class": np.arange(1, predictor.classes + 1), **scene.valid.coords}
        layers["probabilities"] = xr.DataArray(shares, dims=("class", "y", "x"), coords=coordinates)
    both = _blocks(_classes_and_confidence, job, (2,), rows, cols, np.uint8)
    classes: xr.DataArray = _on_grid(scene, both[0]).rio.write_nodata(NODATA_CLASS).rename("classes")
    legend = Legend.from_json(json.dumps(list(predictor.card.legend)))
    classes.attrs["flag_values"] = [entry.value for entry in legend]
    classes.attrs["flag_meanings"] = " ".join(entry.name.replace(" ", "_") for entry in legend)  # as in CF
    if not confidence and not probabilities:
        return classes
    layers["classes"] = classes
    if confidence:
        layers["confidence"] = _on_grid(scene, both[1]).rio.write_nodata(NODATA_CONFIDENCE)
    return xr.Dataset(layers)


def _blocks(
    function: Any, job: Job, bands: tuple[int, ...], rows: tuple[int, ...], cols: tuple[int, ...], dtype: npt.DTypeLike
) -> Any:
    empty = np.empty((0, 0, 0), dtype=dtype)  # tells dask the type, lest it calls to find out
    return _map_blocks(function, job, chunks=(bands, rows, cols), dtype=dtype, meta=empty)


def _on_grid(scene: Scene, pixels: Any) -> xr.DataArray:
    """Pixels (y, x) with the scene's coordinates and CRS."""
    return scene.valid.copy(data=pixels)


def _sizes(length: int, step: int) -> tuple[int, ...]:
    return tuple(min(step, length - start) for start in range(0, length, step))


def _tile_number(job: Job, block_info: BlockInfo) -> int:
    _, down, right = block_info[None]["chunk-location"]
    return int(down * job.tiles.shape[1] + right)


def _classes_and_confidence(job: Job, block_info: BlockInfo = None) -> npt.NDArray[np.uint8]:
    tile = job.tiles[_tile_number(job, block_info)]
    (done,) = job.compute([tile], [job.read(tile)])
    return np.stack([done.classes, done.confidence])


def _probabilities(job: Job, block_info: BlockInfo = None) -> npt.NDArray[np.float32]:
    tile = job.tiles[_tile_number(job, block_info)]
    image, valid = job.read(tile)
    with one_thread():
        probabilities = job.predictor(image[None], valid[None])[0][:, *tile.core_in_read]
    inside = valid[tile.core_in_read]
    return np.where(inside, probabilities, np.float32(np.nan))
