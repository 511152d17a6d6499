"""Files that are not on this machine: how GDAL shall ask for them, and what else is asked of their servers."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from typing import TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import rasterio.env

from geoarseg import __version__
from geoarseg.errors import InputError

SYSTEMS = ("curl", "s3", "gs", "az", "adls", "oss", "swift", "webhdfs")
"""GDAL's file systems that are reached over a network: /vsicurl/ and so on."""

PAUSES_S = (0.5, 2.0)
"""How long to wait before what failed is tried again."""

_HTTP = {
    "GDAL_HTTP_MAX_RETRY": "4",  # after 0.5, 1, 2 and 4 s
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_CONNECTTIMEOUT": "15",
    "GDAL_HTTP_LOW_SPEED_TIME": "30",  # a server that has gone silent is left after so many seconds
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
}
_OPENING = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # a folder of a server cannot be listed, or holds too much
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",  # the header of most Cloud Optimized GeoTIFFs in one request
}
_REMOTE = re.compile(rf"/vsi({'|'.join(SYSTEMS)})(_streaming)?[/?]")
_TIMEOUT_S = 15.0
_TRANSIENT = (408, 429, 500, 502, 503, 504)
Answer = TypeVar("Answer")


def is_remote(name: str) -> bool:
    """Whether GDAL reaches the file of this name over a network."""
    return _REMOTE.search(name) is not None


def gdal_options(name: str, *, opening: bool = False) -> dict[str, str]:
    """GDAL's settings for a file: none for a local one, and none that the user has set.

    Args:
        name: GDAL's name of the file.
        opening: it is opened and not only read; then GDAL does not look for sidecars beside a remote file. A VRT may
            be local and its parts not, so that it gets the settings for requests.
    """
    remote = is_remote(name)
    wanted = _HTTP if remote or name.lower().endswith(".vrt") else {}
    wanted = wanted | (_OPENING if remote and opening else {})
    if not wanted:
        return {}
    given = {**os.environ, **(rasterio.env.getenv() if rasterio.env.hasenv() else {})}
    return {option: value for option, value in wanted.items() if option not in given}


def uncached(name: str) -> dict[str, str]:
    """The setting under which GDAL forgets what it holds of a remote file when it closes it."""
    system = _REMOTE.search(name)
    return {"CPL_VSIL_CURL_NON_CACHED": system[0]} if system else {}


def remote_identity(name: str) -> tuple[int, str] | None:
    """Size in bytes, and ETag or date, of a file behind HTTP; None if its server does not say.

    It is asked for one byte and not for the header alone, as signed addresses are for reading only.
    """
    found = re.search(r"/vsicurl/(https?://[^}]+)", name)
    if found is None:
        return None
    try:
        headers = _ask(found[1], {"Range": "bytes=0-0"}, lambda answer: answer.headers)
    except (OSError, HTTPException, ValueError):
        return None
    tag = headers.get("ETag") or headers.get("Last-Modified")
    size = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
    if tag is None or not size.isdecimal():
        return None
    return int(size), tag


def fetch(url: str, *, most_bytes: int) -> bytes:
    """The content of a small file behind HTTP.

    Raises:
        InputError: it is not there, or larger than that.
    """
    try:
        content = _ask(url, {}, lambda answer: answer.read(most_bytes + 1))
    except HTTPError as error:
        raise InputError(f"{url} cannot be fetched ({error.code} {error.reason}).", "Check the address.") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = " ".join(str(getattr(error, "reason", error)).split()).rstrip(".")
        raise InputError(f"{url} cannot be fetched ({reason}).", "Check the address and the network.") from None
    if len(content) > most_bytes:
        raise InputError(f"{url} is larger than {most_bytes >> 20} MB.", "Check the address.")
    return content


def _ask(url: str, headers: dict[str, str], take: Callable[[HTTPResponse], Answer]) -> Answer:
    """Ask a server, again after a failure that may pass."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("only http and https are asked")
    request = Request(url, headers={"User-Agent": f"geoarseg/{__version__}", **headers})  # noqa: S310 -- see above
    for wait_s in (*PAUSES_S, None):
        try:
            with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 -- see above
                return take(answer)
        except (OSError, HTTPException) as error:
            if wait_s is None or (isinstance(error, HTTPError) and error.code not in _TRANSIENT):
                raise
            time.sleep(wait_s)
    raise AssertionError("the last try returns or raises")
