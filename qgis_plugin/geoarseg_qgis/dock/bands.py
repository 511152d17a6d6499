"""Which band is red, green, blue or near-infrared, as far as one can guess. The same rules as those of the command."""

from __future__ import annotations

import re
from typing import Sequence

ROLES = ("red", "green", "blue", "nir")

_WORDS = (
    ("", re.compile(r"red[\s_-]*edge|swir|short[\s_-]*wave|thermal", re.I)),  # red only by name
    ("nir", re.compile(r"(?<![a-z])nir(?![a-z])|near[\s_-]*(infra[\s_-]*red|ir\b)|^n$", re.I)),
    ("red", re.compile(r"(?<![a-z])red(?![a-z])|^r$", re.I)),
    ("green", re.compile(r"(?<![a-z])green(?![a-z])|^g$", re.I)),
    ("blue", re.compile(r"(?<![a-z])blue(?![a-z])|^b$", re.I)),
)
_BY_COUNT = {3: ROLES[:3], 4: ROLES}
_SATELLITE = ("blue", "green", "red", "nir")  # Landsat 1-4; Sentinel-2 stacks of B2, B3, B4, B8


def guess_roles(descriptions: Sequence[str], colours: Sequence[str]) -> list[str]:
    """Guess the role of each band of one image, alpha bands left out.

    Descriptions come first because a person wrote them; then the colour interpretation, which is often only a default;
    then what the number of bands suggests.

    Args:
        descriptions: free text of each band.
        colours: colour interpretation of each band: "red", "green", "blue", "nir" or anything else.

    Returns:
        one of `ROLES` or "" for each band; no role twice.
    """
    count = len(descriptions)
    roles = _once([_role_of(text) for text in descriptions])
    if not any(roles):
        roles = _once([colour if colour in ROLES else "" for colour in colours])
    if not any(roles):
        guess = _SATELLITE if count >= 5 else _BY_COUNT.get(count, ())
        return [*guess, *[""] * (count - len(guess))]
    if roles == ["red", "green", "blue", ""]:
        roles[3] = "nir"  # the usual way in which an RGB + NIR file comes
    return roles


def _role_of(description: str) -> str:
    return next((role for role, words in _WORDS if words.search(description.strip())), "")


def _once(roles: Sequence[str]) -> list[str]:
    return ["" if role in roles[:index] else role for index, role in enumerate(roles)]
