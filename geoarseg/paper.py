"""The paper's tables: each cell with its figure, how it is computed and where its settings are, and the tables' text.

A cell is named by its table, its row and its dataset: `table-1a/F2-potsdam`. Its settings are the file
`configs/paper/table-1a/F2-potsdam.yaml`; where the paper's figure is a mean over choices of orderings, there is a file
for each of ours: `configs/paper/table-1b/orderings-2-potsdam-opposite.yaml`.
"""

from __future__ import annotations

import csv
import difflib
import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geoarseg.errors import SettingsError

Way = Literal["train", "untrained", "kmeans", "linear", "non-linear", "curve", "not built"]
"""How a cell is computed: the network trained or not, K-means on pixels, a probe on the trained network's features, a
curve of overclustering; `not built` are other people's methods, of which only the figure is listed."""

DATASETS = ("potsdam", "potsdam-3", "coco-stuff", "coco-stuff-3")
TITLES = {
    "table-1a": "Table 1a: variation of F",
    "table-1b": "Table 1b: number of orderings",
    "table-1c": "Table 1c: attention",
    "table-1d": "Table 1d: sampling of the orderings",
    "table-1e": "Table 1e: transformations of the second view",
    "table-1f": "Table 1f: dropout",
    "table-2": "Table 2: AC and ARL",
    "table-3": "Table 3: unsupervised segmentation",
    "figure-7": "Figure 7: overclustering",
}
CLUSTERS = {"potsdam": (6, 12, 24), "potsdam-3": (3, 6, 12)}
"""Numbers of clusters of figure 7: once, twice and four times the classes. The paper's are not in its text."""
CHOICES = {"orderings-2": ("opposite", "mirrored", "transposed"), "orderings-4": ("rows", "opposite", "top")}
"""Our choices of orderings for the rows of table 1b that are a mean over several; the paper does not name its own."""


@dataclass(frozen=True)
class Cell:
    """One figure of a table."""

    table: str
    row: str
    """Short name of the row, part of the cell's name."""
    method: str
    """What the row is called."""
    dataset: str
    way: Way
    figure: float | None
    """The paper's accuracy in percent; None where it is drawn only."""
    deviation: float | None = None
    """The paper's standard deviation, in points."""

    @property
    def choices(self) -> tuple[str, ...]:
        """Names of the settings that the cell is a mean over; mostly one, without a name."""
        return CHOICES.get(self.row, ("",))

    @property
    def name(self) -> str:
        """Such as `table-1a/F2-potsdam`."""
        return f"{self.table}/{self.row}-{self.dataset}"

    def config(self, choice: str = "") -> Path:
        """The file of its settings, which a cell that is not built lacks."""
        return config_folder() / f"{self.name_of(choice)}.yaml"

    def name_of(self, choice: str) -> str:
        """Such as `table-1b/orderings-2-potsdam-opposite`."""
        return f"{self.name}-{choice}" if choice else self.name


@dataclass(frozen=True)
class Row:
    """A cell beside the paper's figure. All accuracies are in percent."""

    cell: str
    method: str
    dataset: str
    figure: float | None
    """The paper's."""
    deviation: float | None
    """The paper's."""
    scores: tuple[float, ...] = ()
    """Ours, one a run: a seed, and in table 1b a choice of orderings."""
    note: str = ""

    @property
    def mean(self) -> float | None:
        """Ours, mean over the runs."""
        return statistics.mean(self.scores) if self.scores else None

    @property
    def spread(self) -> float | None:
        """Ours, standard deviation over the runs."""
        return statistics.stdev(self.scores) if len(self.scores) > 1 else None

    @property
    def difference(self) -> float | None:
        """Ours less the paper's."""
        return None if self.mean is None or self.figure is None else self.mean - self.figure


_Line = tuple[str, str, str, Way, tuple[float | tuple[float, float] | None, ...]]
_TWO = ("potsdam", "potsdam-3")
_FOUR = ("coco-stuff-3", "coco-stuff", "potsdam-3", "potsdam")

