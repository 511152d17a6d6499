"""What the STAC items of models and of maps have in common: files, and the classes of a legend."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pystac
from pystac.extensions.classification import Classification
from pystac.extensions.file import FileExtension

from geoarseg.raster.legend import LegendEntry


def add_file(item: pystac.Item, key: str, asset: pystac.Asset, path: Path, *, checksum: str | None = None) -> None:
    """Put a file among an item's assets, with its size and, if it is given, its checksum as a multihash."""
    item.add_asset(key, asset)
    FileExtension.ext(asset, add_if_missing=True).apply(size=path.stat().st_size, checksum=checksum)


def relative_to_item(path: Path, item_path: Path) -> str:
    """How an item names a file: relative to itself, absolute where no way leads from one to the other."""
    try:
        return Path(os.path.relpath(path.absolute(), item_path.absolute().parent)).as_posix()
    except ValueError:  # another drive of Windows
        return path.absolute().as_posix()


def classes_of(entries: Iterable[LegendEntry], *, nodata: int | None = None) -> list[Classification]:
    """The classes of a legend, and the value for no data if there is one.

    Names are given three times: version 2 of the extension wants them short, version 1, which that for models refers
    to, as a description.
    """
    taken: set[str] = set()
    classes = [
        Classification.create(
            entry.value, entry.name, _short_name(entry, taken), entry.name, color_hint=entry.hex[1:].upper()
        )
        for entry in entries
    ]
    if nodata is not None:
        classes.insert(0, Classification.create(nodata, "no data", "no_data", "no data", nodata=True))
    return classes


def _short_name(entry: LegendEntry, taken: set[str]) -> str:
    """A name of letters, digits, - and _ alone, as the extension wants it, that no other class has."""
    short = re.sub(r"[^0-9A-Za-z_-]+", "_", entry.name).strip("_") or "class"
    if short in taken or short in ("class", "no_data"):
        short = f"{short}_{entry.value}"
    taken.add(short)
    return short
