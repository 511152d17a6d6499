"""One way to report progress: the jobs talk to a `Progress`, the doors decide how it looks.

A job opens a stage, advances it and closes it::

    with progress.stage("segment", total=120, unit="window") as stage:
        for window in windows:
            ...
            stage.advance(1)

`Progress` itself is silent, so a job called from Python needs no set-up. `geoarseg.cli.display` holds the terminal's
bars and the JSON lines.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stage:
    """One stage of work under way."""

    name: str
    """What is being done: `statistics`, `train`, `segment`, `vectorize` ..."""
    total: float | None
    """Units of work in all; None when unknown."""
    unit: str = "step"
    """What one unit of work is, in the singular."""
    done: float = 0.0
    """Units of work finished."""
    message: str = ""
    """One short line on the present state."""
    values: Mapping[str, object] = field(default_factory=dict)
    """Figures of the present state (loss, cluster shares); JSON types only."""
    started: float = field(default_factory=time.monotonic)
    """Monotonic clock at the start, in seconds."""
    skipped: float = 0.0
    """Units that an earlier sitting had finished; they take no part in the rate."""
    _progress: Progress | None = None

    def advance(self, amount: float = 1.0, message: str | None = None, **values: object) -> None:
        """Report `amount` more units as done, with an optional message and figures."""
        self.update(self.done + amount, message, **values)

    def update(self, done: float, message: str | None = None, **values: object) -> None:
        """Report that `done` units are finished in all."""
        self.done = done
        if message is not None:
            self.message = message
        if values:
            self.values = values
        if self._progress is not None:
            self._progress.on_change(self)

    def skip(self, amount: float) -> None:
        """Count units as done that an earlier sitting had finished."""
        self.skipped += amount
        self.update(self.done + amount)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the stage was opened."""
        return time.monotonic() - self.started

    @property
    def rate(self) -> float:
        """Units per second so far."""
        return (self.done - self.skipped) / max(self.elapsed_s, 1e-9)

    @property
    def remaining_s(self) -> float | None:
        """Estimated seconds left, or None when nothing can be said yet."""
        if self.total is None or self.done <= self.skipped:
            return None
        return max(self.total - self.done, 0.0) / max(self.rate, 1e-9)


class Progress:
    """Receives the reports of jobs. This base class is silent; subclasses override the `on_` methods.

    Attributes:
        timings: seconds spent in each stage, by name, summed over stages of the same name.
    """

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, total: float | None = None, unit: str = "step") -> Iterator[Stage]:
        """Open a stage of `total` units; it is closed, and timed, when the block ends."""
        stage = Stage(name, total, unit, _progress=self)
        self.on_start(stage)
        try:
            yield stage
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + stage.elapsed_s
            self.on_end(stage)

    def message(self, text: str) -> None:
        """Tell the user one line that belongs to no stage."""

    def warning(self, text: str) -> None:
        """Tell the user one line that he should not overlook."""

    def on_start(self, stage: Stage) -> None:
        """Called when a stage opens."""

    def on_change(self, stage: Stage) -> None:
        """Called when a stage advances; may be called thousands of times a second."""

    def on_end(self, stage: Stage) -> None:
        """Called when a stage closes, also after an error."""
