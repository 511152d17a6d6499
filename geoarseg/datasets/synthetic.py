"""A small landscape with known labels, made from nothing but a seed: for examples, tests and trials.

A river, a village along its roads, fields in parcels and a forest, seen from above in red, green, blue and
near-infrared. Classes overlap in single pixels, as they do in nature, but differ in texture and context.
Given the seed, the pixels are always the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from geoarseg.datasets.synthetic_layout import Layout, lay_fields, lay_ground, plant_trees
from geoarseg.datasets.synthetic_plan import make_plan
from geoarseg.datasets.synthetic_spectra import BANDS, render
from geoarseg.datasets.synthetic_surfaces import CLASS_OF_SURFACE, LEGEND
from geoarseg.datasets.synthetic_village import build_village
from geoarseg.errors import SettingsError
from geoarseg.raster.atomic import check_output_path, output_error, whole_file
from geoarseg.raster.legend import Colour, Legend
from geoarseg.raster.source import GDAL_ERRORS, open_quietly
from geoarseg.raster.style import LEGEND_TAG

SMALLEST_PX = 64
"""Least height and width of a landscape."""

# The colours of the ISPRS Potsdam labels; its scheme has no water and no soil, which go to clutter.
_POTSDAM_COLOURS: dict[str, Colour] = {
    "water": (255, 0, 0),
    "trees": (0, 255, 0),
    "low vegetation": (0, 255, 255),
    "buildings": (0, 0, 255),
    "roads": (255, 255, 255),
    "bare soil": (255, 0, 0),
}
_ORIGIN = (366000.0, 5810000.0)  # easting and northing of the upper left corner: near Potsdam
_BLOCK_PX = 256


@dataclass(frozen=True, eq=False)
class Landscape:
    """An image and what it shows."""

    image: NDArray[np.uint8]
    """Red, green, blue, near-infrared, (4, y, x); never 0."""
    labels: NDArray[np.uint8]
    """Class values, (y, x): 0 = not labelled, 1 and up as in the legend."""
    crs: str
    """Coordinate reference system."""
    transform: Affine
    """From (column, row) to coordinates in metres."""
    legend: Legend
    """Names and colours of the classes."""


@dataclass(frozen=True)
class LandscapeFiles:
    """Where a landscape was written."""

    image: Path
    """GeoTIFF of 4 bands."""
    labels: Path
    """GeoTIFF of class values, or of Potsdam's colours."""


def make_landscape(height: int, width: int, *, seed: int, pixel_m: float = 0.5) -> Landscape:
    """Make a landscape.

    From 256 x 256 pixels of the default size upward every class is present.

    Args:
        height: rows, at least 64.
        width: columns, at least 64.
        seed: which landscape; any whole number from 0.
        pixel_m: side of a pixel, in metres.

    Raises:
        SettingsError: a value is out of range.
    """
    if min(height, width) < SMALLEST_PX:
        raise SettingsError(f"A landscape needs at least 64 x 64 pixels, not {height} x {width}.")
    if seed < 0:
        raise SettingsError(f"The seed must not be negative, as {seed} is.", "Use 0 or more.")
    if not 0.1 <= pixel_m <= 5:
        raise SettingsError(f"The pixel size must be between 0.1 and 5 metres, not {pixel_m}.")
    rng = np.random.default_rng(seed)
    plan = make_plan((height, width), pixel_m=pixel_m, rng=rng)
    layout = Layout.empty((height, width))
    lay_fields(layout, plan, rng)
    lay_ground(layout, plan, rng)
    build_village(layout, plan, rng)
    plant_trees(layout, plan, rng)
    image = render(layout, pixel_m=pixel_m, rng=rng)
    labels = np.array(CLASS_OF_SURFACE, dtype=np.uint8)[layout.surface]
    transform = Affine(pixel_m, 0, _ORIGIN[0], 0, -pixel_m, _ORIGIN[1])
    return Landscape(image, labels, "EPSG:32633", transform, LEGEND)


def write_landscape(
    folder: str | os.PathLike[str],
    landscape: Landscape,
    *,
    potsdam_colours: bool = False,
    overwrite: bool = False,
) -> LandscapeFiles:
    """Write a landscape as `image.tif` and `labels.tif`.

    Args:
        folder: where to; made if missing.
        landscape: what to write.
        potsdam_colours: write the labels as red, green and blue in the colours of ISPRS Potsdam, where water
            and bare soil are clutter, instead of as class values with a colour table.
        overwrite: replace existing files.

    Raises:
        OutputError: a file cannot be written, or exists already.
    """
    files = LandscapeFiles(Path(folder) / "image.tif", Path(folder) / "labels.tif")
    for path in (files.image, files.labels):
        check_output_path(path, overwrite)
    _write(files.image, landscape.image, landscape, BANDS, None, overwrite)
    if potsdam_colours:
        pixels = _in_potsdam_colours(landscape)
        _write(files.labels, pixels, landscape, BANDS[:3], None, overwrite)
    else:
        _write(files.labels, landscape.labels[None], landscape, ("class",), landscape.legend, overwrite)
    return files


def _in_potsdam_colours(landscape: Landscape) -> NDArray[np.uint8]:
    """The labels as colours (3, y, x); black where there is none."""
    colours = np.zeros((256, 3), dtype=np.uint8)
    for entry in landscape.legend:
        colours[entry.value] = _POTSDAM_COLOURS[entry.name]
    return np.moveaxis(colours[landscape.labels], -1, 0)


def _write(
    path: Path,
    pixels: NDArray[np.uint8],
    landscape: Landscape,
    names: tuple[str, ...],
    legend: Legend | None,
    overwrite: bool,
) -> None:
    """Write pixels (band, y, x) as a tiled GeoTIFF that appears when it is whole."""
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": pixels.shape[0],
        "height": pixels.shape[1],
        "width": pixels.shape[2],
        "crs": landscape.crs,
        "transform": landscape.transform,
        "tiled": True,
        "blockxsize": _BLOCK_PX,
        "blockysize": _BLOCK_PX,
        "compress": "deflate",
        "interleave": "pixel",
        # Otherwise GDAL takes a fourth band for alpha.
        "photometric": "rgb" if len(names) == 3 else "minisblack",
        "alpha": "unspecified",
        "nodata": 0 if legend is not None else None,
    }
    with whole_file(path, overwrite=overwrite) as unfinished:
        try:
            with open_quietly(unfinished, "w", **profile) as dataset:
                if legend is not None:
                    dataset.write_colormap(1, legend.colormap())
                    dataset.update_tags(**{LEGEND_TAG: legend.to_json()})
                dataset.write(pixels)
                dataset.descriptions = names
        except GDAL_ERRORS as error:
            raise output_error(path, error) from error