# Table, row, title, way, and the figures for _TWO datasets (table 3: _FOUR), with the deviation where it is given.
_LINES: tuple[_Line, ...] = (
    ("table-1a", "random", "random", "untrained", (28.5, 38.2)),
    ("table-1a", "F1", "F1: identity, 5 residual blocks", "train", (39.3, 56.3)),
    ("table-1a", "F2", "F2: stem, 5 residual blocks", "train", (46.4, 66.4)),
    ("table-1a", "F3", "F3: residual block, 4 residual blocks", "train", (47.9, 64.5)),
    ("table-1a", "F4", "F4: 5 residual blocks, identity", "train", (35.1, 63.4)),
    ("table-1a", "F5", "F5: ResNet-18, identity", "train", (40.7, 51.9)),
    ("table-1b", "orderings-2", "2 orderings", "train", ((43.2, 2.19), (59.5, 5.12))),
    ("table-1b", "orderings-4", "4 orderings", "train", ((45.6, 3.22), (63.55, 3.52))),
    ("table-1b", "orderings-8", "8 orderings", "train", (46.4, 66.4)),
    ("table-1c", "raster", "raster-scan, no attention", "train", (45.2, 61.0)),
    ("table-1c", "raster-attention", "raster-scan, attention", "train", (47.9, 66.3)),
    ("table-1c", "zigzag-attention", "zigzag, attention", "train", (47.8, 66.5)),
    ("table-1c", "all-attention", "raster-scan and zigzag, attention", "train", (49.3, 65.4)),
    ("table-1d", "random", "random", "train", (46.4, 66.4)),
    ("table-1d", "no-repeat", "no repetition", "train", (48.6, 64.8)),
    ("table-1d", "hard", "hard", "train", (48.9, 65.2)),
    ("table-1e", "none", "none", "train", (46.4, 66.4)),
    ("table-1e", "jitter", "colour jittering", "train", (47.9, 65.5)),
    ("table-1e", "flip", "flip", "train", (46.7, 68.0)),
    ("table-1e", "rotation", "rotation", "train", (48.5, 68.3)),
    ("table-1e", "all", "all", "train", (48.5, 68.3)),
    ("table-1f", "dropout-0", "p = 0", "train", (46.4, 66.4)),
    ("table-1f", "dropout-0.1", "p = 0.1", "train", (47.9, 64.7)),
    ("table-1f", "dropout-0.2", "p = 0.2", "train", (46.9, 65.1)),
    ("table-2", "random", "clustering: random CNN", "untrained", (28.5, 38.2)),
    ("table-2", "AC", "clustering: AC", "train", (46.4, 66.4)),
    ("table-2", "ARL", "clustering: ARL", "train", (45.1, 57.1)),
    ("table-2", "linear-AC", "linear probe: AC", "linear", (23.7, 41.4)),
    ("table-2", "linear-ARL", "linear probe: ARL", "linear", (23.7, 38.5)),
    ("table-2", "non-linear-AC", "non-linear probe: AC", "non-linear", (68.0, 81.8)),
    ("table-2", "non-linear-ARL", "non-linear probe: ARL", "non-linear", (47.6, 63.5)),
    ("table-3", "random", "random CNN", "untrained", (37.3, 19.4, 38.2, 28.3)),
    ("table-3", "kmeans", "K-means", "kmeans", (52.2, 14.1, 45.7, 35.3)),
    ("table-3", "SIFT", "SIFT", "not built", (38.1, 20.2, 38.2, 28.5)),
    ("table-3", "Doersch", "Doersch 2015", "not built", (47.5, 23.1, 49.6, 37.2)),
    ("table-3", "Isola", "Isola 2016", "not built", (54.0, 24.3, 63.9, 44.9)),
    ("table-3", "DeepCluster", "DeepCluster 2018", "not built", (41.6, 19.9, 41.7, 29.2)),
    ("table-3", "IIC", "IIC 2019", "train", (72.3, 27.7, 65.1, 45.4)),
    ("table-3", "AC", "AC", "train", (72.9, 30.8, 66.5, 49.3)),
    ("figure-7", "F2", "overclustering", "curve", (None, None)),
)


