"""The legend of a raster file: written beside it for GDAL and QGIS, and read back from it."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree as ET

from geoarseg.errors import InputError
from geoarseg.raster.legend import MAX_CLASSES, PALETTE, Legend, LegendEntry
from geoarseg.raster.source import GDAL_ERRORS, Dataset, one_line, open_quietly

LEGEND_TAG = "GEOARSEG_LEGEND"
"""The TIFF metadata item that holds the legend as JSON."""

_MAX_PAM_BYTES = 16 << 20


def write_sidecars(path: Path, legend: Legend) -> None:
    """Write the category names (`.aux.xml`) and the QGIS style (`.qml`) beside a class raster."""
    pam = path.with_name(path.name + ".aux.xml")
    document = legend.to_pam_xml()
    if pam.exists():  # GDAL put there what the TIFF cannot hold, such as an unusual CRS
        root = ET.fromstring(pam.read_bytes())  # noqa: S314 -- written by GDAL a moment ago
        for band in root.findall("PAMRasterBand"):
            root.remove(band)
        root.extend(ET.fromstring(document))  # noqa: S314 -- our own
        document = ET.tostring(root, encoding="utf-8")
    pam.write_bytes(document)
    path.with_suffix(".qml").write_bytes(legend.to_raster_qml())


def read_legend(path: str | os.PathLike[str]) -> Legend | None:
    """Read the legend of a class raster: ours, or else made of its colour table and category names.

    Returns:
        The legend, or None if the file has no names and no colours.

    Raises:
        InputError: the file cannot be read, or our legend in it is damaged.
    """
    try:
        with open_quietly(path) as dataset:
            text = dataset.tags().get(LEGEND_TAG)
            return Legend.from_json(text) if text else _foreign_legend(dataset, Path(path))
    except InputError:
        raise
    except GDAL_ERRORS as error:
        raise InputError(f"GDAL cannot read {path} as a raster ({one_line(error)}).") from error


def _foreign_legend(dataset: Dataset, path: Path) -> Legend | None:
    names = _category_names(path)
    try:
        colours = dataset.colormap(1)
    except ValueError:  # rasterio's way to say that there is none
        colours = {}
    # GDAL fills colour tables up to 256 entries with black.
    used = {value for value, colour in colours.items() if any(colour[:3])} | set(names)
    entries = [
        LegendEntry(
            value,
            names.get(value) or f"class {value}",
            tuple(colours[value][:3]) if value in colours else PALETTE[(value - 1) % len(PALETTE)],
        )
        for value in sorted(used)
        if 1 <= value <= MAX_CLASSES
    ]
    return Legend(tuple(entries)) if entries else None


def _category_names(path: Path) -> dict[int, str]:
    """Category names by value, from the `.aux.xml`, which rasterio gives no access to."""
    pam = path.with_name(path.name + ".aux.xml")
    try:
        if not pam.is_file() or pam.stat().st_size > _MAX_PAM_BYTES:
            return {}
        root = ET.parse(pam).getroot()  # noqa: S314 -- a local file; Python's expat limits entity expansion
    except (OSError, ET.ParseError):
        return {}
    names = root.findall("PAMRasterBand[@band='1']/CategoryNames/Category")
    return {value: name.text for value, name in enumerate(names) if name.text}
