"""Overclustering (figure 7): more clusters than classes, joined to classes by a few labelled crops.

A model of K clusters maps every labelled crop once. The many-to-one match is then fitted on n of them and scored on all
others, for several draws and every n. Fitted on all of them it is scored on the same ones: the most that labels give.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geoarseg.datasets.store import CropStore
from geoarseg.errors import InputError, SettingsError
from geoarseg.metrics import agreement, hungarian_assignment, majority_assignment
from geoarseg.models import kept_model
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path, whole_file
from geoarseg.scoring import DRAWS, Predicts, crop_confusions, fit_and_score
from geoarseg.settings import Settings

LABELLED_IMAGES = (1, 2, 5, 10, 20, 50, 100, None)
"""Numbers of crops to fit on; None = all."""
_NAMES = ("curve.csv", "curve.json", "curve.png")


@dataclass(frozen=True)
class Point:
    """Accuracy of a match fitted on some crops. Shares are 0 to 1."""

    labelled_images: int
    """Crops that the match was fitted on."""
    accuracy: float
    """On the other crops, mean over the draws."""
    deviation: float
    """Over the draws."""
    on_others: bool = True
    """False where it was fitted on all crops, and so scored on the same ones."""


@dataclass(frozen=True)
class Line:
    """What one model scores."""

    model: str
    """Its name in the figure."""
    clusters: int
    one_to_one: float
    """Accuracy of the Hungarian match over all labelled crops, where clusters without a class are wrong, 0 to 1."""
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Curve:
    """The lines of a figure."""

    dataset: str
    classes: int
    lines: tuple[Line, ...]

    @property
    def reference(self) -> Line:
        """The unsupervised score: the model with as many clusters as classes, else the one with the fewest."""
        return min(self.lines, key=lambda line: (line.clusters != self.classes, line.clusters))

    def to_dict(self) -> dict[str, Any]:
        """The curve as JSON types."""
        return asdict(self) | {"draws": DRAWS}


def train_and_draw(
    store: CropStore,
    out: Path,
    *,
    clusters: Sequence[int],
    labelled_images: Sequence[int | None] = LABELLED_IMAGES,
    settings: Settings,
    models: Path | None = None,
    scored: CropStore | None = None,
    progress: Progress | None = None,
) -> Curve:
    """Train a model for each number of clusters, and write their curve.

    Models are kept; a run with the same arguments uses them, and goes on with a training that was cut off.

    Args:
        store: the dataset that trains.
        out: gets `curve.csv`, `curve.json` and `curve.png`.
        clusters: numbers of clusters, one model each.
        labelled_images: numbers of crops to fit on, None = all; those that leave none to score are left out.
        settings: of the training; the seed is that of the draws as well.
        models: where the models are kept; `models` in `out` by default.
        scored: the dataset whose labelled crops are scored; `store` by default.
        progress: hears of it all.

    Raises:
        InputError: the dataset has no labels.
        OutputError: the folder cannot be written.
        SettingsError: a number is out of range, or all numbers of labelled crops are.
        TrainingError: a training broke down.
    """
    progress = progress or Progress()
    scored = store if scored is None else scored
    if not clusters:
        raise SettingsError("There is no number of clusters.", "Name some, such as --clusters 6,12,24.")
    if wrong := [k for k in clusters if not 2 <= k <= 254]:
        raise SettingsError(f"The number of clusters must be between 2 and 254, not {wrong[0]}.")
    _check(scored, labelled_images, out)
    predictors = []
    for number in dict.fromkeys(clusters):
        progress.message(f"{number} clusters")
        own = settings.model_copy(update={"classes": number})
        model = kept_model(store, settings=own, folder=out / "models" if models is None else models, progress=progress)
        predictors.append((f"K = {number}", model))
    return draw_curve(predictors, scored, out, labelled_images=labelled_images, seed=settings.seed, progress=progress)


def draw_curve(
    models: Sequence[tuple[str, Predicts]],
    store: CropStore,
    out: Path,
    *,
    labelled_images: Sequence[int | None] = LABELLED_IMAGES,
    seed: int = 0,
    progress: Progress | None = None,
) -> Curve:
    """Score models and write their curve; as `train_and_draw`.

    Args:
        models: name and model, one line each.
        store: the dataset whose labelled crops are scored.
        out: gets the three files.
        labelled_images: numbers of crops to fit on, None = all.
        seed: of the draws.
        progress: hears of it all.
    """
    progress = progress or Progress()
    if not models:
        raise SettingsError("There is no model to score.", "Name one or more.")
    numbers = _check(store, labelled_images, out)
    if left_out := sorted({n for n in labelled_images if n is not None} - set(numbers)):
        progress.warning(
            f"{store.name} has too few labelled crops to fit on {', '.join(map(str, left_out))}; left out."
        )
    lines = []
    for name, model in models:
        confusions = crop_confusions(model, store, progress=progress)
        usable = int(np.count_nonzero(confusions[:, 1:, 1:].any(axis=(1, 2))))
        whole = confusions.sum(axis=0)
        points = [
            Point(number, *fit_and_score(confusions, labelled_images=number, seed=seed))
            for number in numbers
            if number < usable
        ]
        if None in labelled_images:
            points.append(Point(usable, agreement(whole, majority_assignment(whole)).accuracy, 0.0, on_others=False))
        one_to_one = agreement(whole, hungarian_assignment(whole)).accuracy
        lines.append(Line(name, model.classes, one_to_one, tuple(points)))
    curve = Curve(store.name, len(store.class_names), tuple(lines))
    texts = {"curve.csv": csv_text(curve), "curve.json": json.dumps(curve.to_dict(), indent=2) + "\n"}
    for name, text in texts.items():
        with whole_file(out / name, overwrite=True) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    _draw(out / "curve.png", curve)
    return curve


def csv_text(curve: Curve) -> str:
    """One row for each model and number of labelled crops."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = ("labelled_images", "scored_on", "accuracy", "deviation", "draws", "one_to_one")
    writer.writerow(["model", "clusters", *figures])
    for line in curve.lines:
        for point in line.points:
            how = ("others", DRAWS) if point.on_others else ("the same", 1)
            own = (point.labelled_images, how[0], point.accuracy, point.deviation, how[1], line.one_to_one)
            writer.writerow([line.model, line.clusters, *own])
    return text.getvalue()


