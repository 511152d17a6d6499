"""Tiles done by workers of Dask: local processes, or a cluster that is running."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import sys
import uuid
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from typing import Any

import dask
import distributed as untyped_distributed
import torch

from geoarseg import __version__
from geoarseg.container import usable_cores
from geoarseg.errors import GeoArSegError, SettingsError
from geoarseg.inference.patience import Workforce, answer_of, gone, without_logs
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.work import Job, SegmentedWindow, compute_as_fits
from geoarseg.progress import Progress
from geoarseg.raster.window import Tile
from geoarseg.settings import SegmentSettings

distributed: Any = untyped_distributed  # has no types
Result = tuple[list[SegmentedWindow], int | None]
"""What a task gives: its windows, and how many fitted into the GPU's memory at once if not all did."""

_TILES_PER_TASK = 4
_TASKS_AHEAD = 2  # for each thread of a worker, one that is computed and one that waits
_CONNECT_S = 20
_WORKERS_S = 20  # a cluster may be about to start some
_SEND_S = 300  # the model to all workers
_CLOSE_S = 5
_jobs: dict[str, Job] = {}  # in a worker: the jobs that were sent to it


def segment_on_cluster(
    job: Job, tiles: Sequence[Tile], settings: SegmentSettings, progress: Progress | None = None
) -> Generator[SegmentedWindow, None, None]:
    """Segment tiles on the workers of Dask that the settings name.

    The model goes to each worker once, also to those that come later. A worker that dies costs its tiles only: others
    do them again. Not more tiles are under way than keep the workers busy, so that memory is bounded here.

    Yields:
        each tile's result, in the order in which they are finished.

    Raises:
        SettingsError: the scheduler cannot be reached, or a worker has another version of this package.
        GeoArSegError: one tile killed several workers, or the scheduler or all workers are gone.
    """
    with _client(settings, job) as client:
        name = f"geoarseg-{uuid.uuid4().hex}"
        _check_workers(client)
        try:
            plugin = SendJob(name, job, _places_on_hosts(client))
            answer_of(lambda: client.register_plugin(plugin, name=name), _SEND_S)
            yield from _results(client, name, tiles, settings.batch or _TILES_PER_TASK, progress or Progress())
        except distributed.KilledWorker as error:
            raise GeoArSegError(
                f"The windows of one task killed {error.last_worker.address if error.last_worker else 'every worker'}.",
                "Its memory may not be enough: use fewer --workers or a smaller --set segment.window_px.",
            ) from error
        finally:
            if client.status == "running":
                with suppress(GeoArSegError, ValueError):  # the plugin may not have come so far
                    answer_of(lambda: client.unregister_worker_plugin(name), _CLOSE_S)


class SendJob(untyped_distributed.WorkerPlugin):
    """Brings a job to each worker.

    Args:
        name: of the job.
        job: the scene and the model.
        places: which worker of its host each one is, by address.
    """

    def __init__(self, name: str, job: Job, places: Mapping[str, int]) -> None:
        self.job_name, self.places = name, dict(places)
        self._job = job

    def setup(self, worker: Any) -> None:
        """Put the model on the worker's device."""
        place = worker.name if isinstance(worker.name, int) else self.places.get(worker.address, 0)
        predictor = _on_own_device(self._job.predictor, place)
        _jobs[self.job_name] = dataclasses.replace(self._job, predictor=predictor)

    def teardown(self, worker: Any) -> None:
        """Let the model go."""
        _jobs.pop(self.job_name, None)


def own_device(place: int, gpus: int) -> str:
    """The GPU of the worker that is number `place` on its host, when it sees `gpus` of them."""
    return f"cuda:{place % gpus}"


def _on_own_device(predictor: Predictor, place: int) -> Predictor:
    gpus = torch.cuda.device_count()
    if predictor.device.type == "cuda" and gpus > 1 and "dask_cuda" not in sys.modules:  # which turns the list itself
        return Predictor(predictor.network, predictor.card, device=own_device(place, gpus))
    return predictor


def _work(name: str, tiles: Sequence[Tile]) -> Result:
    """What a worker does for one task."""
    job = _jobs[name]
    if job.predictor.device.type == "cpu":
        return [done for tile in tiles for done in job.compute([tile], [job.read(tile)])], None
    fitting: list[int] = []
    done, start = [], 0
    while start < len(tiles):  # tiles of one shape go through the network together
        stop = start + 1
        while stop < len(tiles) and tiles[stop].read.shape == tiles[start].read.shape:
            stop += 1
        group = tiles[start:stop]
        done += compute_as_fits(job, group, [job.read(tile) for tile in group], fitting.append)
        start = stop
    return done, min(fitting, default=None)


