"""How long a map will take, from a short trial on this very image and machine. Pure: no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from ..command import QUALITIES, Event
from .request import Request
from .side import Source

DEFAULT_STEPS = 200
"""The command's own number of training steps, which the quality `balanced` leaves as it is."""


@dataclass(frozen=True)
class Estimate:
    """Measured rates, scaled to the whole work."""

    start_s: float
    """From the start to the first training step: loading, statistics of the bands, the consensus of mixtures."""
    training_s: float
    """All training steps."""
    mapping_s: float
    """All pixels through the network."""

    @property
    def total_s(self) -> float:
        """All of it; polygons and the picture, which are short, are not in it."""
        return self.start_s + self.training_s + self.mapping_s


class Stopwatch:
    """Takes times from the events of a trial as they come."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._first: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None
        self._start_s = 0.0
        self._mapping: tuple[float, float] | None = None

    def hear(self, event: Event, now: float) -> None:
        """Note an event.

        Args:
            event: of the command.
            now: seconds of the clock that `started` was read from.
        """
        if event.stage == "train":
            self._hear_training(event, now)
        elif event.stage == "segment" and event.kind == "end" and event.done:
            rate = event.values.get("rate")
            if isinstance(rate, (int, float)) and rate > 0:
                self._mapping = (event.done, event.done / rate)

    def estimate(self, request: Request, source: Source) -> Estimate | None:
        """The time that the whole work takes; None if the trial did not get far enough."""
        step_s = self._step_s()
        if step_s is None or self._mapping is None:
            return None
        megapixels, seconds = self._mapping
        mapping_s = seconds / megapixels * source.width * source.height / 1e6
        return Estimate(self._start_s, step_s * steps_of(QUALITIES[request.quality]), mapping_s)

    def _hear_training(self, event: Event, now: float) -> None:
        if event.kind == "start":
            self._start_s = now - self._started
            self._last = (0.0, now)
        elif event.done:
            # The first steps are slow for reasons of their own, so the clock starts behind them.
            self._first = self._first or (event.done, now)
            self._last = (event.done, now)

    def _step_s(self) -> float | None:
        """Seconds of a step: of those behind the first report, or of all if there was but one report."""
        if self._first is None or self._last is None:
            return None
        steps, seconds = self._last[0] - self._first[0], self._last[1] - self._first[1]
        if steps >= 2 and seconds > 0:
            return seconds / steps
        return max(self._last[1] - self._started - self._start_s, 1e-3) / self._last[0]


def steps_of(settings: Mapping[str, object]) -> int:
    """The training steps of a quality."""
    return int(str(settings.get("train.steps", DEFAULT_STEPS)))
