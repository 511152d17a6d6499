"""The report of a folder that a run has written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from geoarseg.errors import InputError
from geoarseg.evaluation.evaluate import evaluate_map
from geoarseg.evaluation.result import Evaluation
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path, whole_file
from geoarseg.raster.legend import Legend
from geoarseg.raster.preview import Small, thumbnail
from geoarseg.raster.relabel import class_legend
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.report.measure import remeasured
from geoarseg.report.page import Shown, page
from geoarseg.report.pictures import picture_of_confidence, picture_of_image, picture_of_map
from geoarseg.report.sample import take_sample
from geoarseg.report.summary import RunSummary, read_summary
from geoarseg.vector.source import check_same_grid

REPORT_NAME = "report.html"


def write_report(
    folder: Path,
    summary: RunSummary,
    scene: Scene,
    legend: Legend,
    *,
    small: Small | None = None,
    scored: Evaluation | None = None,
    overwrite: bool = False,
) -> Path:
    """Write `report.html` beside the map that it tells of.

    Args:
        folder: holds `classes.tif` and, if the run was to write one, `confidence.tif`.
        summary: of the run.
        scene: the image.
        legend: names and colours.
        small: the scene's `thumbnail`, lest it is read again.
        scored: the map against labels; None = there are none.
        overwrite: replace an existing report.

    Raises:
        InputError: a file cannot be read.
        OutputError: the report exists, or cannot be written.
    """
    small = small or thumbnail(scene)
    classes, confidence = folder / "classes.tif", folder / "confidence.tif"
    # One that the run did not write is left from another map.
    with_confidence = confidence if summary.settings.segment.confidence and confidence.is_file() else None
    sample = take_sample(scene, classes, with_confidence, small=small)
    shape = (small[1].shape[0], small[1].shape[1])
    image, how = picture_of_image(small, scene.band_roles)
    pictures = [
        Shown(image, f"Image ({how})", "The image"),
        Shown(picture_of_map(classes, shape, legend), "Land cover", "The map, in the colours of the classes below"),
    ]
    if with_confidence is not None:
        shown = picture_of_confidence(with_confidence, shape)
        pictures.append(Shown(shown, "Confidence (dark: low)", "The confidence of the map: dark is low, yellow high"))
    text = page(summary, legend, sample, pictures, title=Path(summary.images[0]).name, scored=scored)
    path = folder / REPORT_NAME
    with whole_file(path, overwrite=overwrite) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return path


def report_again(
    folder: Path,
    *,
    images: Sequence[str] = (),
    labels: Path | None = None,
    field: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write the report of a finished run anew, with the names, classes and areas that its files have now.

    Args:
        folder: what a run has written.
        images: the image; empty = that of the run, if it still lies where it was.
        labels: a raster or a vector layer of labels to score the map by; None = no scores.
        field: field of a vector layer that holds the class.
        overwrite: replace an existing report.
        progress: hears of it.

    Raises:
        InputError: the folder is none of a finished run, or a file of it or an image cannot be read.
        OutputError: the report exists, or cannot be written.
    """
    summary, classes = read_summary(folder / "summary.json"), folder / "classes.tif"
    check_output_path(folder / REPORT_NAME, overwrite)
    legend = class_legend(classes)
    scene = open_scene(_images(summary, images, folder), bands=summary.settings.bands)
    check_same_grid(scene, Path(scene.paths[0]), open_scene(classes))
    summary = remeasured(summary, classes, folder / "classes.gpkg", legend, progress=progress)
    scored = evaluate_map(classes, labels, field=field, progress=progress) if labels is not None else None
    return write_report(folder, summary, scene, legend, scored=scored, overwrite=overwrite)


def _images(summary: RunSummary, images: Sequence[str], folder: Path) -> list[str]:
    """The images; those that the summary names only if they are files here, for it may be a stranger's."""
    if images:
        return list(images)
    missing = [name for name in summary.images if not Path(name).is_file()]
    if missing:
        raise InputError(f"The image of {folder}, {missing[0]}, is no file here.", "Name it with --image.")
    return list(summary.images)
