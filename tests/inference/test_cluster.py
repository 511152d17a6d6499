"""Real processes: few, tiny windows, and no assumption on who is faster."""

import logging
import os
import pickle
import signal
import time
from collections import Counter

import distributed
import numpy as np
import psutil  # comes with distributed
import pytest
import torch
from tiny_model import assembled, random_pixels, tiny_predictor

from geoarseg.errors import GeoArSegError, InputError, SettingsError
from geoarseg.inference import cluster
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.stream import segment_tiles
from geoarseg.inference.work import plan
from geoarseg.raster.memory import MemoryScene
from geoarseg.settings import SegmentSettings

HEIGHT, WIDTH = 100, 130


class SlowScene(MemoryScene):
    """Takes its time, and notes in a folder which process reads what."""

    folder = None

    def read(self, window):
        time.sleep(0.05)
        if self.folder is not None:
            with open(self.folder / f"{os.getpid()}.txt", "a") as file:
                file.write(f"{window.row},{window.col}\n")
        return super().read(window)


class CountedPredictor(Predictor):
    """Notes in a folder each time it is made of what was sent."""

    folder = None

    def __reduce__(self):
        rebuild, (content, device) = super().__reduce__()
        return counted, (rebuild, content, device, self.folder)


def counted(rebuild, content, device, folder):
    with open(folder / f"model_{os.getpid()}.txt", "a") as file:
        file.write("1\n")
    return rebuild(content, device)


def cluster_of(workers):
    """A cluster of worker processes with one thread each."""
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        memory_limit=None,
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(scope="module")
def local_cluster():
    with cluster_of(2) as running:
        yield running


def job_of(scene=None, model=None, **options):
    scene = scene or MemoryScene(*random_pixels(HEIGHT, WIDTH))
    return plan(scene, model or tiny_predictor(), window_px=32, **options)


def slow_scene(folder):
    scene = SlowScene(*random_pixels(HEIGHT, WIDTH))
    object.__setattr__(scene, "folder", folder)
    return scene


def segmented(job, on_result=lambda: None, **settings):
    results = []
    for done in segment_tiles(job, job.tiles, SegmentSettings(**settings)):
        results.append(done)
        on_result()
    assert len(results) == len(job.tiles)
    return assembled(results, HEIGHT, WIDTH)


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def expected():
    return segmented(job_of(probabilities="percent"))


@pytest.mark.parametrize("workers", [1, 2])
def test_local_processes_give_the_same_bytes(expected, workers):
    before = dict(os.environ)
    assert_equal(segmented(job_of(probabilities="percent"), workers=workers), expected)
    assert dict(os.environ) == before


def test_a_cluster_gives_the_same_bytes(expected, local_cluster):
    found = segmented(job_of(probabilities="percent"), scheduler=local_cluster.scheduler_address)
    assert_equal(found, expected)


def test_the_model_is_sent_once_to_each_worker_and_probabilities_only_if_wanted(local_cluster, tmp_path, expected):
    model = tiny_predictor(kind=CountedPredictor)
    model.folder = tmp_path
    job = job_of(slow_scene(tmp_path), model)
    classes, confidence, probabilities = segmented(job, scheduler=local_cluster.scheduler_address, batch=1)
    assert_equal((classes, confidence), expected[:2])
    assert probabilities is None
    made = Counter({file.name: len(file.read_text().split()) for file in tmp_path.glob("model_*.txt")})
    made.pop(f"model_{os.getpid()}.txt", None)  # the scheduler's process is this one
    assert set(made.values()) == {1}
    readers = [file.stem for file in tmp_path.glob("[0-9]*.txt")]
    assert len(readers) == 2
    assert {f"model_{reader}.txt" for reader in readers} == set(made)


def test_few_tasks_are_under_way_at_a_time(local_cluster, tmp_path):
    scene = slow_scene(tmp_path)
    job = job_of(scene)
    ahead, received = [], 0

    def count():
        nonlocal received
        received += 1
        read = sum(len(file.read_text().split()) for file in tmp_path.glob("[0-9]*.txt"))
        ahead.append(read - received)
        time.sleep(0.1)  # a slow writer

    segmented(job, count, scheduler=local_cluster.scheduler_address, batch=1)
    # Two tasks for each of the two threads.
    assert max(ahead) <= cluster._TASKS_AHEAD * 2
    assert len(ahead) == len(job.tiles) > 16


