"""Output files that are there whole or not at all.

A file is written in a hidden folder beside its place, which is on the same file system, and is moved into
place by one `os.replace` when it is finished. Whatever goes wrong before, Ctrl-C included, leaves nothing
behind; what a process leaves that is killed is deleted when the file is made again.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from geoarseg.durable import sync_file, sync_folder
from geoarseg.errors import DiskFullError, GeoArSegError, OutputError
from geoarseg.unfinished import remove_leftovers, unfinished_folder

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NEARLY_FULL_BYTES = 1 << 20


def check_output_path(path: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Refuse, before any work, a place that cannot be written.

    Returns:
        The path.

    Raises:
        OutputError: something is there already, or the folder cannot be written.
    """
    target = Path(path)
    if str(path).startswith("/vsi") or "://" in str(path):
        raise OutputError(f"{path} is not on this machine.", "Write to a local file, and copy it afterwards.")
    try:
        if target.is_dir():
            raise OutputError(f"{path} is a folder.", "Name a file in it.")
        if os.path.lexists(target) and not overwrite:
            remove_leftovers(target)  # of a maker that was killed when the file was in its place
            raise OutputError(f"{path} exists.", "Pass --overwrite to replace it.")
        folder = next(parent for parent in target.absolute().parents if os.path.lexists(parent))
    except OSError as error:
        if isinstance(error, GeoArSegError):
            raise
        raise output_error(path, error) from error
    if not folder.is_dir():
        raise OutputError(f"Cannot write {path}: {folder} is not a folder.", "Choose another place.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"Cannot write {path}: {folder} is not writable.", "Choose another place.")
    return target


@contextmanager
def temporary_beside(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `path`; at the end, move the files in it to where `path` is.

    The file of the name of `path` must be among them; it is moved last, after its sidecars. If the block
    raises, nothing is moved. Missing parent folders are made, and are removed again if nothing comes of it.

    Raises:
        OutputError: the place cannot be written, or already holds something.
    """
    target = check_output_path(path, overwrite)
    made = [parent for parent in target.absolute().parents if not parent.exists()]  # innermost first
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with unfinished_folder(target) as folder:
            yield folder
            _move(folder, target)
        made = []
    except GeoArSegError:
        raise
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        for parent in made:
            with suppress(OSError):
                parent.rmdir()


@contextmanager
def whole_file(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path of the same name to write to; at the end, move that file to `path`.

    Raises:
        OutputError: the place cannot be written, or already holds something.
    """
    with temporary_beside(path, overwrite=overwrite) as folder:
        yield folder / Path(path).name


def output_error(path: str | os.PathLike[str], error: BaseException) -> OutputError:
    """Say in words that writing `path` failed, and why."""
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL or (number is None and _is_full(Path(path))):
        return DiskFullError(
            f"Cannot write {path}: No space left on the disk.", "Free some space, or write to another disk."
        )
    reason = os.strerror(number) if number else " ".join(str(error).split()).rstrip(".")
    return OutputError(f"Cannot write {path}: {reason}.", "Choose another place.")


def _is_full(path: Path) -> bool:
    """Whether the disk has next to nothing left: GDAL's own errors often do not name the cause."""
    folder = next((parent for parent in path.absolute().parents if parent.is_dir()), None)
    return folder is not None and shutil.disk_usage(folder).free < _NEARLY_FULL_BYTES


def _move(folder: Path, target: Path) -> None:
    """Move all files into place, the main one last; take new sidecars away again if that fails."""
    if not (folder / target.name).is_file():
        raise OSError(errno.EIO, "the file was not written")
    sidecars = sorted(file for file in folder.iterdir() if file.name != target.name)
    placed: list[Path] = []
    try:
        for file in (*sidecars, folder / target.name):
            place = target.parent / file.name
            if not place.exists():
                placed.append(place)
            sync_file(file)
            os.replace(file, place)
        sync_folder(target.parent)
    except BaseException:
        for place in placed:
            place.unlink(missing_ok=True)
        raise
