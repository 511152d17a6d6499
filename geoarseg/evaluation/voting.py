"""Clusters become named classes by the votes of a few labels, and what that is worth by cross-validation.

Each labelled pixel spreads its vote over the clusters by their probabilities. From the votes come the clusters' shares
within each class, P(cluster | class), and with how common the classes are, the likeliest class of each cluster:

    class of cluster k = argmax over c of  prior(c) P(k | c)

Labels seldom come in the proportions of the image: ten clicks on ponds do not make half of it water, nor do labels at
random places, of which two in a hundred are ponds, make ponds as common as fields. By default the prior lies between:
the square root of the labels' numbers, which in trials was as good as the better of the two (`docs/naming.md`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import SettingsError

Prior = Literal["between", "equal", "labels"]
"""How common the classes are taken to be: all alike, as in the labels, or as the square root of the labels' numbers."""

Floats = NDArray[np.float64]

_BASE_LABELS = 0.5  # so many labels' worth of the image's clusters is mixed into each class: few labels prove little
_HEARD = 0.5  # a cluster with less than half a label is not labelled


@dataclass(frozen=True, eq=False)
class LabelVotes:
    """Labelled pixels and their clusters."""

    probabilities: Floats
    """(pixel, cluster), each row of sum 1."""
    classes: NDArray[np.int64]
    """(pixel,), from 0."""
    weights: Floats
    """(pixel,): how much each counts; a point or polygon counts 1 in all."""
    class_count: int
    """C."""

    def votes(self) -> Floats:
        """Weighted sums of the probabilities of each class, (class, cluster)."""
        found = np.zeros((self.class_count, self.probabilities.shape[1]))
        np.add.at(found, self.classes, self.probabilities * self.weights[:, None])
        return found

    def only(self, kept: NDArray[np.bool_]) -> LabelVotes:
        """Some of the pixels."""
        return LabelVotes(self.probabilities[kept], self.classes[kept], self.weights[kept], self.class_count)


@dataclass(frozen=True, eq=False)
class Naming:
    """Which class each cluster is, and how sure that is."""

    class_of: NDArray[np.int64]
    """(cluster,): class from 0."""
    posterior: Floats
    """(cluster, class): probability of each class in the cluster, as the labels and the prior say."""
    labelled: NDArray[np.bool_]
    """(cluster,): whether enough labels lie in it; the others follow the nearest that has some."""
    nearest: NDArray[np.int64]
    """(cluster,): the labelled cluster that it follows; itself if labelled."""
    prior: Floats
    """(class,): how common each class was taken to be; of sum 1."""


def name_clusters(labels: LabelVotes, shares: Floats, distances: Floats, *, prior: Prior = "between") -> Naming:
    """Give each cluster a class by the labels' votes.

    Args:
        labels: labelled pixels.
        shares: share of each cluster in the image, (cluster,).
        distances: how far clusters are from each other, (cluster, cluster); clusters without labels follow the nearest.
        prior: how common the classes are taken to be.

    Raises:
        SettingsError: there is no such prior.
    """
    if prior not in get_args(Prior):
        raise SettingsError(f"The prior must be {', '.join(get_args(Prior))}, not {prior!r}.")
    votes = labels.votes()
    heard = votes.sum(axis=1)
    base = _BASE_LABELS * shares / max(shares.sum(), np.finfo(float).tiny)
    within = (votes + base) / (heard[:, None] + _BASE_LABELS)  # P(cluster | class)
    labelled = _labelled(labels, votes)
    common = {"between": np.sqrt(heard), "equal": (heard > 0).astype(np.float64), "labels": heard}[prior]
    common = common / common.sum()
    joint = (common[:, None] * within).T
    posterior = joint / np.maximum(joint.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    nearest = np.where(labelled, np.arange(len(shares)), np.where(labelled, distances, np.inf).argmin(axis=1))
    return Naming(posterior.argmax(axis=1)[nearest], posterior, labelled, nearest, common)


def _labelled(labels: LabelVotes, votes: Floats) -> NDArray[np.bool_]:
    """Clusters that have half a label's worth of votes, or win a labelled pixel."""
    won = np.zeros(votes.shape[1], bool)
    won[labels.probabilities[labels.weights > 0].argmax(axis=1)] = True
    return np.asarray(won | (votes.sum(axis=0) >= _HEARD))


@dataclass(frozen=True)
class CrossValidation:
    """Accuracy on labels that took no part in the naming that is scored."""

    accuracy: float
    """Share of the labels that are right, 0 to 1."""
    balanced_accuracy: float
    """Mean of the classes' recalls."""
    recalls: tuple[float | None, ...]
    """Share of each class's labels that are right; None where the class cannot be scored."""
    confusion: tuple[tuple[float, ...], ...]
    """Labels by class (row) and the class that they got (column)."""
    groups: int
    """Groups of neighbouring labels; each was left out once."""
    folds: int
    """How many namings were made."""

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy, as if each group were one independent label."""
        n, p, z = self.groups, self.accuracy, 1.96
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


def cross_validate(
    labels: LabelVotes,
    groups: NDArray[np.int64],
    shares: Floats,
    distances: Floats,
    *,
    prior: Prior = "between",
    folds: int = 10,
    seed: int = 0,
) -> CrossValidation | None:
    """Name the clusters without some groups of labels, and score these; until each group has been left out.

    Args:
        labels: labelled pixels.
        groups: (pixel,): labels that must not be parted, because they are neighbours.
        shares: as in `name_clusters`.
        distances: as in `name_clusters`.
        prior: as in `name_clusters`.
        folds: parts that the groups are divided into.
        seed: draws the parts.

    Returns:
        The scores over classes with labels in two groups or more; None where there are fewer than two such classes.
    """
    scored = [c for c in range(labels.class_count) if len(np.unique(groups[labels.classes == c])) > 1]
    if len(scored) < 2:
        return None
    names, group = np.unique(groups, return_inverse=True)
    fold_of = np.random.default_rng(seed).permutation(len(names)) % min(folds, len(names))
    confusion = np.zeros((labels.class_count, labels.class_count))
    for fold in range(int(fold_of.max()) + 1):
        held = fold_of[group] == fold
        naming = name_clusters(labels.only(~held), shares, distances, prior=prior)
        left = labels.only(held)
        predicted = predict(left.probabilities, naming.class_of, labels.class_count)
        np.add.at(confusion, (left.classes, predicted), left.weights)
    return _scores(confusion, scored, len(names), int(fold_of.max()) + 1)


def predict(probabilities: Floats, class_of: NDArray[np.int64], class_count: int) -> NDArray[np.int64]:
    """The class of each pixel: that whose clusters' probabilities sum highest."""
    sums = probabilities @ np.eye(class_count)[class_of]
    return np.asarray(sums.argmax(axis=1))


def _scores(confusion: Floats, scored: Sequence[int], groups: int, folds: int) -> CrossValidation:
    right, total = np.diag(confusion), confusion.sum(axis=1)
    recalls = [right[c] / total[c] if c in scored else None for c in range(len(confusion))]
    known = [float(recall) for recall in recalls if recall is not None]
    return CrossValidation(
        float(right[scored].sum() / total[scored].sum()),
        float(np.mean(known)),
        tuple(None if recall is None else float(recall) for recall in recalls),
        tuple(tuple(row) for row in confusion.tolist()),
        groups,
        folds,
    )
