"""How long a scheduler of Dask is waited for: one that hangs keeps its connections, and by itself nothing ends then."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from distributed.client import ClosedClientError

from geoarseg.errors import GeoArSegError
from geoarseg.progress import Progress

Answer = TypeVar("Answer")

ANSWER_S = 60.0
"""So long a scheduler may take to answer; it answers at once unless its machine or the network is in trouble."""
WORKERLESS_S = 120.0
"""So long a cluster may be without workers: some are started again only after a while."""
_ASK_EVERY_S = 5.0
_POLL_S = 0.02
_LOGGERS = ("asyncio", "distributed", "distributed.client", "tornado.application")


def answer_of(ask: Callable[[], Answer], patience_s: float | None = None) -> Answer:
    """What a call of Dask's client gives, if it comes back within so many seconds, else `ANSWER_S`.

    Raises:
        GeoArSegError: the scheduler does not answer in time, or the connection is lost.
        TimeoutError: the call has a time limit of its own, and it was over.
    """
    patience_s, given = ANSWER_S if patience_s is None else patience_s, Future[Answer]()

    def work() -> None:
        try:
            given.set_result(ask())
        except BaseException as error:
            given.set_exception(error)

    threading.Thread(target=work, name="ask the scheduler", daemon=True).start()  # it may never end
    if not wait([given], patience_s).done:
        raise GeoArSegError(
            f"The Dask scheduler has not answered for {patience_s:g} s.",
            "See to it and to the network, and then start the same command again.",
        )
    try:
        return given.result()
    except TimeoutError:
        raise
    except (OSError, ClosedClientError) as error:
        raise gone() from error


def gone() -> GeoArSegError:
    """The error for a connection that was lost."""
    return GeoArSegError("The Dask scheduler is gone.", "Start it and its workers again, and then the same command.")


@contextmanager
def without_logs() -> Iterator[None]:
    """Have Dask and tornado log nothing: what goes wrong between them and the scheduler is said in one line."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class Workforce:
    """The workers of a cluster while there is work for them.

    Args:
        client: of Dask.
        progress: warned when all workers are gone.
    """

    def __init__(self, client: Any, progress: Progress) -> None:
        self._client, self._progress = client, progress
        self._workerless_since: float | None = None

    def threads(self) -> int:
        """How many tasks the workers of the moment do at a time.

        Raises:
            GeoArSegError: the scheduler is gone or does not answer, or there have been no workers for too long.
        """
        if self._client.status != "running":
            raise gone()
        threads: int = sum(answer_of(self._client.nthreads).values())
        if threads:
            self._workerless_since = None
        else:
            self._bear_the_lack()
        return threads

    def next_of(self, running: Any) -> Any:
        """The next finished future of an `as_completed`, with its result.

        Raises:
            GeoArSegError: as `threads` does.
        """
        asked = time.monotonic()
        while not running.has_ready():
            time.sleep(_POLL_S)
            if time.monotonic() - asked > _ASK_EVERY_S:
                self.threads()
                asked = time.monotonic()
        return next(running)

    def _bear_the_lack(self) -> None:
        now = time.monotonic()
        if self._workerless_since is None:
            self._workerless_since = now
            self._progress.warning(f"All Dask workers are gone; waiting {WORKERLESS_S:g} s for others.")
        elif now - self._workerless_since > WORKERLESS_S:
            raise GeoArSegError(
                f"All Dask workers have been gone for {WORKERLESS_S:g} s.",
                "Start some (dask worker ADDRESS), and then the same command again.",
            )
