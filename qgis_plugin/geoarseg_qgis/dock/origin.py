"""A finished map as the start of others with more or fewer classes: its model, its image, the commands. Pure: no Qt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..command import arguments
from .request import LEGEND_FILES

CLUSTERS = "clusters.tif"
"""The raster of all clusters, which the sliders colour."""
_RASTER, _POLYGONS, _MODEL = LEGEND_FILES
_SUMMARY, _CONFIDENCE = "summary.json", "confidence.tif"
_IMAGES = "images.json"
"""What a map of the sliders has in place of a summary: the names of its images."""


@dataclass(frozen=True)
class Origin:
    """A map whose model can be applied once more."""

    folder: Path
    """Where it lies."""
    images: tuple[str, ...]
    """What was mapped: files and addresses."""

    @property
    def model(self) -> Path:
        """Its model."""
        return self.folder / _MODEL

    @property
    def clusters(self) -> Path:
        """The raster of its clusters."""
        return self.folder / CLUSTERS

    @property
    def missing(self) -> str:
        """A file of the image that is not there any more; empty if all are. Addresses are not tried."""
        names = (name for name in self.images if not name.startswith("/vsi") and ":" not in name[2:])
        return next((name for name in names if not Path(name).exists()), "")

    def has_clusters(self) -> bool:
        """Whether the raster of the clusters is there, and no older than the map: a map made anew has others."""
        try:
            return self.clusters.stat().st_mtime >= _list_of_images(self.folder).stat().st_mtime
        except OSError:
            return False

    def note_images(self, folder: Path) -> None:
        """Tell a folder with another map of the same images what they are.

        Raises:
            OSError: it cannot be written.
        """
        (folder / _IMAGES).write_text(json.dumps({"images": self.images}), encoding="utf-8")


def origin_of(folder: Path) -> Origin | None:
    """The map in a folder, if its model and the names of its images are there."""
    try:
        images = json.loads(_list_of_images(folder).read_text(encoding="utf-8"))["images"]
        named = tuple(str(image) for image in images)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Origin(folder, named) if named and (folder / _MODEL).is_file() else None


def _list_of_images(folder: Path) -> Path:
    summary, images = folder / _SUMMARY, folder / _IMAGES
    return images if images.is_file() and not summary.exists() else summary


def new_folder(origin: Origin, classes: int) -> Path:
    """A folder beside the map that holds none yet, for one of so many classes."""
    stem = f"{origin.folder.name}_{classes}_classes"
    names = [stem, *(f"{stem}_{number}" for number in range(2, 1000))]
    paths = [origin.folder.with_name(name) for name in names]
    return next((path for path in paths if not any(map(Path.exists, cut_outputs(path)))), paths[0])


def info_arguments(origin: Origin) -> list[str]:
    """`geoarseg info` on the model."""
    return arguments("info", str(origin.model), json=True)


def clusters_arguments(origin: Origin, clusters: int, device: str) -> list[str]:
    """`geoarseg segment` to all clusters."""
    return _segment(origin, origin.model, origin.clusters, classes=clusters, device=device, overwrite=True)


def cut_arguments(origin: Origin, classes: int, alpha: float, folder: Path, device: str) -> list[list[str]]:
    """The commands of a map of so many classes: a model of them, class raster and confidence, then the polygons."""
    model, raster, confidence = folder / _MODEL, folder / _RASTER, folder / _CONFIDENCE
    keep = arguments("legend", str(origin.model), classes=classes, alpha=alpha, out=model, log_json=True)
    segment = _segment(origin, model, raster, device=device, confidence=confidence)
    polygons = arguments("vectorize", str(raster), out=folder / _POLYGONS, confidence=confidence, log_json=True)
    return [keep, segment, polygons]


def cut_outputs(folder: Path) -> list[Path]:
    """The files that those commands write."""
    return [folder / name for name in (_MODEL, _RASTER, _POLYGONS, _CONFIDENCE)]


def _segment(origin: Origin, model: Path, out: Path, *, device: str, **options: Any) -> list[str]:
    asked = None if device == "auto" else device
    return arguments("segment", *origin.images, model=model, out=out, device=asked, log_json=True, **options)
