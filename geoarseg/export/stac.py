"""A model, or the rasters of a map, as a STAC item beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from geoarseg.errors import InputError, SettingsError
from geoarseg.raster.atomic import check_output_path, whole_file

if TYPE_CHECKING:
    import pystac

_MODEL_ENDING = ".safetensors"


def export_stac(
    files: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    name: str | None = None,
    when: datetime | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a STAC item that describes a model file, or class and confidence rasters of one grid.

    Files are named relative to the item where that can be, so that a folder with both can be moved.

    Args:
        files: one model file, or rasters that lie on one grid, the class raster first.
        out: the item to write, such as `classes.json`.
        name: the item's id; None = the first file's name without its ending.
        when: what the item is dated by: of a map the time of its image; None = when the first file was written.
        overwrite: replace an existing file.

    Returns:
        The path.

    Raises:
        InputError: a raster cannot be read, or they lie on different grids.
        ModelFileError: the model file cannot be used.
        OutputError: the file cannot be written, or exists already.
        SettingsError: a model is named beside other files, or pystac is not installed.
    """
    if find_spec("pystac") is None:
        raise SettingsError("Writing STAC needs pystac.", "pip install 'geoarseg[stac]'")
    place, paths = check_output_path(out, overwrite), [Path(file) for file in files]
    item = _item_of(paths, place, name or paths[0].stem, when or _written(paths[0]))
    text = json.dumps(item.to_dict(include_self_link=False), indent=2, ensure_ascii=False) + "\n"
    with whole_file(place, overwrite=overwrite) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return place


def _item_of(paths: Sequence[Path], place: Path, name: str, when: datetime) -> pystac.Item:
    if paths[0].suffix.lower() == _MODEL_ENDING:
        if len(paths) > 1:
            raise SettingsError("A model has an item of its own.", "Name the model alone.")
        from geoarseg.export.stac_model import model_item

        return model_item(paths[0], place, name=name, when=when)
    from geoarseg.export.stac_map import map_item

    return map_item(paths, place, name=name, when=when)


def _written(path: Path) -> datetime:
    """When a file was written, to the second."""
    try:
        return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, OverflowError) as error:  # the clock was wrong by thousands of years
        raise InputError(f"{path} was written in no year of our calendar.", "Date the item with --datetime.") from error
