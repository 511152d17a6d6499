"""The whole story: images in; model, maps, polygons, picture and summary out. Each job is a call to its room."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoarseg import __version__
from geoarseg.earlier import TRAINED_BY, earlier_maps, earlier_model, is_copy
from geoarseg.errors import InputError
from geoarseg.explain import class_descriptions, explain_model
from geoarseg.inference.maps import MapPaths, MapSummary
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.work import plan
from geoarseg.mapping import open_scenes, segment_scene, warn_of_strange
from geoarseg.models import legend_of, remove_state_of, state_path_of, train_model, write_model
from geoarseg.polygons import check_polygon_settings, needs_probabilities, vectorize_file
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path, whole_file
from geoarseg.raster.images import find_images
from geoarseg.raster.locate import stem_of
from geoarseg.raster.preview import thumbnail, write_preview
from geoarseg.raster.scene import Scene
from geoarseg.recut import information_curve, with_smoothing
from geoarseg.report.summary import RunSummary
from geoarseg.report.write import write_report
from geoarseg.settings import Settings
from geoarseg.unfinished import remove_leftovers
from geoarseg.vector.vectorize import VectorSummary

OUTPUT_NAMES = ("model.safetensors", "classes.tif", "classes.gpkg", "preview.png", "report.html", "summary.json")
_MEASURED = ("confidence", "mean", "evidence")  # of a class, where a training on images has measured them


@dataclass(frozen=True)
class RunResult:
    """The outputs for one scene."""

    folder: Path
    """Where they lie."""
    maps: MapSummary
    """The class raster and its shares."""
    polygons: VectorSummary
    """The polygon layer."""
    dead: tuple[int, ...]
    """Classes that the trained network gives to less than one pixel in a thousand."""


def run(
    images: Sequence[str],
    out: Path,
    *,
    settings: Settings,
    model: Predictor | None = None,
    per_image: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[RunResult]:
    """Train on the images, segment them, and write all outputs into a folder.

    A run that was ended goes on where it was when it is called with the same arguments.

    Args:
        images: files, folders, patterns, addresses or STAC items.
        out: the folder; with `per_image`, it holds one folder for each image.
        settings: the settings; with a model, those of a training count for nothing.
        model: map with this one, which was trained before; a copy of it is written. None = train.
        per_image: write one map for each image instead of one of all; they need no common grid then.
        overwrite: replace existing outputs.
        progress: hears of it all.

    Returns:
        What was made for each scene; scenes that an earlier run had finished are left out.

    Raises:
        UserError: input, settings or outputs are at fault.
        TrainingError: the training broke down.
    """
    progress, images = progress or Progress(), find_images(images)
    folders = [out / stem_of(image) for image in images] if per_image else [out]
    if len(set(folders)) < len(folders):
        raise InputError("Two of the images have the same name.", "With --per-image the names must differ.")
    bands = settings.bands or (None if model is None else model.card.bands)
    scenes = open_scenes(images, bands=bands, per_image=per_image)
    for scene in scenes:
        check_polygon_settings(scene, settings.polygons)
    model_path, finished = out / "model.safetensors", [(folder / "summary.json").exists() for folder in folders]
    outputs = [model_path, *(folder / name for folder in folders for name in _names(settings))]
    for path in outputs:
        remove_leftovers(path)  # of an output that is whole, and will not be made again
    predictor = None
    if not overwrite and not all(finished):
        if model is None:
            predictor = earlier_model(model_path, scenes, settings=settings)
        elif is_copy(model_path, model):
            predictor = model
    if predictor is None:
        _check_outputs(outputs, overwrite)
        if model is None:
            predictor = _trained(scenes, model_path, settings, progress)
        else:
            _check_likeness(scenes, model, settings, progress)
            predictor = model
        write_model(predictor, model_path, overwrite=overwrite)
        finished = [False] * len(folders)
    else:
        remove_state_of(model_path)
        progress.message(f"{model_path} is there already: going on behind the training.")
    return [
        _map_scene(scene, predictor, folder, settings=settings, overwrite=overwrite, progress=progress)
        for scene, folder, is_finished in zip(scenes, folders, finished, strict=True)
        if not is_finished
    ]


def _trained(scenes: Sequence[Scene], path: Path, settings: Settings, progress: Progress) -> Predictor:
    """A model of the scenes that knows what its classes look like, for this file."""
    predictor = train_model(scenes, settings=settings, state_path=state_path_of(path), progress=progress)
    roles = scenes[0].band_roles
    return explain_model(predictor, scenes, roles=roles, seed=settings.seed, progress=progress)


def _check_likeness(scenes: Sequence[Scene], model: Predictor, settings: Settings, progress: Progress) -> None:
    """Warn of scenes that are unlike those of the model's training.

    Raises:
        InputError: a scene has other bands than the model.
    """
    said: set[str] = set()
    for scene in scenes:
        job = plan(scene, model, window_px=settings.segment.window_px)
        said |= warn_of_strange(scene, job, progress, but=said)


def _names(settings: Settings) -> list[str]:
    """The outputs for one scene, the class raster first, the summary last."""
    extra = {"confidence.tif": settings.segment.confidence, "probabilities.tif": needs_probabilities(settings.polygons)}
    return ["classes.tif", *(name for name, wanted in extra.items() if wanted), *OUTPUT_NAMES[2:]]


def _check_outputs(paths: Sequence[Path], overwrite: bool) -> None:
    for path in paths:
        check_output_path(path, overwrite)


def _map_scene(
    scene: Scene, predictor: Predictor, folder: Path, *, settings: Settings, overwrite: bool, progress: Progress
) -> RunResult:
    """Map one scene with the trained model into its folder; what is there already of just this map is kept."""
    names, predictor = _names(settings), with_smoothing(predictor, settings.segment.smoothing_px)
    confidence, probabilities = (
        folder / name if name in names else None for name in ("confidence.tif", "probabilities.tif")
    )
    paths = MapPaths(folder / "classes.tif", confidence, probabilities)
    job = plan(scene, predictor, window_px=settings.segment.window_px)
    maps = None if overwrite else earlier_maps(paths, job)
    if maps is None:
        maps = segment_scene(
            scene,
            predictor,
            paths.classes,
            settings=settings,
            confidence_path=confidence,
            probabilities_path=probabilities,
            overwrite=overwrite,
            progress=progress,
        )
    else:
        progress.message(f"{paths.classes} is there already: going on behind the segmentation.")
        overwrite = True  # whatever was made of it
    polygons = vectorize_file(
        paths.classes,
        folder / "classes.gpkg",
        settings=settings.polygons,
        probabilities=probabilities,
        confidence=confidence,
        images=scene.paths,
        overwrite=overwrite,
        progress=progress,
    )
    result = RunResult(folder, maps, polygons, tuple(predictor.card.training.get("dead", ())))
    legend = legend_of(predictor)
    with progress.stage("preview", total=2, unit="picture") as stage:
        small = thumbnail(scene)
        write_preview(
            folder / "preview.png",
            scene,
            maps.classes,
            legend=legend,
            shares=maps.shares,
            small=small,
            overwrite=overwrite,
        )
        stage.advance()
        summary = _summary_of(result, scene, predictor, settings, progress)
        write_report(folder, RunSummary.model_validate(summary), scene, legend, small=small, overwrite=overwrite)
        stage.advance()
    summary["seconds"] = _seconds(progress)  # with the stage that has ended since
    _write_summary(folder / "summary.json", summary, overwrite)
    return result


def _summary_of(
    result: RunResult, scene: Scene, predictor: Predictor, settings: Settings, progress: Progress
) -> dict[str, Any]:
    """What summary.json holds."""
    shares, column = result.maps.shares, result.polygons.area_column
    card = predictor.card
    described = {row["value"]: row for row in class_descriptions(card)}
    return {
        "version": __version__,
        "images": [str(path) for path in scene.paths],
        "height": scene.height,
        "width": scene.width,
        "bands": list(scene.band_names),
        "crs": scene.crs.to_string() if scene.crs else None,
        "transform": list(scene.transform)[:6],
        "pixels": {"valid": sum(result.maps.pixels[1:]), "nodata": result.maps.pixels[0]},
        "classes": [
            {
                "value": entry.value,
                "name": entry.name,
                "share": round(shares[entry.value - 1], 6),
                column: round(result.polygons.areas.get(entry.value, 0.0), 3),
                f"{column}_before_cleaning": round(result.polygons.areas_before.get(entry.value, 0.0), 3),
            }
            | {name: described[entry.value][name] for name in _MEASURED if entry.value in described}
            for entry in legend_of(predictor)
        ],
        "dead_classes": list(result.dead),
        "polygons": result.polygons.polygons,
        "training": card.training | {"information": information_curve(card)},
        "seconds": _seconds(progress),
        "settings": settings.model_dump(mode="json") | {n: v for n, v in card.settings.items() if n in TRAINED_BY},
    }


def _seconds(progress: Progress) -> dict[str, float]:
    return {name: round(seconds, 2) for name, seconds in progress.timings.items()}


def _write_summary(path: Path, summary: dict[str, Any], overwrite: bool) -> None:
    with whole_file(path, overwrite=overwrite) as unfinished:
        unfinished.write_text(_indented(summary), encoding="utf-8")


def _indented(summary: dict[str, object]) -> str:
    """The summary as JSON with one entry a line; lists of numbers stay on one."""
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    # No text in it holds a line break, so that brackets beside one are those of a list.
    return re.sub(r"\[\n([^][{}\"]*)\n *\]", lambda numbers: f"[{' '.join(numbers[1].split())}]", text) + "\n"
