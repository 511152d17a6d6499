"""A prepared dataset: crops of one size in a folder of plain `.npy` files, which are never wholly in memory.

The folder holds::

    dataset.json    what the dataset is; written last, so that a folder without it is no dataset
    images.npy      (crop, band, y, x) uint8
    labels.npy      (crop, y, x) uint8; 0 = not scored
    labelled.npy    (crop,) bool
    origins.npy     (crop, 3) int32: number of the source file, row and column in it
    valid.npy       (crop, y, x) bool; only where crops are padded
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geoarseg.errors import InputError, SettingsError
from geoarseg.progress import Progress
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.sampling import Over
from geoarseg.raster.statistics import BandStatistics, estimate_statistics

Place = tuple[int, slice, slice]
"""A crop's number, its rows and its columns."""
FORMAT = 1
"""The number of the folder's format; a reader refuses higher ones."""
INDEX_NAME = "dataset.json"
STATE_NAME = "unfinished.json"
"""The file that marks a dataset under preparation."""

_PATIENCE = 1000  # draws of a crop without any valid pixel before the sampler gives up
_SAMPLED_CROPS = 512  # crops looked at for the statistics
_CHUNK = 256  # crops counted at a time


class StoreIndex(BaseModel):
    """What `dataset.json` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(FORMAT, ge=1, le=FORMAT)
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    """Part of the names of files, so that it must not lead anywhere."""
    class_names: tuple[str, ...] = Field(min_length=2, max_length=254)
    band_names: tuple[str, ...] = Field(min_length=1)
    crop_px: int = Field(ge=1)
    padded: bool
    """Whether there is a `valid.npy`."""
    crops: int = Field(ge=1)
    sources: tuple[str, ...]
    request: dict[str, Any]
    """The arguments of the preparation."""
    counts: dict[str, int]
    """What was met on the way: pixels off their colour, images left out."""
    digest: str
    """Of the names, sizes and times of the source files."""


@dataclass(frozen=True, eq=False)
class CropStore:
    """A prepared dataset in a folder. Made by `open_store`."""

    folder: Path
    name: str
    """potsdam, potsdam-3, coco-stuff or coco-stuff-3."""
    class_names: tuple[str, ...]
    """Names of the class values 1, 2 and so on."""
    band_names: tuple[str, ...]
    crop_px: int
    """Side of the crops."""
    images: NDArray[np.uint8]
    """(crop, band, y, x), memory-mapped."""
    labels: NDArray[np.uint8]
    """(crop, y, x), memory-mapped; 0 = not scored."""
    labelled: NDArray[np.bool_]
    """(crop,): which crops have labels."""
    valid: NDArray[np.bool_] | None
    """(crop, y, x), memory-mapped: where padded crops hold pixels; None = everywhere."""
    origins: NDArray[np.int32]
    """(crop, 3): number of the source, and row and column of the crop's corner in it, in its own pixels;
    negative where a crop begins before the source does."""
    sources: tuple[str, ...]
    """Names of the source images, relative to the folder they were in."""
    counts: Mapping[str, int]
    """What the preparation counted."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def band_count(self) -> int:
        """Number of bands."""
        return len(self.band_names)

    def crop_name(self, crop: int) -> str:
        """File and place that a crop comes from."""
        source, row, col = self.origins[crop]
        return f"{self.sources[source]} row {row} column {col}"

    def count_classes(self) -> NDArray[np.int64]:
        """Pixels (1 + class,) of each class value in the labelled crops; 0 first."""
        counts = np.zeros(256, dtype=np.int64)
        crops = np.flatnonzero(self.labelled)
        for first in range(0, len(crops), _CHUNK):
            counts += np.bincount(self.labels[crops[first : first + _CHUNK]].ravel(), minlength=256)
        return counts[: 1 + len(self.class_names)]


def column_layout(crop_px: int, band_count: int, *, padded: bool) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
    """Type and shape of one crop's share in each of the files, by the file's name without `.npy`."""
    square = (crop_px, crop_px)
    layout: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
        "images": (np.dtype(np.uint8), (band_count, *square)),
        "labels": (np.dtype(np.uint8), square),
        "labelled": (np.dtype(np.bool_), ()),
        "origins": (np.dtype("<i4"), (3,)),
    }
    return layout | ({"valid": (np.dtype(np.bool_), square)} if padded else {})


def open_store(path: str | os.PathLike[str]) -> CropStore:
    """Open a prepared dataset.

    Raises:
        InputError: there is none, or it is unfinished, damaged or of a newer format.
    """
    folder = Path(path)
    index = read_index(folder)
    layout = column_layout(index.crop_px, len(index.band_names), padded=index.padded)
    columns = {
        name: _map(folder / f"{name}.npy", dtype, (index.crops, *shape)) for name, (dtype, shape) in layout.items()
    }
    return CropStore(
        folder,
        index.name,
        index.class_names,
        index.band_names,
        index.crop_px,
        images=columns["images"],
        labels=columns["labels"],
        labelled=np.array(columns["labelled"]),
        valid=columns.get("valid"),
        origins=np.array(columns["origins"]),
        sources=index.sources,
        counts=index.counts,
    )


