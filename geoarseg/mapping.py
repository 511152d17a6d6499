"""From images and a model to class rasters: one of all images, or one for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from geoarseg.errors import InputError, SettingsError
from geoarseg.inference.area import AreaOfInterest, area_on, read_polygons
from geoarseg.inference.familiar import strange_pixels, strange_values
from geoarseg.inference.maps import MapPaths, MapSummary, are_whole, check_paths, write_maps
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.work import Job, plan
from geoarseg.models import legend_of
from geoarseg.progress import Progress
from geoarseg.raster.images import find_images
from geoarseg.raster.locate import stem_of
from geoarseg.raster.memory import check_same_bands
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.raster.window import Window
from geoarseg.recut import Number, recut, with_smoothing
from geoarseg.settings import Settings


def open_scenes(paths: Sequence[str], *, bands: Sequence[int] | None, per_image: bool) -> list[Scene]:
    """One scene of all images that the names stand for, or one for each; see `find_images`.

    Raises:
        InputError: an image cannot be used, or they do not fit together.
    """
    if not per_image:
        return [open_scene(list(paths), bands=bands)]
    scenes = [open_scene(path, bands=bands) for path in find_images(paths)]
    check_same_bands(scenes)
    return scenes


def segment_scene(
    scene: Scene,
    predictor: Predictor,
    path: Path,
    *,
    settings: Settings,
    confidence_path: Path | None = None,
    probabilities_path: Path | None = None,
    region: Window | None = None,
    area: AreaOfInterest | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> MapSummary:
    """Segment a scene with a model into rasters; goes on from an unfinished one made with the same arguments.

    Args:
        scene: the image.
        predictor: the model.
        path: the class raster to write.
        settings: the settings; `segment` counts.
        confidence_path: the confidence raster to write, the probability of the class in percent; None = none.
        probabilities_path: the raster of the probabilities of all classes to write, in percent and a band each;
            None = none.
        region: map only this part of the scene, which is then the extent of the rasters.
        area: map only what lies in these polygons; outside is no data.
        overwrite: replace existing rasters.
        progress: hears of it all.

    Raises:
        InputError: scene and model do not fit.
        OutputError: an output exists, or cannot be written.
        SettingsError: the region leaves the scene, two outputs are one file, or the cluster cannot be reached.
    """
    return write_maps(
        scene,
        predictor,
        MapPaths(path, confidence_path, probabilities_path),
        legend=legend_of(predictor),
        settings=settings.segment,
        region=region,
        area=area,
        overwrite=overwrite,
        progress=progress,
    )


def segment_images(
    images: Sequence[str],
    predictor: Predictor,
    out: Path,
    *,
    settings: Settings,
    classes: Number | None = None,
    alpha: float | None = None,
    bands: Sequence[int] | None = None,
    confidence: Path | None = None,
    probabilities: Path | None = None,
    area: Path | None = None,
    window: tuple[int, int, int, int] | None = None,
    per_image: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[MapSummary]:
    """Segment images with a model: into one raster of all, or into one for each.

    Args:
        images: files, folders, patterns, addresses or STAC items.
        predictor: the model.
        out: the class raster to write; with `per_image` a folder, for rasters of the images' names.
        settings: the settings; `segment` counts.
        classes: merge the model's clusters to so many classes, or `auto`; None = as they are.
        alpha: merge them to classes that may be so unequal, 0 to 1; None = as they are.
        bands: bands to use; None = those of the training.
        confidence: the confidence raster to write, or its folder; None = none.
        probabilities: the raster of all classes' probabilities to write, or its folder; None = none.
        area: a vector file of polygons; outside is no data.
        window: map only these pixels of the scene: first column, first row, columns, rows.
        per_image: one raster for each image. Those that are there already, made of the same, are left as they are;
            images outside the area get none.
        overwrite: replace existing rasters.
        progress: hears of it all.

    Raises:
        InputError: an image does not fit the model, or the area's file cannot be used or touches no image.
        OutputError: an output exists, or cannot be written.
        SettingsError: the window leaves the image, or the model cannot give so many classes.
    """
    progress, images = progress or Progress(), find_images(images)
    predictor = with_smoothing(predictor, settings.segment.smoothing_px)
    if classes is not None or alpha is not None:
        predictor = recut(predictor, classes, alpha=alpha)
    scenes = open_scenes(images, bands=bands or predictor.card.bands, per_image=per_image)
    rasters = [MapPaths(out, confidence, probabilities)]
    if per_image:
        rasters = _in_folders(images, out, confidence, probabilities)
    region = None if window is None else Window(window[1], window[0], window[3], window[2])
    polygons = None if area is None else read_polygons(area)
    errands: list[tuple[Scene, MapPaths, Job]] = []
    for scene, paths in zip(scenes, rasters, strict=True):  # all are checked before work begins on one
        within = None
        if polygons is not None and (within := area_on(scene, polygons)) is None:
            progress.message(f"No polygon of {area} touches {scene.paths[0]}: it gets no raster.")
            continue
        job = plan(scene, predictor, window_px=settings.segment.window_px, region=region, area=within)
        if per_image and not overwrite and are_whole(paths, job):
            progress.message(f"{paths.classes} is there already.")
            continue
        check_paths(paths, job, overwrite=overwrite)
        errands.append((scene, paths, job))
    if polygons is not None and not errands and not per_image:
        raise InputError(f"No polygon of {area} touches the image.", "Is its coordinate reference system right?")
    done, said = [], set[str]()
    for scene, paths, job in errands:
        said |= warn_of_strange(scene, job, progress, but=said)
        done.append(
            segment_scene(
                scene,
                predictor,
                paths.classes,
                settings=settings,
                confidence_path=paths.confidence,
                probabilities_path=paths.probabilities,
                region=region,
                area=job.area,
                overwrite=overwrite,
                progress=progress,
            )
        )
    return done


def warn_of_strange(scene: Scene, job: Job, progress: Progress, *, but: set[str]) -> set[str]:
    """Say what in an image is unlike the training, but not what was said of another; returns what was said."""
    strange: dict[str, str | None] = {}
    if "pixels" not in but:
        strange["pixels"] = strange_pixels(scene.pixel_m, job.predictor.card)
    if "values" not in but:
        strange["values"] = strange_values(job)
    told = {what: text for what, text in strange.items() if text is not None}
    for text in told.values():
        progress.warning(f"The map of {scene.paths[0]} may mean little: {text}")
    return set(told)


def _in_folders(
    images: Sequence[str], out: Path, confidence: Path | None, probabilities: Path | None
) -> list[MapPaths]:
    """The rasters of each image, of its name, in the folders.

    Raises:
        InputError: two images have one name.
        SettingsError: two folders are one.
    """
    names = [f"{stem_of(image)}.tif" for image in images]
    if len(set(names)) < len(names):
        raise InputError("Two of the images have the same name.", "With --per-image the names must differ.")
    folders = [folder.absolute() for folder in (out, confidence, probabilities) if folder is not None]
    if len(set(folders)) < len(folders):
        raise SettingsError(f"Two outputs are to be in one folder, {folders[0]}.", "Name a folder for each.")
    return [
        MapPaths(out / name, confidence and confidence / name, probabilities and probabilities / name) for name in names
    ]
