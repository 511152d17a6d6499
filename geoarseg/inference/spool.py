"""Finished windows on disk, so that a segmentation that was killed goes on where it was.

A folder beside the output holds, for each band of the outputs, its pixels row by row in a raw file, and a journal with
one line for each finished window: its number and the checksums of its pixels. After a power cut the journal may promise
windows whose pixels never reached the disk; the checksums find them, and they are computed again.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from geoarseg.errors import OutputError
from geoarseg.raster.atomic import output_error
from geoarseg.raster.window import Window

_KEY, _JOURNAL, _LOCK = "arguments.json", "journal.txt", "lock"
_MOST_DIGITS = 19  # of a number in the journal

Plane = npt.NDArray[np.uint8]


class Spool:
    """The pixels of finished windows of one segmentation. Use it in a `with` statement.

    The folder is kept at the end, unless no window is finished or `finish` was called.

    Attributes:
        done: numbers of the windows that are finished.
        started_afresh: whether there were windows of other arguments, which are lost.
        counts: how often each value occurs among finished windows, for each plane, (planes, 256).

    Args:
        output: the file that is being made; the folder lies beside it.
        key: what the pixels depend on; JSON types only.
        windows: each window, by its number, counted from the output's upper left corner.
        shape: rows and columns of the output.
        planes: the names of the bands of all outputs.
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
        self._key = json.dumps({**key, "planes": self._planes, "shape": shape}, sort_keys=True, indent=1).encode()
        self._seed = zlib.crc32(self._key)  # no window of other arguments has the right checksum
        self._made_parents = [parent for parent in output.absolute().parents if not parent.exists()]
        self._is_finished = False

    def path_of(self, plane: str) -> Path:
        """The raw file of one plane: rows times columns bytes."""
        return self.folder / f"{plane}.raw"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            try:
                self._lock()
                stack.callback(self._unlock)
                self._open(stack)
            except OutputError:
                raise
            except OSError as error:
                raise output_error(self._output, error) from error
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._closing.close()

    def write(self, number: int, pixels: Sequence[Plane]) -> None:
        """Keep one finished window.

        Args:
            number: which.
            pixels: for each plane, (y, x) uint8.

        Raises:
            OutputError: the disk is full or fails.
        """
        line = " ".join([str(number), *(str(self._checksum(plane)) for plane in pixels)]) + "\n"
        try:
            for file, plane in zip(self._files, pixels, strict=True):
                content = np.ascontiguousarray(plane).data.cast("B")
                for at, (offset, length) in enumerate(runs := self._runs(number)):
                    file.seek(offset)
                    _write_all(file, content[at * length : (at + 1) * length])
                assert len(runs) * length == len(content)
            _write_all(self._journal, memoryview(line.encode()))
        except OSError as error:
            raise output_error(self._output, error) from error
        self._count(number, pixels)

    def finish(self) -> None:
        """Say that the outputs are whole, and the windows are not needed any more."""
        self._is_finished = True

    def _lock(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock_file = FileLock(self.folder / _LOCK)
        try:
            self._lock_file.acquire(timeout=0)
        except Timeout:
            raise OutputError(
                f"{self._output} is being written by another geoarseg.", "Wait for it, or choose another name."
            ) from None

    def _unlock(self) -> None:
        """Let others in; before, delete the folder if there is nothing to go on from."""
        journal = self.folder / _JOURNAL
        is_needed = not self._is_finished and journal.is_file() and journal.stat().st_size > 0
        if not is_needed:
            with suppress(OSError):
                _empty(self.folder)
        self._lock_file.release()
        if not is_needed:
            self._remove_folder()

    def _remove_folder(self) -> None:
        """Delete the emptied folder, and the parent folders that were made for it if they are empty."""
        with suppress(OSError):  # another process may have come in
            (self.folder / _LOCK).unlink(missing_ok=True)
            self.folder.rmdir()
            for parent in self._made_parents:
                parent.rmdir()

    def _open(self, stack: ExitStack) -> None:
        key, journal = self.folder / _KEY, self.folder / _JOURNAL
        if not key.is_file() or key.read_bytes() != self._key:
            self.started_afresh = journal.exists() and journal.stat().st_size > 0
            _empty(self.folder)
            key.write_bytes(self._key)
        self._files = [stack.enter_context(self._open_raw(plane)) for plane in self._planes]
        content = journal.read_bytes() if journal.exists() else b""
        kept = self._read_journal(content)
        if kept != content:
            renewed = journal.with_suffix(".new")
            renewed.write_bytes(kept)
            os.replace(renewed, journal)
        self._journal = stack.enter_context(open(journal, "ab", buffering=0))  # noqa: SIM115 (closed by the stack)

    def _open_raw(self, plane: str) -> BinaryIO:
        path = self.path_of(plane)
        path.touch()
        file = open(path, "r+b", buffering=0)  # noqa: SIM115 (closed by the stack)
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

    def _read_journal(self, content: bytes) -> bytes:
        """The lines of the windows whose pixels are there."""
        kept = []
        for line in content.split(b"\n")[:-1]:  # the last one, if any, was cut off
            fields = line.split(b" ")
            if len(fields) != 1 + len(self._planes) or not all(_is_number(field) for field in fields):
                continue
            number = int(fields[0])
            if number in self.done or number >= len(self._windows):
                continue
            pixels = [self._read(file, number) for file in self._files]
            if [self._checksum(plane) for plane in pixels] == [int(field) for field in fields[1:]]:
                self._count(number, pixels)
                kept.append(line + b"\n")
        return b"".join(kept)

    def _checksum(self, plane: Plane) -> int:
        return zlib.crc32(np.ascontiguousarray(plane).data, self._seed)

    def _count(self, number: int, pixels: Sequence[Plane]) -> None:
        self.done.add(number)
        for counts, plane in zip(self.counts, pixels, strict=True):
            counts += np.bincount(plane.ravel(), minlength=256)


def folder_of(output: Path) -> Path:
    """Where the finished windows of an output are kept until it is whole."""
    return output.with_name(f".{output.name}.partial")


def remove_windows(output: Path, key: dict[str, object]) -> None:
    """Delete the finished windows of an output that is whole: a process was killed before it did.

    Those that were made with other arguments stay, and those of a process that is at work.

    Args:
        output: the file beside which they lie.
        key: as that of the spool.
    """
    folder = folder_of(output)
    if not folder.is_dir() or not _is_of(folder, key):
        return
    with suppress(Timeout, OSError):
        lock = FileLock(folder / _LOCK)
        lock.acquire(timeout=0)
        try:
            _empty(folder)
        finally:
            lock.release()
        (folder / _LOCK).unlink(missing_ok=True)
        folder.rmdir()


def _is_of(folder: Path, key: dict[str, object]) -> bool:
    """Whether windows were made with these arguments, or are worth nothing, since that is not known any more."""
    try:
        kept = json.loads((folder / _KEY).read_bytes())
        same: bool = {name: kept[name] for name in kept.keys() - {"planes", "shape"}} == json.loads(json.dumps(key))
        return same
    except FileNotFoundError:
        return True
    except (OSError, ValueError, AttributeError):
        return False


def _empty(folder: Path) -> None:
    """Delete all but the lock; first what says that windows are finished."""
    for file in sorted(folder.iterdir()):
        if file.name != _LOCK:
            file.unlink()


def _is_number(field: bytes) -> bool:
    return field.isdigit() and len(field) <= _MOST_DIGITS


def _write_all(file: BinaryIO, content: memoryview) -> None:
    """Write all of it: the system may take less at a time, and on a full disk says so only at the next."""
    while content:
        content = content[file.write(content) :]
