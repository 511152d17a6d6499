"""What the classes of a map are called and how they are coloured, in each form that GIS programs read.

A legend travels inside the model's card, inside the class raster (colour table, and a tag with the JSON
form), beside it (category names in the `.aux.xml` that GDAL reads, a `.qml` that QGIS reads) and inside the
GeoPackage.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET  # only writes XML, never parses it

from geoarseg.errors import InputError, SettingsError

NODATA_CLASS = 0
"""The class value that means "no data"."""
MAX_CLASSES = 254
"""Class values are uint8: 0 is nodata and 255 stays free."""

Colour = tuple[int, int, int]

# Twenty colours that stay apart from each other on a map, on screen and for the most common colour blindness.
PALETTE: tuple[Colour, ...] = (
    (51, 117, 56), (221, 204, 119), (46, 122, 184), (204, 102, 119), (148, 203, 236),
    (126, 41, 84), (159, 210, 86), (237, 133, 48), (93, 168, 153), (245, 226, 171),
    (110, 90, 160), (190, 190, 190), (94, 60, 30), (240, 160, 190), (20, 60, 90),
    (170, 170, 70), (230, 60, 50), (70, 70, 70), (120, 220, 200), (200, 150, 220),
)  # fmt: skip


@dataclass(frozen=True)
class LegendEntry:
    """One class of a map."""

    value: int
    """The value in the raster, 1 to 254."""
    name: str
    """What the class is called."""
    colour: Colour
    """Red, green, blue, each 0 to 255."""

    def __post_init__(self) -> None:
        if not 1 <= self.value <= MAX_CLASSES:
            raise SettingsError(f"A class value must be between 1 and {MAX_CLASSES}, not {self.value}.")
        if len(self.colour) != 3 or not all(0 <= channel <= 255 for channel in self.colour):
            raise SettingsError(f"A class colour must be three numbers from 0 to 255, not {self.colour}.")

    @property
    def hex(self) -> str:
        """The colour as `#rrggbb`."""
        return hex_of(self.colour)


@dataclass(frozen=True)
class Legend:
    """The classes of a map, in order of their values."""

    entries: tuple[LegendEntry, ...]

    def __post_init__(self) -> None:
        values = [entry.value for entry in self.entries]
        if values != sorted(set(values)):
            raise SettingsError(f"Class values must be distinct and ascending, not {values}.")

    @classmethod
    def default(cls, classes: int) -> Legend:
        """A legend of `classes` classes named "class 1" and so on."""
        return cls(
            tuple(
                LegendEntry(value, f"class {value}", PALETTE[(value - 1) % len(PALETTE)])
                for value in range(1, classes + 1)
            )
        )

    @classmethod
    def from_colours(cls, names: Sequence[str], colours: Sequence[Colour]) -> Legend:
        """A legend of named colours, with values from 1 upward."""
        pairs = zip(names, colours, strict=True)
        return cls(tuple(LegendEntry(value, name, colour) for value, (name, colour) in enumerate(pairs, 1)))

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[LegendEntry]:
        return iter(self.entries)

    def name_of(self, value: int) -> str:
        """The name of a class value; values that the legend lacks are named by their number."""
        return next((entry.name for entry in self.entries if entry.value == value), f"class {value}")

    def colour_of(self, value: int) -> Colour:
        """The colour of a class value; values that the legend lacks take the palette's."""
        default = PALETTE[(value - 1) % len(PALETTE)]
        return next((entry.colour for entry in self.entries if entry.value == value), default)

    def to_json(self) -> str:
        """The legend as a JSON list of `{value, name, colour}`."""
        return json.dumps(self.rows(), ensure_ascii=False)

    def rows(self) -> tuple[dict[str, Any], ...]:
        """The legend as `{value, name, colour}` of each class, as a model's card has it."""
        return tuple({"value": e.value, "name": e.name, "colour": e.hex} for e in self.entries)

    @classmethod
    def from_json(cls, text: str) -> Legend:
        """Read what `to_json` wrote.

        Raises:
            InputError: the text is no legend.
        """
        try:
            rows = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(f"The legend cannot be read ({error}).") from error
        return cls.from_rows(rows)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Legend:
        """Read what `rows` gave.

        Raises:
            InputError: it is no legend.
        """
        try:
            entries = (LegendEntry(int(r["value"]), str(r["name"]), parse_hex(r["colour"])) for r in rows)
            return cls(tuple(entries))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(f"The legend cannot be read ({error}).") from error

    def to_flags(self) -> dict[str, Any]:
        """The legend as attributes of an array, by the conventions of CF: `flag_values` and so on."""
        return {
            "flag_values": [entry.value for entry in self.entries],
            "flag_meanings": " ".join(entry.name.replace(" ", "_") for entry in self.entries),
            "flag_colors": " ".join(entry.hex for entry in self.entries),
        }

    @classmethod
    def from_flags(cls, attributes: Mapping[str, Any]) -> Legend | None:
        """Read what `to_flags` gave, from among other attributes; None if it is not there, or damaged."""
        names, colours = (str(attributes.get(f"flag_{key}", "")).split() for key in ("meanings", "colors"))
        try:
            rows = list(zip(attributes["flag_values"], names, colours, strict=True))
            entries = tuple(LegendEntry(int(v), n.replace("_", " "), parse_hex(c)) for v, n, c in rows)
            return cls(entries) if entries else None
        except (KeyError, TypeError, ValueError):
            return None

    def colormap(self) -> dict[int, tuple[int, int, int, int]]:
        """GDAL's colour table: class value to red, green, blue, alpha; nodata is transparent."""
        return {NODATA_CLASS: (0, 0, 0, 0)} | {e.value: (*e.colour, 255) for e in self.entries}

    def to_pam_xml(self) -> bytes:
        """GDAL's auxiliary metadata (`.aux.xml`) with the category names, counted from value 0."""
        root = ET.Element("PAMDataset")
        band = ET.SubElement(root, "PAMRasterBand", band="1")
        categories = ET.SubElement(band, "CategoryNames")
        for value in range(max((e.value for e in self.entries), default=0) + 1):
            ET.SubElement(categories, "Category").text = "no data" if value == 0 else self.name_of(value)
        return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=False))

    def to_raster_qml(self) -> bytes:
        """QGIS's layer style for the class raster: a paletted renderer with names."""
        root = ET.Element("qgis", version="3.22.0", styleCategories="Symbology")
        pipe = ET.SubElement(root, "pipe")
        renderer = ET.SubElement(
            pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1", nodataColor=""
        )
        palette = ET.SubElement(renderer, "colorPalette")
        for e in self.entries:
            ET.SubElement(palette, "paletteEntry", value=str(e.value), color=e.hex, label=e.name, alpha="255")
        return _qgis_document(root)

    def to_polygon_qml(self, field: str = "class") -> bytes:
        """QGIS's layer style for polygons: one fill per value of the attribute `field`, without outlines."""
        root = ET.Element("qgis", version="3.22.0", styleCategories="Symbology")
        renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr=field, enableorderby="0")
        categories = ET.SubElement(renderer, "categories")
        symbols = ET.SubElement(renderer, "symbols")
        for index, e in enumerate(self.entries):
            category = {"value": str(e.value), "symbol": str(index), "label": e.name}
            ET.SubElement(categories, "category", category, render="true", type="long")
            symbol = ET.SubElement(symbols, "symbol", name=str(index), type="fill", alpha="1", clip_to_extent="1")
            simple_fill = {"class": "SimpleFill", "enabled": "1", "pass": "0", "locked": "0"}
            layer = ET.SubElement(symbol, "layer", simple_fill)
            colour = "{},{},{},255".format(*e.colour)
            options = ET.SubElement(layer, "Option", type="Map")
            for name, value in (("color", colour), ("outline_style", "no"), ("style", "solid")):
                ET.SubElement(options, "Option", name=name, value=value, type="QString")
        return _qgis_document(root)