def test_a_killed_worker_costs_its_windows_only(tmp_path, expected):
    job = job_of(slow_scene(tmp_path))
    killed = []

    def kill_the_first():
        if not killed:
            killed.append(int(next(tmp_path.glob("[0-9]*.txt")).stem))
            os.kill(killed[0], signal.SIGKILL)

    assert_equal(segmented(job, kill_the_first, workers=2, batch=1)[:2], expected[:2])
    pids = {int(file.stem) for file in tmp_path.glob("[0-9]*.txt")}
    assert killed[0] in pids
    assert len(pids) >= 2
    reads = sum(len(file.read_text().split()) for file in tmp_path.glob("[0-9]*.txt"))
    assert len(job.tiles) <= reads <= len(job.tiles) + cluster._TASKS_AHEAD * 2


def test_an_interruption_ends_local_workers(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        segmented(job_of(slow_scene(tmp_path)), interrupt, workers=2)
    pids = [int(file.stem) for file in tmp_path.glob("[0-9]*.txt")]
    assert pids
    deadline = time.monotonic() + 60
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in pids)


class Deadly(MemoryScene):
    """Kills each process that reads its last row."""

    home = os.getpid()

    def read(self, window):
        if window.row_stop == self.height and os.getpid() != self.home:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(window)


def test_a_window_that_kills_every_worker_is_one_line(monkeypatch):
    scene = Deadly(*random_pixels(HEIGHT, WIDTH))
    object.__setattr__(scene, "home", os.getpid())
    with cluster_of(1) as running:
        running.scheduler.allowed_failures = 0
        with pytest.raises(GeoArSegError, match="The windows of one task killed tcp://"):
            segmented(job_of(scene), scheduler=running.scheduler_address)


def test_no_scheduler_is_one_line(monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECT_S", 1)
    with pytest.raises(SettingsError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:1\. Start one"):
        segmented(job_of(), scheduler="tcp://127.0.0.1:1")


def test_a_cluster_without_workers_is_one_line(monkeypatch):
    monkeypatch.setattr(cluster, "_WORKERS_S", 0.5)
    with (
        cluster_of(0) as running,
        pytest.raises(SettingsError, match="The Dask cluster has no workers"),
    ):
        segmented(job_of(), scheduler=running.scheduler_address)


def test_another_version_is_one_line(local_cluster, monkeypatch):
    monkeypatch.setattr(cluster, "__version__", "9.9")
    with pytest.raises(
        SettingsError, match=r"The Dask worker tcp://.* has geoarseg .*; here is 9\.9\. Install the same"
    ):
        segmented(job_of(), scheduler=local_cluster.scheduler_address)


def test_a_scheduler_that_goes_away_is_one_line(tmp_path):
    job = job_of(slow_scene(tmp_path))
    with (
        cluster_of(1) as running,
        pytest.raises(GeoArSegError, match="The Dask scheduler is gone"),
    ):
        segmented(job, running.close, scheduler=running.scheduler_address, batch=1)


class Unreadable(MemoryScene):
    def read(self, window):
        raise InputError("Cannot read it.", "Mend it.")


def test_an_error_of_a_worker_comes_through(local_cluster):
    with pytest.raises(InputError, match=r"Cannot read it\. Mend it\."):
        segmented(job_of(Unreadable(*random_pixels(HEIGHT, WIDTH))), scheduler=local_cluster.scheduler_address)


class FakeGpu(Predictor):
    """Has memory for one window."""

    def classify(self, images, valid, **options):
        if len(images) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        device, self.device = self.device, torch.device("cpu")
        try:
            return super().classify(images, valid, **options)
        finally:
            self.device = device


def test_a_worker_whose_gpu_is_too_small_says_how_many_windows_fit(monkeypatch, expected):
    model = tiny_predictor(kind=FakeGpu)
    model.device = torch.device("cuda")
    job = job_of(model=model)
    monkeypatch.setitem(cluster._jobs, "job", job)
    done, fitting = cluster._work("job", list(job.tiles))
    assert fitting == 1  # of two that have one shape
    assert_equal(assembled(done, HEIGHT, WIDTH)[:2], expected[:2])


def test_gpus_are_dealt_out_by_place():
    assert [cluster.own_device(place, 4) for place in range(6)] == [f"cuda:{n}" for n in (0, 1, 2, 3, 0, 1)]


def test_a_job_that_was_pickled_gives_the_same(expected):
    assert_equal(segmented(pickle.loads(pickle.dumps(job_of(probabilities="percent")))), expected)
