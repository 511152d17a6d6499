"""One job of the command at a time, and a state that follows it: what the stories of the dock have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Sequence

from qtpy import QtCore

from ..command import Event
from .failures import SET_UP, Failure, failure_of
from .job import Ended, Job
from .side import Engine
from .texts import tr

_PATIENCE_S = 3.0  # a cancelled command ends within two seconds
Ending = Callable[[Ended], None]


class Work(QtCore.QObject):
    """Starts jobs, hears them, and moves from state to state.

    Args:
        engine: runs the command.
        state: the first state.
        describe: puts a fault around the command into words.
    """

    moved = QtCore.Signal(str)
    """The state has changed to this one."""
    told = QtCore.Signal(object)
    """An `Event` of the work."""
    said = QtCore.Signal(str)
    """A line for the log."""
    failed = QtCore.Signal(object)
    """`Failure`."""

    def __init__(self, engine: Engine, state: str, describe: Callable[[Any], str] = str, parent: Any = None) -> None:
        super().__init__(parent)
        self.engine, self.state = engine, state
        self._describe = describe
        self._job: Job | None = None
        self._ending: Ending | None = None

    def cancel(self) -> None:
        """End what is under way."""
        if self._job is not None:
            self._job.cancel()

    def close(self) -> None:
        """End what is under way, and wait for it; nothing is told any more."""
        job, self._job = self._job, None
        if job is not None:
            job.ended.disconnect()
            job.cancel()
            job.wait(_PATIENCE_S)

    def _has_command(self) -> bool:
        """Whether there is a command; if not, that is told."""
        missing = self.engine.missing()
        if missing:
            self.failed.emit(Failure("environment", missing, SET_UP))
        return not missing

    def _start(self, title: str, words: Sequence[str], outputs: Sequence[Path], ending: Ending) -> None:
        self._follow_job(self.engine.start(title, words, outputs), ending)

    def _follow_job(self, job: Job, ending: Ending) -> None:
        self._job, self._ending = job, ending
        # Bound methods, no lambdas: only these are called in the thread of the widgets under every binding.
        job.said.connect(self.said)
        job.told.connect(self._hear)
        job.ended.connect(self._hear_end)
        job.begin()

    def _start_all(self, title: str, calls: Sequence[list[str]], outputs: Sequence[Path], ending: Ending) -> None:
        """Start calls one after the other; `ending` hears of the last one, or of the first that fails."""
        first, *others = calls

        def go_on(ended: Ended) -> None:
            if ended.well and others:
                self._start_all(title, others, outputs, ending)
            else:
                ending(ended)

        self._start(title, first, outputs, go_on)

    def _hear_end(self, ended: Ended) -> None:
        if self._ending is not None:
            self._ending(ended)

    def _hear(self, event: Event) -> None:
        self._pass_on(event)
        # The log has what is said once; what comes four times a second is shown elsewhere.
        if event.kind in ("message", "warning", "error"):
            self.said.emit(event.message)
        elif event.kind == "end" and event.stage is not None:
            self.said.emit(f"{event.stage}: {event.message or tr('done')}")

    def _pass_on(self, event: Event) -> None:
        self.told.emit(event)

    def _finish(self, ended: Ended, state: str) -> None:
        """Leave a job behind, and tell if it failed."""
        self._job = None
        self._move(state)
        if ended.cancelled:
            self.said.emit(tr("Cancelled."))
        elif not ended.well:
            self.failed.emit(failure_of(ended, self._describe(ended.fault) if ended.fault else ""))

    def _move(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.moved.emit(state)
