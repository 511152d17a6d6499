"""COCO-Stuff: photographs scaled by 1/3, of which the middle 128 x 128 is kept, in the protocol of IIC.

An image counts if at least 75 % of all pixels of its full-size label image, unlabelled ones among them, belong to
the classes of the dataset: any of the 91 stuff classes for COCO-Stuff, sky, ground and plants for COCO-Stuff-3.
IIC's script also asks for sides of at least 360 px. All other pixels are not scored. (Its published runs saw
864 batches of 60 images of COCO-Stuff, the 52k of the papers, and 306 of 120 of COCO-Stuff-3.)

The label images are those of `stuffthingmaps_trainval2017.zip`, see `geoarseg.datasets.cocostuff_classes`.
An image is averaged over 3 x 3 pixels; of the labels, the pixel in the middle is taken. IIC scales by 0.33.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geoarseg.datasets.cocostuff_classes import (
    COARSE_NAMES,
    LAST_STUFF,
    THREE_NAMES,
    UNLABELLED,
    class_table,
)
from geoarseg.datasets.crops import Crops, shrink_image, shrink_labels
from geoarseg.datasets.listing import check_folder, find_zip, some_of
from geoarseg.errors import InputError, SettingsError
from geoarseg.progress import Progress

CROP_PX = 128
FACTOR = 3
"""Pixels of a file along the side of one of ours."""
BAND_NAMES = ("red", "green", "blue")
MIN_SHARE = 0.75
"""Least share of the dataset's classes in an image."""
MIN_SIDE_PX = 360
"""Least side of an image, in its own pixels."""
SPLITS = ("train2017", "val2017")

_IMAGE_FOLDERS = (".", "images")
_LABEL_FOLDERS = ("stuffthingmaps", "annotations", "annotations/stuffthingmaps", "stuffthingmaps_trainval2017")
_BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises on bad files


