"""How well clusters fit reference classes, from a matrix of counts alone.

`confusion_matrix` counts, and its matrices may be added over tiles; all else is computed from the sum, so no
list of pixels is ever kept. Clusters have no names: they are matched to classes one-to-one by the Hungarian
method (Kuhn 1955), as in the paper, or many-to-one by majority.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from geoarseg.errors import InputError

Counts = NDArray[np.int64]
"""Pixels by predicted cluster (row) and reference class (column), indexed by their values. Row 0 counts scored
pixels without a prediction; column 0, pixels without a label, is always 0."""


@dataclass(frozen=True)
class ClassScores:
    """How well one class is mapped. Each figure is a share, 0 to 1; 0 where it is undefined."""

    value: int
    """The class's value in the reference."""
    pixels: int
    """Reference pixels of the class that have a prediction."""
    precision: float
    """Share of the class among the pixels mapped as it."""
    recall: float
    """Share of the class's pixels that are mapped as it."""
    f1: float
    """Harmonic mean of precision and recall (Dice)."""
    iou: float
    """Intersection over union (Jaccard)."""


@dataclass(frozen=True)
class Agreement:
    """How well a map fits the reference when each cluster stands for a class."""

    assignment: Mapping[int, int]
    """Class value of each cluster value; the pixels of clusters that are not in it count as wrong."""
    accuracy: float
    """Share of the scored pixels that are right, 0 to 1."""
    mean_iou: float
    """Mean intersection over union of the classes in the reference, 0 to 1."""
    mean_f1: float
    """Mean F1 of the classes in the reference, 0 to 1."""
    kappa: float
    """Cohen's kappa: accuracy beyond chance; at most 1, and 0 by chance."""
    classes: tuple[ClassScores, ...]
    """The classes in the reference, by value."""


