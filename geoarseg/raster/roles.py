"""Which band is red, green, blue or near-infrared, guessed from what a file says of its bands."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORDS = (
    (None, re.compile(r"red[\s_-]*edge|swir|short[\s_-]*wave|thermal", re.I)),  # red only by name
    ("nir", re.compile(r"(?<![a-z])nir(?![a-z])|near[\s_-]*(infra[\s_-]*red|ir\b)|^n$", re.I)),
    ("red", re.compile(r"(?<![a-z])red(?![a-z])|^r$", re.I)),
    ("green", re.compile(r"(?<![a-z])green(?![a-z])|^g$", re.I)),
    ("blue", re.compile(r"(?<![a-z])blue(?![a-z])|^b$", re.I)),
)
_BY_COUNT: dict[int, tuple[str, ...]] = {3: ("red", "green", "blue"), 4: ("red", "green", "blue", "nir")}
_SATELLITE = ("blue", "green", "red", "nir")  # Landsat 1-4; Sentinel-2 stacks of B2, B3, B4, B8


def guess_roles(descriptions: Sequence[str | None], colours: Sequence[str | None]) -> tuple[str | None, ...]:
    """Guess the role of each feature band of one file.

    Descriptions come first because a person wrote them, whereas "red, green, blue" is what GDAL notes by
    default for the first three bands of any image; then the colour interpretation; then what the number of
    bands suggests.

    Args:
        descriptions: free text of each band.
        colours: colour interpretation of each band: "red", "green", "blue", "nir", anything else or None.

    Returns:
        "red", "green", "blue", "nir" or None for each band; no role twice.
    """
    count = len(descriptions)
    roles = _once([_role_of(text) for text in descriptions])
    if not any(roles):
        roles = _once([colour if colour in _BY_COUNT[4] else None for colour in colours])
    if not any(roles):
        guess = _SATELLITE if count >= 5 else _BY_COUNT.get(count, ())
        return tuple(guess) + (None,) * (count - len(guess))
    if count == 4 and roles == ["red", "green", "blue", None]:
        roles[3] = "nir"  # the usual way in which an RGB + NIR file comes
    return tuple(roles)


def colour_bands(roles: Sequence[str | None]) -> tuple[int, int, int] | None:
    """Which bands are red, green and blue, counted from 0; None unless all three are known."""
    if not {"red", "green", "blue"} <= set(roles):
        return None
    red, green, blue = (roles.index(colour) for colour in ("red", "green", "blue"))
    return red, green, blue


def _role_of(description: str | None) -> str | None:
    return next((role for role, words in _WORDS if words.search((description or "").strip())), None)


def _once(roles: Sequence[str | None]) -> list[str | None]:
    return [None if role in roles[:index] else role for index, role in enumerate(roles)]