@dataclass(frozen=True)
class LegendEdit:
    """What shall change in a legend. Names and colours are those of the classes that are left."""

    names: Mapping[int, str] = field(default_factory=dict)
    """New name by class value."""
    colours: Mapping[int, Colour] = field(default_factory=dict)
    """New colour by class value."""
    merges: Mapping[int, int] = field(default_factory=dict)
    """The class that takes over, by the value of the class that ends."""

    def __post_init__(self) -> None:
        for value in sorted(self.values):
            if not 1 <= value <= MAX_CLASSES:
                raise SettingsError(f"A class value must be between 1 and {MAX_CLASSES}, not {value}.")
        for value, name in self.names.items():
            if re.search(r"[\x00-\x1f\x7f]", name):
                raise SettingsError(f"The name of class {value} holds a control character: {name!r}.")
        for value, target in self.merges.items():
            if target in self.merges:
                raise SettingsError(f"Class {value} cannot be merged into class {target}, which is merged itself.")
        for value in sorted({*self.names, *self.colours} & set(self.merges)):
            raise SettingsError(
                f"Class {value} is merged into class {self.merges[value]} and has no name or colour of its own.",
                f"Name class {self.merges[value]} instead.",
            )

    @property
    def values(self) -> set[int]:
        """All class values that the edit speaks of."""
        return {*self.names, *self.colours, *self.merges, *self.merges.values()}

    def applied_to(self, legend: Legend) -> Legend:
        """The legend with the new names and colours, without the classes that end."""
        return Legend(
            tuple(
                LegendEntry(e.value, self.names.get(e.value, e.name), self.colours.get(e.value, e.colour))
                for e in legend
                if e.value not in self.merges
            )
        )


def hex_of(colour: Colour) -> str:
    """A colour as `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def parse_hex(text: str) -> Colour:
    """A colour of its `#rrggbb`.

    Raises:
        ValueError: the text is no colour.
    """
    if not (isinstance(text, str) and re.fullmatch("#[0-9a-fA-F]{6}", text)):
        raise ValueError(f"a colour must look like #rrggbb, not {text!r}")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _qgis_document(root: ET.Element) -> bytes:
    doctype = b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return doctype + bytes(ET.tostring(root, encoding="utf-8", xml_declaration=False))