@dataclass(frozen=True)
class CocoImages:
    """The images of a download that have labels. Made by `open_cocostuff`."""

    name: str
    folder: Path
    pairs: tuple[tuple[Path, Path], ...]
    """Image and label image."""
    class_names: tuple[str, ...]
    min_side_px: int
    request: dict[str, Any]

    band_names = BAND_NAMES
    crop_px = CROP_PX
    padded = True
    unit = "image"

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Names of the images."""
        return tuple(str(image.relative_to(self.folder)) for image, _ in self.pairs)

    def files(self, number: int) -> list[Path]:
        """The image and its label image."""
        return list(self.pairs[number])

    def read(self, number: int) -> Crops:
        """Read an image; gives one crop, or none if the image does not count.

        Raises:
            InputError: a file cannot be read, or the two do not fit together.
        """
        image_path, label_path = self.pairs[number]
        values = _read_labels(label_path)
        if min(values.shape) < self.min_side_px:
            return _no_crop(f"images with a side below {self.min_side_px} px")
        classes = self._table[values]
        if np.count_nonzero(classes) < MIN_SHARE * classes.size:
            return _no_crop(f"images with less than {MIN_SHARE:.0%} of the classes")
        image = _read_image(image_path)
        if image.shape[1:] != classes.shape:
            raise InputError(
                f"{image_path} has {image.shape[2]} x {image.shape[1]} pixels, "
                f"its labels {classes.shape[1]} x {classes.shape[0]}.",
                "Download both again.",
            )
        crop, first = _middle(shrink_image(image, FACTOR))
        labels, _ = _middle(shrink_labels(classes, FACTOR)[None])
        inside, _ = _middle(np.ones((1, *(side // FACTOR for side in classes.shape)), dtype=np.uint8))
        places = np.array([first], dtype=np.int32) * FACTOR
        return Crops(crop[None], labels, True, places, inside > 0, {"images": 1})

    @cached_property
    def _table(self) -> NDArray[np.uint8]:
        return class_table(self.class_names)


def open_cocostuff(
    folder: str | os.PathLike[str],
    *,
    three: bool = False,
    min_side_px: int = MIN_SIDE_PX,
    progress: Progress | None = None,
) -> CocoImages:
    """Find the images and label images of a download, of both splits.

    Args:
        folder: holds `train2017` and `val2017`, or these in `images`; and the label images in folders of the same
            names in `stuffthingmaps` or `annotations`.
        three: make COCO-Stuff-3.
        min_side_px: least side of an image; 0 takes all.
        progress: receives the reports on missing and surplus files.

    Raises:
        InputError: there is no image with labels.
        SettingsError: the least side is negative.
    """
    folder, progress = Path(folder), progress or Progress()
    if min_side_px < 0:
        raise SettingsError(f"The least side must not be negative, as {min_side_px} is.")
    check_folder(folder)
    pairs = [pair for split in SPLITS for pair in _pair(folder, split, progress)]
    if not pairs:
        archive = find_zip(folder, *SPLITS, "stuffthingmaps")
        if archive is not None:
            raise InputError(f"{archive} is still packed.", f"Unzip it in {folder}, labels in stuffthingmaps.")
        raise InputError(
            f"There are no images with labels in {folder}.",
            "It should hold train2017, val2017, stuffthingmaps/train2017 and stuffthingmaps/val2017.",
        )
    progress.message(f"{len(pairs)} images with labels.")
    name = "coco-stuff-3" if three else "coco-stuff"
    request = {"dataset": name, "least side": min_side_px}
    return CocoImages(name, folder, tuple(pairs), THREE_NAMES if three else COARSE_NAMES, min_side_px, request)


def _pair(folder: Path, split: str, progress: Progress) -> list[tuple[Path, Path]]:
    """The images of a split that have labels, in the order of their names."""
    images = _find(folder, _IMAGE_FOLDERS, split, (".jpg", ".jpeg"))
    labels = _find(folder, _LABEL_FOLDERS, split, (".png",))
    if not images and not labels:
        progress.warning(f"{split} is missing.")
        return []
    both = sorted(images.keys() & labels.keys())
    for what, names in (
        ("images have no labels", images.keys() - labels.keys()),
        ("label images have no image", labels.keys() - images.keys()),
    ):
        if names:
            progress.warning(f"{len(names)} {what} in {split} and are left out: {some_of(sorted(names))}.")
    return [(images[name], labels[name]) for name in both]


def _find(folder: Path, places: tuple[str, ...], split: str, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """The files of the first of some places that holds any, by their names without suffix."""
    for place in places:
        here = folder / place / split
        if here.is_dir():
            files = {path.stem: path for path in sorted(here.iterdir()) if path.suffix.lower() in suffixes}
            if files:
                return files
    return {}


def _read_image(path: Path) -> NDArray[np.uint8]:
    """Red, green and blue (band, y, x) uint8; grey ones have all bands the same."""
    try:
        with Image.open(path) as opened:
            pixels = np.asarray(opened.convert("RGB"))  # (y, x, band)
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    return np.moveaxis(pixels, -1, 0)


def _read_labels(path: Path) -> NDArray[np.uint8]:
    """Values (y, x) uint8 of a label image, palette or not."""
    try:
        with Image.open(path) as opened:
            mode, values = opened.mode, np.asarray(opened)
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    highest = values[values != UNLABELLED].max(initial=0) if mode in ("L", "P") else None
    if highest is None or highest > LAST_STUFF:
        what = f"is an image of the kind {mode}" if highest is None else f"holds the value {highest}"
        raise InputError(
            f"{path} {what}; label images hold 0 to {LAST_STUFF} and {UNLABELLED}.",
            "Take those of stuffthingmaps_trainval2017.zip.",
        )
    return values


def _middle(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The middle (band, 128, 128) of an image, 0 beyond its edges, and its first row and column."""
    first = tuple(side // 2 - CROP_PX // 2 for side in image.shape[1:])
    middle = np.zeros((len(image), CROP_PX, CROP_PX), dtype=np.uint8)
    taken = tuple(slice(max(start, 0), start + CROP_PX) for start in first)
    part = image[(slice(None), *taken)]
    rows, cols = (
        slice(max(-start, 0), max(-start, 0) + size) for start, size in zip(first, part.shape[1:], strict=True)
    )
    middle[:, rows, cols] = part
    return middle, (first[0], first[1])


def _no_crop(why: str) -> Crops:
    square = (0, CROP_PX, CROP_PX)
    return Crops(
        np.zeros((0, len(BAND_NAMES), *square[1:]), dtype=np.uint8),
        np.zeros(square, dtype=np.uint8),
        True,
        np.zeros((0, 2), dtype=np.int32),
        np.zeros(square, dtype=bool),
        {why: 1},
    )


def _unreadable(path: Path, error: BaseException) -> InputError:
    text = " ".join(str(error).split()).rstrip(".")
    return InputError(f"Cannot read {path} ({text}).", "Download it again.")
