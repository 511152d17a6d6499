"""Segmenting a raster window by window, so that the result equals one pass over the whole and memory stays bounded."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from geoarseg.inference.local import segment_here
from geoarseg.inference.predictor import NODATA_CONFIDENCE, Predictor
from geoarseg.inference.work import Job, SegmentedWindow, plan
from geoarseg.progress import Progress
from geoarseg.raster.memory import SceneLike
from geoarseg.raster.window import Tile
from geoarseg.settings import SegmentSettings

__all__ = ["NODATA_CONFIDENCE", "SegmentedWindow", "segment_tiles", "segment_windows"]


def segment_windows(
    scene: SceneLike, predictor: Predictor, *, window_px: int = 512
) -> Generator[SegmentedWindow, None, None]:
    """Segment a scene in this process, in the order in which windows are finished.

    Windows are aligned to the network's stride and read with a halo of its receptive field, so the classes do not
    depend on `window_px`.

    Args:
        scene: the image.
        predictor: the model.
        window_px: side of a window, in pixels; rounded up to the stride.

    Raises:
        InputError: the scene has another number of bands than the model.
    """
    job = plan(scene, predictor, window_px=window_px)
    return segment_here(job, job.tiles)


def segment_tiles(
    job: Job, tiles: Sequence[Tile], settings: SegmentSettings, progress: Progress | None = None
) -> Generator[SegmentedWindow, None, None]:
    """Segment tiles where the settings say: in this process, in local ones, or on a cluster of Dask.

    Yields:
        each tile's result, in the order in which they are finished; the bytes do not depend on where.

    Raises:
        SettingsError: the cluster cannot be reached.
    """
    if settings.scheduler is None and not settings.workers:
        return segment_here(job, tiles, threads=settings.threads, batch=settings.batch, progress=progress)
    from geoarseg.inference.cluster import segment_on_cluster  # takes a second to import

    return segment_on_cluster(job, tiles, settings, progress)
