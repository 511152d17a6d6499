"""The pictures of a report, as PNG bytes: maps, confusion matrix, bars and intervals."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from geoarseg.evaluation.result import Evaluation, SampleEvaluation
from geoarseg.raster.legend import Colour, Legend

Picture = NDArray[np.uint8]
"""(y, x, 3): red, green, blue."""

RIGHT: Colour = (66, 146, 98)
WRONG: Colour = (214, 84, 60)
UNSCORED: Colour = (225, 225, 225)
_NO_CLASS: Colour = (120, 120, 120)  # clusters without a class
_DPI = 100
_MAX_NUMBERS = 30  # rows of a confusion matrix that still get their counts written in
_NAME_CHARACTERS = 24


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture in a figure."""

    title: str
    picture: Picture


def coloured(classes: NDArray[np.integer[Any]], legend: Legend, assignment: Mapping[int, int] | None = None) -> Picture:
    """Class values (y, x) from 0 to 255 in the legend's colours; white for 0.

    With an assignment, clusters take the colour of their class, and grey if they have none.
    """
    table = np.full((256, 3), 255, dtype=np.uint8)
    for value in range(1, 256):
        to = value if assignment is None else assignment.get(value, 0)
        table[value] = legend.colour_of(to) if to else _NO_CLASS
    picture: Picture = table[classes]
    return picture


def right_or_wrong(
    classes: NDArray[np.integer[Any]], labels: NDArray[np.integer[Any]], assignment: Mapping[int, int]
) -> Picture:
    """Where the map is right and wrong (y, x, 3); light grey where nothing is scored, white outside the map."""
    table = np.array([assignment.get(value, 0) for value in range(256)])
    scored = (classes > 0) & (labels > 0)
    picture = np.full((*classes.shape, 3), 255, dtype=np.uint8)
    picture[classes > 0] = UNSCORED
    picture[scored] = WRONG
    picture[scored & (table[classes] == labels)] = RIGHT
    return picture


def draw_maps(result: Evaluation) -> bytes:
    """Map, labels, and where they agree; for a sample, the map and its units."""
    assert result.thinned is not None
    kept, assignment = result.thinned, result.agreement.assignment
    title = "Map" if result.match == "identity" else "Map, clusters as their classes"
    mapped = Panel(title, coloured(kept.classes, result.legend, assignment))
    present = _present(result, kept.classes, kept.labels)
    if result.sampled is not None:
        return _draw_units(mapped, result, result.sampled, present)
    labels = Panel("Labels", coloured(kept.labels, result.legend))
    where = Panel("Right and wrong", right_or_wrong(kept.classes, kept.labels, assignment))
    return draw_panels([[mapped, labels, where]], present, result.legend)


def draw_panels(rows: Sequence[Sequence[Panel]], values: Sequence[int], legend: Legend) -> bytes:
    """Draw rows of pictures over a legend of class values."""
    height, width = rows[0][0].picture.shape[:2]
    side = 4.2
    ratio = float(np.clip(height / width, 0.25, 3))
    figure = _figure(side * len(rows[0]), side * ratio * len(rows) + 0.9)
    grid = figure.subplots(len(rows), len(rows[0]), squeeze=False)
    for axes_row, row in zip(grid, rows, strict=True):
        for axes, panel in zip(axes_row, row, strict=True):
            axes.imshow(panel.picture, interpolation="nearest")
            axes.set_title(_short(panel.title, 40), fontsize=10)
            axes.set_axis_off()
    _add_legend(figure, values, legend)
    return _png(figure)


def draw_confusion(result: Evaluation) -> bytes:
    """The counts of clusters (rows) and classes (columns), shaded by their share of the row."""
    counts = result.confusion[1:, 1:]
    assignment = result.agreement.assignment
    classes = np.flatnonzero(counts.sum(axis=0)) + 1
    clusters = np.flatnonzero(counts.sum(axis=1)) + 1
    clusters = np.array(sorted(clusters.tolist(), key=lambda c: (assignment.get(c, 256), c)))
    shown = counts[np.ix_(clusters - 1, classes - 1)]
    share = shown / shown.sum(axis=1, keepdims=True)
    figure = _figure(2.6 + 0.95 * len(classes), 1.6 + 0.42 * max(len(clusters), 3))
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(classes)), [_short(result.legend.name_of(int(c))) for c in classes], rotation=35)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right")
        label.set_rotation_mode("anchor")
    axes.set_yticks(range(len(clusters)), [_cluster_name(int(c), result) for c in clusters])
    axes.set_xlabel("class in the labels")
    axes.set_ylabel("class of the map" if result.match == "identity" else "cluster → class")
    if len(clusters) <= _MAX_NUMBERS and len(classes) <= _MAX_NUMBERS:
        for row, column in np.ndindex(shown.shape):
            dark = share[row, column] > 0.55
            text = f"{100 * share[row, column]:.0f} %\n{_brief(int(shown[row, column]))}"
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
    return _png(figure)