def _results(
    client: Any, name: str, tiles: Sequence[Tile], per_task: int, progress: Progress
) -> Generator[SegmentedWindow, None, None]:
    at_once = per_task
    waiting = _groups(tiles, per_task)
    running = distributed.as_completed([], loop=client.loop, with_results=True, raise_errors=True)
    workforce, number = Workforce(client, progress), 0
    while True:
        room = max(_TASKS_AHEAD * max(workforce.threads(), 1) - running.count(), 0)  # workers may have gone
        for group in islice(waiting, room):
            key = f"{name}-{number}"
            running.add(answer_of(partial(client.submit, _work, name, group, key=key, pure=False)))
            number += 1
        if running.count() == 0:
            return
        future, result = workforce.next_of(running)
        if isinstance(result, BaseException):  # the future was cancelled with the connection
            raise gone() from result
        done, fitting = result
        future.release()
        if fitting is not None and fitting < at_once:
            at_once = fitting
            progress.warning(f"A worker's GPU has no memory for {per_task} windows at once; it goes on with {fitting}.")
        yield from done


def _groups(tiles: Iterable[Tile], size: int) -> Iterator[list[Tile]]:
    waiting = iter(tiles)
    while group := list(islice(waiting, size)):
        yield group


@contextmanager
def _client(settings: SegmentSettings, job: Job) -> Iterator[Any]:
    """A connection to the scheduler, or to local processes that end with it."""
    options = {"distributed.worker.daemon": True, "distributed.comm.timeouts.connect": f"{_CONNECT_S}s"}
    with dask.config.set(options), without_logs():
        if settings.scheduler is not None:
            client = _connected(settings.scheduler)
            try:
                yield client
            finally:
                with suppress(TimeoutError):  # a scheduler that hangs
                    client.close(timeout=_CLOSE_S)
            return
        with _local_cluster(settings, job) as cluster, distributed.Client(cluster, set_as_default=False) as client:
            try:
                yield client
            except BaseException:
                _kill(cluster)
                raise


def _connected(address: str) -> Any:
    """A client of a scheduler that is running.

    Raises:
        SettingsError: nothing answers there.
    """
    try:
        connect = partial(distributed.Client, address, timeout=_CONNECT_S, set_as_default=False)
        return answer_of(connect, _CONNECT_S + _CLOSE_S)  # it would not end where something listens and is silent
    except (GeoArSegError, TimeoutError, ValueError) as error:
        raise SettingsError(f"No Dask scheduler answers at {address}.", "Start one: dask scheduler.") from error


@contextmanager
def _local_cluster(settings: SegmentSettings, job: Job) -> Iterator[Any]:
    """Processes on this machine. Dask leaves their OMP_NUM_THREADS=1 in our environment, which is put back."""
    environment = dict(os.environ)
    threads = settings.threads or max(usable_cores() // settings.workers, 1)
    try:
        with distributed.LocalCluster(
            n_workers=settings.workers,
            threads_per_worker=threads if job.predictor.device.type == "cpu" else 2,  # one reads while one computes
            processes=True,
            memory_limit=None,
            dashboard_address="127.0.0.1:0",  # None would take the port 8787, and warn where it is taken
            silence_logs=logging.CRITICAL,
        ) as cluster:
            yield cluster
    finally:
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


def _kill(cluster: Any) -> None:
    """End local workers at once: asked to close, they would finish their windows first."""
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if nanny.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows has the latter alone


def _check_workers(client: Any) -> None:
    try:
        answer_of(lambda: client.wait_for_workers(1, timeout=_WORKERS_S))
    except TimeoutError as error:
        raise SettingsError("The Dask cluster has no workers.", "Start some: dask worker ADDRESS.") from error
    for address, version in answer_of(lambda: client.run(_version, on_error="return")).items():
        if version != __version__:
            text = f"has geoarseg {version}" if isinstance(version, str) else "cannot import geoarseg"
            raise SettingsError(
                f"The Dask worker {address} {text}; here is {__version__}.", "Install the same version on all workers."
            )


def _version() -> str:
    import geoarseg

    return geoarseg.__version__


def _places_on_hosts(client: Any) -> dict[str, int]:
    """Which worker of its host each one is."""
    seen: dict[str, int] = {}
    places = {}
    workers = answer_of(lambda: client.scheduler_info(n_workers=-1))["workers"]
    for address, worker in sorted(workers.items()):
        places[address] = seen.get(worker["host"], 0)
        seen[worker["host"]] = places[address] + 1
    return places
