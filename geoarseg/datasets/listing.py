"""Reports on missing and surplus files: one line for each kind."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from geoarseg.errors import InputError

_SHOWN = 4  # names in a line


def some_of(names: Iterable[object]) -> str:
    """The first few names, and how many more there are."""
    listed = [str(name) for name in names]
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def check_folder(folder: Path) -> None:
    """Refuse a source folder that is none.

    Raises:
        InputError: it is missing or a file.
    """
    if folder.is_file():
        raise InputError(f"{folder} is a file.", "Name the folder of the unzipped downloads.")
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "Name the folder of the unzipped downloads.")


def find_zip(folder: Path, *names: str) -> Path | None:
    """The first archive in `folder` whose name begins with one of `names`, in any case."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() == ".zip" and path.name.lower().startswith(tuple(name.lower() for name in names)):
            return path
    return None
