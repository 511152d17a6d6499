"""What suits the size of an image's pixels: which mixtures make its consensus, how they merge, how wide the filter is.

Where pixels are small beside the things on the ground, texture tells things apart, and many clusters that meet belong
together. From ten metres on a pixel is about as large as a thing: texture tells nothing more, classes differ by their
spectra, and mixtures of as many clusters as there are classes steady the merging (figures in `benchmarks/quality.md`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_COARSE_M = 10.0


@dataclass(frozen=True)
class Recipe:
    """How a consensus is made."""

    members: tuple[tuple[Literal["texture", "bands"], int], ...]
    """The mixtures: what each looks at, and its clusters for each class."""
    smoothing_px: int
    """Radius of the guided filter over the probabilities; 0 = none."""


FINE = Recipe((("texture", 4), ("bands", 4)) * 3, smoothing_px=4)
"""For pixels under ten metres, or of unknown size."""
COARSE = Recipe((("bands", 4), ("bands", 1)) * 3, smoothing_px=2)
"""For pixels of ten metres and more."""


def recipe_for(pixel_m: float | None) -> Recipe:
    """The recipe for pixels of this side in metres; None = unknown."""
    return COARSE if pixel_m is not None and pixel_m >= _COARSE_M else FINE
