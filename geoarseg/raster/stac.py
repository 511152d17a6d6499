"""Images named by a STAC item: which of its assets, and where they are.

An item is a GeoJSON feature, of which only `assets` counts here, so it is read as plain JSON. Bands are described as
in STAC 1.1 (`bands` with `eo:common_name`) or 1.0 (`eo:bands` with `common_name`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

from geoarseg.errors import InputError
from geoarseg.raster.locate import RASTER_ENDINGS
from geoarseg.raster.remote import fetch
from geoarseg.raster.source import Source, open_source
from geoarseg.raster.stack import Stack, stack_sources

_MOST_BYTES = 16 << 20
_ITEM = re.compile(
    r"((?:.+?\.(?:geo)?json|https?://[^#?]+/collections/[^/#?]+/items/[^/#?]+)(?:\?[^#]*)?)(?:#(.+))?",
    re.IGNORECASE | re.DOTALL,
)
_TYPES = ("image/tiff", "image/vnd.stac.geotiff", "image/jp2", "image/x.geotiff", "application/x-geotiff")
_OTHER_ROLES = {"thumbnail", "overview", "metadata", "cloud", "cloud-shadow", "snow-ice", "water-mask", "data-mask"}
_STACKED = (("red",), ("green",), ("blue",), ("nir", "nir08"))
_ROLES = {"red": "red", "green": "green", "blue": "blue", "nir": "nir", "nir08": "nir"}
_SCHEMES = ("http", "https", "s3", "gs", "az")
_OPENED = f"Assets may be at {', '.join(_SCHEMES)} and, if the item is a file, in files."


@dataclass(frozen=True)
class _Asset:
    """One file of an item."""

    key: str
    """Its name in the item."""
    href: str
    """Where it is: an address or an absolute path."""
    kind: str
    """Media type, or nothing."""
    roles: frozenset[str]
    common_names: tuple[str | None, ...]
    """What each band shows, as far as the item says so: red, nir and so on; empty = it does not list the bands."""

    @property
    def is_raster(self) -> bool:
        """Whether it is an image to map, by its type or else its ending, and no picture of one."""
        by_ending = urlsplit(self.href).path.lower().endswith(RASTER_ENDINGS)
        return (self.kind.startswith(_TYPES) if self.kind else by_ending) and not self.roles & _OTHER_ROLES

    @property
    def is_optimized(self) -> bool:
        """Whether it is a Cloud Optimized GeoTIFF."""
        return "profile=cloud-optimized" in self.kind


def is_item(name: str) -> bool:
    """Whether an image is named by a STAC item: `item.json`, or `item.json#asset,asset`, or an address in an API."""
    return not name.startswith("/vsi") and _ITEM.fullmatch(name) is not None


def open_item(name: str, bands: Sequence[int] | None = None) -> Source | Stack:
    """Open the image that a STAC item names.

    Without a choice of assets it is the only one with role "data", else the only Cloud Optimized GeoTIFF, else the
    only one of several bands, else red, green, blue and near-infrared as far as they are there, as one image.

    Args:
        name: path or address of the item; behind a `#` the keys of assets, separated by commas.
        bands: bands to use, counted from 1 and in this order; None = all but alpha.

    Raises:
        InputError: the item or its assets cannot be used.
        SettingsError: `bands` names bands that are not there.
    """
    found = _ITEM.fullmatch(name)
    assert found is not None
    item, keys = found[1], found[2]
    if item.startswith("file://"):
        item = url2pathname(urlsplit(item).path)
    assets = _read_assets(item)
    chosen = _named(item, assets, keys) if keys else _choose(item, assets)
    if len(chosen) == 1:
        return _described(open_source(chosen[0].href, bands), chosen[0])
    return stack_sources(name, [source for asset in chosen for source in _single_bands(asset)], bands)


def _read_assets(item: str) -> dict[str, _Asset]:
    """The assets of an item."""
    text = _read(item)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{item} is not valid JSON.", "Give a STAC item.") from None
    assets = content.get("assets") if isinstance(content, dict) else None
    if not isinstance(assets, dict) or content.get("type") != "Feature":
        kind = repr(content.get("type") if isinstance(content, dict) else None)
        raise InputError(f"{item} is no STAC item (its type is {kind[:40]}).", "Give an item, not a catalog.")
    return {key: _asset(key, value) for key, value in assets.items() if isinstance(value, dict) and _has_address(value)}


def _read(item: str) -> bytes:
    if item.startswith(("http://", "https://")):
        return fetch(item, most_bytes=_MOST_BYTES)
    if "://" in item:
        raise InputError(f"{item} cannot be fetched: STAC items are read from files, http and https.", "Download it.")
    try:
        if Path(item).stat().st_size > _MOST_BYTES:
            raise InputError(f"{item} is larger than {_MOST_BYTES >> 20} MB.", "Give a STAC item.")
        return Path(item).read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {item}.", "Check the path.") from None
    except OSError as error:
        raise InputError(f"{item} cannot be read ({error.strerror}).", "Give a STAC item.") from None


def _has_address(content: Mapping[str, Any]) -> bool:
    try:
        return isinstance(content.get("href"), str) and bool(urlsplit(content["href"]))
    except ValueError:  # a host that cannot be
        return False


def _asset(key: str, content: Mapping[str, Any]) -> _Asset:
    listed = content.get("bands") or content.get("eo:bands") or content.get("raster:bands") or []
    bands = [band for band in listed if isinstance(band, dict)] if isinstance(listed, list) else []
    names = [band.get("eo:common_name") or band.get("common_name") for band in bands] or [content.get("eo:common_name")]
    roles = content.get("roles")
    return _Asset(
        key,
        content["href"],
        str(content.get("type") or "").lower(),
        frozenset(str(role) for role in roles) if isinstance(roles, list) else frozenset(),
        tuple(name if isinstance(name, str) else None for name in names) if any(names) or bands else (),
    )


def _place(item: str, asset: _Asset) -> str:
    """Where an asset is. An item from afar may name only what is afar, and none may name GDAL's own file systems.

    Raises:
        InputError: the item names something else.
    """
    href, afar = asset.href, item.startswith(("http://", "https://"))
    place = urljoin(item, href) if afar else href
    scheme = urlsplit(place).scheme
    if scheme in _SCHEMES and urlsplit(place).netloc:
        return place
    unsafe = afar or place.startswith(("/vsi", "\\\\", "//", "<"))
    if not unsafe and scheme == "file":
        return url2pathname(urlsplit(place).path)
    if unsafe or re.match(r"\w{2,}:", place):
        raise InputError(f"The asset {asset.key!r} of {item} is at {href[:200]!r}, which is not opened.", _OPENED)
    local = Path(item).absolute().parent
    return str(next((local / path for path in (place, unquote(place)) if (local / path).exists()), local / place))


def _named(item: str, assets: Mapping[str, _Asset], keys: str) -> list[_Asset]:
    """The assets of these keys."""
    wanted = [keys] if keys in assets else keys.split(",")
    for key in wanted:
        if key not in assets:
            raise InputError(f"{item} has no asset {key!r}.", f"It has {_list(assets)}.")
    return [_placed(item, assets[key]) for key in wanted]


def _choose(item: str, assets: Mapping[str, _Asset]) -> list[_Asset]:
    """The assets that make the image, when none was named."""
    rasters = [asset for asset in assets.values() if asset.is_raster]
    data = [asset for asset in rasters if "data" in asset.roles] or rasters
    optimized = [asset for asset in data if asset.is_optimized]
    several = [asset for asset in data if len(asset.common_names) > 1]
    for group in (data, optimized, several):
        if len(group) == 1:
            return [_placed(item, group[0])]
    stacked = [asset for names in _STACKED if (asset := _showing(names, data)) is not None]
    if len(stacked) > 1 and not several:
        return [_placed(item, asset) for asset in stacked]
    if not rasters:
        raise InputError(f"{item} has no asset that is a raster.", f"Its assets are: {_list(assets) or 'none'}.")
    raise InputError(
        f"{item} has several rasters: {_list([asset.key for asset in several or data])}.",
        f"Name one, or bands of one grid: {item}#{_list([asset.key for asset in data[:2]]).replace(', ', ',')}",
    )


def _showing(names: Sequence[str], assets: Sequence[_Asset]) -> _Asset | None:
    """The asset of one band that shows the first of these names that is there, if it is the only one."""
    for name in names:
        found = [asset for asset in assets if asset.common_names == (name,)]
        found = [asset for asset in found if asset.is_optimized] or found
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _placed(item: str, asset: _Asset) -> _Asset:
    return replace(asset, href=_place(item, asset))


def _single_bands(asset: _Asset) -> list[Source]:
    """The bands of an asset, each as a file of its own."""
    whole = open_source(asset.href)
    return [
        _described(replace(whole, bands=(band,), nodata=(nodata,), band_names=(name,), band_roles=(role,)), asset)
        for band, nodata, name, role in zip(whole.bands, whole.nodata, whole.band_names, whole.band_roles, strict=True)
    ]


def _described(source: Source, asset: _Asset) -> Source:
    """A file with the names and roles that its item gives to the bands, where the file itself gives none."""
    names = asset.common_names
    shown = [names[band - 1] if 1 <= band <= len(names) else None for band in source.bands]
    roles = [_ROLES.get(name or "") or role for name, role in zip(shown, source.band_roles, strict=True)]
    unnamed = [name == f"band {band}" for name, band in zip(source.band_names, source.bands, strict=True)]
    titles = [
        (common or asset.key if len(names) <= 1 else common or name) if is_unnamed else name
        for common, name, is_unnamed in zip(shown, source.band_names, unnamed, strict=True)
    ]
    return replace(source, band_names=tuple(titles), band_roles=tuple(roles))


def _list(keys: Iterable[str]) -> str:
    """Up to 20 keys in one line."""
    names = [" ".join(key.split()) for key in keys]
    return ", ".join(names[:20]) + (" and more" if len(names) > 20 else "")
