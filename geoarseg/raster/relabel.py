"""A class raster whose legend changes, written anew: names, colours, and classes that become one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.progress import Progress
from geoarseg.raster.cog import write_cog
from geoarseg.raster.legend import MAX_CLASSES, PALETTE, Legend, LegendEntry
from geoarseg.raster.source import GDAL_ERRORS, Dataset, one_line, open_quietly, rasterio_window
from geoarseg.raster.style import read_legend
from geoarseg.raster.window import Window, tile_grid

_READ_PX = 2048
Lookup = NDArray[np.uint8]


def class_legend(path: str | os.PathLike[str]) -> Legend:
    """The legend of a class raster; where the file has none, default names of the values that occur.

    Raises:
        InputError: the file cannot be read, or is no class raster.
    """
    with _opened(path) as dataset:
        nodata = dataset.nodata
    legend = read_legend(path)
    if legend is not None:
        return legend
    seen = np.zeros(256, bool)
    for _, pixels in _blocks(path, np.arange(256, dtype=np.uint8), Progress()):
        seen |= np.bincount(pixels.ravel(), minlength=256) > 0
    values = [int(value) for value in np.flatnonzero(seen) if 1 <= value <= MAX_CLASSES and value != nodata]
    return Legend(tuple(LegendEntry(v, f"class {v}", PALETTE[(v - 1) % len(PALETTE)]) for v in values))


def relabel_raster(
    path: str | os.PathLike[str],
    legend: Legend,
    *,
    merges: Mapping[int, int] | None = None,
    progress: Progress | None = None,
) -> None:
    """Give a class raster another legend, and other values where classes are merged.

    The file is written anew beside itself, with overviews and sidecars, and takes its place when it is whole.

    Args:
        path: a class raster of uint8.
        legend: the names and colours that it gets.
        merges: the class that takes over, by the value of the class that ends.
        progress: hears of each block.

    Raises:
        InputError: the file cannot be read, or is no class raster.
        OutputError: it cannot be written.
    """
    lookup = np.arange(256, dtype=np.uint8)
    for value, target in (merges or {}).items():
        lookup[value] = target
    with _opened(path) as dataset:
        nodata = 0 if dataset.nodata is None else int(dataset.nodata)
        grid = {"height": dataset.height, "width": dataset.width, "crs": dataset.crs, "transform": dataset.transform}
    if nodata in (merges or {}):
        raise InputError(f"{path} has {nodata} as its no-data value, which cannot be merged.")
    blocks = _blocks(path, lookup, progress or Progress())
    write_cog(path, blocks, nodata=nodata, legend=legend, overwrite=True, **grid)


def _opened(path: str | os.PathLike[str]) -> Dataset:
    if not Path(path).is_file():
        raise InputError(f"There is no file {path}.", "Check the path.")
    try:
        dataset = open_quietly(path)
    except GDAL_ERRORS as error:
        raise InputError(f"GDAL cannot read {path} as a raster ({one_line(error)}).") from error
    if dataset.count == 1 and dataset.dtypes[0] == "uint8":
        return dataset
    found = f"{dataset.count} bands of {dataset.dtypes[0]}"
    dataset.close()
    raise InputError(f"{path} has {found}, but a class raster has one of uint8.", "Give classes.tif, not the image.")


def _blocks(path: str | os.PathLike[str], lookup: Lookup, progress: Progress) -> Iterator[tuple[Window, Lookup]]:
    """The raster's blocks with other values; it is closed behind the last one, so that it can be replaced."""
    with _opened(path) as dataset:
        grid = tile_grid(dataset.height, dataset.width, core_px=_READ_PX, halo_px=0, stride_px=1)
        with progress.stage("relabel", total=len(grid), unit="block") as stage:
            for tile in grid:
                try:
                    pixels = dataset.read(1, window=rasterio_window(tile.core))
                except GDAL_ERRORS as error:
                    text = f"{path} cannot be read ({one_line(error)})."
                    raise InputError(text, "Is the file complete?") from error
                yield tile.core, lookup[pixels]
                stage.advance()
