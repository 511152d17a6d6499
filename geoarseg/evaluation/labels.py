"""Label rasters on the grid of a map: class codes or the colours of ISPRS Potsdam, in any coordinate system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from geoarseg.errors import InputError
from geoarseg.evaluation.scores import grid_mismatch, whole_values
from geoarseg.raster.legend import Legend
from geoarseg.raster.locate import PathLike
from geoarseg.raster.potsdam_colours import CLASS_NAMES, COLOURS, decode_colours
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.raster.source import GDAL_ERRORS, Dataset, one_line, open_quietly, rasterio_window
from geoarseg.raster.style import read_legend
from geoarseg.raster.window import Window

LabelColours = Literal["auto", "potsdam"]


class RasterLabels:
    """A label raster, read on the grid of a map by nearest neighbour. Made by `open_label_raster`.

    Attributes:
        legend: names and colours of the classes, as far as the file tells them.
    """

    def __init__(self, dataset: Dataset, path: PathLike, *, potsdam: bool, legend: Legend) -> None:
        self.legend = legend
        self._dataset, self._path, self._potsdam = dataset, path, potsdam
        self._palette = _palette(dataset, path) if potsdam and dataset.count == 1 else None
        self._seen = self._off_colour = self._unknown = 0

    def read(self, window: Window) -> NDArray[np.int64]:
        """Class values (y, x) from 0 to 255; 0 = not labelled.

        Raises:
            InputError: the file cannot be read there, or holds other values.
        """
        area = rasterio_window(window)
        try:
            has_data = self._dataset.dataset_mask(window=area) > 0
            bands = [1, 2, 3] if self._potsdam and self._palette is None else [1]
            pixels = self._dataset.read(bands, window=area)
        except GDAL_ERRORS as error:
            raise InputError(
                f"Cannot read the labels {self._path} ({one_line(error)}).",
                "The file may be cut short or damaged: `gdalinfo -checksum` tells.",
            ) from error
        if not self._potsdam:
            if pixels.dtype.kind == "f":
                has_data &= np.isfinite(pixels[0])
            return whole_values(np.where(has_data, pixels[0], 0), str(self._path))
        if self._palette is not None:
            pixels = np.moveaxis(self._palette[pixels[0]], -1, 0)
        decoded = decode_colours(np.ascontiguousarray(np.where(has_data, pixels, 0)))
        self._seen += has_data.size
        self._off_colour += decoded.off_colour
        self._unknown += decoded.unknown
        return decoded.classes.astype(np.int64)

    def warnings(self) -> list[str]:
        """What the user should know of the colours read so far."""
        texts = []
        if self._off_colour:
            texts.append(f"{self._off_colour} label pixels are slightly off their colour; the nearest class was taken.")
        if self._unknown:
            share = self._unknown / self._seen
            texts.append(
                f"{self._unknown} label pixels ({share:.1%}) have a colour that is none of Potsdam's; "
                "they are not scored."
            )
        return texts


@contextmanager
def open_label_raster(path: PathLike, classes: Scene, *, colours: LabelColours = "auto") -> Iterator[RasterLabels]:
    """Open a label raster on the grid of a map.

    Labels on another grid are brought onto it by nearest neighbour, block by block.

    Args:
        path: one band of class values, 0 to 255, 0 = not labelled; or red, green and blue of ISPRS Potsdam.
        classes: the map.
        colours: "auto" takes three bands and more of uint8 for colours; "potsdam" also a palette.

    Raises:
        InputError: the file cannot be used, lies elsewhere, or cannot be brought onto the grid.
    """
    scene = open_scene(path)
    potsdam = _are_colours(scene, colours)
    legend = Legend.from_colours(CLASS_NAMES, COLOURS) if potsdam else read_legend(path) or Legend(())
    mismatch = grid_mismatch(classes, scene)
    if mismatch is not None:
        _check_overlap(classes, scene, mismatch)
    try:
        with open_quietly(scene.paths[0]) as dataset:
            if mismatch is None:
                yield RasterLabels(dataset, path, potsdam=potsdam, legend=legend)
                return
            with WarpedVRT(
                dataset,
                crs=classes.crs,
                transform=classes.transform,
                height=classes.height,
                width=classes.width,
                resampling=Resampling.nearest,
                add_alpha=not scene.sources[0].source.alpha_bands,  # tells what lies outside, whatever the nodata
            ) as warped:
                yield RasterLabels(warped, path, potsdam=potsdam, legend=legend)
    except GDAL_ERRORS as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"The labels {path} cannot be brought onto the grid of the map ({one_line(error)}).",
            "Try gdalwarp -r near.",
        ) from error


def _are_colours(scene: Scene, colours: LabelColours) -> bool:
    """Whether the bands are colours; refuses what is neither colours nor class values."""
    if colours == "potsdam":
        if scene.dtype != "uint8" or scene.band_count not in (1, 3, 4):
            raise InputError(
                f"{scene.paths[0]} has {scene.band_count} bands of {scene.dtype}, which are no colours.",
                "Colours are red, green and blue of uint8.",
            )
        return True
    if scene.band_count >= 3 and scene.dtype == "uint8":
        return True
    if scene.band_count != 1:
        raise InputError(
            f"{scene.paths[0]} has {scene.band_count} bands of {scene.dtype}.",
            "Labels are one band of class values, or red, green and blue of uint8.",
        )
    return False


def _check_overlap(classes: Scene, labels: Scene, mismatch: InputError) -> None:
    """Refuse labels that cannot be brought onto the grid, or lie elsewhere."""
    if classes.crs is None or labels.crs is None:
        raise mismatch
    width, height = labels.width, labels.height
    corners = [labels.transform * corner for corner in ((0, 0), (width, 0), (0, height), (width, height))]
    xs, ys = zip(*corners, strict=True)
    try:
        bounds = transform_bounds(labels.crs, classes.crs, min(xs), min(ys), max(xs), max(ys))
    except GDAL_ERRORS as error:
        raise InputError(
            f"The labels {labels.paths[0]} cannot be brought into {classes.crs} ({one_line(error)}).",
            "Check their coordinate system.",
        ) from error
    left, bottom, right, top = bounds
    moved = [~classes.transform * corner for corner in ((left, top), (right, top), (left, bottom), (right, bottom))]
    cols, rows = zip(*moved, strict=True)
    # Written so that a bound that is no number fails too.
    if not (min(cols) < classes.width and max(cols) > 0 and min(rows) < classes.height and max(rows) > 0):
        raise InputError(
            f"The labels {labels.paths[0]} do not overlap the map {classes.paths[0]}.",
            "Check the places and coordinate systems of both.",
        )


def _palette(dataset: Dataset, path: PathLike) -> NDArray[np.uint8]:
    """The colours (256, 3) of a palette."""
    try:
        table = dataset.colormap(1)
    except ValueError:
        raise InputError(f"{path} has neither three bands nor a palette.", "Drop --label-colours.") from None
    palette = np.zeros((256, 3), dtype=np.uint8)
    for value, colour in table.items():
        palette[value] = colour[:3]
    return palette
