"""Methods side by side on one image with labels: each trained, mapped and scored alike, over several seeds."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from geoarseg.clustering.recipe import recipe_for
from geoarseg.errors import InputError, SettingsError
from geoarseg.evaluation.baselines import Baseline, Blocks, fit_baseline, map_scene
from geoarseg.evaluation.comparison import Trial, write_comparison
from geoarseg.evaluation.label_grid import label_values, labels_on_grid
from geoarseg.evaluation.scores import score_rasters
from geoarseg.inference.maps import write_maps
from geoarseg.mapping import open_scenes
from geoarseg.models import legend_of, train_model, untrained_model
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path, whole_file
from geoarseg.raster.cog import write_cog
from geoarseg.raster.images import find_images
from geoarseg.raster.legend import Legend
from geoarseg.raster.scene import Scene
from geoarseg.raster.statistics import estimate_statistics
from geoarseg.settings import Settings
from geoarseg.training.state import fingerprint

Method = Literal[
    "random", "kmeans", "kmeans-guided", "mixture-full", "mixture-full-guided", "mixture-tied", "texture",
    "texture-guided", "consensus", "taught", "iic", "ac", "arl",
]  # fmt: skip
METHODS: tuple[Method, ...] = get_args(Method)
DEFAULT_METHODS: tuple[Method, ...] = tuple(m for m in METHODS if m not in ("mixture-tied", "iic", "arl"))
"""Those that a user would choose between; the others are there for the paper's sake."""
TITLES: dict[str, str] = {
    "random": "random CNN",
    "kmeans": "K-means",
    "kmeans-guided": "K-means, guided filter",
    "mixture-full": "Gaussian mixture, full",
    "mixture-full-guided": "Gaussian mixture, full, guided filter",
    "mixture-tied": "Gaussian mixture, tied",
    "texture": "texture mixture",
    "texture-guided": "texture mixture, guided filter",
    "consensus": "consensus of mixtures",
    "taught": "network taught by the consensus, guided filter",
    "iic": "IIC",
    "ac": "AC",
    "arl": "ARL",
}
_BASELINES: dict[str, tuple[Baseline, bool]] = {
    "kmeans": ("kmeans", False),
    "kmeans-guided": ("kmeans", True),
    "mixture-full": ("mixture-full", False),
    "mixture-full-guided": ("mixture-full", True),
    "mixture-tied": ("mixture-tied", False),
    "texture": ("texture", False),
    "texture-guided": ("texture", True),
    "consensus": ("consensus", True),
}


@dataclass(frozen=True)
class Comparison:
    """What a comparison made."""

    trials: tuple[Trial, ...]
    """One for each method and seed, in the order of the methods."""
    table: str
    """The table in Markdown: means and spreads over the seeds."""
    folder: Path
    """Where table, figure and maps lie."""


