"""Score a trained model on the labelled crops of a prepared dataset, as in the paper.

A matrix of counts is kept of each crop. Matching, fitting on some labelled crops and scoring on the others all work on
these matrices.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geoarseg.datasets.store import CropStore
from geoarseg.errors import InputError, SettingsError
from geoarseg.evaluation.evaluate import evaluate_counts
from geoarseg.evaluation.result import Evaluation, Match
from geoarseg.evaluation.tables import Table, percent
from geoarseg.metrics import Counts, agreement, confusion_matrix, hungarian_assignment, majority_assignment
from geoarseg.progress import Progress
from geoarseg.raster.legend import PALETTE, Legend
from geoarseg.raster.potsdam_colours import CLASS_NAMES, COLOURS
from geoarseg.raster.preview import display_bands, stretch
from geoarseg.raster.roles import guess_roles

DRAWS = 5
"""How often the crops that the match is fitted on are drawn."""

_BATCH_PX = 1 << 19  # pixels predicted at a time
_EXAMPLES = 4


class Predicts(Protocol):
    """What is needed of a `geoarseg.inference.predictor.Predictor`."""

    classes: int

    def __call__(self, images: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (N, class, y, x) of pixel values (N, band, y, x) with validity (N, y, x)."""


@dataclass(frozen=True, eq=False)
class ModelScores:
    """What a model scores on a dataset."""

    evaluation: Evaluation
    """The scores of all labelled crops; or, where a match was fitted, those of the other crops in the first draw."""
    crops: int
    """Labelled crops."""
    fitted_on: int | None = None
    """Crops that the many-to-one match was fitted on; None = none was fitted."""
    held_out: tuple[float, float] | None = None
    """Mean and standard deviation, over the draws, of the fitted match's accuracy on the other crops."""

    def facts(self) -> dict[str, Any]:
        """Entries of `scores.json` beside those of every evaluation."""
        facts: dict[str, Any] = {"labelled_crops": self.crops}
        if self.held_out is not None:
            mean, deviation = self.held_out
            facts["held_out"] = {"fitted_on_crops": self.fitted_on, "draws": DRAWS}
            facts["held_out"] |= {"accuracy_mean": mean, "accuracy_sd": deviation}
        return facts

    def tables(self) -> list[Table]:
        """The table of the fitted match, if there is one."""
        if self.held_out is None:
            return []
        mean, deviation = self.held_out
        rows = (
            ("labelled crops", f"{self.crops:,}"),
            ("crops the match was fitted on", f"{self.fitted_on:,}"),
            (f"accuracy on the others, mean of {DRAWS} draws", percent(mean)),
            ("standard deviation over the draws", percent(deviation)),
        )
        return [
            Table(
                "Many-to-one, fitted on some crops and scored on the others; all else is of the first draw",
                ("", "value"),
                rows,
            )
        ]


