"""What the synthetic landscape is made of: surfaces, their classes and how they reflect light.

A class has several surfaces and surfaces of different classes look alike in single pixels, as on the ground:
slate roofs and asphalt, stubble and soil, solar panels and water. Reflectances are typical for 8-bit aerial
images with a near-infrared band, chosen by eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from geoarseg.raster.legend import Colour, Legend

CLASS_COLOURS: dict[str, Colour] = {
    "water": (46, 122, 184),
    "trees": (51, 117, 56),
    "low vegetation": (159, 210, 86),
    "buildings": (204, 102, 119),
    "roads": (150, 150, 150),
    "bare soil": (221, 204, 119),
}
LEGEND = Legend.from_colours(tuple(CLASS_COLOURS), tuple(CLASS_COLOURS.values()))
"""The classes of the synthetic landscape, with values from 1 to 6."""


class Surface(IntEnum):
    """A kind of ground cover, finer than a class."""

    WATER = 0
    CROWN = 1
    MEADOW = 2
    LAWN = 3
    YOUNG_CROP = 4
    DENSE_CROP = 5
    STUBBLE = 6
    LIGHT_SOIL = 7
    WET_SOIL = 8
    TRACK = 9
    ASPHALT = 10
    PAVING = 11
    TILE_ROOF = 12
    SLATE_ROOF = 13
    METAL_ROOF = 14
    FLAT_ROOF = 15
    SOLAR_PANEL = 16
    ROAD_PAINT = 17


@dataclass(frozen=True)
class Material:
    """How one surface looks."""

    class_name: str
    """The class that it is labelled with."""
    colour: tuple[int, int, int, int]
    """Red, green, blue, near-infrared in full sun, 0 to 255."""
    tint: float
    """How much objects of this surface differ in brightness: relative deviation."""
    hue: tuple[int, int, int, int]
    """What one deviation of an object's hue adds to its colour."""
    grain: float
    """Fine texture: relative deviation from pixel to pixel."""
    mottle: float
    """Coarse texture of some metres: relative deviation."""
    rows: float
    """Relative depth of furrows or crop rows."""


MATERIALS: dict[Surface, Material] = {
    Surface.WATER: Material("water", (62, 80, 78, 38), 0.08, (4, 4, 1, 3), 0.03, 0.10, 0.0),
    Surface.CROWN: Material("trees", (66, 92, 58, 130), 0.13, (9, 4, 0, -10), 0.15, 0.07, 0.0),
    Surface.MEADOW: Material("low vegetation", (98, 124, 78, 164), 0.05, (8, 4, 4, -4), 0.06, 0.08, 0.0),
    Surface.LAWN: Material("low vegetation", (98, 126, 76, 166), 0.06, (11, 5, 5, -6), 0.05, 0.08, 0.0),
    Surface.YOUNG_CROP: Material("low vegetation", (108, 128, 82, 160), 0.06, (8, 4, 4, -4), 0.05, 0.06, 0.15),
    Surface.DENSE_CROP: Material("low vegetation", (86, 118, 68, 170), 0.06, (8, 5, 1, 5), 0.05, 0.06, 0.09),
    Surface.STUBBLE: Material("low vegetation", (160, 144, 104, 136), 0.08, (8, 6, 8, 4), 0.05, 0.07, 0.10),
    Surface.LIGHT_SOIL: Material("bare soil", (160, 136, 108, 136), 0.07, (8, 3, 0, 4), 0.05, 0.09, 0.08),
    Surface.WET_SOIL: Material("bare soil", (122, 101, 82, 106), 0.08, (6, 3, 1, 4), 0.06, 0.11, 0.13),
    Surface.TRACK: Material("bare soil", (170, 152, 126, 146), 0.06, (5, 3, 2, 3), 0.06, 0.10, 0.0),
    Surface.ASPHALT: Material("roads", (124, 124, 124, 116), 0.07, (2, 1, 0, 1), 0.04, 0.06, 0.0),
    Surface.PAVING: Material("roads", (152, 146, 138, 138), 0.10, (6, 2, 0, 2), 0.06, 0.06, 0.0),
    Surface.TILE_ROOF: Material("buildings", (166, 100, 76, 118), 0.13, (10, 3, -2, 4), 0.05, 0.05, 0.0),
    Surface.SLATE_ROOF: Material("buildings", (98, 98, 104, 94), 0.14, (4, 1, -1, 2), 0.05, 0.05, 0.0),
    Surface.METAL_ROOF: Material("buildings", (176, 177, 178, 162), 0.10, (2, 3, 5, 1), 0.03, 0.04, 0.0),
    Surface.FLAT_ROOF: Material("buildings", (138, 134, 128, 126), 0.14, (4, 2, 0, 2), 0.05, 0.07, 0.0),
    Surface.SOLAR_PANEL: Material("buildings", (48, 56, 80, 56), 0.06, (1, 1, 2, 1), 0.03, 0.03, 0.0),
    Surface.ROAD_PAINT: Material("roads", (200, 200, 196, 180), 0.04, (0, 0, 0, 0), 0.05, 0.08, 0.0),
}  # fmt: skip

CLASS_OF_SURFACE: tuple[int, ...] = tuple(
    1 + list(CLASS_COLOURS).index(MATERIALS[surface].class_name) for surface in Surface
)
"""Class value of each surface, by the surface's number."""
