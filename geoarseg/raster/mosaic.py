"""The common pixel grid of several raster files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from affine import Affine

from geoarseg.errors import InputError
from geoarseg.raster.source import Crs, Source
from geoarseg.raster.stack import Stack
from geoarseg.raster.window import Window

Image = Source | Stack
GRID_TOLERANCE_PX = 1e-3
"""How far from whole pixels the files of one mosaic may lie."""

_ALONE = "Resample the files onto one grid with gdalwarp, or treat each image alone with --per-image."


@dataclass(frozen=True)
class PlacedSource:
    """One file of a scene."""

    source: Image
    """The file."""
    row: int
    """Row of the scene at which its first row lies."""
    col: int
    """Column of the scene at which its first column lies."""

    @property
    def window(self) -> Window:
        """The pixels of the scene that the file reaches."""
        return Window(self.row, self.col, self.source.height, self.source.width)


def place_sources(sources: Sequence[Image]) -> tuple[tuple[PlacedSource, ...], Affine]:
    """Put files onto their common grid.

    Returns:
        The files with their offsets, in the given order, and the transform of the union; the transform of a
        single file is kept to the bit.

    Raises:
        InputError: the files differ in CRS, bands or pixel size, or lie on no common grid.
    """
    first = sources[0]
    if len(sources) == 1:
        return (PlacedSource(first, 0, 0),), first.transform
    for source in sources:
        _check_alike(first, source)
    offsets = [_offset(first, source) for source in sources]
    top, left = min(row for row, _ in offsets), min(col for _, col in offsets)
    placed = tuple(
        PlacedSource(source, row - top, col - left) for source, (row, col) in zip(sources, offsets, strict=True)
    )
    # The corner is copied from the files at the top and at the left, not computed, so that it stays exact.
    x = next(p.source.transform.c for p in placed if p.col == 0)
    y = next(p.source.transform.f for p in placed if p.row == 0)
    transform = first.transform
    return placed, Affine(transform.a, transform.b, x, transform.d, transform.e, y)


def _check_alike(first: Image, other: Image) -> None:
    for source in (first, other):
        if not source.is_georeferenced or source.is_rotated:
            fault = "is rotated" if source.is_georeferenced else "has no georeference"
            raise InputError(f"{source.path} {fault}, so it cannot be part of a mosaic.", _ALONE)
    if first.crs != other.crs:
        _refuse("coordinate reference systems", first, _crs_name(first.crs), other, _crs_name(other.crs))
    if len(first.bands) != len(other.bands):
        _refuse("numbers of bands", first, len(first.bands), other, len(other.bands))
    a, b = first.transform, other.transform
    drift_px = max(abs(b.a / a.a - 1) * other.width, abs(b.e / a.e - 1) * other.height)
    if drift_px > GRID_TOLERANCE_PX:
        _refuse("pixel sizes", first, f"{a.a:.12g} x {a.e:.12g}", other, f"{b.a:.12g} x {b.e:.12g}")


def _refuse(what: str, first: Image, value: object, other: Image, other_value: object) -> None:
    raise InputError(
        f"The files have different {what}: {first.path} has {value}, {other.path} has {other_value}.", _ALONE
    )


def _offset(first: Image, other: Image) -> tuple[int, int]:
    a, b = first.transform, other.transform
    row, col = (b.f - a.f) / a.e, (b.c - a.c) / a.a
    shift_px = max(abs(row - round(row)), abs(col - round(col)))
    if shift_px > GRID_TOLERANCE_PX:
        raise InputError(
            f"{first.path} and {other.path} lie on different pixel grids: {shift_px:.3g} px apart.",
            _ALONE,
        )
    return round(row), round(col)


def _crs_name(crs: Crs) -> str:
    text = "none" if crs is None else str(crs.to_string())
    return text if len(text) <= 80 else f"{text[:77]}..."
