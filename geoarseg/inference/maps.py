"""From a scene and a model to the rasters on disk: classes, and more on request, in one pass; resumable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from affine import Affine

from geoarseg import __version__
from geoarseg.errors import SettingsError
from geoarseg.inference.area import AreaOfInterest
from geoarseg.inference.heap import give_back_freed_memory
from geoarseg.inference.predictor import NODATA_CONFIDENCE, Predictor, Probabilities
from geoarseg.inference.spool import Plane, Spool, remove_windows
from geoarseg.inference.stream import segment_tiles
from geoarseg.inference.work import Job, SegmentedWindow, plan
from geoarseg.progress import Progress, Stage
from geoarseg.raster.atomic import check_output_path
from geoarseg.raster.cog import write_cog_of_raw
from geoarseg.raster.legend import NODATA_CLASS, Legend
from geoarseg.raster.scene import Scene
from geoarseg.raster.source import GDAL_ERRORS, open_quietly
from geoarseg.raster.window import Window
from geoarseg.settings import SegmentSettings
from geoarseg.unfinished import remove_leftovers

RUN_TAG = "GEOARSEG_RUN"
"""The TIFF metadata item that tells what a raster was made of."""

Bands = dict[str, list[str]]
"""The names of the spool's planes, by output, the class raster first."""


@dataclass(frozen=True)
class MapPaths:
    """The rasters that one segmentation writes."""

    classes: Path
    """The class raster."""
    confidence: Path | None = None
    """The probability of the class in percent; None = not wanted."""
    probabilities: Path | None = None
    """The probabilities of all classes in percent, a band each; None = not wanted."""

    @property
    def extra(self) -> tuple[Path, ...]:
        """Those beside the class raster."""
        return tuple(path for path in (self.confidence, self.probabilities) if path is not None)


@dataclass(frozen=True)
class MapSummary:
    """What a segmentation made."""

    paths: MapPaths
    """The rasters."""
    pixels: tuple[int, ...]
    """Pixels by class value, from 0 (no data) to K."""

    @property
    def classes(self) -> Path:
        """The class raster."""
        return self.paths.classes

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the valid pixels of each class 1..K."""
        valid = max(sum(self.pixels[1:]), 1)
        return tuple(count / valid for count in self.pixels[1:])


def write_maps(
    scene: Scene,
    predictor: Predictor,
    paths: MapPaths | Path,
    *,
    legend: Legend,
    settings: SegmentSettings | None = None,
    region: Window | None = None,
    area: AreaOfInterest | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> MapSummary:
    """Segment a scene into a class raster and, as `paths` says, rasters of confidence and probabilities.

    Finished windows are kept in a hidden folder beside the class raster until that is whole. A segmentation that was
    ended goes on from them when it is called with the same arguments, and gives the same bytes.

    Args:
        scene: the image.
        predictor: the model.
        paths: the rasters to write, or the class raster alone.
        legend: names and colours of its classes.
        settings: windows, threads and workers.
        region: map only this part of the scene, which is then the extent of the rasters.
        area: map only what lies in these polygons; outside is no data.
        overwrite: replace existing rasters.
        progress: told each window.

    Raises:
        InputError: the scene does not fit the model, or cannot be read.
        OutputError: an output exists, or cannot be written, or another process is writing it.
        SettingsError: the region leaves the scene, or two outputs are one file, or the cluster cannot be reached.
        KeyboardInterrupt: the user stopped it; the finished windows are kept.
    """
    settings, progress = settings or SegmentSettings(), progress or Progress()
    paths = paths if isinstance(paths, MapPaths) else MapPaths(paths)
    wanted: Probabilities = "none" if paths.probabilities is None else "percent"
    job = plan(scene, predictor, window_px=settings.window_px, region=region, area=area, probabilities=wanted)
    check_paths(paths, job, overwrite=overwrite)
    extent, bands = job.tiles.region, _bands_of(paths, predictor.classes)
    windows = [tile.core.relative_to(extent) for tile in job.tiles]
    planes = [plane for of_path in bands.values() for plane in of_path]
    with Spool(paths.classes, run_key(job), windows, extent.shape, planes) as spool:
        for path in (paths.classes, *paths.extra):
            remove_leftovers(path)
        if spool.started_afresh:
            progress.message(
                "The unfinished windows beside the output were made with other arguments: starting afresh."
            )
        _segment(job, spool, bands, settings, progress)
        give_back_freed_memory()
        _write_rasters(job, spool, paths, bands, legend, overwrite, progress)
        spool.finish()
        counts = _counts_of_classes(spool, extent)
    return MapSummary(paths, tuple(counts[: predictor.classes + 1].tolist()))


def check_paths(paths: MapPaths, job: Job, *, overwrite: bool) -> None:
    """Refuse, before any work, outputs that cannot be written.

    Rasters of just this job beside the class raster are not refused: they remain of a run that was killed in between.
    What one left that was killed when all was whole is deleted.

    Raises:
        OutputError: an output exists, or its folder cannot be written.
        SettingsError: two outputs are one file.
    """
    if not overwrite:
        are_whole(paths, job)
    check_output_path(paths.classes, overwrite)
    for path in paths.extra:
        check_output_path(path, overwrite or is_made_of(path, job))
    places = [path.absolute() for path in (paths.classes, *paths.extra)]
    if len(set(places)) < len(places):
        raise SettingsError(f"Two outputs are to be one file, {places[0]}.", "Give each a name of its own.")


def are_whole(paths: MapPaths, job: Job) -> bool:
    """Whether all rasters are there, made of just this; what killed makers left beside them is deleted then."""
    if not all(is_made_of(path, job) for path in (paths.classes, *paths.extra)):
        return False
    remove_windows(paths.classes, run_key(job))
    for path in (paths.classes, *paths.extra):
        remove_leftovers(path)
    return True


def is_made_of(path: Path, job: Job) -> bool:
    """Whether a raster is there already, made of just this."""
    try:
        with open_quietly(path) as dataset:
            return bool(dataset.tags().get(RUN_TAG) == digest_of(run_key(job)))
    except GDAL_ERRORS:
        return False


def run_key(job: Job) -> dict[str, object]:
    """All that the pixels of a segmentation depend on, of JSON types only."""
    scene = job.scene
    assert isinstance(scene, Scene)
    return {
        "geoarseg": __version__,
        "images": [
            [placed.source.path, list(placed.source.version), placed.row, placed.col, list(placed.source.bands)]
            for placed in scene.sources
        ],
        "model": job.predictor.digest,
        "device": job.predictor.device.type,  # a GPU computes in another precision
        "window_px": job.tiles.core_px,
        "region": [job.tiles.region.row, job.tiles.region.col, *job.tiles.region.shape],
        "area": job.area.digest if job.area is not None else None,
    }


def digest_of(key: dict[str, object]) -> str:
    """The key in a few letters."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def _bands_of(paths: MapPaths, classes: int) -> Bands:
    bands = {"classes": ["classes"]}
    if paths.confidence is not None:
        bands["confidence"] = ["confidence"]
    if paths.probabilities is not None:
        bands["probabilities"] = [f"probability_{value}" for value in range(1, classes + 1)]
    return bands


