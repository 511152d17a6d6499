"""A legend that explains itself: names, colours and an order for classes, from their spectra."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geoarseg.raster.cover import Finding, Kind, find_cover
from geoarseg.raster.legend import Colour, Legend, LegendEntry
from geoarseg.raster.spectra import Spectrum

_RAMPS: dict[Kind, tuple[Colour, Colour]] = {  # from the darkest to the brightest of a kind
    Kind.WATER: ((20, 66, 140), (130, 190, 240)),
    Kind.WATER_OR_SHADOW: ((28, 36, 72), (74, 92, 140)),
    Kind.DENSE: ((0, 62, 30), (58, 148, 66)),
    Kind.MEDIUM: ((84, 158, 46), (156, 208, 84)),
    Kind.SPARSE: ((176, 188, 84), (226, 230, 150)),
    Kind.GREEN: ((18, 84, 36), (166, 214, 110)),
    Kind.SOIL: ((134, 78, 36), (232, 180, 116)),
    Kind.BLUISH: ((44, 84, 120), (160, 200, 226)),
    Kind.BUILT: ((170, 52, 66), (230, 140, 136)),
    Kind.GREY: ((112, 112, 112), (186, 186, 186)),
    Kind.BRIGHT: ((246, 206, 190), (255, 242, 224)),
    Kind.DARK: ((58, 48, 66), (104, 92, 112)),
    Kind.UNKNOWN: ((94, 60, 108), (236, 200, 90)),
    Kind.EMPTY: ((200, 200, 214), (222, 222, 232)),
}


@dataclass(frozen=True)
class Suggestion:
    """What to call a class and how to colour it."""

    name: str
    """Distinct within the map, such as "vegetation, dense"."""
    evidence: str
    """The figures that speak for the name, such as "NDVI 0.71"."""
    colour: Colour
    """Red, green, blue, each 0 to 255; distinct within the map as far as colours go round."""
    rank: int
    """Its place, from 0, when the classes of the map are sorted by kind and brightness."""


def suggest(spectra: Sequence[Spectrum], roles: Sequence[str | None]) -> tuple[Suggestion, ...]:
    """Suggest names and colours for the classes of a map.

    They depend on the spectra alone, not on the order in which these come. Several classes of one name are numbered,
    the darkest first.

    Args:
        spectra: of all classes of the map.
        roles: what each band is, as `roles.guess_roles` gives it.
    """
    findings = find_cover(spectra, roles)
    order = sorted(
        range(len(spectra)), key=lambda row: (findings[row].kind, findings[row].brightness, spectra[row].mean)
    )
    names, colours = _names([findings[row] for row in order]), _colours([findings[row] for row in order])
    found = {
        row: Suggestion(names[rank], _evidence(findings[row], names[rank]), colours[rank], rank)
        for rank, row in enumerate(order)
    }
    return tuple(found[row] for row in range(len(spectra)))


def suggested_legend(suggestions: Sequence[Suggestion], values: Sequence[int] | None = None) -> Legend:
    """The suggestions as the legend of classes of these ascending values; of 1..K by default."""
    pairs = zip(values or range(1, len(suggestions) + 1), suggestions, strict=True)
    return Legend(tuple(LegendEntry(value, s.name, s.colour) for value, s in pairs))


def _names(findings: Sequence[Finding]) -> list[str]:
    """Names of findings that are sorted by kind and brightness, each of them once."""
    often = Counter(finding.name for finding in findings)
    seen: Counter[str] = Counter()
    names = []
    for finding in findings:
        seen[finding.name] += 1
        number = f" {seen[finding.name]}" if often[finding.name] > 1 else ""
        names.append(finding.name + number)
    return names


def _evidence(finding: Finding, name: str) -> str:
    """What speaks for the name; with the brightness where that is what tells classes apart."""
    if name == finding.name or "brightness" in finding.evidence or finding.kind is Kind.EMPTY:
        return finding.evidence
    return f"{finding.evidence}, brightness {finding.brightness:.1f} times the median"


def _colours(findings: Sequence[Finding]) -> list[Colour]:
    """Colours of findings that are sorted by kind and brightness: steps of the kind's ramp."""
    often = Counter(finding.kind for finding in findings)
    seen: Counter[Kind] = Counter()
    colours = []
    for finding in findings:
        seen[finding.kind] += 1
        colours.append(_step(finding.kind, seen[finding.kind], often[finding.kind]))
    return colours


def _step(kind: Kind, number: int, of: int) -> Colour:
    first, last = (np.array(colour, dtype=float) for colour in _RAMPS[kind])
    place = (number - 0.5) / of if of < 3 else (number - 1) / (of - 1)
    red, green, blue = np.rint(first + place * (last - first)).astype(int).tolist()
    return red, green, blue
