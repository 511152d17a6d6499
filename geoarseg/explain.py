"""A model that explains itself: its card has the spectra of its clusters, and the legend that they suggest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from geoarseg.clusters import as_clusters, class_spectra, classes_of_clusters, suggested
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.survey import measure_spectra, survey
from geoarseg.network.checkpoint import ModelCard
from geoarseg.progress import Progress
from geoarseg.raster.legend import Legend
from geoarseg.raster.memory import SceneLike
from geoarseg.raster.suggest import suggest

_DIGITS = 6


def explain_model(
    predictor: Predictor,
    scenes: Sequence[SceneLike],
    *,
    roles: Sequence[str | None],
    seed: int = 0,
    progress: Progress | None = None,
) -> Predictor:
    """As `measure_model`, and the classes get the names and colours that their spectra suggest."""
    measured = measure_model(predictor, scenes, roles=roles, seed=seed, progress=progress)
    return measured.with_card(suggested(measured.card))


def measure_model(
    predictor: Predictor,
    scenes: Sequence[SceneLike],
    *,
    roles: Sequence[str | None],
    seed: int = 0,
    progress: Progress | None = None,
) -> Predictor:
    """Measure the clusters of a model on random blocks of images.

    Args:
        predictor: the model.
        scenes: images with its bands.
        roles: what each band is, as `roles.guess_roles` gives it.
        seed: draws the blocks.
        progress: told each block.

    Returns:
        The model with `spectra` and `band_roles` in its card.

    Raises:
        InputError: there is no valid pixel, or the images have other bands.
    """
    card = predictor.card
    clusters = as_clusters(predictor)
    blocks = survey(scenes, clusters, classes_of_clusters(card), seed=seed, progress=progress)
    spectra = tuple(_rounded(asdict(spectrum)) for spectrum in measure_spectra(blocks, clusters=clusters.classes))
    return predictor.with_card(card.model_copy(update={"spectra": spectra, "band_roles": tuple(roles)}))


def class_descriptions(card: ModelCard) -> list[dict[str, Any]]:
    """What is known of each class: value, name, share, confidence, mean of each band, and what its spectrum suggests.

    They come in the order of a legend: by kind of cover, water first, and then by brightness.
    Empty where the model was not trained on images that lie in files, so that nothing was measured.
    """
    if not card.spectra:
        return []
    spectra, legend = class_spectra(card), Legend.from_rows(card.legend)
    suggestions = suggest(spectra, card.band_roles)
    rows = sorted(zip(legend, spectra, suggestions, strict=True), key=lambda row: row[2].rank)
    return [
        {
            "value": entry.value,
            "name": entry.name,
            "share": round(spectrum.share, _DIGITS),
            "confidence": round(spectrum.confidence, _DIGITS),
            "mean": [float(f"{value:.{_DIGITS}g}") for value in spectrum.mean],
            "suggested": found.name,
            "evidence": found.evidence,
        }
        for entry, spectrum, found in rows
    ]


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Figures of a spectrum as a card holds them."""
    return {
        name: [float(f"{item:.{_DIGITS}g}") for item in value] if name == "mean" else round(value, _DIGITS)
        for name, value in row.items()
    }
