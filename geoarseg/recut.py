"""The same network with other classes: its merge tree cut elsewhere, or its map smoothed otherwise. No training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from geoarseg.clustering.consensus import LEAST_SHARE
from geoarseg.clustering.merging import ALPHAS, MergeTree, information_of, merge_tree, merged_joint, suggested_classes
from geoarseg.clusters import suggested
from geoarseg.errors import SettingsError
from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import ModelCard
from geoarseg.raster.legend import Legend
from geoarseg.training.numbering import by_share

Number = int | Literal["auto"]
"""How many classes are asked for; auto = as many as the curve of information over their number suggests."""


@dataclass(frozen=True)
class Cut:
    """One way to make classes of a model's clusters."""

    classes: int
    """How many."""
    alpha: float
    """How unequal they may be; see `geoarseg.clustering.merging`."""
    class_of: tuple[int, ...]
    """The class of each cluster, from 1, the largest first."""
    information: float
    """What the classes tell of each other's whereabouts, in nats."""
    legend: Legend
    """Suggested names and colours."""


def recut(predictor: Predictor, classes: Number | None = None, *, alpha: float | None = None) -> Predictor:
    """A model whose clusters are merged otherwise; see `recut_card`."""
    return predictor.with_card(recut_card(predictor.card, classes, alpha=alpha))


def recut_card(card: ModelCard, classes: Number | None = None, *, alpha: float | None = None) -> ModelCard:
    """The card with clusters merged otherwise, to classes numbered by size, with a new legend.

    Args:
        card: of the model.
        classes: how many; None = as many as it has.
        alpha: how unequal they may be, 0 to 1; None = as the card says. The new card's tree is that of this alpha.

    Raises:
        SettingsError: the model has fewer clusters, or its clusters have no tree, or too little is known of them.
    """
    tree, own = tree_of(card, alpha), len(set(card.class_of))
    if tree is None:
        if alpha is None and classes in (None, own):
            return card
        raise SettingsError(
            f"The model has {own} classes and no tree to merge or split them by.",
            "Leave out -k and --alpha, or train it with the objective `consensus`.",
        )
    count = _suggested(card, tree) if classes == "auto" else own if classes is None else classes
    if not 2 <= count <= tree.clusters:
        raise SettingsError(
            f"The model has {tree.clusters} clusters: {count} classes cannot be made of them.",
            f"Ask for 2 to {tree.clusters}.",
        )
    if alpha is not None:
        card = card.model_copy(update={"alpha": alpha, "merges": tree.merges, "information": tree.information})
    return suggested(_cut_card(card, tree, count))


def cuts_of(card: ModelCard) -> Iterator[Cut]:
    """Every way to make classes of a model's clusters, by each of `ALPHAS` and the alpha of its training.

    Nothing where the model does not know how its clusters merge.
    """
    if card.alpha is None or not card.joint:
        return
    joint = np.array(card.joint)
    for alpha in sorted({*ALPHAS, card.alpha}):
        tree = tree_of(card, alpha)
        assert tree is not None
        for classes in range(2, card.clusters + 1):
            cut = suggested(_cut_card(card, tree, classes))
            information = information_of(merged_joint(joint, np.array(cut.class_of) - 1))
            yield Cut(classes, alpha, cut.class_of, information, Legend.from_rows(cut.legend))


def information_curve(card: ModelCard) -> dict[str, Any] | None:
    """What classes would tell of each other's whereabouts, by how many there are, of JSON types only.

    `classes` from 1 to as many as can have the least share, the `information` of each in nats, that of all `clusters`
    as `whole`, and how many classes are `suggested`; None where the model does not know how its clusters merge.
    """
    tree, joint = tree_of(card), np.array(card.joint)
    if tree is None or not len(joint):
        return None
    counts = range(1, tree.most_classes(LEAST_SHARE) + 1)
    cuts = [tree.cut(classes, least_share=LEAST_SHARE) for classes in counts]
    return {
        "classes": list(counts),
        "information": [round(information_of(merged_joint(joint, cut)), 5) for cut in cuts],
        "whole": round(information_of(joint), 5),
        "clusters": card.clusters,
        "suggested": _suggested(card, tree),
    }


def with_smoothing(predictor: Predictor, radius_px: int | None) -> Predictor:
    """A model whose map is smoothed by a guided filter of this radius; 0 = not at all, None = as it is."""
    if radius_px is None or radius_px == predictor.card.smoothing_px:
        return predictor
    return predictor.with_card(predictor.card.model_copy(update={"smoothing_px": radius_px}))


def tree_of(card: ModelCard, alpha: float | None = None) -> MergeTree | None:
    """How the clusters of a model merge; None where that is not known.

    Args:
        card: of the model.
        alpha: how unequal its classes may be; None = as it was trained.

    Raises:
        SettingsError: alpha is negative, or the model does not know enough for another one.
    """
    if not card.merges:
        return None
    if alpha is None or alpha == card.alpha:
        return MergeTree(card.merges, card.information, card.cluster_shares)
    if not card.joint:
        raise SettingsError("The model does not know how often its clusters meet.", "Leave out --alpha.")
    return replace(merge_tree(np.array(card.joint), alpha=alpha), shares=card.cluster_shares)


def _suggested(card: ModelCard, tree: MergeTree) -> int:
    if not card.joint:
        raise SettingsError("The model does not know how often its clusters meet.", "Give -k a number.")
    return suggested_classes(tree, np.array(card.joint), least_share=LEAST_SHARE)


def _cut_card(card: ModelCard, tree: MergeTree, classes: int) -> ModelCard:
    cut = tree.cut(classes, least_share=LEAST_SHARE)
    sizes = np.bincount(cut, weights=tree.shares, minlength=classes).tolist()
    shares = [round(size, 5) for size in sorted(sizes, reverse=True)]
    changes: dict[str, Any] = {
        "class_of": by_share((cut + 1).tolist(), sizes),
        "legend": Legend.default(classes).rows(),
        "training": card.training | {"shares": shares, "dead": []},
    }
    return card.model_copy(update=changes)