def _cells_of(line: _Line) -> list[Cell]:
    table, name, method, way, figures = line
    cells = []
    for dataset, given in zip(_FOUR if table == "table-3" else _TWO, figures, strict=True):
        figure, deviation = given if isinstance(given, tuple) else (given, None)
        cells.append(Cell(table, name, method, dataset, way, figure, deviation))
    return cells


CELLS: tuple[Cell, ...] = tuple(cell for line in _LINES for cell in _cells_of(line))


def select_cells(names: Sequence[str]) -> tuple[Cell, ...]:
    """The cells of these names, in the order of the paper.

    Args:
        names: tables and figures such as `table-1d`, single cells such as `table-1a/F2-potsdam`, or `all`.

    Raises:
        SettingsError: there is no such name, or none is given.
    """
    known = ["all", *TITLES, *(cell.name for cell in CELLS)]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else "`geoarseg reproduce --list` prints them all."
            raise SettingsError(f"There is no table or cell {name!r}.", hint)
    if not names:
        raise SettingsError("There is nothing to reproduce.", f"Name some of {', '.join(TITLES)}, or all.")
    return tuple(cell for cell in CELLS if {"all", cell.table, cell.name} & set(names))


def csv_text(rows: Sequence[Row], *, fraction: float, overrides: Sequence[str]) -> str:
    """One line for each cell, with all digits; empty where there is no figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ("accuracy", "deviation", "runs", "paper", "paper_deviation", "difference")
    writer.writerow(["cell", "method", "dataset", *columns, "fraction", "changed", "note"])
    for row in rows:
        ours = (row.mean, row.spread, len(row.scores), row.figure, row.deviation, row.difference)
        writer.writerow([row.cell, row.method, row.dataset, *ours, fraction, " ".join(overrides), row.note])
    return text.getvalue()


def markdown(
    title: str, rows: Sequence[Row], *, fraction: float, seeds: Sequence[int], overrides: Sequence[str]
) -> str:
    """The table for reading; a dry run and changed settings are said above it."""
    what = f"Accuracy in %, seeds {', '.join(map(str, seeds))}; ± is the standard deviation over the runs."
    lines = [f"# {title}", "", what]
    if fraction < 1:
        lines += [
            "",
            f"**Dry run, fraction {fraction:g}** of the steps, the width, the scored crops and the probes' passes: "
            "it shows that everything runs, and nothing of the method.",
        ]
    if overrides:
        lines += ["", f"Changed settings: {', '.join(f'`{text}`' for text in overrides)}."]
    lines += ["", "| method | dataset | ours | paper | difference | |", "|---|---|---:|---:|---:|---|"]
    for row in rows:
        ours, paper = _figure(row.mean, row.spread, ".1f"), _figure(row.figure, row.deviation, "g")
        difference = "" if row.difference is None else f"{row.difference:+.1f}"
        lines.append(f"| {row.method} | {row.dataset} | {ours} | {paper} | {difference} | {row.note} |")
    return "\n".join(lines) + "\n"


def _figure(value: float | None, spread: float | None, form: str) -> str:
    if value is None:
        return ""
    return f"{value:{form}}" if spread is None else f"{value:{form}} ± {spread:{form}}"


def config_folder() -> Path:
    """The folder `configs/paper`: inside the package where it was installed as a wheel, else in the repository.

    Raises:
        SettingsError: it is in neither place.
    """
    package = Path(__file__).parent
    for parent in (package, package.parent):
        folder = parent / "configs" / "paper"
        if (folder / "base.yaml").is_file():
            return folder
    raise SettingsError("The settings of the paper's tables (configs/paper) are missing.", "Install geoarseg again.")
