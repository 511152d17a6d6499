"""Tiles done in this process: reading ahead, computing side by side, and handing on results overlap."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from geoarseg.block_cache import cache_bytes
from geoarseg.container import memory_limit, usable_cores
from geoarseg.inference.work import Job, Pixels, SegmentedWindow, compute_as_fits
from geoarseg.progress import Progress
from geoarseg.raster.window import Tile

_READERS = 2
_MOST_THREADS = 16
_PROGRAM_BYTES = 1 << 30
_BYTES_PER_PIXEL = 600  # of a window: the default network with its halo took 460 of them more for each thread


def default_threads(device_type: str, window_px: int) -> int:
    """How many windows are computed at a time: one on a GPU; on the CPU one for each core, or fewer in a container.

    A container's memory must hold the program, GDAL's cache, and for each thread two windows and a network's work.
    """
    if device_type != "cpu":
        return 1
    threads, limit = min(usable_cores(), _MOST_THREADS), memory_limit()
    if limit is None:
        return threads
    room = limit - _PROGRAM_BYTES - cache_bytes()
    return max(1, min(threads, int(room / (_BYTES_PER_PIXEL * window_px**2))))


def segment_here(
    job: Job,
    tiles: Iterable[Tile],
    *,
    threads: int | None = None,
    batch: int | None = None,
    progress: Progress | None = None,
) -> Generator[SegmentedWindow, None, None]:
    """Segment tiles in threads of this process.

    Memory holds the tiles that are computed at the moment and as many read ahead.

    Args:
        job: the scene and the model.
        tiles: which of its tiles.
        threads: tiles computed at a time; by default one for each core.
        batch: tiles that go through the network at once; by default 1 on the CPU, where it gains nothing, else 8.
        progress: warned when the memory of a GPU is not enough for the batch.

    Yields:
        each tile's result, in the order in which they are finished.
    """
    device_type = job.predictor.device.type
    threads = threads or default_threads(device_type, job.tiles.core_px)
    batch = batch or (1 if device_type == "cpu" else 8)
    at_once = batch

    def warn(fewer: int) -> None:
        nonlocal at_once
        if fewer < at_once and progress is not None:
            progress.warning(f"The GPU's memory is not enough for {at_once} windows at once; going on with {fewer}.")
        at_once = min(at_once, fewer)

    waiting = iter(tiles)
    ahead: deque[tuple[Tile, Future[Pixels]]] = deque()
    working: set[Future[list[SegmentedWindow]]] = set()
    readers = ThreadPoolExecutor(_READERS, thread_name_prefix="read")
    workers = ThreadPoolExecutor(threads, thread_name_prefix="compute")
    try:
        while True:
            for tile in islice(waiting, (threads + 1) * batch - len(ahead)):
                ahead.append((tile, readers.submit(job.read, tile)))
            if ahead and len(working) <= threads:
                group = _next_group(ahead, at_once)
                pixels = [future.result() for _, future in group]
                working.add(workers.submit(compute_as_fits, job, [tile for tile, _ in group], pixels, warn))
                continue
            if not working:
                return
            done, working = wait(working, return_when=FIRST_COMPLETED)
            for future in done:
                yield from future.result()
    finally:
        for pool in (readers, workers):
            pool.shutdown(wait=False, cancel_futures=True)


def _next_group(ahead: deque[tuple[Tile, Future[Pixels]]], batch: int) -> list[tuple[Tile, Future[Pixels]]]:
    """Take from the front up to `batch` tiles whose read windows have one shape."""
    shape = ahead[0][0].read.shape
    group = [ahead.popleft()]
    while ahead and len(group) < batch and ahead[0][0].read.shape == shape:
        group.append(ahead.popleft())
    return group