def _segment(job: Job, spool: Spool, bands: Bands, settings: SegmentSettings, progress: Progress) -> None:
    """Do the windows that are not done yet."""
    number_of = {tile.core: number for number, tile in enumerate(job.tiles)}
    wanted = [tile for tile in job.tiles if job.is_wanted(tile)]
    left = [tile for tile in wanted if number_of[tile.core] not in spool.done]
    total, todo = (sum(tile.core.area for tile in tiles) for tiles in (wanted, left))
    with progress.stage("segment", total=total / 1e6, unit="megapixel") as stage, _saying_how_to_go_on(stage, progress):
        if todo < total:
            stage.skip((total - todo) / 1e6)
            progress.message(f"{(total - todo) / total:.0%} was finished before; going on from there.")
        if len(spool.counts) > 1:  # pixels never written are 0, which is no data for classes alone
            for tile in job.tiles:
                if not job.is_wanted(tile) and number_of[tile.core] not in spool.done:
                    spool.write(number_of[tile.core], _planes(job.nothing_in(tile.core), bands))
        with closing(segment_tiles(job, left, settings, progress)) as results:
            for done in results:
                spool.write(number_of[done.window], _planes(done, bands))
                stage.advance(done.window.area / 1e6)


def _planes(done: SegmentedWindow, bands: Bands) -> list[Plane]:
    """The pixels of a window in the order of the spool's planes."""
    planes = [done.classes]
    if "confidence" in bands:
        planes.append(done.confidence)
    if done.probabilities is not None:
        planes.extend(done.probabilities)
    return planes


def _write_rasters(
    job: Job, spool: Spool, paths: MapPaths, bands: Bands, legend: Legend, overwrite: bool, progress: Progress
) -> None:
    """The finished windows to Cloud Optimized GeoTIFFs; the class raster last, since with it all is done."""
    scene, extent, counts = job.scene, job.tiles.region, spool.counts.copy()
    assert isinstance(scene, Scene)
    counts[0] = _counts_of_classes(spool, extent)
    place: dict[str, Any] = {
        "height": extent.height,
        "width": extent.width,
        "crs": scene.crs,
        "transform": _transform_of(extent, scene.transform),
        "tags": {RUN_TAG: digest_of(run_key(job))},
    }
    names = {"probabilities": [entry.name for entry in legend]}
    start = len(counts)
    with progress.stage("write", total=start, unit="band") as stage, _saying_how_to_go_on(stage, progress):
        for output, planes in reversed(bands.items()):
            is_classes, path = output == "classes", getattr(paths, output)
            start -= len(planes)
            write_cog_of_raw(
                path,
                [spool.path_of(plane) for plane in planes],
                counts[start : start + len(planes)],
                nodata=NODATA_CLASS if is_classes else NODATA_CONFIDENCE,
                legend=legend if is_classes else None,
                band_names=names.get(output, ()),
                overview_resampling="mode" if is_classes else "average",
                overwrite=overwrite or (not is_classes and is_made_of(path, job)),
                **place,
            )
            stage.advance(len(planes))


@contextmanager
def _saying_how_to_go_on(stage: Stage, progress: Progress) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if stage.name == "write" or stage.done:
            share = 1 if stage.name == "write" else stage.done / (stage.total or 1)
            progress.message(f"Stopped with {share:.0%} of the windows finished; the same command goes on from there.")
        raise


def _counts_of_classes(spool: Spool, extent: Window) -> npt.NDArray[np.int64]:
    """Pixels by class value, (256,); those of windows without data that were never written are no data too."""
    counts: npt.NDArray[np.int64] = spool.counts[0].copy()
    counts[NODATA_CLASS] += extent.area - counts.sum()
    return counts


def _transform_of(extent: Window, transform: Affine) -> Affine:
    """The transform of a part of a scene; that of the whole stays as it is to the bit, and none stays none."""
    if transform.is_identity or (extent.row, extent.col) == (0, 0):
        return transform
    return transform * Affine.translation(extent.col, extent.row)
