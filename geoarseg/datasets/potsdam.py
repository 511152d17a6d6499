"""ISPRS Potsdam: tiles of 6000 x 6000 pixels at 5 cm, halved and cut into 15 x 15 crops of 200 x 200.

The images are averaged over 2 x 2 pixels, which is bilinear sampling; of the labels, the upper left of each 2 x 2
is taken. This is the protocol of IIC (Ji et al. 2019), whose 24 labelled tiles are those that ISPRS gave to the
participants of its benchmark; today all 38 have labels. Potsdam-3 merges roads with cars, buildings with clutter
and low vegetation with trees.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from geoarseg.datasets.crops import Crops, cut_row, shrink_image, shrink_labels
from geoarseg.datasets.potsdam_files import Tile, list_tiles
from geoarseg.errors import InputError
from geoarseg.progress import Progress
from geoarseg.raster.potsdam_colours import CLASS_NAMES, decode_colours
from geoarseg.raster.source import GDAL_ERRORS, Dataset, one_line, open_quietly, rasterio_window
from geoarseg.raster.window import Window

CROP_PX = 200
FACTOR = 2
"""Pixels of a file along the side of one of ours."""
BAND_NAMES = ("red", "green", "blue", "nir")
MERGED_NAMES = ("roads and cars", "buildings and clutter", "low vegetation and trees")
"""Names of the class values 1 to 3 of Potsdam-3."""

_MERGED = np.array([0, 1, 2, 3, 3, 1, 2], dtype=np.uint8)  # by class value of Potsdam
_TILE_PX = 6000
_STRIP_PX = CROP_PX * FACTOR  # rows of a file read at a time


@dataclass(frozen=True)
class PotsdamTiles:
    """The tiles of a download, checked. Made by `open_potsdam`."""

    name: str
    folder: Path
    tiles: tuple[Tile, ...]
    merged: bool
    """Whether the six classes become three."""
    request: dict[str, Any]

    band_names = BAND_NAMES
    crop_px = CROP_PX
    padded = False
    unit = "tile"

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the class values 1, 2 and so on."""
        return MERGED_NAMES if self.merged else CLASS_NAMES

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the image files."""
        return tuple(str(tile.image.relative_to(self.folder)) for tile in self.tiles)

    def files(self, number: int) -> list[Path]:
        """The image of a tile, and its labels if it has any."""
        tile = self.tiles[number]
        return [tile.image] if tile.labels is None else [tile.image, tile.labels]

    def read(self, number: int) -> Crops:
        """Read and cut a tile, strip by strip.

        Raises:
            InputError: a file cannot be read.
        """
        tile = self.tiles[number]
        with rasterio.Env(), ExitStack() as stack:
            image = stack.enter_context(_open(tile.image))
            labels = None if tile.labels is None else stack.enter_context(_open(tile.labels))
            width = image.width // _STRIP_PX * _STRIP_PX
            parts: list[Crops] = []
            for row in range(0, image.height - _STRIP_PX + 1, _STRIP_PX):
                window = Window(row, 0, _STRIP_PX, width)
                pixels = shrink_image(_read(image, tile.image, window), FACTOR)
                if labels is None:
                    parts.append(_cut(pixels, None, row))
                    continue
                assert tile.labels is not None
                decoded = decode_colours(_read(labels, tile.labels, window))
                classes = shrink_labels(_MERGED[decoded.classes] if self.merged else decoded.classes, FACTOR)
                counts = {
                    "label pixels off their colour": decoded.off_colour,
                    "label pixels of unknown colour": decoded.unknown,
                    "black label pixels": decoded.black,
                }
                parts.append(_cut(pixels, classes, row, counts))
        return _join(parts, tile)


def open_potsdam(
    folder: str | os.PathLike[str],
    *,
    merged: bool = False,
    labels: str | None = None,
    paper_split: bool = False,
    progress: Progress | None = None,
) -> PotsdamTiles:
    """Find and check the tiles of a download.

    Args:
        folder: holds `4_Ortho_RGBIR` and a folder of labels such as `5_Labels_all`.
        merged: make Potsdam-3.
        labels: which folder of labels to take; None = all of them before the participants', and those with
            boundaries before those without.
        paper_split: take the labels of the participants' 24 tiles only, as the papers do.
        progress: receives the reports on missing and surplus files.

    Raises:
        InputError: there is no usable tile, or one has other bands than it should.
    """
    progress = progress or Progress()
    tiles, label_folder = list_tiles(Path(folder), labels=labels, paper_split=paper_split, progress=progress)
    with rasterio.Env():
        odd = [tile for tile in tiles if _check(tile) != (_TILE_PX, _TILE_PX)]
    if odd:
        progress.warning(
            f"{len(odd)} tiles are not of 6000 x 6000 pixels ({odd[0].image.name} ...): "
            f"what fills no crop of {_STRIP_PX} x {_STRIP_PX} at their right and lower edges is dropped."
        )
    name = "potsdam-3" if merged else "potsdam"
    request = {
        "dataset": name,
        "labels": None if label_folder is None else label_folder.name,
        "paper split": paper_split,
    }
    return PotsdamTiles(name, Path(folder), tuple(tiles), merged, request)


def _check(tile: Tile) -> tuple[int, int]:
    """Height and width of a tile whose files fit together."""
    with _open(tile.image) as image:
        shape = (image.height, image.width)
        _check_bands(image, tile.image, 4, "red, green, blue and near infrared")
    if min(shape) < _STRIP_PX:
        raise InputError(f"{tile.image} has {shape[1]} x {shape[0]} pixels: less than a crop.", "Download it again.")
    if tile.labels is not None:
        with _open(tile.labels) as labels:
            _check_bands(labels, tile.labels, 3, "the colours of the classes")
            if (labels.height, labels.width) != shape:
                raise InputError(
                    f"{tile.labels} has {labels.width} x {labels.height} pixels, its image {shape[1]} x {shape[0]}.",
                    "Download both again.",
                )
    return shape


def _check_bands(dataset: Dataset, path: Path, count: int, what: str) -> None:
    if dataset.count != count or set(dataset.dtypes) != {"uint8"}:
        raise InputError(
            f"{path} has {dataset.count} bands of type {dataset.dtypes[0]}, not {count} of type uint8.",
            f"They should be {what}.",
        )


def _open(path: Path) -> Dataset:
    try:
        return open_quietly(path)
    except GDAL_ERRORS as error:
        raise InputError(f"Cannot read {path} ({one_line(error)}).", "Download it again.") from error


def _read(dataset: Dataset, path: Path, window: Window) -> NDArray[np.uint8]:
    """All bands (band, y, x) of a window."""
    try:
        pixels: NDArray[np.uint8] = dataset.read(window=rasterio_window(window))
    except GDAL_ERRORS as error:
        raise InputError(f"Cannot read {path} ({one_line(error)}).", "Download it again.") from error
    return pixels


def _cut(
    image: NDArray[np.uint8], classes: NDArray[np.uint8] | None, row: int, counts: dict[str, int] | None = None
) -> Crops:
    """Crops of a halved strip that begins at `row` of the file."""
    images = cut_row(image, CROP_PX)
    labels = np.zeros((len(images), CROP_PX, CROP_PX), dtype=np.uint8) if classes is None else cut_row(classes, CROP_PX)
    cols = np.arange(len(images)) * _STRIP_PX
    places = np.column_stack([np.full_like(cols, row), cols]).astype(np.int32)
    return Crops(images, labels, classes is not None, places, counts=counts or {})


def _join(parts: list[Crops], tile: Tile) -> Crops:
    counts = {name: sum(part.counts[name] for part in parts) for name in parts[0].counts}
    return Crops(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        tile.labels is not None,
        np.concatenate([part.places for part in parts]),
        counts=counts,
        warnings=_warnings(tile, counts),
    )


def _warnings(tile: Tile, counts: dict[str, int]) -> tuple[str, ...]:
    """One line on colours that are not those of the classes; black is meant to be in the files without boundaries."""
    if tile.labels is None:
        return ()
    snapped, unknown, black = counts.values()
    unknown += 0 if tile.without_boundary else black
    texts = []
    if snapped:
        texts.append(f"{snapped} pixels are slightly off their colour and take its class")
    if unknown:
        texts.append(f"{unknown} pixels have no colour of a class and are not scored")
    return (f"{tile.labels.name}: {'; '.join(texts)}.",) if texts else ()
