"""What a spectrum may be: kinds of cover told by simple rules, in words no surer than the bands allow.

With red and near infrared known, vegetation and water are told by their indices; with red, green and blue alone,
colours are named and not what has them; without any roles, only bright and dark remain. Brightness counts relative to
the scene. Where the values are 8-bit counts, the air and the sensor's gain squeeze all indices, so vegetation is then
ranked against the greenest cluster of the scene.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from geoarseg.raster.spectra import Spectrum


class Kind(IntEnum):
    """Kinds of cover, in the order of a legend."""

    WATER = 0
    WATER_OR_SHADOW = 1
    DENSE = 2
    MEDIUM = 3
    SPARSE = 4
    GREEN = 5
    SOIL = 6
    BLUISH = 7
    BUILT = 8
    GREY = 9
    BRIGHT = 10
    DARK = 11
    UNKNOWN = 12
    EMPTY = 13


@dataclass(frozen=True)
class Finding:
    """What a spectrum may be, and why."""

    kind: Kind
    """The kind of cover."""
    name: str
    """The same in words."""
    evidence: str
    """The figures that speak for it, such as "NDVI 0.71"."""
    brightness: float
    """Relative to the scene's median, about 1."""


@dataclass(frozen=True)
class _View:
    """One spectrum as the rules see it. Values are relative where nothing else is said."""

    brightness: float
    """Mean of the bands that count, over the scene's median."""
    bands: Mapping[str, float]
    """Value of each band whose role is known, in the raster's units."""
    nir: float
    """Near infrared over the scene's median; 1 if unknown."""

    def index(self, one: str, other: str) -> float:
        """The normalised difference of two bands; 0 where they add up to 0."""
        a, b = self.bands[one], self.bands[other]
        return (a - b) / (a + b) if a + b > 0 else 0.0

    @property
    def greenness(self) -> float:
        """Excess green over the sum of red, green and blue."""
        red, green, blue = (self.bands[name] for name in ("red", "green", "blue"))
        total = red + green + blue
        return (2 * green - red - blue) / total if total > 0 else 0.0

    @property
    def lightness(self) -> str:
        """The brightness in words."""
        return f"brightness {self.brightness:.1f} times the median"


_EIGHT_BIT, _RESCALED = 255, 6000  # values up to, and from which on, indices are squeezed
_REFLECTANCE = 1.5
_LIMITS = (0.2, 0.4, 0.6)  # NDVI of sparse, medium and dense vegetation
_SQUEEZED = (0.06, 0.1, 0.18)  # the same at least, where indices are squeezed
_WATER = 0.2  # NDWI
_BLUER = 0.08  # than the scene
_REDDISH, _GREEN = 0.12, 0.09  # under which the cast of an image may be all there is
_TIE = 1e-9  # so that the rounding of a sum does not decide


def find_cover(spectra: Sequence[Spectrum], roles: Sequence[str | None]) -> tuple[Finding, ...]:
    """Tell what each spectrum of a scene may be.

    Args:
        spectra: of all clusters or classes of the scene.
        roles: what each band is, as `roles.guess_roles` gives it.
    """
    views = _views(spectra, roles)
    known, shares = set(roles), np.array([spectrum.share for spectrum in spectra])
    if {"red", "nir"} <= known:
        greenest = max((v.index("nir", "red") for v, s in zip(views, spectra, strict=True) if s.share), default=0.0)
        limits = _vegetation_limits(spectra, greenest)
        found = [_by_infrared(view, limits) for view in views]
    elif {"red", "green", "blue"} <= known:
        haze = _median(np.array([view.index("blue", "red") for view in views]), shares)
        found = [_by_colour(view, haze) for view in views]
    else:
        found = [_by_brightness(view) for view in views]
    return tuple(
        Finding(*what, view.brightness) if spectrum.share else Finding(Kind.EMPTY, "not seen", "no pixel", 0.0)
        for what, view, spectrum in zip(found, views, spectra, strict=True)
    )


def _views(spectra: Sequence[Spectrum], roles: Sequence[str | None]) -> list[_View]:
    means = np.array([spectrum.mean for spectrum in spectra])
    shares = np.array([spectrum.share for spectrum in spectra])
    visible = [band for band, role in enumerate(roles) if role in ("red", "green", "blue")]
    brightness = means[:, visible or slice(None)].mean(axis=1)
    nir = roles.index("nir") if "nir" in roles else None
    relative = _relative(brightness, shares)
    infrared = np.ones(len(means)) if nir is None else _relative(means[:, nir], shares)
    named = [(role, band) for band, role in enumerate(roles) if role]
    return [
        _View(float(relative[row]), {role: float(mean[band]) for role, band in named}, float(infrared[row]))
        for row, mean in enumerate(means)
    ]