def _check(store: CropStore, labelled_images: Sequence[int | None], out: Path) -> list[int]:
    """Refuse what cannot work before any work; gives the numbers of labelled crops that can be fitted on."""
    for name in _NAMES:
        check_output_path(out / name, overwrite=True)
    labelled = int(store.labelled.sum())
    if labelled < 2:
        raise InputError(f"The dataset {store.name} has {labelled} labelled crops; 2 or more are needed.")
    given = [n for n in labelled_images if n is not None]
    if wrong := [n for n in given if n < 1]:
        raise SettingsError(f"The number of labelled images must be 1 or more, not {wrong[0]}.")
    numbers = sorted({n for n in given if n < labelled})
    if not numbers and None not in labelled_images:
        raise SettingsError(
            f"No number of labelled images leaves a crop to score: {store.name} has {labelled} labelled crops.",
            f"Choose 1 to {labelled - 1}.",
        )
    return numbers


def _draw(path: Path, curve: Curve) -> None:
    """Accuracy over the number of labelled crops, one line a model, and the unsupervised score across."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.8 + 0.2 * len(curve.lines)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    hollow: dict[str, Any] = {"marker": "s", "linestyle": "", "fillstyle": "none"}
    for line in curve.lines:
        points = [point for point in line.points if point.on_others]
        numbers = [point.labelled_images for point in points]
        means = np.array([100 * point.accuracy for point in points])
        spread = np.array([100 * point.deviation for point in points])
        (drawn,) = axes.plot(numbers, means, marker="o", label=line.model)
        axes.fill_between(numbers, means - spread, means + spread, color=drawn.get_color(), alpha=0.15, linewidth=0)
        for point in line.points[len(points) :]:
            axes.plot(point.labelled_images, 100 * point.accuracy, color=drawn.get_color(), **hollow)
    reference = curve.reference
    if not all(point.on_others for point in reference.points):
        axes.plot([], [], color="black", label="fitted on all, scored on the same", **hollow)
    label = f"{reference.model}, one-to-one, no labels"
    axes.axhline(100 * reference.one_to_one, color="black", linestyle="--", linewidth=1, label=label)
    shown = sorted({point.labelled_images for line in curve.lines for point in line.points})
    axes.set_xscale("log")
    axes.set_xticks(shown, [str(number) for number in shown])
    axes.minorticks_off()
    axes.set_xlabel("labelled crops that the match is fitted on")
    axes.set_ylabel("accuracy on the others, %")
    axes.set_title(f"{curve.dataset}: many clusters to {curve.classes} classes")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", frameon=False)
    with whole_file(path, overwrite=True) as unfinished:
        figure.savefig(unfinished)
