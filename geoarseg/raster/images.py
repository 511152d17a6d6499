"""Which images a folder or a pattern stands for, and opening each of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence

from geoarseg.errors import InputError
from geoarseg.raster.locate import RASTER_ENDINGS, PathLike
from geoarseg.raster.source import GDAL_ERRORS, Source, open_quietly, open_source
from geoarseg.raster.stac import is_item, open_item
from geoarseg.raster.stack import Stack

_TAG_START = "GEOARSEG_"


def find_images(names: Sequence[PathLike]) -> list[str]:
    """The images that names stand for, each by a name that `open_image` takes; these stand for themselves.

    A folder stands for the rasters in it, but not in folders below it; a pattern such as `tiles/**/*.tif` for the
    files that match. Both leave out hidden files, and rasters that geoarseg made. They are sorted by name.

    Args:
        names: files, folders, patterns, addresses, GDAL names, STAC items.

    Raises:
        InputError: a folder or a pattern stands for nothing.
    """
    return [image for name in names for image in _images_of(os.fspath(name))]


def open_image(name: PathLike, bands: Sequence[int] | None = None) -> Source | Stack:
    """Read the metadata of one image: a file, or the assets of a STAC item.

    Args:
        name: what `find_images` gives.
        bands: bands to use, counted from 1 and in this order; None = all but alpha.

    Raises:
        InputError: there is no such image, or it cannot be mapped.
        SettingsError: `bands` names bands that are not there.
    """
    text = os.fspath(name)
    return open_item(text, bands) if is_item(text) else open_source(text, bands)


def _images_of(name: str) -> list[str]:
    if name.startswith("/vsi") or "://" in name or os.path.isfile(name):
        return [name]
    if os.path.isdir(name):
        found = [os.path.join(name, entry) for entry in os.listdir(name) if not entry.startswith(".")]
        images = [path for path in found if _is_raster(path)]
        if not images:
            raise InputError(
                f"There is no raster in the folder {name} ({len(found)} other entries).",
                f"For those in folders below it, give a pattern in quotes: '{os.path.join(name, '**', '*.tif')}'",
            )
        return _without_outputs(name, images)
    if not glob.has_magic(name):
        return [name]
    found = [path for path in glob.glob(os.path.expanduser(name), recursive=True) if os.path.isfile(path)]
    if not found:
        raise InputError(f"No file matches {name}.", "Check the pattern; ** stands for folders at any depth.")
    return _without_outputs(name, [path for path in found if _is_raster(path)] or found)


def _is_raster(path: str) -> bool:
    return path.lower().endswith(RASTER_ENDINGS) and os.path.isfile(path)


def _without_outputs(name: str, images: Sequence[str]) -> list[str]:
    """The images, sorted, without the class and confidence rasters of an earlier run."""
    foreign = [path for path in sorted(images) if not _is_output(path)]
    if not foreign:
        raise InputError(f"{name} holds only class rasters that geoarseg made.", "Name images to map.")
    return foreign


def _is_output(path: str) -> bool:
    try:
        with open_quietly(path) as dataset:
            return any(tag.startswith(_TAG_START) for tag in dataset.tags())
    except GDAL_ERRORS:
        return False  # what is wrong with it is said when it is opened as an image
