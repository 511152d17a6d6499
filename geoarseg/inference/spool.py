"""Finished windows on disk, so that a segmentation that was killed goes on where it was.

A folder beside the output holds, for each output, its pixels row by row in a raw file, and a journal with one line for
each finished window: its number and the checksums of its pixels. After a power cut the journal may promise windows
whose pixels never reached the disk; the checksums find them, and they are computed again.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from geoarseg.errors import OutputError
from geoarseg.raster.atomic import output_error
from geoarseg.raster.window import Window

_KEY, _JOURNAL, _LOCK = "arguments.json", "journal.txt", "lock"

Plane = npt.NDArray[np.uint8]


class Spool:
    """The pixels of finished windows of one segmentation. Use it in a `with` statement.

    Attributes:
        done: numbers of the windows that are finished.
        started_afresh: whether there were windows of other arguments, which are lost.
        counts: how often each value occurs among finished windows, for each output, (outputs, 256).

    Args:
        output: the file that is being made; the folder lies beside it.
        key: what the pixels depend on; JSON types only.
        windows: each window, by its number, counted from the output's upper left corner.
        shape: rows and columns of the output.
        planes: the names of the outputs.
    """

    def __init__(
        self,
        output: Path,
        key: Mapping[str, object],
        windows: Sequence[Window],
        shape: tuple[int, int],
        planes: Sequence[str],
    ) -> None:
        self.folder = folder_of(output)
        self.done: set[int] = set()
        self.started_afresh = False
        self.counts = np.zeros((len(planes), 256), np.int64)
        self._output, self._windows, self._shape, self._planes = output, windows, shape, tuple(planes)
        self._key = json.dumps({**key, "planes": self._planes, "shape": shape}, sort_keys=True, indent=1)
        self._made_parents = [parent for parent in output.absolute().parents if not parent.exists()]

    def path_of(self, plane: str) -> Path:
        """The raw file of one output: rows times columns bytes."""
        return self.folder / f"{plane}.raw"

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.folder / _LOCK)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise OutputError(
                f"{self._output} is being written by another geoarseg.", "Wait for it, or choose another name."
            ) from None
        except OSError as error:
            raise output_error(self._output, error) from error
        try:
            self._open()
        except OSError as error:
            self._lock.release()
            raise output_error(self._output, error) from error
        return self

    def __exit__(self, *exception: object) -> None:
        self._journal.close()
        for file in self._files:
            file.close()
        self._lock.release()
        if not self.done:  # nothing to go on from
            self.remove()

    def write(self, number: int, pixels: Sequence[Plane]) -> None:
        """Keep one finished window.

        Args:
            number: which.
            pixels: for each output, (y, x) uint8.

        Raises:
            OutputError: the disk is full or fails.
        """
        try:
            for file, plane in zip(self._files, pixels, strict=True):
                content = np.ascontiguousarray(plane).data.cast("B")
                for at, (offset, length) in enumerate(runs := self._runs(number)):
                    _write_at(file, content[at * length : (at + 1) * length], offset)
                assert len(runs) * length == len(content)
            self._journal.write(" ".join([str(number), *(str(_checksum(plane)) for plane in pixels)]) + "\n")
            self._journal.flush()
        except OSError as error:
            raise output_error(self._output, error) from error
        self._count(number, pixels)

    def remove(self) -> None:
        """Delete the folder, and the parent folders that were made for it if they are empty."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for parent in self._made_parents:
            try:
                parent.rmdir()
            except OSError:
                break

    def _open(self) -> None:
        key, journal = self.folder / _KEY, self.folder / _JOURNAL
        before = key.read_text(encoding="utf-8") if key.exists() else None
        if before != self._key:
            self.started_afresh = journal.exists() and journal.stat().st_size > 0
            for file in (key, journal, *self.folder.glob("*.raw")):
                file.unlink(missing_ok=True)
            key.write_text(self._key, encoding="utf-8")
        self._files = [self._open_raw(plane) for plane in self._planes]
        kept = self._read_journal(journal)
        renewed = journal.with_suffix(".new")
        renewed.write_text("".join(kept), encoding="ascii")
        os.replace(renewed, journal)
        self._journal = open(journal, "a", encoding="ascii")  # noqa: SIM115 (closed in __exit__)

    def _open_raw(self, plane: str) -> BinaryIO:
        path = self.path_of(plane)
        path.touch()
        file = open(path, "r+b", buffering=0)  # noqa: SIM115 (closed in __exit__)
        file.truncate(self._shape[0] * self._shape[1])  # sparse: what is never written takes no space
        return file

    def _runs(self, number: int) -> list[tuple[int, int]]:
        """Where the rows of a window lie in a raw file: first byte and number of bytes of each run."""
        window, columns = self._windows[number], self._shape[1]
        if window.width == columns:
            return [(window.row * columns, window.area)]
        return [(row * columns + window.col, window.width) for row in range(window.row, window.row_stop)]

    def _read(self, file: BinaryIO, number: int) -> Plane:
        content = bytearray()
        for offset, length in self._runs(number):
            file.seek(offset)
            content += file.read(length)
        return np.frombuffer(content, np.uint8)

    def _read_journal(self, journal: Path) -> list[str]:
        """Lines of the windows whose pixels are there."""
        kept = []
        lines = journal.read_text(encoding="ascii", errors="replace").split("\n")[:-1] if journal.exists() else []
        for line in lines:
            fields = line.split()
            if len(fields) != 1 + len(self._planes) or not all(field.isdecimal() for field in fields):
                continue
            number = int(fields[0])
            if number in self.done or number >= len(self._windows):
                continue
            pixels = [self._read(file, number) for file in self._files]
            if [_checksum(plane) for plane in pixels] == [int(field) for field in fields[1:]]:
                self._count(number, pixels)
                kept.append(line + "\n")
        return kept

    def _count(self, number: int, pixels: Sequence[Plane]) -> None:
        self.done.add(number)
        for counts, plane in zip(self.counts, pixels, strict=True):
            counts += np.bincount(plane.ravel(), minlength=256)


def folder_of(output: Path) -> Path:
    """Where the finished windows of an output are kept until it is whole."""
    return output.with_name(f".{output.name}.partial")


def _checksum(plane: Plane) -> int:
    return zlib.crc32(np.ascontiguousarray(plane).data)


def _write_at(file: BinaryIO, content: memoryview, offset: int) -> None:
    """Write all of it: the system may take less at a time, and on a full disk says so only at the next."""
    file.seek(offset)
    while content:
        content = content[file.write(content) :]