def crop_confusions(
    predictor: Predicts,
    store: CropStore,
    *,
    crops: Sequence[int] | None = None,
    ignore: Collection[int] = (),
    progress: Progress | None = None,
) -> NDArray[np.int64]:
    """Predict crops of a dataset once and count the pixels of each by cluster and class.

    Args:
        predictor: a model with K clusters.
        store: a dataset with C classes.
        crops: numbers of the crops; None = all labelled ones.
        ignore: class values that are not scored.
        progress: receives the reports.

    Returns:
        (crop, K + 1, C + 1) int64 in the order of the crops; see `metrics.Counts`.

    Raises:
        InputError: no crop has labels, or the crops have other bands or class values than they should.
        SettingsError: a number is no labelled crop.
    """
    chosen = _choose(store, crops)
    classes = len(store.class_names)
    counts = np.zeros((len(chosen), predictor.classes + 1, classes + 1), dtype=np.int64)
    size = max(1, _BATCH_PX // store.crop_px**2)
    with (progress or Progress()).stage("score", len(chosen), "crop") as stage:
        for first in range(0, len(chosen), size):
            batch = chosen[first : first + size]
            for place, (crop, clusters) in enumerate(
                zip(batch, map_crops(predictor, store, batch), strict=True), first
            ):
                counts[place] = confusion_matrix(
                    clusters, store.labels[crop], clusters=predictor.classes, classes=classes, ignore=ignore
                )
                stage.advance()
    return counts


def map_crops(predictor: Predicts, store: CropStore, crops: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Clusters (crop, y, x) from 1 of some crops; 0 where a padded crop holds no pixel.

    Raises:
        InputError: the model takes another number of bands.
    """
    images = store.images[crops].astype(np.float32)
    card = getattr(predictor, "card", None)
    if card is not None and len(card.bands) != images.shape[1]:
        raise InputError(
            f"The model takes {len(card.bands)} bands, but the dataset {store.name} has {images.shape[1]}.",
            "Give a model that was trained on such data.",
        )
    valid = np.ones((len(crops), *images.shape[2:]), dtype=bool) if store.valid is None else store.valid[crops]
    clusters = predictor(images, valid).argmax(axis=1) + 1
    return np.where(valid, clusters, 0).astype(np.uint8)


def fit_and_score(
    confusions: NDArray[np.int64], *, labelled_images: int, seed: int, draws: int = DRAWS
) -> tuple[float, float]:
    """Fit a many-to-one match on some crops and score it on the others, several times.

    Args:
        confusions: as `crop_confusions` gives them.
        labelled_images: crops to fit on, drawn at random without replacement from those with a scored pixel.
        seed: of the draws.
        draws: how many.

    Returns:
        Mean and standard deviation (0 for one draw) of the accuracy, 0 to 1. Clusters that do not occur in the fitted
        crops are wrong in the others.

    Raises:
        SettingsError: there are no crops to fit on, or none left to score.
        InputError: no crop has a scored pixel.
    """
    splits = _split(confusions, labelled_images, seed, draws)
    found = [agreement(others, majority_assignment(fitted)).accuracy for fitted, others in splits]
    return float(np.mean(found)), float(np.std(found, ddof=1)) if draws > 1 else 0.0


def store_accuracy(predictor: Predicts, store: CropStore, *, crops: Sequence[int] | None = None) -> float:
    """Accuracy of the one-to-one match over all pixels of all labelled crops, or of some, 0 to 1; the paper's figure.

    Raises:
        InputError: nothing can be scored.
        SettingsError: a number is no labelled crop.
    """
    counts: Counts = crop_confusions(predictor, store, crops=crops).sum(axis=0)
    return agreement(counts, hungarian_assignment(counts)).accuracy


def evaluate_model(
    predictor: Predicts,
    store: CropStore,
    *,
    match: Match | None = None,
    labelled_images: int | None = None,
    seed: int = 0,
    ignore: Collection[int] = (),
    progress: Progress | None = None,
) -> ModelScores:
    """Predict all labelled crops of a dataset and score them.

    Args:
        predictor: the model.
        store: the dataset.
        match: how clusters become classes; None = one-to-one, or many-to-one where there are more clusters.
        labelled_images: crops that a many-to-one match is fitted on; it is scored on the others. None = a tenth of them
            where there are more clusters than classes and no `match` is given, else no such fit.
        seed: of the draws of these crops.
        ignore: class values that are not scored.
        progress: receives the reports.

    Raises:
        InputError: nothing can be scored, or the model takes other bands.
        SettingsError: the number of labelled images does not fit the dataset or the match.
    """
    if labelled_images is not None and match in ("one-to-one", "identity"):
        raise SettingsError(f"Labelled images fit no {match} match.", "Leave out one of the two.")
    confusions = crop_confusions(predictor, store, ignore=ignore, progress=progress)
    more_clusters = predictor.classes > len(store.class_names)
    if labelled_images is None and match is None and more_clusters and len(confusions) > 1:
        labelled_images = max(1, len(confusions) // 10)
    legend = store_legend(store)
    if labelled_images is None:
        chosen: Match = match or ("many-to-one" if more_clusters else "one-to-one")
        return ModelScores(evaluate_counts(confusions.sum(axis=0), match=chosen, legend=legend), len(confusions))
    held_out = fit_and_score(confusions, labelled_images=labelled_images, seed=seed)
    ((fitted, others),) = _split(confusions, labelled_images, seed, 1)
    result = evaluate_counts(others, match="many-to-one", legend=legend, assignment=majority_assignment(fitted))
    return ModelScores(result, len(confusions), labelled_images, held_out)


def draw_examples(predictor: Predicts, store: CropStore, result: Evaluation) -> tuple[str, bytes]:
    """Caption and PNG of a few crops: image, labels, map, and where they agree."""
    from geoarseg.evaluation.figures import Panel, coloured, draw_panels, right_or_wrong  # matplotlib is slow to import

    labelled = _choose(store, None)
    chosen = labelled[np.unique(np.linspace(0, len(labelled) - 1, _EXAMPLES).astype(int))]
    bands, how = display_bands(guess_roles(list(store.band_names), [None] * len(store.band_names)))
    legend, assignment = result.legend, result.agreement.assignment
    rows, present = [], set()
    for crop, mapped in zip(chosen, map_crops(predictor, store, chosen), strict=True):
        labels, image = np.asarray(store.labels[crop]), store.images[crop].astype(np.float32)
        rows.append(
            [
                Panel(f"Crop {crop}, {how}", (255 * stretch(image, mapped > 0, bands)).astype(np.uint8)),
                Panel("Labels", coloured(labels, legend)),
                Panel("Map, clusters as their classes", coloured(mapped, legend, assignment)),
                Panel("Right and wrong", right_or_wrong(mapped, labels, assignment)),
            ]
        )
        present |= {int(value) for value in np.unique(labels)} | {assignment.get(int(c), 0) for c in np.unique(mapped)}
    caption = "Example crops: image, labels, map in the colours of the matched classes, right (green) and wrong (red)."
    return caption, draw_panels(rows, sorted(present - {0}), legend)


def store_legend(store: CropStore) -> Legend:
    """Names and colours of a dataset's classes: Potsdam's own colours where they are Potsdam's, else the palette."""
    potsdam = dict(zip(CLASS_NAMES, COLOURS, strict=True))
    own = set(store.class_names) <= potsdam.keys()
    colours = [potsdam[n] if own else PALETTE[i % len(PALETTE)] for i, n in enumerate(store.class_names)]
    return Legend.from_colours(store.class_names, colours)


def _split(confusions: NDArray[np.int64], labelled_images: int, seed: int, draws: int) -> list[tuple[Counts, Counts]]:
    """For each draw, the counts of the drawn crops and those of all others."""
    usable = confusions[confusions[:, 1:, 1:].any(axis=(1, 2))]
    if not len(usable):
        raise InputError("No crop has a pixel with both a label and a cluster.", "Check the labels of the dataset.")
    if draws < 1 or not 1 <= labelled_images < len(usable):
        raise SettingsError(
            f"{draws} draws of {labelled_images} labelled images cannot be made: {len(usable)} crops have labels, and "
            "some must be left to score.",
            f"Choose 1 to {max(len(usable) - 1, 1)} images.",
        )
    rng = np.random.default_rng(seed)
    total = usable.sum(axis=0)
    fits = [usable[rng.choice(len(usable), labelled_images, replace=False)].sum(axis=0) for _ in range(draws)]
    return [(fitted, total - fitted) for fitted in fits]


def _choose(store: CropStore, crops: Sequence[int] | None) -> NDArray[np.int64]:
    """Numbers of the crops to score."""
    labelled = np.flatnonzero(store.labelled).astype(np.int64)
    if not len(labelled):
        raise InputError(f"The dataset {store.name} has no labelled crops.", "Prepare it with labels.")
    if crops is None:
        return labelled
    chosen = np.asarray(crops, dtype=np.int64)
    wrong = chosen[~np.isin(chosen, labelled)]
    if len(wrong) or not len(chosen):
        what = f"Crop {wrong[0]} has no labels" if len(wrong) else "No crops were named"
        raise SettingsError(f"{what}; the dataset {store.name} has {len(labelled)} labelled crops.")
    return chosen
