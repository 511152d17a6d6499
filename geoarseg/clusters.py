"""The clusters of a model, the classes that are made of them, and the legend that their spectra suggest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import ModelFileError
from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import ModelCard
from geoarseg.raster.legend import Legend
from geoarseg.raster.spectra import Spectrum, merge_spectra
from geoarseg.raster.suggest import suggest, suggested_legend


def as_clusters(predictor: Predictor) -> Predictor:
    """The model with each cluster as a class of its own."""
    alone = tuple(range(1, predictor.card.clusters + 1))
    return predictor.with_card(predictor.card.model_copy(update={"class_of": alone}))


def classes_of_clusters(card: ModelCard) -> tuple[int, ...]:
    """The class of each cluster, numbered from 1 without gaps in the order of the classes' values."""
    values = sorted(set(card.class_of))
    return tuple(values.index(value) + 1 for value in card.class_of)


def with_classes(card: ModelCard, class_of: Sequence[int], legend: Legend) -> ModelCard:
    """The card with other classes.

    Args:
        card: of the model.
        class_of: the class of each cluster, from 1.
        legend: of the classes, with the values 1, 2 ...
    """
    return card.model_copy(update={"class_of": tuple(class_of), "legend": legend.rows()})


def spectra_of(card: ModelCard) -> tuple[Spectrum, ...]:
    """The spectra of a model's clusters, as its card has them.

    Raises:
        ModelFileError: they are damaged.
    """
    try:
        rows = [([float(value) for value in row["mean"]], row["share"], row["confidence"]) for row in card.spectra]
        if any(len(mean) != len(card.bands) for mean, _, _ in rows):
            raise ValueError("another number of bands")
        return tuple(Spectrum(tuple(mean), float(share), float(confidence)) for mean, share, confidence in rows)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"The spectra in the model's card cannot be read ({error}).") from None


def class_spectra(card: ModelCard) -> tuple[Spectrum, ...]:
    """The spectra of a model's classes, in the order of their values.

    Raises:
        ModelFileError: those of its clusters are damaged.
    """
    return merge_spectra(spectra_of(card), classes_of_clusters(card))


def suggested(card: ModelCard) -> ModelCard:
    """The card with the legend that the spectra of its clusters suggest; as it is where it has none."""
    if not card.spectra:
        return card
    suggestions = suggest(class_spectra(card), card.band_roles)
    return card.model_copy(update={"legend": suggested_legend(suggestions, sorted(set(card.class_of))).rows()})


def distances_of(card: ModelCard, spectra: Sequence[Spectrum]) -> NDArray[np.float64]:
    """How far clusters are from each other, (cluster, cluster).

    By the tree, where the model has one: the number of the merge that makes one of the two, and within a merge by the
    spectra; else by the spectra alone, in scales of the bands.
    """
    scaled = np.array([spectrum.mean for spectrum in spectra]) / np.array(card.scale)
    distances: NDArray[np.float64] = np.linalg.norm(scaled[:, None] - scaled, axis=2)
    if not card.merges:
        return distances
    distances /= 1 + distances.max()  # under 1: the tree decides first
    members = {cluster: [cluster] for cluster in range(card.clusters)}
    for number, (kept, gone) in enumerate(card.merges, 1):
        distances[np.ix_(members[kept], members[gone])] += number
        distances[np.ix_(members[gone], members[kept])] += number
        members[kept] += members.pop(gone)
    return distances
