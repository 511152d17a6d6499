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
from .cutting import ASKING, NAMING, Cutting
from .estimate import Stopwatch
from .failures import Failure
from .job import Ended
from .origin import origin_of
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

MEASURING, DRAWING, RUNNING, SAVING = "measuring", "drawing", "running", "saving"
"""Further states: a trial, a map service is drawn into a file, the work, the legend's way into the files."""


class Story(Cutting):
    """Moves from state to state, by what the user asks and by how jobs end.

    Args:
        side: the layers and the map.
        engine: runs the command.
        describe: puts a fault around the command into words.
    """

    estimated = QtCore.Signal(object)
    """`Estimate` of the last request measured."""
    classes_changed = QtCore.Signal()
    """The table of classes has changed."""
    saved = QtCore.Signal()
    """The files have the legend."""

    def __init__(self, side: MapSide, engine: Engine, describe: Callable[[Any], str] = str, parent: Any = None) -> None:
        super().__init__(side, engine, describe, parent)
        self.table = ClassTable()
        self.folder: Path | None = None
        self.request = Request()
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
        watch = self._watch = Stopwatch(time.monotonic())

        def finish(ended: Ended) -> None:
            self._watch = None
            self._clear()
            self._finish(ended, ASKING)
            estimate = watch.estimate(request, source) if ended.well else None
            if estimate is not None:
                self.estimated.emit(estimate)

        self._move(MEASURING)
        self._start_all(tr("Trial of a land-cover map"), trial_arguments(request, source, folder), [], finish)

    def start(self, request: Request) -> None:
        """Start the work; an image that is no file is drawn into one first."""
        assert request.image is not None
        assert request.folder is not None
        if request.image.is_service:
            self._draw(request)
        else:
            self._run(request)

    def _draw(self, request: Request) -> None:
        assert request.image is not None
        assert request.folder is not None
        self.request = request
        if not self._has_command():
            return
        try:
            job = self.side.draw(request.image.key, request.area, request.pixel, request.folder)
        except (SideError, OSError) as error:
            self.failed.emit(Failure("request", str(error), ""))
            return
        self._move(DRAWING)
        self._follow_job(job, self._end_of_drawing)

    def _end_of_drawing(self, ended: Ended) -> None:
        assert self.request.folder is not None
        if ended.well:
            self._job = None
            self._run(self.request)
            return
        self._abandon(self.request.folder)
        self._finish(ended, ASKING)

    def _abandon(self, folder: Path) -> None:
        """Leave nothing in a folder of an image that was drawn for nothing, and go back to the form."""
        if self.state == DRAWING:
            self.side.tidy(folder)
            self._move(ASKING)

    def _run(self, request: Request) -> None:
        assert request.image is not None
        assert request.folder is not None
        source = self._source(request, request.folder)
        if source is None:
            self._abandon(request.folder)
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
        self.device = "auto"
        self._show_first(folder, folder.name)

    def save(self) -> None:
        """Write the legend into raster, polygons and model."""
        if self.state != NAMING or not self.table.is_changed:
            return
        assert self.folder is not None
        words = legend_arguments(self.folder, self.table.edits())
        outputs = [self.folder / name for name in LEGEND_FILES]
        self._move(SAVING)
        self.side.release()
        self._start(tr("Saving the legend"), words, outputs, self._end_of_save)

    def back(self) -> None:
        """From the legend to the form."""
        if self.state == NAMING:
            self._move(ASKING)

    def close(self) -> None:
        """End all, and wait for it."""
        super().close()
        if self.state in (DRAWING, RUNNING) and self.request.folder is not None:
            self.side.tidy(self.request.folder)
        self._clear()

    def _source(self, request: Request, folder: Path) -> Source | None:
        """The image as a file, or None if that, or the command itself, is not to be had, which is told."""
        self.request = request
        if not self._has_command():
            self._clear()
            return None
        assert request.image is not None
        try:
            return self.side.source(request.image.key, request.area, request.roles, folder)
        except (SideError, OSError) as error:
            self._clear()
            self.failed.emit(Failure("request", str(error), ""))
            return None

    def _pass_on(self, event: Event) -> None:
        if self._watch is not None:
            self._watch.hear(event, time.monotonic())
        else:
            self.told.emit(event)

    def _end_of_run(self, ended: Ended, request: Request, name: str) -> None:
        assert request.folder is not None
        if not ended.well:  # else a virtual raster stays: it is the image of this map
            self.side.tidy(request.folder)
        # What the command refuses (code 2) it would refuse again: the next start then replaces what is there.
        self._interrupted = None if ended.well or ended.code == 2 else request
        if not ended.well:
            self._finish(ended, ASKING)
            return
        self._job = None
        self.device = request.device
        self._show_first(request.folder, name)

    def _show_first(self, folder: Path, name: str) -> None:
        """Show a map that others may be made from."""
        self.origin, self.name = origin_of(folder), name
        self._show(folder, name)

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

    def _clear(self) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None