def _relative(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Values over their median, which counts shares; negative values, which elevations have, are lifted first."""
    values = values - min(values.min(), 0)
    middle = _median(values, shares)
    return np.asarray(values / middle if middle > 0 else np.ones_like(values))


def _median(values: np.ndarray, shares: np.ndarray) -> float:
    """The median of values that count by their shares."""
    order = np.argsort(values)
    return float(values[order[np.searchsorted(np.cumsum(shares[order]), (0.5 - _TIE) * shares.sum())]])


def _vegetation_limits(spectra: Sequence[Spectrum], greenest: float) -> tuple[float, float, float]:
    """The least NDVI of sparse, medium and dense vegetation."""
    values = [value for spectrum in spectra for value in spectrum.mean]
    highest, middle = max(values), float(np.median(values))
    if highest <= _REFLECTANCE or (highest > _EIGHT_BIT and middle < _RESCALED):
        return _LIMITS
    sparse, medium, dense = _SQUEEZED
    return max(sparse, 0.25 * greenest), max(medium, 0.5 * greenest), max(dense, 0.8 * greenest)


def _by_infrared(view: _View, limits: tuple[float, float, float]) -> tuple[Kind, str, str]:
    ndvi = view.index("nir", "red")
    ndwi = view.index("green", "nir") if "green" in view.bands else -ndvi
    sparse, medium, dense = limits
    water = f"{'NDWI' if 'green' in view.bands else 'minus NDVI'} {ndwi:.2f}"
    shade = f"near infrared {view.nir:.1f} times the median"
    if ndwi >= _WATER and view.nir < 0.8:
        return Kind.WATER, "water", f"{water}, {shade}"
    if view.nir < 0.3 and view.brightness < 0.4:
        return Kind.WATER_OR_SHADOW, "water or shadow", f"{shade}, {view.lightness}"
    text = f"NDVI {ndvi:.2f}"
    if ndvi >= dense:
        return Kind.DENSE, "vegetation, dense", text
    if ndvi >= medium:
        return Kind.MEDIUM, "vegetation", text
    if ndvi >= sparse:
        return Kind.SPARSE, "vegetation, sparse", text
    if view.brightness < 0.65:
        if ndwi > 0.05:
            return Kind.WATER_OR_SHADOW, "water or shadow", f"{view.lightness}, {water}"
        return Kind.DARK, "dark, shadow or asphalt", f"{view.lightness}, {text}"
    if "blue" in view.bands and view.index("red", "blue") >= _REDDISH:
        return Kind.SOIL, "reddish, soil or roofs", f"{text}, red over blue {view.index('red', 'blue'):.2f}"
    if view.brightness >= 1.5:
        return Kind.BRIGHT, "bright, built-up or bare", f"{view.lightness}, {text}"
    return Kind.BUILT, "built-up or bare", f"{text}, {view.lightness}"


def _by_colour(view: _View, haze: float) -> tuple[Kind, str, str]:
    """The rules for red, green and blue; `haze` is the median of blue over red, for the air may tint all of a scene."""
    green, red = view.greenness, view.index("red", "blue")
    step = ", dark" if view.brightness < 0.7 else ", bright" if view.brightness >= 1.4 else ""
    if green >= _GREEN:
        return Kind.GREEN, f"green{step}", f"excess green {green:.2f}, {view.lightness}"
    if red >= _REDDISH:
        return Kind.SOIL, f"reddish{step}", f"red over blue {red:.2f}, {view.lightness}"
    if red <= -max(_REDDISH, haze + _BLUER):
        return Kind.BLUISH, f"bluish{step}", f"blue over red {-red:.2f}, {view.lightness}"
    return _by_brightness(view)


def _by_brightness(view: _View) -> tuple[Kind, str, str]:
    if view.brightness < 0.65:
        return Kind.DARK, "dark", view.lightness
    if view.brightness >= 1.4:
        return Kind.BRIGHT, "bright", view.lightness
    return (
        (Kind.GREY, "no clear colour", view.lightness)
        if view.bands
        else (Kind.UNKNOWN, "medium bright", view.lightness)
    )
