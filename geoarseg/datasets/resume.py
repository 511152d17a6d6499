"""How far a preparation is, and whether it may go on: the file `unfinished.json` and the checks of a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from geoarseg.datasets.crops import CropSource
from geoarseg.datasets.store import INDEX_NAME, STATE_NAME, column_layout, open_store, read_index
from geoarseg.errors import OutputError
from geoarseg.raster.atomic import check_output_path

HEADER_BYTES = 128
"""Bytes of the header of an `.npy` file with any of our shapes; its content is known only at the end."""

_OWN_FILES = {INDEX_NAME, STATE_NAME, *(f"{name}.npy" for name in column_layout(1, 1, padded=True))}


class State(BaseModel):
    """How far the work is: the content of `unfinished.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: dict[str, Any]
    names: str
    """Digest of the names of all sources."""
    done: int = 0
    """Sources that are finished."""
    crops: int = 0
    """Crops they gave."""
    digest: str = ""
    """Digest of the names, sizes and times of their files."""
    counts: dict[str, int] = {}


def find_state(source: CropSource, folder: Path, overwrite: bool) -> State | None:
    """Where to begin, or to go on; None if the dataset is whole.

    Raises:
        OutputError: the folder cannot be written, or holds something else.
        InputError: the folder holds a damaged dataset.
    """
    check_output_path(folder / INDEX_NAME, overwrite=True)
    fresh = State(request=source.request, names=hashlib.sha256("\n".join(source.sources).encode()).hexdigest())
    held = {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
    if not held:
        return fresh
    if foreign := sorted(held - _OWN_FILES):
        raise OutputError(f"{folder} holds other files ({foreign[0]}).", "Name an empty or a new folder.")
    if overwrite:
        remove_files(folder)
        return fresh
    _check_no_links(folder, held)
    if INDEX_NAME in held:
        index = read_index(folder)
        _check_same(folder, index.request, source.request)
        if index.sources != source.sources or index.digest != _digest(source, len(source.sources)):
            raise _changed(folder)
        open_store(folder)  # complains if it is damaged
        return None
    if STATE_NAME not in held:
        raise OutputError(f"{folder} holds parts of a dataset.", "Pass --overwrite to begin anew.")
    state = _read_state(folder)
    _check_same(folder, state.request, source.request)
    if state.names != fresh.names or state.digest != _digest(source, state.done):
        raise _changed(folder)
    for name, (dtype, shape) in column_layout(source.crop_px, len(source.band_names), padded=source.padded).items():
        path = folder / f"{name}.npy"
        if not path.is_file() or path.stat().st_size < HEADER_BYTES + state.crops * row_bytes(dtype, shape):
            raise OutputError(f"The unfinished dataset in {folder} is damaged.", "Pass --overwrite to begin anew.")
    return state


def _check_no_links(folder: Path, names: Iterable[str]) -> None:
    """Refuse a folder that somebody else has made in such a way that files beyond it would be written."""
    for name in sorted(names):
        if (folder / name).is_symlink():
            raise OutputError(f"{folder / name} is a link.", "Pass --overwrite to begin anew, or name a new folder.")


def _read_state(folder: Path) -> State:
    try:
        return State.model_validate_json((folder / STATE_NAME).read_bytes())
    except (OSError, ValidationError) as error:
        raise OutputError(
            f"The unfinished dataset in {folder} is damaged.", "Pass --overwrite to begin anew."
        ) from error


def _check_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise OutputError(
                f"{folder} was begun with other arguments ({name} {json.dumps(before.get(name))} "
                f"instead of {json.dumps(now.get(name))}).",
                "Pass --overwrite to begin anew.",
            )


def _changed(folder: Path) -> OutputError:
    return OutputError(f"The source files of {folder} have changed since.", "Pass --overwrite to begin anew.")


def remove_files(folder: Path) -> None:
    """Remove our own files, the index first: what is left on the way is no dataset."""
    for name in (INDEX_NAME, STATE_NAME, *sorted(_OWN_FILES)):
        with suppress(FileNotFoundError):
            (folder / name).unlink()


def _digest(source: CropSource, count: int) -> str:
    """Digest of the names, sizes and times of the files of the first `count` sources."""
    digest = ""
    for number in range(count):
        digest = extend_digest(digest, source, number)
    return digest


def extend_digest(digest: str, source: CropSource, number: int) -> str:
    """Digest of the sources up to `number`, from that of the sources before it."""
    facts = [digest]
    for path in source.files(number):
        stat = path.stat()
        facts.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def row_bytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    """Bytes of one crop in a file."""
    return dtype.itemsize * int(np.prod(shape, dtype=np.int64))
