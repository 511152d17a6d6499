"""Starting the processes that train together, and ending them: none outlives the one that started them.

The caller is process 0, so that progress and result stay where they are; the others are started afresh by `spawn` and
meet it through Lightning Fabric (`pip install 'geoarseg[distributed]'`) on this machine.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import torch

from geoarseg.errors import GeoArSegError, SettingsError, TrainingError
from geoarseg.network.device import choose_device
from geoarseg.training.processes import FabricProcesses, OneProcess

Follower = Callable[[OneProcess], object]
"""What one of the other processes runs; it must pickle."""

_LONGEST_WAIT = timedelta(minutes=30)  # the others wait while process 0 evaluates
_GRACE_S = 5.0


def check_processes(count: int, device: str) -> None:
    """Say at once what keeps so many processes from training on a device of this name.

    Raises:
        SettingsError: the device is not there, or too few of them, or the extra is not installed.
    """
    kind = choose_device(device).type
    if count == 1:
        return
    if kind == "mps" or ":" in device:
        raise SettingsError(f"{count} devices cannot be {device}.", "Use --device cuda or --device cpu.")
    if kind == "cuda" and torch.cuda.device_count() < count:
        raise SettingsError(f"There are {torch.cuda.device_count()} GPUs here, not {count}.", "Lower --devices.")
    if importlib.util.find_spec("lightning_fabric") is None:
        raise SettingsError("Several devices need Lightning Fabric.", "pip install 'geoarseg[distributed]'")


@contextmanager
def processes_for(followers: Sequence[Follower], *, device: str) -> Iterator[OneProcess]:
    """Inside, this is process 0 of those that train together.

    Args:
        followers: what processes 1, 2 ... run meanwhile; each must pickle. Without any, this process is alone.
        device: the device's name in the settings.

    Raises:
        SettingsError: see `check_processes`.
        TrainingError: one of the others died.
    """
    count = 1 + len(followers)
    check_processes(count, device)
    if count == 1:
        yield OneProcess()
        return
    place = _Place(count, _free_port(), choose_device(device).type)
    environment, threads = dict(os.environ), torch.get_num_threads()
    children: list[_Child] = []
    ended_well = False
    try:
        children += [_start(follower, rank, place) for rank, follower in enumerate(followers, 1)]
        for child in children:
            if not child.is_ready():
                raise child.fault()
        yield _join(0, place)
        ended_well = True
    except (RuntimeError, OSError) as error:  # what torch raises when another process is gone
        fault = None if isinstance(error, GeoArSegError) else _first_fault(children)
        if fault is None:
            raise
        raise fault from error
    finally:
        if ended_well:
            torch.distributed.destroy_process_group()
        for child in children:
            child.end(wait_s=_GRACE_S if ended_well else 0.0)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        os.environ.clear()
        os.environ.update(environment)
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class _Place:
    """Where the processes meet."""

    count: int
    port: int
    kind: str
    """cpu or cuda."""


@dataclass(frozen=True)
class _Child:
    """One of the other processes, as process 0 sees it."""

    rank: int
    process: SpawnProcess
    line: Connection
    """It sends None when it is ready to meet, and what it fails by."""

    def is_ready(self) -> bool:
        """Wait until it is, or has died."""
        connection.wait([self.line, self.process.sentinel])
        try:
            return self.line.poll() and self.line.recv() is None
        except EOFError:
            return False

    def fault(self) -> GeoArSegError:
        """What it died of."""
        self.process.join(_GRACE_S)
        try:
            if self.line.poll():
                said: GeoArSegError = self.line.recv()
                return said
        except EOFError:
            pass
        return TrainingError(
            f"Process {self.rank} of the training ended on its own (exit code {self.process.exitcode}).",
            "The system may have ended it for want of memory; the same command goes on from the last state.",
        )

    def end(self, wait_s: float) -> None:
        """Let it end by itself for so long, then end it."""
        self.process.join(wait_s)
        for stop in (self.process.terminate, self.process.kill):
            if self.process.is_alive():
                stop()
                self.process.join(_GRACE_S)


def _first_fault(children: Sequence[_Child]) -> GeoArSegError | None:
    """The fault of the children, if any dies within the time of grace."""
    ended = connection.wait([child.process.sentinel for child in children], timeout=_GRACE_S)
    faults = [child.fault() for child in children if child.process.sentinel in ended]
    own = [fault for fault in faults if not isinstance(fault, _LostError)]
    return next(iter(own + faults), None)


class _LostError(TrainingError):
    """A process lost another one, which is where the fault is to be sought."""


def _start(follower: Follower, rank: int, place: _Place) -> _Child:
    context = get_context("spawn")  # a fork of a process that has run torch is not safe
    mine, its = context.Pipe(duplex=False)
    process = context.Process(target=_follow, args=(follower, rank, place, its), daemon=True)
    # Ctrl-C goes to all processes of a terminal, but process 0 alone shall hear it; the block is inherited.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
    try:
        process.start()
    finally:
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    its.close()
    return _Child(rank, process, mine)


def _follow(follower: Follower, rank: int, place: _Place, line: Connection) -> None:
    """What a process that was started runs."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    line.send(None)
    try:
        follower(_join(rank, place))
        torch.distributed.destroy_process_group()
    except GeoArSegError as error:
        line.send(error)
    except Exception as error:
        kind = _LostError if isinstance(error, RuntimeError) else TrainingError
        line.send(kind(f"Process {rank} of the training failed: {type(error).__name__}: {error}"))
    else:
        return
    os._exit(1)  # without waiting for the others in torch's own exit


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _join(rank: int, place: _Place) -> FabricProcesses:
    """Meet the other processes."""
    os.environ.update(
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(place.port),
        NODE_RANK="0",
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(place.count),
    )
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it greets in four lines otherwise
    strategy = DDPStrategy(cluster_environment=LightningEnvironment(), timeout=_LONGEST_WAIT)
    fabric = Fabric(accelerator=place.kind, devices=place.count, strategy=strategy)
    fabric.launch()
    return FabricProcesses(fabric)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
