"""The sieve: regions below a minimum mapping unit go to a neighbour, whatever the raster's size.

Rounds go by with the thresholds 2, 4, 8 ... up to the minimum; the last is repeated until nothing is left to
do. In each (see `patches`) the regions below the threshold are given to a neighbouring class at once: the one
with which they share the longest border, or the one that is most likely over the region; between
equals a hash of the region's key decides. That behaves like merging the smallest first, yet the result depends
on the raster alone. Afterwards no region is smaller than the minimum, unless nothing but no data is around it;
no data stays no data.

Between rounds the raster lies in a temporary file, one byte a pixel. Memory holds a strip and the small
regions near it.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyproj
from affine import Affine

from geoarseg.errors import DiskFullError, OutputError, SettingsError
from geoarseg.progress import Progress, Stage
from geoarseg.vector.patches import Gifts, sieve_round
from geoarseg.vector.probabilities import ProbabilityRaster
from geoarseg.vector.source import ClassRaster

_STRIP_PIXELS = 1 << 20

Ints = npt.NDArray[np.integer]


@dataclass(frozen=True)
class SieveResult:
    """What the sieve did."""

    pixels_before: dict[int, int]
    """Pixels of each class that occurred, by class value."""
    pixels_after: dict[int, int]
    """Pixels of each of these classes afterwards; they add up to the same."""
    rounds: int
    """How often it went through the raster."""


class SievedRaster:
    """A class raster that has been sieved; it lies in a temporary file.

    Attributes:
        height, width, transform, crs, nodata: those of the raster that was sieved.
        result: what the sieve did.
    """

    def __init__(self, raster: ClassRaster, file: BinaryIO, strip_rows: int | None) -> None:
        self.height, self.width = raster.height, raster.width
        self.transform: Affine = raster.transform
        self.crs: pyproj.CRS | None = raster.crs
        self.nodata: int | None = raster.nodata
        self.result = SieveResult({}, {}, 0)
        self._file = file
        self._dtype = raster.rows(0, 1).dtype
        self._strip_rows = strip_rows or max(1, _STRIP_PIXELS // raster.width)

    def rows(self, start: int, stop: int) -> Ints:
        """The rows from `start` to before `stop`, (rows, width), of the type that the raster has."""
        pixels = np.empty((stop - start, self.width), self._dtype)
        self._file.seek(start * self.width * self._dtype.itemsize)
        self._file.readinto(pixels.data.cast("B"))  # type: ignore[attr-defined]  # BinaryIO lacks it
        return pixels

    def strips(self, stage: Stage, raster: ClassRaster | None = None) -> Iterator[tuple[int, Ints]]:
        """First row and rows of each strip, of this raster or of another of its size."""
        for start in range(0, self.height, self._strip_rows):
            stop = min(start + self._strip_rows, self.height)
            yield start, (raster or self).rows(start, stop)
            stage.advance(stop - start)

    def write(self, start: int, pixels: Ints) -> None:
        """Replace the rows from `start` on."""
        self._file.seek(start * self.width * self._dtype.itemsize)
        self._file.write(np.ascontiguousarray(pixels, self._dtype).data.cast("B"))

    def give(self, gifts: Gifts) -> None:
        """Write new classes into the runs."""
        rows = gifts.starts // self.width
        blocks = np.flatnonzero(np.diff(rows // self._strip_rows, prepend=-1))
        for first, last in pairwise([*blocks.tolist(), len(rows)]):
            start, stop = int(rows[first]), int(rows[last - 1]) + 1
            pixels = self.rows(start, stop)
            lengths = gifts.lengths[first:last]
            at = np.repeat(gifts.starts[first:last] - start * self.width - np.cumsum(lengths) + lengths, lengths)
            pixels.ravel()[at + np.arange(len(at))] = np.repeat(gifts.classes[first:last], lengths)
            self.write(start, pixels)


@contextmanager
def sieved(
    raster: ClassRaster,
    *,
    min_pixels: int,
    connectedness: int = 4,
    folder: str | Path,
    likelihood: ProbabilityRaster | None = None,
    strip_rows: int | None = None,
    progress: Progress | None = None,
) -> Iterator[SievedRaster]:
    """Sieve a class raster.

    Args:
        raster: the classes, as from `open_class_raster`.
        min_pixels: the least pixels that a region may have, as from `pixels_of_area`.
        connectedness: 4, or 8 to join pixels that touch at a corner.
        folder: an existing folder for the temporary file, of the size of the uncompressed raster.
        likelihood: choose the class by it, as from `open_probabilities`, and not by the longest border.
        strip_rows: rows in a strip, in pixels; by default a million pixels' worth.
        progress: hears of each row of each round.

    Yields:
        the sieved raster, which can be read until the block ends.

    Raises:
        InputError: the raster is damaged, or the probabilities lack a class.
        OutputError: the folder cannot be written, or has too little space.
        SettingsError: min_pixels or connectedness is out of range.
    """
    if min_pixels < 1:
        raise SettingsError(f"The least pixels of a region must be 1 or more, not {min_pixels}.")
    if connectedness not in (4, 8):
        raise SettingsError(f"Connectedness must be 4 or 8, not {connectedness}.")
    with _temporary_file(Path(folder), raster) as file:
        result = SievedRaster(raster, file, strip_rows)
        progress = progress or Progress()
        try:
            before = _copy(raster, result, progress)
            after, rounds = before.copy(), 0
            for threshold in _thresholds(min_pixels):
                pending = 1
                while pending:
                    given, pending = _round(result, threshold, connectedness, likelihood, after, progress)
                    assert given or not pending, "the region of the highest rank takes in its neighbours"
                    rounds += 1
                    if threshold < min_pixels:
                        break
        except OSError as error:
            raise _output_error(folder, error) from error
        result.result = SieveResult(_counted(before, before), _counted(after, before), rounds)
        yield result


def _thresholds(min_pixels: int) -> list[int]:
    """2, 4, 8 ... and the minimum; none if there is nothing to sieve."""
    return [
        *(1 << digit for digit in range(1, (min_pixels - 1).bit_length())),
        *([min_pixels] if min_pixels > 1 else []),
    ]


def _copy(raster: ClassRaster, result: SievedRaster, progress: Progress) -> npt.NDArray[np.int64]:
    """Copy the raster into the temporary file, and count the pixels of each class (256,)."""
    counts = np.zeros(256, np.int64)
    with progress.stage("sieve", raster.height, "row") as stage:
        for row, pixels in result.strips(stage, raster):
            valid = pixels if raster.nodata is None else pixels[pixels != raster.nodata]
            counts += np.bincount(valid.ravel(), minlength=256)
            result.write(row, pixels)
    return counts


def _round(
    result: SievedRaster,
    threshold: int,
    connectedness: int,
    likelihood: ProbabilityRaster | None,
    counts: npt.NDArray[np.int64],
    progress: Progress,
) -> tuple[int, int]:
    """Go through the raster once, keep the counts up to date, and tell how many runs were given, regions are left."""
    given, pending = 0, 0
    with progress.stage("sieve", result.height, "row") as stage:
        for gifts in sieve_round(
            result.strips(stage),
            shape=(result.height, result.width),
            threshold=threshold,
            connectedness=connectedness,
            nodata=result.nodata,
            likelihood=likelihood,
        ):
            result.give(gifts)
            np.subtract.at(counts, gifts.old_classes, gifts.lengths)
            np.add.at(counts, gifts.classes, gifts.lengths)
            given += len(gifts.starts)
            pending += gifts.pending
    return given, pending


def _counted(counts: npt.NDArray[np.int64], occurred: npt.NDArray[np.int64]) -> dict[int, int]:
    return {value: int(counts[value]) for value in np.flatnonzero(occurred).tolist()}


@contextmanager
def _temporary_file(folder: Path, raster: ClassRaster) -> Iterator[BinaryIO]:
    """A file without a name: nothing is left of it, whatever happens."""
    needed = raster.height * raster.width * raster.rows(0, 1).dtype.itemsize
    try:
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise OutputError(
                f"Sieving needs {needed / 1e9:.1f} GB in {folder}, which has {free / 1e9:.1f} GB left.",
                "Free some space, or write to another disk.",
            )
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed below)
    except OutputError:
        raise
    except OSError as error:
        raise _output_error(folder, error) from error
    with file:
        yield file


def _output_error(folder: str | Path, error: OSError) -> OutputError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    hint = "Free some space, or write to another disk." if full else "Choose another place."
    kind = DiskFullError if full else OutputError
    return kind(f"Cannot write a temporary file in {folder}: {error.strerror or error}.", hint)
