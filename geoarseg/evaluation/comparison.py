"""The table and the figure of a comparison: each method's scores over its seeds, and its map beside the labels."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoarseg.metrics import Scores
from geoarseg.raster.atomic import whole_file
from geoarseg.raster.legend import PALETTE
from geoarseg.raster.preview import PREVIEW_PX, display_bands, stretch, thumbnail
from geoarseg.raster.scene import Scene
from geoarseg.raster.source import open_quietly

_COLUMNS = {
    "one_to_one": "one-to-one %",
    "many_to_one": "many-to-one %",
    "mean_iou": "mean IoU %",
    "kappa": "kappa",
    "nmi": "NMI",
    "ari": "ARI",
    "clusters": "clusters",
    "seconds": "seconds",
}
_PERCENT = {"one_to_one", "many_to_one", "mean_iou"}


@dataclass(frozen=True)
class Trial:
    """One method with one seed. Shares are 0 to 1."""

    method: str
    seed: int
    path: Path
    """The class raster."""
    one_to_one: float
    """Accuracy when each class has at most one cluster (Hungarian method)."""
    many_to_one: float
    """Accuracy when each cluster stands for the class that most of its pixels have."""
    mean_iou: float
    """Of the one-to-one match."""
    kappa: float
    """Of the one-to-one match."""
    nmi: float
    ari: float
    clusters: int
    """Clusters that occur on scored pixels."""
    seconds: float
    """Training and mapping."""
    assignment: Mapping[int, int]
    """Class of each cluster in the one-to-one match."""

    @classmethod
    def of(cls, method: str, seed: int, path: Path, scores: Scores, seconds: float) -> Trial:
        """A trial from the scores of its map."""
        matched = scores.one_to_one
        return cls(
            method,
            seed,
            path,
            matched.accuracy,
            scores.many_to_one.accuracy,
            matched.mean_iou,
            matched.kappa,
            scores.nmi,
            scores.ari,
            scores.clusters,
            seconds,
            dict(matched.assignment),
        )

    def figures(self) -> dict[str, object]:
        """All but the path, as JSON types."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "path"}
        return values | {"assignment": {str(cluster): value for cluster, value in self.assignment.items()}}

    @classmethod
    def from_figures(cls, figures: Mapping[str, object], path: Path) -> Trial | None:
        """The trial of these figures; None when they are not those of a trial."""
        try:
            assignment = {int(cluster): int(value) for cluster, value in figures["assignment"].items()}  # type: ignore[attr-defined]  # checked below
            return cls(path=path, **{**figures, "assignment": assignment})  # type: ignore[arg-type]  # as above
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def write_comparison(
    out: Path, trials: Sequence[Trial], scene: Scene, labels_path: Path, *, titles: Mapping[str, str]
) -> str:
    """Write `table.csv` (one row a trial), `table.md` (one a method) and `maps.png`; returns the Markdown.

    Args:
        out: the folder.
        trials: in the order of the rows.
        scene: the image.
        labels_path: its labels, a class raster of the same grid.
        titles: what each method is called.

    Raises:
        OutputError: a file cannot be written.
    """
    table = markdown(trials, titles)
    texts = {"table.csv": csv_text(trials), "table.md": table}
    for name, text in texts.items():
        with whole_file(out / name, overwrite=True) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    _draw(out / "maps.png", trials, scene, labels_path, titles)
    return table


def csv_text(trials: Sequence[Trial]) -> str:
    """One row for each trial, with all digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "seed", *_COLUMNS])
    for trial in trials:
        writer.writerow([trial.method, trial.seed, *(getattr(trial, name) for name in _COLUMNS)])
    return text.getvalue()


def markdown(trials: Sequence[Trial], titles: Mapping[str, str]) -> str:
    """One row for each method: mean, and standard deviation over the seeds where there are several."""
    lines = [f"| method | {' | '.join(_COLUMNS.values())} |", "|---" * (1 + len(_COLUMNS)) + "|"]
    for method in dict.fromkeys(trial.method for trial in trials):
        own = [trial for trial in trials if trial.method == method]
        cells = [_cell(name, [float(getattr(trial, name)) for trial in own]) for name in _COLUMNS]
        lines.append(f"| {titles.get(method, method)} | {' | '.join(cells)} |")
    seeds = ", ".join(str(seed) for seed in dict.fromkeys(trial.seed for trial in trials))
    lines += ["", f"Mean ± standard deviation over the seeds {seeds}."]
    return "\n".join(lines) + "\n"


def _cell(name: str, values: Sequence[float]) -> str:
    factor, digits = (100, 1) if name in _PERCENT else (1, 1 if name in ("clusters", "seconds") else 3)
    mean = statistics.mean(values) * factor
    if len(values) < 2:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {statistics.stdev(values) * factor:.{digits}f}"


def _draw(path: Path, trials: Sequence[Trial], scene: Scene, labels_path: Path, titles: Mapping[str, str]) -> None:
    """The image, the labels, and each method's map of its first seed in the colours of the matched classes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import
    from matplotlib.figure import Figure

    image, valid = thumbnail(scene, longest_px=PREVIEW_PX // 2)
    bands, _ = display_bands(scene.band_roles)
    labels = _thin(labels_path, valid.shape)
    pictures = [("image", stretch(image, valid, bands)), ("labels", _colour(labels, {}))]
    for method in dict.fromkeys(trial.method for trial in trials):
        trial = next(trial for trial in trials if trial.method == method)
        classes = _thin(trial.path, valid.shape)
        title = f"{titles.get(method, method)}: {trial.one_to_one:.1%}"
        pictures.append((title, _colour(classes, _colour_values(trial.assignment, int(classes.max())))))
    columns = min(3, len(pictures))
    rows = -(-len(pictures) // columns)
    ratio = min(max(valid.shape[0] / valid.shape[1], 0.3), 3.0)
    figure = Figure(figsize=(4.4 * columns, (4.4 * ratio + 0.4) * rows), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
        if pictures:
            title, picture = pictures.pop(0)
            axes.set_title(title, fontsize=11)
            axes.imshow(picture, interpolation="nearest")
    with whole_file(path, overwrite=True) as unfinished:
        figure.savefig(unfinished)


def _colour_values(assignment: Mapping[int, int], clusters: int) -> dict[int, int]:
    """Matched clusters take their class's colour; the others take colours that no class has."""
    free = iter(range(max([*assignment.values(), clusters], default=0) + 1, 256))
    return {cluster: assignment.get(cluster) or next(free) for cluster in range(1, clusters + 1)}


def _colour(values: NDArray[np.uint8], colour_of: Mapping[int, int]) -> NDArray[np.uint8]:
    colours: NDArray[np.uint8] = np.full((256, 3), 255, np.uint8)
    for value in range(1, 256):
        colours[value] = PALETTE[(colour_of.get(value, value) - 1) % len(PALETTE)]
    return colours[values]


def _thin(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    with open_quietly(path) as dataset:
        values: NDArray[np.uint8] = dataset.read(1, out_shape=shape)
    return values