@dataclass(frozen=True)
class Scores:
    """All that is said about a map."""

    one_to_one: Agreement
    """Each class has at most one cluster: the Hungarian match."""
    many_to_one: Agreement
    """Each cluster stands for the class that most of its pixels have."""
    nmi: float
    """Normalised mutual information, arithmetic mean of the entropies, 0 to 1."""
    ari: float
    """Adjusted Rand index: at most 1, and 0 by chance."""
    clusters: int
    """Clusters that occur on scored pixels."""
    scored: int
    """Pixels with a label and a prediction: what all figures rest on."""
    unpredicted: int
    """Pixels with a label but no prediction; they take no part."""

    @property
    def accuracy(self) -> float:
        """Accuracy of the one-to-one match, the paper's figure."""
        return self.one_to_one.accuracy

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON types: dictionaries, lists, numbers; cluster values become strings."""
        tree = asdict(self)
        for name in ("one_to_one", "many_to_one"):
            tree[name]["assignment"] = {str(k): v for k, v in tree[name]["assignment"].items()}
            tree[name]["classes"] = list(tree[name]["classes"])
        return tree


def confusion_matrix(
    predicted: NDArray[Any],
    reference: NDArray[Any],
    *,
    clusters: int | None = None,
    classes: int | None = None,
    ignore: Collection[int] = (),
) -> Counts:
    """Count the pixels of each cluster and class.

    Args:
        predicted: cluster values of any shape, an integer dtype; 0 = no data.
        reference: class values of the same shape; 0 = not labelled, not scored.
        clusters: highest cluster value; None = that of `predicted`. Give it to add matrices over tiles.
        classes: highest class value; None = that of `reference`.
        ignore: further values of the reference that are not scored.

    Returns:
        (clusters + 1, classes + 1) int64, indexed by value; see `Counts`.

    Raises:
        InputError: the shapes differ, or a value is negative, too high or not an integer.
    """
    if predicted.shape != reference.shape:
        raise InputError(
            f"The map has the shape {predicted.shape}, the labels {reference.shape}.",
            "Both must cover the same pixels.",
        )
    excluded = [0, *ignore]
    labels = np.where(np.isin(reference, excluded), 0, reference)
    highest_cluster = _highest(predicted, clusters, "cluster")
    highest_class = _highest(labels, classes, "class")
    scored = labels > 0
    pair = predicted[scored].astype(np.int64) * (highest_class + 1) + labels[scored].astype(np.int64)
    counts = np.bincount(pair, minlength=(highest_cluster + 1) * (highest_class + 1))
    return counts.reshape(highest_cluster + 1, highest_class + 1).astype(np.int64)


def hungarian_assignment(confusion: Counts) -> dict[int, int]:
    """Match clusters to classes one-to-one so that the most pixels are right.

    Among matches with equally many, the one of the higher mean IoU is taken. Clusters that share no pixel
    with their class stay unmatched.

    Returns:
        Class value of each matched cluster value.
    """
    counts = confusion[1:, 1:]
    union = counts.sum(axis=1, keepdims=True) + counts.sum(axis=0) - counts
    iou = counts / np.maximum(union, 1)
    # The sum of all IoU is below 1 here, so it decides between matches of equal counts only.
    rows, cols = linear_sum_assignment(counts + iou / (min(counts.shape) + 1), maximize=True)
    return {int(r) + 1: int(c) + 1 for r, c in zip(rows, cols, strict=True) if counts[r, c]}


def majority_assignment(confusion: Counts) -> dict[int, int]:
    """Give each cluster the class that most of its pixels have; the lowest class value of several.

    Returns:
        Class value of each cluster value that occurs.
    """
    counts = confusion[1:, 1:]
    return {int(row) + 1: int(counts[row].argmax()) + 1 for row in np.flatnonzero(counts.sum(axis=1))}


def agreement(confusion: Counts, assignment: Mapping[int, int]) -> Agreement:
    """Score a map whose clusters stand for classes.

    The assignment may come from another matrix: fit it on some labelled images, score it on others.

    Raises:
        InputError: no pixel has both a label and a prediction.
    """
    total = _count_scored(confusion)
    mapped = _map_rows(confusion, assignment)  # (class, class); row 0 = wrong whatever the class
    right = np.diagonal(mapped).astype(np.float64)
    as_mapped, as_labelled = mapped.sum(axis=1), mapped.sum(axis=0)
    accuracy = float(right.sum() / total)
    chance = float((as_mapped / total) @ (as_labelled / total))
    classes = tuple(
        ClassScores(
            value=int(value),
            pixels=int(as_labelled[value]),
            precision=float(right[value] / max(as_mapped[value], 1)),
            recall=float(right[value] / as_labelled[value]),
            f1=float(2 * right[value] / (as_mapped[value] + as_labelled[value])),
            iou=float(right[value] / (as_mapped[value] + as_labelled[value] - right[value])),
        )
        for value in np.flatnonzero(as_labelled)
    )
    return Agreement(
        assignment=dict(assignment),
        accuracy=accuracy,
        mean_iou=float(np.mean([c.iou for c in classes])),
        mean_f1=float(np.mean([c.f1 for c in classes])),
        kappa=(accuracy - chance) / (1 - chance) if chance < 1 else 1.0,
        classes=classes,
    )


def normalised_mutual_information(confusion: Counts) -> float:
    """Mutual information over the mean of both entropies (Strehl and Ghosh 2002; Vinh et al. 2010), 0 to 1.

    Raises:
        InputError: no pixel has both a label and a prediction.
    """
    joint = confusion[1:, 1:] / _count_scored(confusion)
    entropies = _entropy(joint.sum(axis=1)) + _entropy(joint.sum(axis=0))
    information = entropies - _entropy(joint.ravel())
    return float(np.clip(2 * information / entropies, 0, 1)) if entropies > 0 else 1.0


def adjusted_rand_index(confusion: Counts) -> float:
    """Rand index corrected for chance (Hubert and Arabie 1985, equation 5).

    Raises:
        InputError: no pixel has both a label and a prediction.
    """
    total = _count_scored(confusion)
    counts = confusion[1:, 1:]
    together = _pairs(counts.ravel())
    in_clusters, in_classes = _pairs(counts.sum(axis=1)), _pairs(counts.sum(axis=0))
    expected = in_clusters * in_classes / max(total * (total - 1) / 2, 1)
    highest = (in_clusters + in_classes) / 2
    return float((together - expected) / (highest - expected)) if highest != expected else 1.0


def scores(confusion: Counts) -> Scores:
    """Compute all scores of a matrix of counts.

    Raises:
        InputError: no pixel has both a label and a prediction.
    """
    return Scores(
        one_to_one=agreement(confusion, hungarian_assignment(confusion)),
        many_to_one=agreement(confusion, majority_assignment(confusion)),
        nmi=normalised_mutual_information(confusion),
        ari=adjusted_rand_index(confusion),
        clusters=int(np.count_nonzero(confusion[1:].sum(axis=1))),
        scored=_count_scored(confusion),
        unpredicted=int(confusion[0].sum()),
    )


def _highest(values: NDArray[Any], limit: int | None, what: str) -> int:
    """The highest value that is counted; refuses values that cannot be."""
    if values.dtype.kind not in "iu":
        raise InputError(f"The {what} values are of type {values.dtype}.", "They must be whole numbers.")
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if low < 0 or (limit is not None and high > limit):
        raise InputError(f"The {what} values reach from {low} to {high}; {limit or 'any'} is the highest.")
    return high if limit is None else limit


def _count_scored(confusion: Counts) -> int:
    total = int(confusion[1:, 1:].sum())
    if total == 0:
        raise InputError(
            "No pixel has both a label and a class.",
            "Check that the labels lie on the map and are not all 0.",
        )
    return total


def _map_rows(confusion: Counts, assignment: Mapping[int, int]) -> Counts:
    """Add up the rows of each class, (class, class) by value; clusters without a class go to row 0."""
    side = confusion.shape[1]
    mapped = np.zeros((side, side), dtype=np.int64)
    for cluster in range(1, confusion.shape[0]):
        value = assignment.get(cluster, 0)
        mapped[value if value < side else 0] += confusion[cluster]
    mapped[:, 0] = 0
    return mapped


def _entropy(shares: NDArray[np.float64]) -> float:
    """Entropy in nats."""
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def _pairs(counts: Counts) -> float:
    """Number of pairs within the groups."""
    sizes = counts.astype(np.float64)
    return float((sizes * (sizes - 1) / 2).sum())
