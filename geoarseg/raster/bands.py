"""The bands of a raster: which to use, what they show, and which of them have masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rasterio.enums import MaskFlags

from geoarseg.errors import InputError, SettingsError

MAX_BANDS = 20
"""More feature bands than that are a hyperspectral cube, which the network is not made for."""


def check_band_count(name: str, count: int) -> None:
    """Refuse an image of too many bands.

    Raises:
        InputError: it has.
    """
    if count > MAX_BANDS:
        raise InputError(
            f"{name} has {count} bands; at most {MAX_BANDS} can be used.",
            "Pick some with --bands, as in --bands 4,3,2.",
        )


def check_bands(bands: Sequence[int], name: str, count: int, alphas: tuple[int, ...] = ()) -> tuple[int, ...]:
    """The chosen bands as numbers.

    Raises:
        SettingsError: they are not different bands of those that `name` has, or one is alpha.
    """
    chosen = tuple(int(band) for band in bands)
    if not chosen or len(set(chosen)) < len(chosen):
        raise SettingsError(f"The bands must be different numbers from 1 upward, not {list(bands)}.")
    for band in chosen:
        if not 1 <= band <= count:
            alpha = f" ({len(alphas)} of them alpha)" if alphas else ""
            raise SettingsError(
                f"There is no band {band}: {name} has {count} band{'s' * (count != 1)}{alpha}.",
                f"Bands are counted from 1 to {count}.",
            )
        if band in alphas:
            raise SettingsError(
                f"Band {band} of {name} is an alpha band: it only tells which pixels are valid.",
                f"If it is near-infrared in truth: `gdal_edit.py -colorinterp_{band} undefined FILE`.",
            )
    return chosen


def masked_bands(dataset: Any, chosen: tuple[int, ...]) -> tuple[int, ...]:
    """Bands whose mask says more than nodata values and alpha bands, which are looked at by themselves."""
    flags = {band: set(dataset.mask_flag_enums[band - 1]) for band in chosen}
    masked = [
        band
        for band in chosen
        if not flags[band] & {MaskFlags.all_valid, MaskFlags.alpha} and flags[band] != {MaskFlags.nodata}
    ]
    if masked and all(MaskFlags.per_dataset in flags[band] for band in masked):
        return (masked[0],)
    return tuple(masked)


def band_colours(dataset: Any) -> list[str | None]:
    """GDAL's colour interpretation of each band, by name."""
    try:
        return [colour.name for colour in dataset.colorinterp]
    except ValueError:  # an interpretation of a newer GDAL that rasterio has no name for
        return [None] * dataset.count
