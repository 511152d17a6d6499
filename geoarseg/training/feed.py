"""Crops that are read ahead, so that the network does not wait for them.

One thread draws batch after batch as the sampler does, several read the places that it tries. The sampler then is ahead
of the training; what the training has got is known by the sampler's state behind each batch, which travels with it.
So a training that is saved and goes on, or draws something else in between, finds the very crops it would have found
without any of these threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.pool import ThreadPool
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from geoarseg.raster.sampling import Over
from geoarseg.training.state import Sampler

Crops = tuple[npt.NDArray[np.float32], npt.NDArray[Any]]
"""Images (count, band, y, x), and valid (count, y, x) or a teacher's shares (count, cluster, y, x)."""

_AHEAD = 2  # batches that wait to be taken
_GRACE_S = 1.0  # for reads at work when the training is interrupted


class ReadingSampler(Sampler, Protocol):
    """A sampler that can read in several threads; what all samplers have in common."""

    def draw(self, count: int, *, over: Over = map) -> Crops:
        """Crops, which are the same whatever reads them."""


class Feed:
    """A sampler that draws ahead while it is entered, and gives the crops of the sampler it is made of.

    Args:
        sampler: where the crops come from; nobody else may draw from it while the feed is entered.
        count: crops of a batch; only batches of that many are drawn ahead.
        readers: threads that read; 0: nothing is drawn ahead.
    """

    def __init__(self, sampler: ReadingSampler, *, count: int, readers: int) -> None:
        self._sampler, self._count, self._readers = sampler, count, readers
        self._entered = False
        self._ahead: _Ahead | None = None
        self._handed: dict[str, Any] = {}

    @property
    def crop_px(self) -> int:
        """Side of the crops."""
        return self._sampler.crop_px

    def draw(self, count: int) -> Crops:
        """Crops of the sampler.

        Raises:
            InputError: no place holds enough valid pixels, or an image cannot be read.
        """
        if not self._entered or not self._readers or count != self._count:
            self._take_back()
            return self._sampler.draw(count)
        if self._ahead is None:
            self._handed = self._sampler.state()
            self._ahead = _Ahead(self._sampler, self._count, self._readers)
        try:
            crops, self._handed = self._ahead.take()
        except Exception:
            self._take_back()
            raise
        return crops

    def state(self) -> dict[str, Any]:
        """The state of the draws behind what was handed out, of JSON types only."""
        return self._sampler.state() if self._ahead is None else self._handed

    def restore(self, state: dict[str, Any]) -> None:
        """Continue as the sampler did that gave this state."""
        self._take_back()
        self._sampler.restore(state)

    def __enter__(self) -> Self:
        self._entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered = False
        self._take_back(None if kind is None else _GRACE_S)

    def _take_back(self, wait_s: float | None = None) -> None:
        """End the threads, and put the sampler behind what was handed out."""
        if self._ahead is not None and self._ahead.end(wait_s):
            self._sampler.restore(self._handed)
        self._ahead = None


class _Ahead:
    """The threads, and the batches that they have drawn."""

    def __init__(self, sampler: ReadingSampler, count: int, readers: int) -> None:
        self._sampler, self._count, self._readers = sampler, count, readers
        self._batches: SimpleQueue[tuple[Crops, dict[str, Any]] | BaseException] = SimpleQueue()
        self._room = threading.Semaphore(_AHEAD)
        self._ended = False
        self._thread = threading.Thread(target=self._draw_on, name="draw ahead", daemon=True)
        self._thread.start()

    def take(self) -> tuple[Crops, dict[str, Any]]:
        """The next batch, and the state of the sampler behind it."""
        batch = self._batches.get()
        if isinstance(batch, BaseException):
            raise batch
        self._room.release()
        return batch

    def end(self, wait_s: float | None) -> bool:
        """End the threads; whether they have ended within this time, None = however long their reads take."""
        self._ended = True
        self._room.release()
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _draw_on(self) -> None:
        try:
            readers = ThreadPool(self._readers)  # its threads, unlike an executor's, do not keep the process alive
            try:
                self._draw_with(readers)
            finally:
                readers.terminate()
                readers.join()
        except _EndedError:
            pass
        except BaseException as error:  # raised where the batch is taken
            self._batches.put(error)

    def _draw_with(self, readers: ThreadPool) -> None:
        def read(call: Callable[[Any], Any], places: Iterable[Any]) -> Iterator[Any]:
            for crop in readers.imap(call, places):
                if self._ended:
                    raise _EndedError
                yield crop

        while self._room.acquire() and not self._ended:
            crops = self._sampler.draw(self._count, over=read)
            self._batches.put((crops, self._sampler.state()))


class _EndedError(Exception):
    """Nobody wants the batch any more."""
