"""The file formats of polygon layers, by the ending of the name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from geoarseg.durable import sync_file, sync_folder
from geoarseg.errors import InputError, OutputError
from geoarseg.unfinished import remove_leftovers, unfinished_folder


@dataclass(frozen=True)
class VectorFormat:
    """One file format."""

    name: str
    """What it is called."""
    driver: str | None
    """GDAL's name for it; None where pyarrow writes it."""
    options: Mapping[str, str] = field(default_factory=dict)
    """GDAL's creation options of the layer."""
    companions: tuple[str, ...] = (".qml",)
    """Endings of the files that may lie beside it and belong to it."""
    longest_name: int | None = None
    """Most characters in the name of an attribute; None = no limit."""


GEOJSON = VectorFormat(
    # RFC 7946: longitude and latitude on WGS 84, rings by the right-hand rule. 8 decimals are a millimetre.
    "GeoJSON", "GeoJSON", {"RFC7946": "YES", "COORDINATE_PRECISION": "8", "WRITE_NAME": "YES"}
)  # fmt: skip
FORMATS: Mapping[str, VectorFormat] = {
    ".gpkg": VectorFormat("GeoPackage", "GPKG", {"SPATIAL_INDEX": "YES", "GEOMETRY_NAME": "geom"}, ()),
    ".fgb": VectorFormat("FlatGeobuf", "FlatGeobuf", {"SPATIAL_INDEX": "YES"}),
    ".parquet": VectorFormat("GeoParquet", None),
    ".geojson": GEOJSON,
    ".json": GEOJSON,
    ".shp": VectorFormat(
        "Shapefile",
        "ESRI Shapefile",
        {"ENCODING": "UTF-8"},
        (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".qml"),
        longest_name=10,
    ),
}


def format_of(path: Path) -> VectorFormat:
    """The format that the ending of a name stands for.

    Raises:
        InputError: no format has this ending.
    """
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise InputError(
            f"{path.name} does not say which vector format to write.",
            f"Let the name end in one of {', '.join(FORMATS)}.",
        ) from None


def field_names(names: Sequence[str], kind: VectorFormat) -> list[str]:
    """The attributes' names as the format can have them: shortened, but still distinct."""
    limit = kind.longest_name
    if limit is None:
        return list(names)
    short: list[str] = []
    for name in names:
        candidate, number = name.replace("perimeter", "perim")[:limit], 1
        while candidate in short:
            candidate, number = f"{name[: limit - 2]}_{number}", number + 1
        short.append(candidate)
    return short


def check_place(path: Path, *, overwrite: bool) -> None:
    """Raise an OutputError if a layer cannot be put there."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder.", "Give the name of a file.")
    if path.exists() and not overwrite:
        remove_leftovers(path)  # of a maker that was killed when the layer was in its place
        raise OutputError(f"{path} exists already.", "Choose another name, or allow overwriting.")


@contextmanager
def whole_or_not_at_all(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """A place to write to; what lies there takes its final name when the block ends well, else it vanishes.

    Args:
        path: where the layer shall be.
        overwrite: replace a layer that is there already, with its companion files.

    Yields:
        a path of the same name in a hidden folder beside it.

    Raises:
        OutputError: the place is taken or cannot be written.
    """
    check_place(path, overwrite=overwrite)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(unfinished_folder(path))
        except OSError as error:
            raise OutputError(
                f"{path.parent} cannot be written to ({error.strerror}).",
                "Create the folder, or choose another one.",
            ) from error
        yield folder / path.name
        _move_in(folder, path)


def _move_in(folder: Path, path: Path) -> None:
    """Give the files in `folder` their final names, the layer last; drop companions of an older layer."""
    try:
        for ending in format_of(path).companions:
            if not (folder / path.name).with_suffix(ending).exists():
                path.with_suffix(ending).unlink(missing_ok=True)
        for file in sorted(folder.iterdir(), key=lambda file: file.name == path.name):
            sync_file(file)
            os.replace(file, path.with_name(file.name))
        sync_folder(path.parent)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}).", "Close programs that have it open."
        ) from error
