"""What an image may be called by, and the name by which GDAL opens it."""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from geoarseg.errors import InputError
from geoarseg.raster.remote import remote_identity

PathLike = str | os.PathLike[str]
Version = tuple[int, ...]
"""Tells a file from an older one of that name, by inode, size and time or what a server says in their place."""

NO_VERSION: Version = (0, 0, 0)
"""The version of what cannot be told apart."""
RASTER_ENDINGS = (".tif", ".tiff", ".vrt", ".jp2", ".j2k", ".img", ".ecw", ".sid")
"""Endings of files that are rasters without doubt."""

_CLOUDS = {"s3": "vsis3", "gs": "vsigs", "az": "vsiaz", "adls": "vsiadls", "oss": "vsioss", "swift": "vsiswift"}
_ARCHIVE = re.compile(r"(/vsi(zip|tar|gzip|7z|rar)/)+\{?")


def gdal_name(path: PathLike) -> str:
    """GDAL's name for a path or an address.

    Raises:
        InputError: there is no such file, or it is a zip archive of no raster or of several.
    """
    text = os.fspath(path)
    scheme, separator, address = text.partition("://")
    if text.startswith("/vsi"):
        return text
    if separator and scheme in _CLOUDS:
        return f"/{_CLOUDS[scheme]}/{address}"
    if separator and scheme in ("http", "https", "ftp"):
        name = f"/vsicurl/{text}"
        return f"/vsizip/{{{name}}}" if _without_query(text).lower().endswith(".zip") else name
    if separator and scheme == "file":
        text = url2pathname(urlsplit(text).path)
    if os.path.exists(text):
        return _in_archive(os.path.abspath(text)) if text.lower().endswith(".zip") else os.path.abspath(text)
    if re.match(r"\w{2,}:", text):  # NETCDF:file:variable; a single letter is a Windows drive
        return text
    raise InputError(f"There is no file {text}.", "Check the path.")


def version_of(name: str) -> Version:
    """The version of the file that GDAL opens by this name."""
    archive = _ARCHIVE.match(name)
    if archive is None:
        return _version_of_file(Path(name)) or _remote_version(name)
    inner = Path(name[archive.end() :].replace("}", ""))
    versions = (_version_of_file(place) for place in (inner, *inner.parents))
    return next((version for version in versions if version), None) or _remote_version(name)


def digest_of_files(names: Sequence[str]) -> int:
    """A number that changes with any of the files that are on this machine."""
    return number_of(repr([_version_of_file(Path(name)) for name in names]))


def number_of(text: str) -> int:
    """A number that stands for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])


def stem_of(name: str) -> str:
    """What the outputs of an image are called after: the name of its file, without ending, query and fragment."""
    path = _without_query(name) if "://" in name else re.sub(r"(\.(?:geo)?json)#.*", r"\1", name)
    return Path(path.rstrip("/}")).stem


def _without_query(address: str) -> str:
    return re.split("[?#]", address, maxsplit=1)[0]


def _version_of_file(path: Path) -> Version | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns) if path.is_file() else None


def _remote_version(name: str) -> Version:
    identity = remote_identity(name)
    return NO_VERSION if identity is None else (0, identity[0], number_of(identity[1]))


def _in_archive(path: str) -> str:
    """GDAL's name for the only raster in a zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path} cannot be read as a zip archive ({error}).") from None
    rasters = [
        name
        for name in sorted(names)
        if name.lower().endswith(RASTER_ENDINGS)
        and not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
    ]
    if not rasters:
        raise InputError(f"There is no raster in {path} ({len(names)} files).", "Give a zip with a GeoTIFF in it.")
    if len(rasters) > 1:
        raise InputError(
            f"There are {len(rasters)} rasters in {path}.", f"Name one of them: /vsizip/{path}/{rasters[0]}"
        )
    return f"/vsizip/{path}/{rasters[0]}"
