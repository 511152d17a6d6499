"""A cluster in trouble: the scheduler stopped or killed, the network gone, no workers left."""

import os
import signal
import subprocess
import sys
import threading

import distributed
import numpy as np
import pytest
import rasterio
from tiny_model import assembled, random_pixels, tiny_predictor

from geoarseg.cli.main import run_command
from geoarseg.errors import GeoArSegError, SettingsError
from geoarseg.inference import cluster, patience
from geoarseg.inference.patience import answer_of
from geoarseg.inference.spool import Spool, folder_of
from geoarseg.inference.stream import segment_tiles
from geoarseg.inference.work import plan
from geoarseg.models import write_model
from geoarseg.progress import Progress
from geoarseg.raster.memory import MemoryScene
from geoarseg.settings import SegmentSettings

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX signals")

SIDE_PX = 100
SCHEDULER = """
import logging, distributed
with distributed.LocalCluster(
    n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0", silence_logs=logging.CRITICAL,
    protocol="tcp",
) as running:
    print(running.scheduler_address, flush=True)
    input()
"""


@pytest.fixture
def scheduler():
    """A process that is a scheduler and its worker, and its address."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    process = subprocess.Popen([sys.executable, "-c", SCHEDULER], **pipes)
    process.address = process.stdout.readline().strip()
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(patience, "_ASK_EVERY_S", 0.1)
    monkeypatch.setattr(cluster, "_CLOSE_S", 0.3)
    monkeypatch.setattr(cluster, "_CONNECT_S", 2)


@pytest.fixture
def at_the_third(monkeypatch):
    """Has something happen when the third result is waited for."""

    def set_up(happen):
        waits, wait_for = iter(range(1000)), patience.Workforce.next_of

        def next_of(workforce, running):
            if next(waits) == 2:
                happen()
            return wait_for(workforce, running)

        monkeypatch.setattr(patience.Workforce, "next_of", next_of)

    return set_up


@pytest.fixture
def files(tmp_path, make_raster):
    pixels, _ = random_pixels(SIDE_PX, SIDE_PX)
    write_model(tiny_predictor(), tmp_path / "m.safetensors")
    return make_raster(pixels.astype(np.uint8), tmp_path / "image.tif"), tmp_path / "m.safetensors"


def segment(files, out, *options):
    image, model = files
    words = ["segment", image, "-m", model, "-o", out, "--device", "cpu", "-q", *options]
    return run_command([*map(str, words), "--set", "segment.window_px=32", "--set", "segment.batch=1"])


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read()


@posix_only
@pytest.mark.parametrize(
    ("blow", "line"),
    [
        (signal.SIGSTOP, "geoarseg: The Dask scheduler has not answered for 1 s. See to it and to the network"),
        (signal.SIGKILL, "geoarseg: The Dask scheduler is gone. Start it and its workers again"),
    ],
    ids=["stopped", "killed"],
)
def test_a_lost_scheduler_is_one_line_and_the_same_command_goes_on(
    blow, line, files, scheduler, impatient, at_the_third, monkeypatch, tmp_path, capfd
):
    out = tmp_path / "classes.tif"

    def strike():
        os.kill(scheduler.pid, blow)
        monkeypatch.setattr(patience, "ANSWER_S", 1.0)

    at_the_third(strike)
    assert segment(files, out, "--scheduler", scheduler.address) == 1
    said = capfd.readouterr().err
    assert said.startswith(line)
    assert said.count("\n") == 1
    assert not out.exists()
    kept = (folder_of(out) / "journal.txt").read_text().splitlines()
    assert 2 <= len(kept) < 16
    write = Spool.write
    computed = []
    monkeypatch.setattr(
        Spool, "write", lambda self, number, pixels: computed.append(number) or write(self, number, pixels)
    )
    assert segment(files, out) == 0
    assert sorted(computed + [int(line.split()[0]) for line in kept]) == list(range(16))
    monkeypatch.undo()
    assert segment(files, tmp_path / "undisturbed.tif") == 0
    np.testing.assert_array_equal(read(out), read(tmp_path / "undisturbed.tif"))


@posix_only
def test_a_scheduler_that_hangs_from_the_start_is_one_line(files, scheduler, impatient, tmp_path, capfd):
    os.kill(scheduler.pid, signal.SIGSTOP)
    assert segment(files, tmp_path / "classes.tif", "--scheduler", scheduler.address) == 2
    said = capfd.readouterr().err
    assert said == f"geoarseg: No Dask scheduler answers at {scheduler.address}. Start one: dask scheduler.\n"
    assert not (tmp_path / "classes.tif").exists()


@pytest.mark.parametrize(
    "address",
    [
        "tcp://127.0.0.1:1",
        "tcp://no-such-host.invalid:8786",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:port",
        "ipx://a:1",
    ],
)
def test_an_address_without_a_scheduler_is_one_line(address, files, impatient, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.5)
    assert segment(files, tmp_path / "classes.tif", "--scheduler", address) == 2
    said = capfd.readouterr().err
    assert said.startswith(f"geoarseg: No Dask scheduler answers at {address}.")
    assert said.count("\n") == 1


class Heard(Progress):
    def __init__(self):
        super().__init__()
        self.warnings = []

    def warning(self, text):
        self.warnings.append(text)


@pytest.fixture
def threaded():
    """A cluster in this process, of one worker."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0"
    ) as running:
        yield running


def segmented(running, progress):
    job = plan(MemoryScene(*random_pixels(SIDE_PX, SIDE_PX)), tiny_predictor(), window_px=32)
    settings = SegmentSettings(scheduler=running.scheduler_address, batch=1)
    return assembled(segment_tiles(job, job.tiles, settings, progress), SIDE_PX, SIDE_PX)[0]


def test_a_cluster_whose_workers_are_all_gone_is_one_line(threaded, impatient, at_the_third, monkeypatch):
    monkeypatch.setattr(patience, "WORKERLESS_S", 0.5)
    heard = Heard()
    at_the_third(lambda: threaded.sync(threaded.workers[0].close))
    with pytest.raises(GeoArSegError, match=r"All Dask workers have been gone for 0\.5 s\. Start some \(dask worker"):
        segmented(threaded, heard)
    assert heard.warnings == ["All Dask workers are gone; waiting 0.5 s for others."]


def test_workers_that_come_in_time_finish_the_map(threaded, impatient, at_the_third):
    heard = Heard()

    def replace():
        threaded.sync(threaded.workers[0].close)
        threading.Timer(0.5, lambda: threaded.scale(2)).start()

    at_the_third(replace)
    found = segmented(threaded, heard)
    job = plan(MemoryScene(*random_pixels(SIDE_PX, SIDE_PX)), tiny_predictor(), window_px=32)
    expected = assembled(segment_tiles(job, job.tiles, SegmentSettings()), SIDE_PX, SIDE_PX)[0]
    np.testing.assert_array_equal(found, expected)


def test_an_answer_that_never_comes_is_not_waited_for():
    with pytest.raises(GeoArSegError, match=r"The Dask scheduler has not answered for 0\.05 s"):
        answer_of(threading.Event().wait, 0.05)


def test_errors_of_an_answer_come_through():
    def refuse():
        raise SettingsError("No.")

    with pytest.raises(SettingsError, match="No"):
        answer_of(refuse)
    with pytest.raises(GeoArSegError, match="The Dask scheduler is gone"):
        answer_of(lambda: os.stat("/no/such/file"))
