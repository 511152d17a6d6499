"""Numbers as a reader wants them: rounded, grouped, with units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NAME_CHARACTERS = 120
_UNITS_M2 = ((1e8, "km²", 1e6, 2), (1e4, "ha", 1e4, 2), (0.0, "m²", 1.0, 1))  # from so many m² on: unit, size, digits


@dataclass(frozen=True)
class Figure:
    """A number and how it is written."""

    value: float
    """In the unit of `summary.json`."""
    text: str


@dataclass(frozen=True)
class AreaUnit:
    """The unit in which all areas of a page are written."""

    name: str
    """km², ha, m² or px."""
    size: float
    """How many of the summary's units it has."""
    digits: int
    """Decimals."""

    @classmethod
    def for_total(cls, total: float, unit: str) -> AreaUnit:
        """The unit that suits a total area in `m2` or `px`."""
        if unit == "px":
            return cls("px", 1.0, 0)
        return next(cls(name, size, digits) for least, name, size, digits in _UNITS_M2 if total >= least)

    def write(self, area: float) -> Figure:
        """The area with its unit."""
        return Figure(area, f"{area / self.size:,.{self.digits}f} {self.name}")


def percent(share: float) -> Figure:
    """A share of 1 in per cent; one that is small, but not nothing, is not written as 0.0 %."""
    text = f"{100 * share:.1f} %"
    return Figure(share, "< 0.1 %" if share > 0 and text == "0.0 %" else text)


def change(before: float, after: float) -> str:
    """By how much an area has grown or shrunk; or that it has not."""
    if abs(after - before) <= 1e-6 * max(before, after):
        return "unchanged"
    return f"{after / before - 1:+.1%}".replace("%", " %") if before else "new"


def duration(seconds: float) -> Figure:
    """Seconds, as minutes and hours where they are many."""
    if seconds < 100:
        return Figure(seconds, f"{seconds:.1f} s")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return Figure(seconds, f"{minutes} min {rest} s")
    return Figure(seconds, f"{minutes // 60:,} h {minutes % 60} min")


def brief(text: str, characters: int = _NAME_CHARACTERS) -> str:
    """A text that is not endless."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def number(value: float) -> str:
    """A number with as many digits as matter."""
    if value and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.3g}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as pairs of dotted names and texts."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield prefix + name, ", ".join(map(str, value)) or "none"
        else:
            yield prefix + name, "none" if value is None else str(value)
