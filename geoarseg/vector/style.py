"""Colours for a polygon layer: inside the GeoPackage, where QGIS looks for them, or in a `.qml` beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

from geoarseg.raster.legend import MAX_CLASSES, Colour, Legend, LegendEntry

# As QGIS itself creates it (QgsOgrProviderMetadata::saveStyle).
_STYLE_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN,
    description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT CURRENT_TIMESTAMP
)"""
_REGISTER = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id)
VALUES ('layer_styles', 'attributes', 'layer_styles', '', 0)"""
_INSERT = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column,
                          styleName, styleQML, styleSLD, useAsDefault, description, owner, ui)
VALUES ('', '', ?, ?, ?, ?, '', 1, 'Classes', '', NULL)"""


def complete_legend(legend: Legend | None, classes: Iterable[int]) -> Legend:
    """The legend with default entries for the `classes` that it lacks."""
    entries = {entry.value: entry for entry in legend or ()}
    known = legend or Legend(())
    for value in classes:
        if value not in entries and 1 <= value <= MAX_CLASSES:
            entries[value] = LegendEntry(value, known.name_of(value), known.colour_of(value))
    return Legend(tuple(entries[value] for value in sorted(entries)))


def write_style(path: Path, legend: Legend, *, layer: str) -> None:
    """Give the layer at `path` the legend's colours, so that QGIS shows them by itself."""
    qml = legend.to_polygon_qml("class")
    if path.suffix.lower() != ".gpkg":
        path.with_suffix(".qml").write_bytes(qml)
        return
    with closing(sqlite3.connect(path)) as connection, connection:
        (geometry_column,) = connection.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
        ).fetchone()
        connection.execute(_STYLE_TABLE)
        connection.execute(_REGISTER)
        connection.execute(_INSERT, (layer, geometry_column, layer[:30], qml.decode()))


def read_colours(path: Path, *, layer: str) -> dict[int, Colour]:
    """The fill colour of each class in the style that came with a layer; empty if there is none to be read."""
    try:
        root = ET.fromstring(_style_text(path, layer))  # noqa: S314 -- Python's expat limits entity expansion
    except (OSError, sqlite3.Error, ET.ParseError):
        return {}
    fills = {symbol.get("name"): _fill(symbol) for symbol in root.iter("symbol")}
    colours = {}
    for category in root.iter("category"):
        value, fill = category.get("value", ""), fills.get(category.get("symbol"))
        if value.isdecimal() and 1 <= int(value) <= MAX_CLASSES and fill is not None:
            colours[int(value)] = fill
    return colours


def _style_text(path: Path, layer: str) -> str:
    if path.suffix.lower() != ".gpkg":
        return path.with_suffix(".qml").read_text(encoding="utf-8", errors="replace")
    query = "SELECT styleQML FROM layer_styles WHERE f_table_name = ? ORDER BY useAsDefault DESC, id DESC"
    with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as connection:
        row = connection.execute(query, (layer,)).fetchone()
    return str(row[0]) if row else ""


def _fill(symbol: ET.Element) -> Colour | None:
    """The colour of a symbol, in the form of QGIS 3.22 and later (Option) or of earlier ones (prop)."""
    texts = [option.get("value", "") for option in symbol.iter("Option") if option.get("name") == "color"]
    texts += [prop.get("v", "") for prop in symbol.iter("prop") if prop.get("k") == "color"]
    channels = texts[0].split(",")[:3] if texts else []
    if len(channels) < 3 or not all(channel.isdecimal() and int(channel) <= 255 for channel in channels):
        return None
    red, green, blue = map(int, channels)
    return red, green, blue
