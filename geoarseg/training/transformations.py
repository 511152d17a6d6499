"""Transformations of the second view (table 1e), and how their geometry is undone on the outputs.

All work on normalised images (N, band, y, x), in standard deviations of each band, so they suit any number of bands:
brightness, contrast, saturation and hue where red, green and blue are known, gain and offset on every other band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Kind = Literal["plain", "photometric", "flip", "rotation", "all"]
Colours = tuple[int, int, int]
"""The bands red, green and blue, counted from 0."""

_HUE_SHARE = 0.25  # of the jitter: a hue turns by at most so many half circles
_LUMA = np.array([0.299, 0.587, 0.114])
_TO_CHROMA = np.array([_LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])  # luma and two axes of chroma (YIQ)


@dataclass(frozen=True)
class Geometry:
    """One element of the square's symmetries for each image of a batch."""

    quarter_turns: tuple[int, ...]
    """Turns by 90 degrees, counter-clockwise, after the flip."""
    flipped: tuple[bool, ...]
    """Whether columns are reversed."""

    @property
    def is_identity(self) -> bool:
        """Whether nothing moves."""
        return not any(self.quarter_turns) and not any(self.flipped)

    def apply(self, maps: Tensor) -> Tensor:
        """Move maps (N, ..., y, x) of equal height and width."""
        if self.is_identity:
            return maps
        return torch.stack(
            [
                torch.rot90(image.flip(-1) if flip else image, turns, (-2, -1))
                for image, turns, flip in zip(maps, self.quarter_turns, self.flipped, strict=True)
            ]
        )

    def undo(self, maps: Tensor) -> Tensor:
        """Move maps back: `undo(apply(maps))` is `maps`."""
        if self.is_identity:
            return maps
        restored = []
        for image, turns, flip in zip(maps, self.quarter_turns, self.flipped, strict=True):
            turned = torch.rot90(image, -turns, (-2, -1))
            restored.append(turned.flip(-1) if flip else turned)
        return torch.stack(restored)


def draw_geometry(count: int, kind: Kind, rng: np.random.Generator) -> Geometry:
    """Draw flips for `flip`, turns for `rotation`, both for `all`, nothing else."""
    turns = rng.integers(4, size=count) if kind in ("rotation", "all") else np.zeros(count, int)
    flips = rng.integers(2, size=count) == 1 if kind in ("flip", "all") else np.zeros(count, bool)
    return Geometry(tuple(turns.tolist()), tuple(flips.tolist()))


def photometric(
    images: Tensor, valid: Tensor, *, strength: float, colours: Colours | None, rng: np.random.Generator
) -> Tensor:
    """Change the colours of normalised images, each by its own draw.

    Args:
        images: (N, band, y, x).
        valid: (N, y, x) of bool; the other pixels stay 0.
        strength: largest relative change of gain, and of offset in standard deviations.
        colours: which bands are red, green and blue, if that is known.
        rng: the source of chance.
    """
    count, bands = images.shape[:2]
    matrix = np.stack([np.diag(1 + rng.uniform(-strength, strength, bands)) for _ in range(count)])
    offset = rng.uniform(-strength, strength, (count, bands))
    if colours is not None:
        where = np.ix_(colours, colours)
        for index in range(count):
            matrix[index][where] = _colour_matrix(strength, rng)
            offset[index, list(colours)] = rng.uniform(-strength, strength)  # brightness: one for the three
    changed = torch.einsum("ncb,nbyx->ncyx", torch.from_numpy(matrix).to(images), images)
    changed = changed + torch.from_numpy(offset).to(images)[:, :, None, None]
    return changed * valid[:, None].to(images.dtype)


def _colour_matrix(strength: float, rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Contrast, saturation and hue as one map of red, green and blue."""
    contrast, saturation = 1 + rng.uniform(-strength, strength, 2)
    angle = np.pi * _HUE_SHARE * rng.uniform(-strength, strength)
    cos, sin = saturation * np.cos(angle), saturation * np.sin(angle)
    turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return np.asarray(contrast * np.linalg.inv(_TO_CHROMA) @ turn @ _TO_CHROMA)
