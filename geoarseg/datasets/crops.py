"""The crops of a source file, what can give them, and how they are cut out of its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Crops:
    """What one source gives: no crop, one or many."""

    images: NDArray[np.uint8]
    """(crop, band, y, x)."""
    labels: NDArray[np.uint8]
    """(crop, y, x); 0 = not scored."""
    labelled: bool
    """Whether they have labels."""
    places: NDArray[np.int32]
    """(crop, 2): row and column in the source."""
    valid: NDArray[np.bool_] | None = None
    """(crop, y, x), if the dataset is padded."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What was met on the way; summed over the sources."""
    warnings: tuple[str, ...] = ()


class CropSource(Protocol):
    """The files of a benchmark, checked and ready to be cut."""

    @property
    def name(self) -> str:
        """Name of the dataset."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the class values 1, 2 and so on."""

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands."""

    @property
    def crop_px(self) -> int:
        """Side of the crops."""

    @property
    def padded(self) -> bool:
        """Whether crops may hold invalid pixels."""

    @property
    def unit(self) -> str:
        """What one source is, in the singular."""

    @property
    def folder(self) -> Path:
        """Where the files are."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the source images, relative to the folder; they are taken in this order."""

    @property
    def request(self) -> dict[str, Any]:
        """The arguments that shape the result; JSON types only."""

    def files(self, number: int) -> list[Path]:
        """All files that a source is read from."""

    def read(self, number: int) -> Crops:
        """Read and cut a source."""


def shrink_image(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average blocks of `factor` x `factor` pixels; for a factor of 2 this is bilinear sampling.

    Args:
        image: (band, y, x) uint8; rows and columns that fill no block are dropped.
        factor: pixels along the side of a block.

    Returns:
        (band, y // factor, x // factor) uint8, halves rounded up.
    """
    rows, cols = (side // factor * factor for side in image.shape[1:])
    total = np.full((len(image), rows // factor, cols // factor), factor * factor // 2, dtype=np.uint32)
    for down in range(factor):
        for right in range(factor):
            total += image[:, down:rows:factor, right:cols:factor]
    return (total // (factor * factor)).astype(np.uint8)


def shrink_labels(labels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Take the pixel in the middle of each block of `factor` x `factor`: the upper left of the middle four if even.

    Args:
        labels: (y, x) uint8; rows and columns that fill no block are dropped.
        factor: pixels along the side of a block.

    Returns:
        (y // factor, x // factor) uint8.
    """
    rows, cols = (side // factor * factor for side in labels.shape)
    middle = (factor - 1) // 2
    return labels[middle:rows:factor, middle:cols:factor]


def cut_row(strip: NDArray[np.uint8], crop_px: int) -> NDArray[np.uint8]:
    """Cut a strip (..., crop_px, x) into crops (crop, ..., crop_px, crop_px), from the left; the rest is dropped."""
    count = strip.shape[-1] // crop_px
    parts = strip[..., : count * crop_px].reshape(*strip.shape[:-1], count, crop_px)  # (..., y, crop, x)
    return np.moveaxis(parts, -2, 0)
