"""The same network with other classes: its merge tree cut elsewhere, or its map smoothed otherwise. No training."""

from __future__ import annotations

from typing import Any

import numpy as np

from geoarseg.clustering.consensus import LEAST_SHARE
from geoarseg.clustering.merging import MergeTree
from geoarseg.clusters import suggested
from geoarseg.errors import SettingsError
from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import ModelCard
from geoarseg.raster.legend import Legend
from geoarseg.training.numbering import by_share


def recut(predictor: Predictor, classes: int) -> Predictor:
    """A model whose clusters are merged to so many classes, numbered by size, with a new legend.

    Raises:
        SettingsError: the model has fewer clusters, or its clusters have no tree.
    """
    card = _recut_card(predictor.card, classes)
    return predictor.with_card(card if card is predictor.card else suggested(card))


def with_smoothing(predictor: Predictor, radius_px: int | None) -> Predictor:
    """A model whose map is smoothed by a guided filter of this radius; 0 = not at all, None = as it is."""
    if radius_px is None or radius_px == predictor.card.smoothing_px:
        return predictor
    return predictor.with_card(predictor.card.model_copy(update={"smoothing_px": radius_px}))


def tree_of(card: ModelCard) -> MergeTree | None:
    """How the clusters of a model merge; None where that is not known."""
    return MergeTree(card.merges, card.information, card.cluster_shares) if card.merges else None


def _recut_card(card: ModelCard, classes: int) -> ModelCard:
    tree = tree_of(card)
    if tree is None:
        if set(card.class_of) == set(range(1, classes + 1)):
            return card
        raise SettingsError(
            f"The model has {len(set(card.class_of))} classes and no tree to merge or split them by.",
            "Leave out -k, or train it with the objective `consensus`.",
        )
    if not 2 <= classes <= tree.clusters:
        raise SettingsError(f"The model has {tree.clusters} clusters: {classes} classes cannot be made of them.")
    cut = tree.cut(classes, least_share=LEAST_SHARE)
    sizes = np.bincount(cut, weights=tree.shares, minlength=classes).tolist()
    changes: dict[str, Any] = {
        "class_of": by_share((cut + 1).tolist(), sizes),
        "legend": Legend.default(classes).rows(),
    }
    return card.model_copy(update=changes)
