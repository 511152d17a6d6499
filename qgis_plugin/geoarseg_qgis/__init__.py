"""The QGIS plugin of geoarseg: land-cover maps from aerial and satellite images, without labels."""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:
    """The plugin, as QGIS asks for it; `iface` is None in `qgis_process`."""
    from .plugin import GeoarsegPlugin

    return GeoarsegPlugin(iface)
