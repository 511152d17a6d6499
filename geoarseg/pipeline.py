"""The whole story: images in; model, maps, polygons, picture and summary out. Each job is a call to its room."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geoarseg import __version__
from geoarseg.config import Settings
from geoarseg.errors import InputError, OutputError
from geoarseg.inference.maps import MapSummary, write_maps
from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import ModelCard, save_model
from geoarseg.network.device import choose_device
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path, output_error, whole_file
from geoarseg.raster.legend import Legend
from geoarseg.raster.memory import check_same_bands
from geoarseg.raster.preview import write_preview
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.raster.statistics import estimate_statistics
from geoarseg.raster.style import read_legend
from geoarseg.training.loop import ALIVE_SHARE, train_network
from geoarseg.training.numbering import number_by_share
from geoarseg.vector.source import open_class_raster
from geoarseg.vector.vectorize import VectorSummary, vectorize_raster

OUTPUT_NAMES = ("model.safetensors", "classes.tif", "classes.gpkg", "preview.png", "summary.json")


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


def open_scenes(paths: Sequence[str], *, bands: Sequence[int] | None, per_image: bool) -> list[Scene]:
    """One scene of all images, or one for each.

    Raises:
        InputError: an image cannot be used, or they do not fit together.
    """
    if not per_image:
        return [open_scene(list(paths), bands=bands)]
    scenes = [open_scene(path, bands=bands) for path in paths]
    check_same_bands(scenes)
    return scenes


def train_model(
    scenes: Sequence[Scene], *, settings: Settings, progress: Progress | None = None
) -> tuple[Predictor, tuple[int, ...]]:
    """Train on scenes; returns the model ready for use and the classes that died.

    Raises:
        InputError: no crop of the scenes holds enough valid pixels.
        TrainingError: the training broke down.
    """
    progress = progress or Progress()
    choose_device(settings.device)  # a wrong name is said at once
    with progress.stage("statistics", total=1, unit="sample") as stage:
        statistics = estimate_statistics(scenes, seed=settings.seed)
        stage.advance()
    sampler = CropSampler(
        scenes, crop_px=settings.train.crop_px, seed=settings.seed, stride_px=settings.network.stride_px
    )
    if sampler.crop_px != settings.train.crop_px:
        progress.message(f"The image is small: crops of {sampler.crop_px} x {sampler.crop_px} pixels are used.")
    result = train_network(sampler, statistics, settings=settings, progress=progress)
    shares = number_by_share(result.network, sampler, statistics)
    dead = tuple(int(value) + 1 for value in np.flatnonzero(shares < ALIVE_SHARE))
    if dead:
        progress.warning(
            f"{len(dead)} of {settings.classes} classes died in training."
            " Ask for fewer classes, or train longer with --steps."
        )
    card = ModelCard(
        version=__version__,
        network=settings.network,
        classes=settings.classes,
        bands=scenes[0].sources[0].source.bands,
        band_names=scenes[0].band_names,
        centre=statistics.centre,
        scale=statistics.scale,
        legend=tuple(json.loads(Legend.default(settings.classes).to_json())),
        pixel_size=(abs(scenes[0].transform.e), abs(scenes[0].transform.a)),
        settings=settings.model_dump(mode="json"),
        training=result.summary() | {"shares": [round(float(s), 5) for s in shares], "dead": list(dead)},
    )
    return Predictor(result.network, card, device=settings.device), dead


def write_model(predictor: Predictor, path: Path, *, overwrite: bool = False) -> None:
    """Write a model file, whole or not at all.

    Raises:
        OutputError: it exists, or cannot be written.
    """
    with whole_file(path, overwrite=overwrite) as unfinished:
        try:
            save_model(unfinished, predictor.network, predictor.card)
        except OSError as error:
            raise output_error(path, error) from error
        except Exception as error:  # safetensors has an error type of its own for a full disk
            raise OutputError(f"{path} cannot be written ({error}).") from error


def legend_of(predictor: Predictor) -> Legend:
    """The legend in a model's card."""
    return Legend.from_json(json.dumps(list(predictor.card.legend)))


