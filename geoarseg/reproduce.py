"""The paper's tables again: each cell trained and scored, beside the paper's figure.

A finished cell is a JSON file in the folder, named by a fingerprint of its settings, its dataset, its seed and the
fraction; another run takes it from there. Cells of equal settings share one model.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.kmeans import KMeans, fit_kmeans
from geoarseg.config import load_settings, validate_settings
from geoarseg.datasets.store import CropStore, StoreSampler, open_store, read_index, store_statistics
from geoarseg.errors import InputError, SettingsError, TrainingError
from geoarseg.models import kept_model, untrained_on_store
from geoarseg.network.device import choose_device
from geoarseg.overclustering import train_and_draw
from geoarseg.paper import CELLS, CLUSTERS, DATASETS, TITLES, Cell, Row, csv_text, markdown, select_cells
from geoarseg.probing import EPOCHS, probe_store
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path, whole_file
from geoarseg.raster.statistics import BandStatistics
from geoarseg.scoring import store_accuracy
from geoarseg.settings import Settings
from geoarseg.training.state import fingerprint

_LEAST_WIDTH = 8
_LEAST_CROPS = 4
_SAMPLE_CROPS, _SAMPLE_PIXELS = 64, 60_000  # for K-means


@dataclass(frozen=True)
class Dataset:
    """A prepared dataset, and how much of it is scored."""

    store: CropStore
    scored: CropStore
    """The same with fewer labelled crops, in a dry run."""
    identity: dict[str, Any]


class Run(NamedTuple):
    """One computation of a cell."""

    choice: str
    """Which of `Cell.choices`."""
    seed: int


@dataclass(frozen=True)
class Plan:
    """What is asked of every cell."""

    out: Path
    datasets: Mapping[str, Dataset]
    fraction: float
    seeds: tuple[int, ...]
    device: str
    overrides: tuple[str, ...]

    def runs(self, cell: Cell) -> list[Run]:
        """What a cell is the mean of; nothing where it cannot run."""
        if cell.way == "not built" or cell.dataset not in self.datasets:
            return []
        return [Run(choice, seed) for choice in cell.choices for seed in self.seeds]


def reproduce(
    names: Sequence[str],
    data: Mapping[str, Path],
    out: Path,
    *,
    fraction: float = 1.0,
    seeds: Sequence[int] = (0,),
    device: str = "auto",
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, str]:
    """Run cells and write their tables, `TABLE.csv` and `TABLE.md`; a run that was cut off goes on where it stopped.

    Args:
        names: tables, cells or `all`; see `paper.select_cells`.
        data: folders of prepared datasets by their names; cells of others are listed as skipped.
        out: the folder of the tables, the cells and the models.
        fraction: of the steps, the width, the scored crops and the passes of probes: under 1 for a dry run.
        seeds: one run of each cell for each.
        device: `auto`, `cpu`, `cuda` ...
        overrides: texts such as `train.batch=8`, over the settings of every cell and over the fraction.
        progress: hears of it all.

    Returns:
        The tables in Markdown by their names, in the order of the paper.

    Raises:
        InputError: a dataset cannot be used, or is another one than its name says.
        OutputError: the folder cannot be written.
        SettingsError: a name, a number or an override is wrong.
    """
    progress = progress or Progress()
    cells = select_cells(names)
    if not 0 < fraction <= 1:
        raise SettingsError(f"The fraction must be over 0 and at most 1, not {fraction}.")
    if not seeds:
        raise SettingsError("There is no seed.", "Name one or more, such as --seeds 0,1,2.")
    if unknown := [name for name in data if name not in DATASETS]:
        raise SettingsError(f"There is no dataset {unknown[0]!r}.", f"The paper has {', '.join(DATASETS)}.")
    choose_device(validate_settings({"device": device}).device)
    datasets = {name: _open(name, path, fraction) for name, path in data.items()}
    plan = Plan(out, datasets, fraction, tuple(dict.fromkeys(seeds)), device, tuple(overrides))
    tables = [table for table in TITLES if any(cell.table == table for cell in cells)]
    for table in tables:
        for suffix in ("csv", "md"):
            check_output_path(out / f"{table}.{suffix}", overwrite=True)
    for cell in cells:
        for run in plan.runs(cell):
            cell_settings(cell, plan, run)  # a wrong override is said before any work
    written = {}
    for table in tables:
        rows: dict[Cell, Row] = {cell: _row(cell, plan) for cell in CELLS if cell.table == table}
        for cell in [cell for cell in cells if cell.table == table and plan.runs(cell)]:
            failures = [failure for run in plan.runs(cell) if (failure := _run(cell, plan, run, progress))]
            rows[cell] = _row(cell, plan, failures)
            written[table] = _write(plan, table, list(rows.values()))
        written[table] = _write(plan, table, list(rows.values()))
    return written


def cell_settings(cell: Cell, plan: Plan, run: Run) -> Settings:
    """The settings of a run: those of its file, then the fraction, then the overrides.

    Raises:
        SettingsError: the file is missing, or an override is wrong.
    """
    path, texts = cell.config(run.choice), []
    if plan.fraction < 1:
        full = load_settings(path)
        width = min(full.network.width, max(_LEAST_WIDTH, math.ceil(full.network.width * plan.fraction)))
        steps = max(1, round(full.train.total_steps * plan.fraction))
        texts = [f"network.width={width}", f"train.steps={steps}"]
    return load_settings(path, [*texts, *plan.overrides, f"seed={run.seed}", f"device={plan.device}"])


def _open(name: str, path: Path, fraction: float) -> Dataset:
    store = open_store(path)
    if store.name != name:
        raise InputError(f"The dataset in {path} is {store.name}, not {name}.", f"Write --data {store.name}={path}.")
    labelled = np.flatnonzero(store.labelled)
    if len(labelled) < 2:
        raise InputError(f"The dataset in {path} has {len(labelled)} labelled crops.", "Prepare it with labels.")
    scored = store
    if fraction < 1:
        count = min(len(labelled), max(_LEAST_CROPS, round(fraction * len(labelled))))
        chosen = np.zeros(len(store), dtype=bool)
        chosen[np.random.default_rng(0).choice(labelled, count, replace=False)] = True
        scored = replace(store, labelled=chosen)
    return Dataset(store, scored, read_index(store.folder).model_dump(mode="json"))


def _run(cell: Cell, plan: Plan, run: Run, progress: Progress) -> str:
    """Run a cell once, unless that is done; gives what went wrong, or nothing."""
    path, identity = _place(cell, plan, run)
    if _read(path, identity) is not None:
        return ""
    name = f"{cell.name_of(run.choice)}, seed {run.seed}"
    progress.message(name)
    check_output_path(path, overwrite=True)
    settings, started = cell_settings(cell, plan, run), time.monotonic()
    try:
        figures = _compute(cell, plan, settings, path, progress)
    except TrainingError as error:  # the other cells are worth having without it
        progress.warning(f"{name}: {error}")
        return f"{f'{run.choice}, ' if run.choice else ''}seed {run.seed}: {error.message}"
    parts = {"cell": cell.name, "identity": identity, **run._asdict(), "fraction": plan.fraction}
    parts |= {"scored_crops": int(plan.datasets[cell.dataset].scored.labelled.sum())}
    parts |= {**figures, "seconds": round(time.monotonic() - started, 1), "settings": settings.model_dump(mode="json")}
    with whole_file(path, overwrite=True) as unfinished:
        unfinished.write_text(json.dumps(parts, indent=2) + "\n", encoding="utf-8")
    return ""


def _compute(cell: Cell, plan: Plan, settings: Settings, path: Path, progress: Progress) -> dict[str, Any]:
    """The figures of a cell: its accuracy, 0 to 1, or the folder of its curve."""
    dataset, models = plan.datasets[cell.dataset], plan.out / "models"
    store, scored = dataset.store, dataset.scored
    if cell.way == "curve":
        folder = path.with_suffix("")
        train_and_draw(
            store,
            folder,
            clusters=CLUSTERS[cell.dataset],
            settings=settings,
            models=models,
            scored=scored,
            progress=progress,
        )
        return {"accuracy": None, "curve": str(folder.relative_to(plan.out) / "curve.png")}
    if cell.way == "kmeans":
        return {"accuracy": store_accuracy(_cluster_pixels(store, settings), scored)}
    if cell.way == "untrained":
        return {"accuracy": store_accuracy(untrained_on_store(store, settings=settings, progress=progress), scored)}
    model = kept_model(store, settings=settings, folder=models, progress=progress)
    if cell.way == "linear" or cell.way == "non-linear":
        epochs = max(1, round(EPOCHS * plan.fraction))
        (score,) = probe_store(model, scored, kinds=[cell.way], seed=settings.seed, epochs=epochs, progress=progress)
        return score.figures()
    return {"accuracy": store_accuracy(model, scored)}


def _place(cell: Cell, plan: Plan, run: Run) -> tuple[Path, str]:
    """Where the result of a run is kept, and what it must be the result of."""
    settings = cell_settings(cell, plan, run)
    parts = settings.model_dump(mode="json", include={"classes", "bands", "seed", "devices", "network", "train"})
    dataset = plan.datasets[cell.dataset].identity
    identity = fingerprint(cell=cell.name, way=cell.way, settings=parts, dataset=dataset, fraction=plan.fraction)
    return plan.out / "cells" / f"{cell.name_of(run.choice)}-seed{run.seed}-{identity[:12]}.json", identity


def _read(path: Path, identity: str) -> dict[str, Any] | None:
    """A result that an earlier run finished."""
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(figures, dict) or figures.get("identity") != identity or "accuracy" not in figures:
        return None
    return figures


def _row(cell: Cell, plan: Plan, failures: Sequence[str] = ()) -> Row:
    """The row of a cell, by the results that are there."""
    row = Row(cell.name, cell.method, cell.dataset, cell.figure, cell.deviation)
    if cell.way == "not built":
        return replace(row, note="not built here")
    if cell.dataset not in plan.datasets:
        return replace(row, note=f"skipped: geoarseg data prepare {cell.dataset} SRC DST")
    runs = plan.runs(cell)
    try:
        found = [figures for run in runs if (figures := _read(*_place(cell, plan, run)))]
    except SettingsError:  # a neighbour of the cells that are asked for, which the overrides do not suit
        return replace(row, note="not run")
    scores = tuple(100 * float(figures["accuracy"]) for figures in found if figures["accuracy"] is not None)
    notes = [str(figures["curve"]) for figures in found if "curve" in figures]
    if failures:
        notes.append(f"failed: {' '.join(failures)}")
    elif len(found) < len(runs):
        notes.append("not run" if not found else f"{len(found)} of {len(runs)} runs")
    return replace(row, scores=scores, note=", ".join(notes))


def _write(plan: Plan, table: str, rows: Sequence[Row]) -> str:
    text = markdown(TITLES[table], rows, fraction=plan.fraction, seeds=plan.seeds, overrides=plan.overrides)
    texts = {"csv": csv_text(rows, fraction=plan.fraction, overrides=plan.overrides), "md": text}
    for suffix, content in texts.items():
        with whole_file(plan.out / f"{table}.{suffix}", overwrite=True) as unfinished:
            unfinished.write_text(content, encoding="utf-8")
    return text


class _PixelClusters:
    """K-means on single pixels with the face of a model."""

    def __init__(self, model: KMeans, statistics: BandStatistics) -> None:
        self._model, self._statistics = model, statistics
        self.classes = len(model.centres)

    def __call__(self, images: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        pixels = np.moveaxis(self._statistics.normalise(images, valid), 1, -1)  # (N, y, x, band)
        nearest = self._model.predict(pixels.reshape(-1, pixels.shape[-1])).reshape(valid.shape)
        return np.asarray(nearest[:, None] == np.arange(self.classes)[:, None, None], dtype=np.float32)


def _cluster_pixels(store: CropStore, settings: Settings) -> _PixelClusters:
    statistics = store_statistics(store, seed=settings.seed)
    images, valid = StoreSampler(store, seed=settings.seed).draw(_SAMPLE_CROPS)
    pixels = np.moveaxis(statistics.normalise(images, valid), 1, -1)[valid]
    if len(pixels) > _SAMPLE_PIXELS:
        pixels = np.random.default_rng(settings.seed).choice(pixels, _SAMPLE_PIXELS, replace=False)
    return _PixelClusters(fit_kmeans(pixels, classes=settings.classes, seed=settings.seed), statistics)