def draw_bars(result: Evaluation) -> bytes:
    """F1 and IoU of each class."""
    classes = result.agreement.classes
    rows = np.arange(len(classes))
    figure = _figure(7, 1.2 + 0.5 * len(classes))
    axes = figure.subplots()
    for offset, name, values, colour in (
        (-0.2, "F1", [c.f1 for c in classes], "#2e7ab8"),
        (0.2, "IoU", [c.iou for c in classes], "#9fc9e8"),
    ):
        bars = axes.barh(rows + offset, [100 * value for value in values], height=0.38, label=name, color=colour)
        axes.bar_label(bars, fmt="%.0f", padding=2, fontsize=8)
    axes.set_yticks(rows, [_short(result.legend.name_of(c.value)) for c in classes])
    axes.invert_yaxis()
    axes.set_xlim(0, 108)
    axes.set_xlabel("%")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return _png(figure)


def draw_intervals(sampled: SampleEvaluation, legend: Legend) -> bytes:
    """User's and producer's accuracy of each class with 95 % intervals."""
    classes = sampled.estimates.classes
    rows = np.arange(len(classes))
    figure = _figure(7, 1.3 + 0.5 * len(classes))
    axes = figure.subplots()
    for offset, name, estimates, colour in (
        (-0.15, "user's", [c.users for c in classes], "#2e7ab8"),
        (0.15, "producer's", [c.producers for c in classes], "#d0742c"),
    ):
        known = [(row + offset, e) for row, e in zip(rows, estimates, strict=True) if e is not None]
        axes.errorbar(
            [100 * e.value for _, e in known],
            [row for row, _ in known],
            xerr=[100 * e.margin for _, e in known],
            fmt="o",
            capsize=3,
            color=colour,
            label=name,
        )
    axes.set_yticks(rows, [_short(legend.name_of(c.value)) for c in classes])
    axes.invert_yaxis()
    axes.set_xlim(-5, 105)
    axes.set_xlabel("%, with 95 % intervals")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return _png(figure)


def _draw_units(mapped: Panel, result: Evaluation, sampled: SampleEvaluation, present: Sequence[int]) -> bytes:
    assert result.thinned is not None
    height, width = mapped.picture.shape[:2]
    figure = _figure(7.5, 7.5 * float(np.clip(height / width, 0.25, 3)) + 0.9)
    axes = figure.subplots()
    axes.imshow(mapped.picture, interpolation="nearest", alpha=0.6)
    sample, assignment = sampled.sample, result.agreement.assignment
    right = np.array([assignment.get(int(m), 0) for m in sample.mapped]) == sample.reference
    for which, colour, name in ((right, RIGHT, "right"), (~right, WRONG, "wrong")):
        cols, rows = sample.xy[which].T / result.thinned.step - 0.5  # pixel centres lie on whole numbers here
        size = float(np.clip(8000 / len(right), 10, 40))
        axes.scatter(cols, rows, s=size, color=[_unit(colour)], edgecolors="black", linewidths=0.3, label=name)
    axes.set_title("Map, and the sample's units: green right, red wrong", fontsize=10)
    axes.set_axis_off()
    _add_legend(figure, present, result.legend)
    return _png(figure)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(min(width, 20), min(height, 25)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # class names may have letters that the font lacks
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _add_legend(figure: Figure, values: Sequence[int], legend: Legend) -> None:
    if values:
        patches = [
            Patch(facecolor=_unit(legend.colour_of(v)), edgecolor="0.6", label=_short(legend.name_of(v)))
            for v in values
        ]
        figure.legend(handles=patches, loc="outside lower center", ncols=min(len(patches), 6), frameon=False)


def _present(result: Evaluation, classes: NDArray[np.uint8], labels: NDArray[np.uint8]) -> list[int]:
    """Class values that occur in the pictures."""
    assignment = result.agreement.assignment
    mapped = {assignment.get(int(value), 0) for value in np.unique(classes)}
    return sorted((mapped | {int(value) for value in np.unique(labels)}) - {0})


def _cluster_name(cluster: int, result: Evaluation) -> str:
    if result.match == "identity":
        return _short(result.legend.name_of(cluster))
    value = result.agreement.assignment.get(cluster)
    return f"{cluster} → {_short(result.legend.name_of(value)) if value else 'none'}"


def _short(text: str, characters: int = _NAME_CHARACTERS) -> str:
    """A name that fits, and that matplotlib takes as it is: no formula, and not hidden from legends."""
    short = text if len(text) <= characters else text[: characters - 1] + "…"
    return (" " + short if short.startswith("_") else short).replace("$", r"\$")


def _brief(count: int) -> str:
    """A count in at most five characters."""
    for size, sign in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if count >= size:
            return f"{count / (1000 if sign == 'k' else size):.3g}{sign}"
    return str(count)


def _unit(colour: Colour) -> tuple[float, float, float]:
    red, green, blue = colour
    return red / 255, green / 255, blue / 255
