"""From a scene and a model to the rasters on disk: classes, and confidence on request, in one pass; resumable."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affine import Affine

from geoarseg import __version__
from geoarseg.inference.area import AreaOfInterest
from geoarseg.inference.predictor import NODATA_CONFIDENCE, Predictor
from geoarseg.inference.spool import Plane, Spool
from geoarseg.inference.stream import segment_tiles
from geoarseg.inference.work import Job, SegmentedWindow, nothing_in, plan
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path
from geoarseg.raster.cog import write_cog_of_raw
from geoarseg.raster.legend import NODATA_CLASS, Legend
from geoarseg.raster.scene import Scene
from geoarseg.raster.source import GDAL_ERRORS, open_quietly
from geoarseg.raster.window import Window
from geoarseg.settings import SegmentSettings

RUN_TAG = "GEOARSEG_RUN"
"""The TIFF metadata item that tells what a raster was made of."""


@dataclass(frozen=True)
class MapSummary:
    """What a segmentation made."""

    classes: Path
    """The class raster."""
    confidence: Path | None
    """The confidence raster, if one was asked for."""
    pixels: tuple[int, ...]
    """Pixels by class value, from 0 (no data) to K."""

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the valid pixels of each class 1..K."""
        valid = max(sum(self.pixels[1:]), 1)
        return tuple(count / valid for count in self.pixels[1:])


def write_maps(
    scene: Scene,
    predictor: Predictor,
    path: Path,
    *,
    legend: Legend,
    settings: SegmentSettings | None = None,
    confidence_path: Path | None = None,
    region: Window | None = None,
    area: AreaOfInterest | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> MapSummary:
    """Segment a scene into a class raster and, if `confidence_path` is given, a confidence raster.

    Finished windows are kept in a hidden folder beside the class raster until that is whole. A segmentation that was
    ended goes on from them when it is called with the same arguments, and gives the same bytes.

    Args:
        scene: the image.
        predictor: the model.
        path: the class raster to write.
        legend: names and colours of its classes.
        settings: windows, threads and workers.
        confidence_path: the confidence raster to write; None = none.
        region: map only this part of the scene, which is then the extent of the rasters.
        area: map only what lies in these polygons; outside is no data.
        overwrite: replace existing rasters.
        progress: told each window.

    Raises:
        InputError: the scene does not fit the model, or cannot be read.
        OutputError: an output exists, or cannot be written, or another process is writing it.
        SettingsError: the region leaves the scene, or the cluster cannot be reached.
        KeyboardInterrupt: the user stopped it; the finished windows are kept.
    """
    settings, progress = settings or SegmentSettings(), progress or Progress()
    check_output_path(path, overwrite)
    if confidence_path is not None:
        check_output_path(confidence_path, overwrite)
    job = plan(scene, predictor, window_px=settings.window_px, region=region, area=area)
    extent = job.tiles.region
    planes = ("classes",) if confidence_path is None else ("classes", "confidence")
    windows = [tile.core.relative_to(extent) for tile in job.tiles]
    with Spool(path, run_key(job), windows, extent.shape, planes) as spool:
        if spool.started_afresh:
            progress.message(
                "The unfinished windows beside the output were made with other arguments: starting afresh."
            )
        _segment(job, spool, settings, progress)
        grid: dict[str, Any] = {
            "height": extent.height,
            "width": extent.width,
            "crs": scene.crs,
            "transform": _transform_of(extent, scene.transform),
            "tags": {RUN_TAG: digest_of(run_key(job))},
            "overwrite": overwrite,
        }
        counts = spool.counts.copy()
        counts[0, NODATA_CLASS] += extent.area - counts[0].sum()
        with progress.stage("write", total=len(planes), unit="raster") as stage:
            if confidence_path is not None:
                write_cog_of_raw(
                    confidence_path,
                    spool.path_of("confidence"),
                    counts[1],
                    nodata=NODATA_CONFIDENCE,
                    overview_resampling="average",
                    **grid,
                )
                stage.advance()
            write_cog_of_raw(path, spool.path_of("classes"), counts[0], legend=legend, **grid)
            stage.advance()
    spool.remove()
    return MapSummary(path, confidence_path, tuple(counts[0][: predictor.classes + 1].tolist()))


def is_made_of(path: Path, job: Job) -> bool:
    """Whether a class raster is there already, made of just this."""
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


def _segment(job: Job, spool: Spool, settings: SegmentSettings, progress: Progress) -> None:
    """Do the windows that are not done yet."""
    number_of = {tile.core: number for number, tile in enumerate(job.tiles)}
    wanted = [tile for tile in job.tiles if job.is_wanted(tile)]
    left = [tile for tile in wanted if number_of[tile.core] not in spool.done]
    total, todo = (sum(tile.core.area for tile in tiles) for tiles in (wanted, left))
    with progress.stage("segment", total=total / 1e6, unit="megapixel") as stage:
        if todo < total:
            stage.skip((total - todo) / 1e6)
            progress.message(f"{(total - todo) / total:.0%} was finished before; going on from there.")
        if len(spool.counts) > 1:  # pixels never written are 0, which is no data for classes alone
            for tile in job.tiles:
                if not job.is_wanted(tile) and number_of[tile.core] not in spool.done:
                    spool.write(number_of[tile.core], _planes(nothing_in(tile.core), spool))
        results = segment_tiles(job, left, settings, progress)
        try:
            for done in results:
                spool.write(number_of[done.window], _planes(done, spool))
                stage.advance(done.window.area / 1e6)
        except BaseException:
            if stage.done:
                share = stage.done * 1e6 / total
                progress.message(f"Stopped with {share:.0%} finished; the same command goes on from there.")
            raise


def _transform_of(extent: Window, transform: Affine) -> Affine:
    """The transform of a part of a scene; that of the whole stays as it is to the bit, and none stays none."""
    if transform.is_identity or (extent.row, extent.col) == (0, 0):
        return transform
    return transform * Affine.translation(extent.col, extent.row)


def _planes(done: SegmentedWindow, spool: Spool) -> list[Plane]:
    return [done.classes, done.confidence][: len(spool.counts)]
