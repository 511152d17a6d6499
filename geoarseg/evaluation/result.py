"""What an evaluation found, and the pixels kept for its pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geoarseg.evaluation.estimators import StratifiedEstimates
from geoarseg.evaluation.sample import Sample
from geoarseg.evaluation.scores import Blocks
from geoarseg.metrics import Agreement, Counts, Scores
from geoarseg.raster.legend import Legend
from geoarseg.raster.scene import Scene

Match = Literal["one-to-one", "many-to-one", "identity"]

PICTURE_PX = 900
"""Longest side of the maps that are kept for pictures."""


@dataclass(frozen=True, eq=False)
class Thinned:
    """Every n-th pixel of a map and of its labels, for pictures."""

    classes: NDArray[np.uint8]
    """Classes of the map (y, x); 0 = none."""
    labels: NDArray[np.uint8]
    """Labels (y, x); 0 = not labelled. All 0 for a sample."""
    step: int
    """n."""

    @classmethod
    def of(cls, classes: Scene) -> Thinned:
        """Empty ones of the right size for a map."""
        step = max(1, -(-max(classes.height, classes.width) // PICTURE_PX))
        shape = -(-classes.height // step), -(-classes.width // step)
        return cls(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), step)


@dataclass(frozen=True)
class SampleEvaluation:
    """What a reference sample says."""

    estimates: StratifiedEstimates
    """Accuracies and areas, with standard errors."""
    mapped_area: Mapping[int, float]
    """Area mapped as each class, by class value; 0 = clusters without a class."""
    unit: str
    """`m2` or `px`."""
    sample: Sample
    """The units."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All that is said about a map."""

    confusion: Counts
    """Pixels, or sample units, by value of the map and of the labels."""
    scores: Scores
    """Scores of these counts."""
    match: Match
    """How the map's values were matched to classes."""
    agreement: Agreement
    """The scores under that match."""
    legend: Legend
    """Names and colours of the classes of the labels."""
    warnings: tuple[str, ...] = ()
    """What the user should know."""
    thinned: Thinned | None = None
    """Pixels for pictures, if wanted."""
    sampled: SampleEvaluation | None = None
    """The estimates, if the labels are a sample."""


def thin(blocks: Blocks, thinned: Thinned, ignore: Collection[int]) -> Blocks:
    """Pass blocks on, and keep every n-th pixel of them."""
    step = thinned.step
    for window, values, labels in blocks:
        inside = slice(-window.row % step, None, step), slice(-window.col % step, None, step)
        some = values[inside]
        row, col = -(-window.row // step), -(-window.col // step)
        place = slice(row, row + some.shape[0]), slice(col, col + some.shape[1])
        thinned.classes[place] = some
        whole = np.broadcast_to(labels, values.shape)[inside]
        thinned.labels[place] = np.where(np.isin(whole, list(ignore)), 0, whole)
        yield window, values, labels