def read_index(folder: Path) -> StoreIndex:
    """Read and check `dataset.json`.

    Raises:
        InputError: it is missing, damaged or of a newer format.
    """
    path = folder / INDEX_NAME
    if not path.is_file():
        if (folder / STATE_NAME).is_file():
            raise InputError(
                f"The dataset in {folder} is not finished.", "Run its `geoarseg data prepare` again: it continues."
            )
        raise InputError(
            f"There is no prepared dataset in {folder}.", "Make one with `geoarseg data prepare NAME SRC DST`."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and isinstance(content.get("format"), int) and content["format"] > FORMAT:
            raise InputError(f"The dataset in {folder} was prepared by a newer geoarseg.", "Update geoarseg.")
        return StoreIndex.model_validate(content)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise _damaged(path) from error


def _map(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        column: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        size = path.stat().st_size
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path) from error
    # NumPy maps a file that is longer than its header says without a word.
    if column.shape != shape or column.dtype != dtype or column.nbytes + column.offset != size:  # type: ignore[attr-defined]
        raise _damaged(path)
    return column


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{path} is missing or damaged.", "Prepare the dataset again with `geoarseg data prepare --overwrite`."
    )


class StoreSampler:
    """Draws random crops of a prepared dataset; repeatable by its seed, resumable by its state. Does not normalise.

    Args:
        store: where to draw from: all of its crops, labelled or not.
        seed: makes the draws repeatable.
        crop_px: side of the crops, up to the store's own; smaller ones lie at random places. None = the store's.
        subset: numbers of the crops to draw from; None = all.

    Attributes:
        crop_px: side of the crops as drawn.

    Raises:
        SettingsError: the crop size or the subset does not fit the store.
    """

    def __init__(
        self, store: CropStore, *, seed: int, crop_px: int | None = None, subset: Sequence[int] | None = None
    ) -> None:
        self.crop_px = store.crop_px if crop_px is None else crop_px
        if not 1 <= self.crop_px <= store.crop_px:
            raise SettingsError(
                f"The crop size must be between 1 and the dataset's {store.crop_px} px, not {self.crop_px}."
            )
        self._crops = np.arange(len(store)) if subset is None else np.asarray(subset, dtype=np.int64)
        if not self._crops.size or self._crops.min() < 0 or self._crops.max() >= len(store):
            raise SettingsError(f"The subset must name some of the dataset's {len(store)} crops.")
        self._store = store
        self._rng = np.random.default_rng(seed)

    def draw(self, count: int, *, over: Over = map) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Draw crops.

        Args:
            count: how many.
            over: reads them: `map`, or its like in several threads, which gives the same crops.

        Returns:
            Images (count, band, y, x) float32, 0 where invalid, and valid (count, y, x) bool.

        Raises:
            InputError: no place holds a valid pixel.
        """
        shape = (self.crop_px, self.crop_px)
        images = np.empty((count, self._store.band_count, *shape), dtype=np.float32)
        valid = np.ones((count, *shape), dtype=bool)
        places = [self._draw_place() for _ in range(count)]
        for index, (image, mask) in enumerate(over(self._read, places)):
            images[index] = image
            if mask is not None:
                valid[index] = mask
        return images, valid

    def state(self) -> dict[str, Any]:
        """The state of the draws, of JSON types only."""
        return {"generator": self._rng.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue as the sampler did that gave this state; it must have had the same store and settings."""
        self._rng.bit_generator.state = state["generator"]

    def _read(self, place: Place) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
        """Image (band, y, x), 0 where invalid, and valid (y, x), None = everywhere."""
        crop, rows, cols = place
        image = self._store.images[crop, :, rows, cols].astype(np.float32)
        if self._store.valid is None:
            return image, None
        mask = np.array(self._store.valid[place])
        image[:, ~mask] = 0
        return image, mask

    def _draw_place(self) -> Place:
        """A crop's number, its rows and its columns, with at least one valid pixel."""
        spare = self._store.crop_px - self.crop_px
        for _ in range(_PATIENCE):
            crop = int(self._crops[self._rng.integers(len(self._crops))])
            row, col = (int(start) for start in self._rng.integers(spare + 1, size=2))
            place = crop, slice(row, row + self.crop_px), slice(col, col + self.crop_px)
            if self._store.valid is None or self._store.valid[place].any():
                return place
        raise InputError("The dataset holds next to no valid pixels.", "Prepare it again from whole images.")


def store_statistics(store: CropStore, *, seed: int, progress: Progress | None = None) -> BandStatistics:
    """Estimate the statistics of all bands, robustly, from a random sample of at most 512 crops.

    Raises:
        InputError: no valid pixel was found.
    """
    rng = np.random.default_rng(seed)
    crops = np.sort(rng.choice(len(store), size=min(len(store), _SAMPLED_CROPS), replace=False))
    scenes = [MemoryScene(store.images[crop], None if store.valid is None else store.valid[crop]) for crop in crops]
    return estimate_statistics(scenes, seed=seed, max_blocks=len(scenes), progress=progress)
