"""GDAL's cache of raster blocks, of one size for the whole process and for any raster.

By itself GDAL takes a twentieth of the machine's memory, and fills it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from geoarseg.container import memory_limit

_COPY_BYTES = 128 << 20
_CACHE_BYTES = 512 << 20
"""Holds the rows that one row of windows needs, twice, of an image of four bytes a pixel 100,000 pixels wide."""
_SHARE = 8  # of the memory of a container, one part in so many


@cache
def bound_block_cache() -> None:
    """Bound the cache of this process, unless GDAL_CACHEMAX in the environment says how large it may be."""
    _set(cache_bytes())


def cache_bytes() -> int:
    """How large the cache is: of one size, but where a container's memory is small."""
    limit = memory_limit()
    return _CACHE_BYTES if limit is None else min(_CACHE_BYTES, limit // _SHARE)


@contextmanager
def block_cache_for_copying() -> Iterator[None]:
    """Bound it to less while a raster is copied from top to bottom, which gains nothing from more."""
    _set(min(_COPY_BYTES, cache_bytes()))
    try:
        yield
    finally:
        _set(cache_bytes())


def _set(size: int) -> None:
    from rasterio.env import set_gdal_config  # takes a while, and errors and settings have no need of it

    if "GDAL_CACHEMAX" not in os.environ:
        set_gdal_config("GDAL_CACHEMAX", size)  # rasterio.Env would take it back at its end
