"""The way from an image to a saved legend, as a machine of states. It starts jobs and knows no widget."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Callable

from qtpy import QtCore

from ..command import Event
from .classes import ClassTable, MapClass
from .estimate import Stopwatch
from .failures import SET_UP, Failure, failure_of
from .job import Ended, Job
from .request import (
    LEGEND_FILES,
    Request,
    is_finished,
    legend_arguments,
    output_paths,
    run_arguments,
    trial_arguments,
)
from .side import Engine, MapSide, SideError, Source
from .texts import tr

ASKING, MEASURING, RUNNING, NAMING, SAVING = "asking", "measuring", "running", "naming", "saving"
"""The states: the form, a trial, the work, the legend, and its way into the files."""
_PATIENCE_S = 3.0  # a cancelled command ends within two seconds


class Story(QtCore.QObject):
    """Moves from state to state, by what the user asks and by how jobs end.

    Args:
        side: the layers and the map.
        engine: runs the command.
        describe: puts a fault around the command into words.
    """

    moved = QtCore.Signal(str)
    """The state has changed to this one."""
    told = QtCore.Signal(object)
    """An `Event` of the work."""
    said = QtCore.Signal(str)
    """A line for the log."""
    estimated = QtCore.Signal(object)
    """`Estimate` of the last request measured."""
    failed = QtCore.Signal(object)
    """`Failure`."""
    classes_changed = QtCore.Signal()
    """The table of classes has changed."""
    saved = QtCore.Signal()
    """The files have the legend."""

    def __init__(self, side: MapSide, engine: Engine, describe: Callable[[Any], str] = str, parent: Any = None) -> None:
        super().__init__(parent)
        self.side, self.engine, self.state = side, engine, ASKING
        self.table = ClassTable()
        self.folder: Path | None = None
        self.request = Request()
        self._describe = describe
        self._job: Job | None = None
        self._ending: Callable[[Ended], None] | None = None
        self._watch: Stopwatch | None = None
        self._scratch: Path | None = None
        self._interrupted: Request | None = None

    def measure(self, request: Request) -> None:
        """Start a trial of a request."""
        folder = Path(tempfile.mkdtemp(prefix="geoarseg-trial-"))
        self._scratch = folder
        source = self._source(request, folder)
        if source is None:
            return
        calls = trial_arguments(request, source, folder)
        watch = self._watch = Stopwatch(time.monotonic())

        def go_on(ended: Ended) -> None:
            if ended.well and calls:
                self._start(tr("Trial of a land-cover map"), calls.pop(0), [], go_on)
                return
            self._watch = None
            self._clear()
            self._finish(ended, ASKING)
            estimate = watch.estimate(request, source) if ended.well else None
            if estimate is not None:
                self.estimated.emit(estimate)

        self._move(MEASURING)
        self._start(tr("Trial of a land-cover map"), calls.pop(0), [], go_on)

    def start(self, request: Request) -> None:
        """Start the work."""
        assert request.image is not None
        assert request.folder is not None
        source = self._source(request, request.folder)
        if source is None:
            return
        self._move(RUNNING)
        name = request.image.name
        title = tr("Land cover of {name}").format(name=name)
        go_on = request == self._interrupted and not is_finished(request)
        words = run_arguments(request, source, go_on=go_on)
        self._start(title, words, output_paths(request), lambda ended: self._end_of_run(ended, request, name))

    def open(self, folder: Path) -> None:
        """Go to the legend of a map that was made before."""
        missing = next((name for name in LEGEND_FILES[:1] if not (folder / name).is_file()), "")
        if missing:
            text = tr("{folder} holds no {name}.").format(folder=folder, name=missing)
            self.failed.emit(Failure("request", text, ""))
            return
        self._show(folder, folder.name)

    def save(self) -> None:
        """Write the legend into raster, polygons and model."""
        assert self.folder is not None
        if not self.table.is_changed:
            return
        words = legend_arguments(self.folder, self.table.edits())
        outputs = [self.folder / name for name in LEGEND_FILES]
        self._move(SAVING)
        self.side.release()
        self._start(tr("Saving the legend"), words, outputs, self._end_of_save)

    def cancel(self) -> None:
        """End what is under way."""
        if self._job is not None:
            self._job.cancel()

    def back(self) -> None:
        """From the legend to the form."""
        if self.state == NAMING:
            self._move(ASKING)

    def close(self) -> None:
        """End all, and wait for it."""
        job, self._job = self._job, None
        if job is not None:
            job.ended.disconnect()
            job.cancel()
            job.wait(_PATIENCE_S)
        if self.state == RUNNING and self.request.folder is not None:
            self.side.tidy(self.request.folder)
        self._clear()

    def _source(self, request: Request, folder: Path) -> Source | None:
        """The image as a file, or None if that, or the command itself, is not to be had, which is told."""
        self.request = request
        missing = self.engine.missing()
        if missing:
            self._clear()
            self.failed.emit(Failure("environment", missing, SET_UP))
            return None
        assert request.image is not None
        try:
            return self.side.source(request.image.key, request.area, request.roles, folder)
        except (SideError, OSError) as error:
            self._clear()
            self.failed.emit(Failure("request", str(error), ""))
            return None

    def _start(self, title: str, words: list[str], outputs: list[Path], ending: Callable[[Ended], None]) -> None:
        job = self.engine.start(title, words, outputs)
        self._job, self._ending = job, ending
        # Bound methods, no lambdas: only these are called in the thread of the widgets under every binding.
        job.said.connect(self.said)
        job.told.connect(self._hear)
        job.ended.connect(self._hear_end)
        job.begin()

    def _hear_end(self, ended: Ended) -> None:
        if self._ending is not None:
            self._ending(ended)

    def _hear(self, event: Event) -> None:
        if self._watch is not None:
            self._watch.hear(event, time.monotonic())
        else:
            self.told.emit(event)
        # The log has what is said once; what comes four times a second is shown elsewhere.
        if event.kind in ("message", "warning", "error"):
            self.said.emit(event.message)
        elif event.kind == "end" and event.stage is not None:
            self.said.emit(f"{event.stage}: {event.message or tr('done')}")

    def _finish(self, ended: Ended, state: str) -> None:
        """Leave a job behind, and tell if it failed."""
        self._job = None
        self._move(state)
        if ended.cancelled:
            self.said.emit(tr("Cancelled."))
        elif not ended.well:
            self.failed.emit(failure_of(ended, self._describe(ended.fault) if ended.fault else ""))

    def _end_of_run(self, ended: Ended, request: Request, name: str) -> None:
        assert request.folder is not None
        self.side.tidy(request.folder)
        # What the command refuses (code 2) it would refuse again: the next start then replaces what is there.
        self._interrupted = None if ended.well or ended.code == 2 else request
        if not ended.well:
            self._finish(ended, ASKING)
            return
        self._job = None
        self._show(request.folder, name)

    def _show(self, folder: Path, name: str) -> None:
        try:
            classes = self.side.show(folder, name)
        except SideError as error:
            self._move(ASKING)
            self.failed.emit(Failure("request", str(error), ""))
            return
        self.folder = folder
        self.table = ClassTable(classes, self._follow)
        self._move(NAMING)
        self.classes_changed.emit()

    def _follow(self, classes: tuple[MapClass, ...]) -> None:
        self.side.restyle(classes)
        self.classes_changed.emit()

    def _end_of_save(self, ended: Ended) -> None:
        if ended.well:
            self.table.note_saved()
        self.side.reload()
        self.side.restyle(self.table.rows)
        self._finish(ended, NAMING)
        if ended.well:
            self.saved.emit()

    def _move(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.moved.emit(state)

    def _clear(self) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None
