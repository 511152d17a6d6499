"""The demonstration: a sample scene with known labels, its map, and both maps' scores: ours and K-means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geoarseg.datasets.synthetic import make_landscape, write_landscape
from geoarseg.evaluation.baselines import kmeans_map
from geoarseg.evaluation.scores import score_rasters
from geoarseg.pipeline import RunResult, run
from geoarseg.progress import Progress
from geoarseg.raster.cog import write_cog
from geoarseg.raster.legend import Legend
from geoarseg.raster.scene import open_scene
from geoarseg.raster.statistics import estimate_statistics
from geoarseg.settings import Settings


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration made."""

    run: RunResult
    """The map and its files."""
    accuracy: float
    """Share of pixels that are right, clusters matched one-to-one to classes (Hungarian method)."""
    kmeans_accuracy: float
    """The same of K-means on standardised pixel values, with as many clusters."""


def demonstrate(
    out: Path,
    *,
    settings: Settings,
    size_px: int = 512,
    potsdam_colours: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> DemoResult:
    """Make a sample scene in a folder, run on it, and score the map and K-means against the scene's labels.

    Args:
        out: the folder; it gets `image.tif`, `labels.tif`, `kmeans.tif` and all that a run writes.
        settings: those of the run; the seed also makes the scene.
        size_px: height and width of the scene.
        potsdam_colours: also write the labels in the colours of ISPRS Potsdam, into `potsdam/`.
        overwrite: replace existing outputs.
        progress: hears of it all.

    Raises:
        OutputError: an output exists, or cannot be written.
        TrainingError: the training broke down.
    """
    progress = progress or Progress()
    with progress.stage("scene", total=1, unit="scene") as stage:
        landscape = make_landscape(size_px, size_px, seed=settings.seed)
        files = write_landscape(out, landscape, overwrite=overwrite)
        if potsdam_colours:
            write_landscape(out / "potsdam", landscape, potsdam_colours=True, overwrite=overwrite)
        stage.advance()
    (result,) = run([str(files.image)], out, settings=settings, overwrite=overwrite, progress=progress)
    scene, classes = open_scene(files.image), len(result.maps.shares)
    kmeans = write_cog(
        out / "kmeans.tif",
        kmeans_map(
            scene,
            estimate_statistics([scene], seed=settings.seed),
            classes=classes,
            seed=settings.seed,
            progress=progress,
        ),
        height=scene.height,
        width=scene.width,
        crs=scene.crs,
        transform=scene.transform,
        legend=Legend.default(classes),
        overwrite=overwrite,
    )
    ours = score_rasters(result.maps.classes, files.labels)
    theirs = score_rasters(kmeans, files.labels)
    return DemoResult(result, ours.accuracy, theirs.accuracy)