def segment_scene(
    scene: Scene,
    predictor: Predictor,
    path: Path,
    *,
    settings: Settings,
    confidence_path: Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> MapSummary:
    """Segment a scene with a model into rasters.

    Raises:
        InputError: scene and model do not fit.
        OutputError: an output exists, or cannot be written.
    """
    return write_maps(
        scene,
        predictor,
        path,
        legend=legend_of(predictor),
        confidence_path=confidence_path,
        window_px=settings.segment.window_px,
        overwrite=overwrite,
        progress=progress,
    )


def vectorize_file(
    classes: Path,
    path: Path,
    *,
    connectedness: int = 4,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> VectorSummary:
    """Turn a class raster file into polygons, with the legend it carries.

    Raises:
        InputError: it is no class raster.
        OutputError: the layer exists, or cannot be written.
    """
    with open_class_raster(classes) as raster:
        return vectorize_raster(
            raster,
            path,
            legend=read_legend(classes),
            connectedness=connectedness,
            overwrite=overwrite,
            progress=progress,
        )


def run(
    images: Sequence[str],
    out: Path,
    *,
    settings: Settings,
    per_image: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[RunResult]:
    """Train on the images, segment them, and write all outputs into a folder.

    Args:
        images: paths or addresses that GDAL reads.
        out: the folder; with `per_image`, it holds one folder for each image.
        settings: the settings.
        per_image: write one map for each image instead of one of all; they need no common grid then.
        overwrite: replace existing outputs.
        progress: hears of it all.

    Raises:
        UserError: input, settings or outputs are at fault.
        TrainingError: the training broke down.
    """
    progress = progress or Progress()
    folders = [out / Path(image).stem for image in images] if per_image else [out]
    if len(set(folders)) < len(folders):
        raise InputError("Two of the images have the same name.", "With --per-image the names must differ.")
    scenes = open_scenes(images, bands=settings.bands, per_image=per_image)
    confidence = ("confidence.tif",) if settings.segment.confidence else ()
    check_output_path(out / "model.safetensors", overwrite)
    for folder in folders:
        for name in (*OUTPUT_NAMES[1:], *confidence):
            check_output_path(folder / name, overwrite)
    predictor, dead = train_model(scenes, settings=settings, progress=progress)
    write_model(predictor, out / "model.safetensors", overwrite=overwrite)
    results = []
    for scene, folder in zip(scenes, folders, strict=True):
        maps = segment_scene(
            scene,
            predictor,
            folder / "classes.tif",
            settings=settings,
            confidence_path=folder / confidence[0] if confidence else None,
            overwrite=overwrite,
            progress=progress,
        )
        polygons = vectorize_file(
            folder / "classes.tif",
            folder / "classes.gpkg",
            connectedness=settings.polygons.connectedness,
            overwrite=overwrite,
            progress=progress,
        )
        with progress.stage("preview", total=1, unit="picture") as stage:
            write_preview(
                folder / "preview.png",
                scene,
                maps.classes,
                legend=legend_of(predictor),
                shares=maps.shares,
                overwrite=overwrite,
            )
            stage.advance()
        result = RunResult(folder, maps, polygons, dead)
        _write_summary(result, scene, predictor, settings, progress, overwrite)
        results.append(result)
    return results


def _write_summary(
    result: RunResult,
    scene: Scene,
    predictor: Predictor,
    settings: Settings,
    progress: Progress,
    overwrite: bool,
) -> None:
    """Write summary.json."""
    shares = result.maps.shares
    summary = {
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
                result.polygons.area_column: round(result.polygons.areas.get(entry.value, 0.0), 3),
            }
            for entry in legend_of(predictor)
        ],
        "dead_classes": list(result.dead),
        "polygons": result.polygons.polygons,
        "training": predictor.card.training,
        "seconds": {name: round(seconds, 2) for name, seconds in progress.timings.items()},
        "settings": settings.model_dump(mode="json"),
    }
    path = result.folder / "summary.json"
    with whole_file(path, overwrite=overwrite) as unfinished:
        try:
            unfinished.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise output_error(path, error) from error
