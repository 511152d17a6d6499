"""The clusters of a model and the classes that are made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from geoarseg.errors import ModelFileError
from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import ModelCard
from geoarseg.raster.legend import Legend, LegendEntry
from geoarseg.raster.spectra import Spectrum


def as_clusters(predictor: Predictor) -> Predictor:
    """The model with each cluster as a class of its own."""
    return Predictor(predictor.network, predictor.card.model_copy(update={"merged": {}}), device=str(predictor.device))


def classes_of_clusters(card: ModelCard) -> tuple[int, ...]:
    """The class of each cluster, numbered from 1 in the order of the legend."""
    values = [row["value"] for row in card.legend]
    return tuple(values.index(card.merged.get(cluster, cluster)) + 1 for cluster in range(1, card.classes + 1))


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


def values_in_map(class_of: Sequence[int]) -> dict[int, int]:
    """The value of each class in maps: the number of its first cluster."""
    return {value: class_of.index(value) + 1 for value in set(class_of)}


def with_classes(card: ModelCard, class_of: Sequence[int], legend: Legend) -> ModelCard:
    """The card with other classes.

    Args:
        card: of the model.
        class_of: the class of each cluster, from 1.
        legend: of the classes, with the values 1, 2 ...
    """
    firsts = values_in_map(class_of)
    entries = (LegendEntry(firsts[entry.value], entry.name, entry.colour) for entry in legend)
    rows = json.loads(Legend(tuple(sorted(entries, key=lambda entry: entry.value))).to_json())
    merged = {n: firsts[value] for n, value in enumerate(class_of, 1) if n != firsts[value]}
    return card.model_copy(update={"legend": tuple(rows), "merged": merged})