def compare(
    images: Sequence[str],
    labels: Sequence[str],
    out: Path,
    *,
    settings: Settings,
    classes: int | None = None,
    methods: Sequence[Method] = DEFAULT_METHODS,
    seeds: Sequence[int] = (0, 1, 2),
    ignore: Sequence[int] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Train, map and score several methods on the same image.

    Finished trials are kept in the folder, and a run with the same arguments goes on behind them.

    Args:
        images: files, folders, patterns, addresses or STAC items; several make one mosaic.
        labels: class rasters; several make one mosaic. They are used for the scores only.
        out: gets `table.csv`, `table.md`, `maps.png`, `labels.tif`, and `METHOD-SEED.tif` and `.json` of each trial.
        settings: those of the networks; each differs from them in what makes it AC, ARL, IIC or taught.
        classes: number of clusters of every method; as many as the labels have classes by default.
        methods: which ones, of `METHODS`.
        seeds: one trial each; also the seed of the free methods.
        ignore: label values that are not scored.
        overwrite: replace the trials of other arguments.
        progress: hears of it all.

    Raises:
        InputError: image or labels cannot be used, or do not lie on each other.
        OutputError: the folder cannot be written, or holds a comparison of other arguments.
        SettingsError: a method is unknown, there is no seed, or the number of classes is auto.
    """
    progress, images = progress or Progress(), find_images(images)
    if unknown := [method for method in methods if method not in METHODS]:
        raise SettingsError(f"There is no method {unknown[0]!r}.", f"Choose from {', '.join(METHODS)}.")
    if not methods or not seeds:
        raise SettingsError("There is nothing to compare.", "Name one or more methods and seeds.")
    if settings.auto_classes:
        raise SettingsError("Methods are compared with one number of classes for all.", "Leave out `auto`.")
    (scene,) = open_scenes(images, bands=settings.bands, per_image=False)
    for name in ("table.csv", "table.md", "maps.png"):
        check_output_path(out / name, overwrite=True)
    labels_path = _write_labels(scene, labels, out / "labels.tif", ignore, progress)
    present = label_values(labels_path)
    if len(present) < 2:
        raise InputError(f"The labels hold {len(present)} classes; two or more can be compared with.")
    settings = settings.model_copy(update={"classes": classes or len(present)})
    parts = settings.model_dump(mode="json", include={"classes", "bands", "network", "train"})
    identity = fingerprint(settings=parts, images=list(images), labels=list(labels), ignore=list(ignore))
    trials = []
    for method in dict.fromkeys(methods):
        for seed in dict.fromkeys(seeds):
            path = out / f"{method}-{seed}.tif"
            progress.message(f"{TITLES[method]}, seed {seed}")
            trials.append(
                _read_trial(path, identity)
                or _run_trial(scene, labels_path, method, seed, settings, path, identity, overwrite, progress)
            )
    table = write_comparison(out, trials, scene, labels_path, titles=TITLES)
    return Comparison(tuple(trials), table, out)


def settings_of(method: Method, settings: Settings, seed: int) -> Settings:
    """The settings of a method that trains a network.

    IIC sees everything in both views, the second of which is transformed (Ji et al. 2019); ARL has its own objective.
    """
    train = settings.train
    if method == "iic":
        train = train.model_copy(
            update={"objective": "ac", "orderings": (), "sampling": "random", "second_view": "all"}
        )
    else:
        objective = {"arl": "arl", "taught": "consensus"}.get(method, "ac")
        train = train.model_copy(update={"objective": objective})
    return settings.model_copy(update={"train": train, "seed": seed})


def _run_trial(
    scene: Scene,
    labels_path: Path,
    method: Method,
    seed: int,
    settings: Settings,
    path: Path,
    identity: str,
    overwrite: bool,
    progress: Progress,
) -> Trial:
    started = time.monotonic()
    if path.with_suffix(".json").exists():
        check_output_path(path, overwrite)  # a finished trial of other arguments
        path.with_suffix(".json").unlink()
    if method in _BASELINES:
        own = settings.model_copy(update={"seed": seed})
        write_cog(
            path,
            _map_baseline(_BASELINES[method], scene, own, progress),
            height=scene.height,
            width=scene.width,
            crs=scene.crs,
            transform=scene.transform,
            legend=Legend.default(settings.classes),
            overwrite=True,
        )
    else:
        own = settings_of(method, settings, seed)
        if method == "random":
            predictor = untrained_model([scene], settings=own)
        else:
            predictor = train_model([scene], settings=own, state_path=path.with_suffix(".state"), progress=progress)
        write_maps(
            scene,
            predictor,
            path,
            legend=legend_of(predictor),
            settings=own.segment,
            overwrite=True,
            progress=progress,
        )
    seconds = time.monotonic() - started
    trial = Trial.of(method, seed, path, score_rasters(path, labels_path), seconds)
    with whole_file(path.with_suffix(".json"), overwrite=True) as unfinished:
        unfinished.write_text(json.dumps({"identity": identity, **trial.figures()}, indent=2) + "\n", encoding="utf-8")
    path.with_suffix(".state").unlink(missing_ok=True)
    return trial


def _map_baseline(how: tuple[Baseline, bool], scene: Scene, settings: Settings, progress: Progress) -> Blocks:
    baseline, guided = how
    recipe = recipe_for(scene.pixel_m)
    statistics = estimate_statistics([scene], seed=settings.seed)
    model = fit_baseline(
        scene,
        statistics,
        method=baseline,
        classes=settings.classes,
        seed=settings.seed,
        smoothing_px=recipe.smoothing_px if guided else 0,
        recipe=recipe,
        progress=progress,
    )
    return map_scene(scene, statistics, model, progress=progress)


def _read_trial(path: Path, identity: str) -> Trial | None:
    """A trial that an earlier run finished with the same arguments."""
    try:
        figures = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not path.is_file() or not isinstance(figures, dict) or figures.pop("identity", None) != identity:
        return None
    return Trial.from_figures(figures, path)


def _write_labels(scene: Scene, labels: Sequence[str], path: Path, ignore: Sequence[int], progress: Progress) -> Path:
    """The labels as one class raster on the scene's grid, 0 = not scored."""

    def blocks() -> Blocks:
        for window, values in labels_on_grid(scene, labels, progress=progress):
            values[np.isin(values, list(ignore))] = 0
            yield window, values

    return write_cog(
        path,
        blocks(),
        height=scene.height,
        width=scene.width,
        crs=scene.crs,
        transform=scene.transform,
        overwrite=True,
    )
