"""What an earlier run with the same arguments has finished, so that one that was killed goes on behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from geoarseg.errors import ModelFileError
from geoarseg.inference.maps import MapPaths, MapSummary, are_whole
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.work import Job
from geoarseg.network.checkpoint import load_card
from geoarseg.raster.cog import count_values
from geoarseg.raster.scene import Scene
from geoarseg.raster.statistics import estimate_statistics
from geoarseg.settings import Settings

TRAINED_BY = ("classes", "auto_classes", "seed", "bands", "devices", "network", "train")
"""The settings that a model depends on."""


def earlier_model(path: Path, scenes: Sequence[Scene], *, settings: Settings) -> Predictor | None:
    """The model at `path` if a training with these settings on these images has made it, else None.

    Images are told apart by the statistics of their bands, which the model's card holds. One whose classes have been
    merged since, or cut to another number, is not it.
    """
    if not path.is_file():
        return None
    try:
        card = load_card(path)
    except ModelFileError:
        return None
    asked = settings.model_dump(mode="json")
    if any(card.settings.get(name) != asked[name] for name in TRAINED_BY) or card.band_names != scenes[0].band_names:
        return None
    if not settings.auto_classes and len(set(card.class_of)) != settings.classes:
        return None
    statistics = estimate_statistics(scenes, seed=settings.seed)
    if (card.centre, card.scale) != (statistics.centre, statistics.scale):
        return None
    return Predictor.from_file(path, device=settings.device)


def is_copy(path: Path, predictor: Predictor) -> bool:
    """Whether the file holds just this model."""
    try:
        return path.is_file() and Predictor.from_file(path, device="cpu").digest == predictor.digest
    except ModelFileError:
        return False


def earlier_maps(paths: MapPaths, job: Job) -> MapSummary | None:
    """The rasters of a segmentation if they are all there and made of just this job, else None."""
    if not are_whole(paths, job):
        return None
    (counts,) = count_values(paths.classes)
    return MapSummary(paths, tuple(counts[: job.predictor.classes + 1].tolist()))
