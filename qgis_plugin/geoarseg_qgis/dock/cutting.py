"""From a map to one of more or fewer classes without training: the clusters' raster, the sliders, the commands."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Mapping

from .classes import MapClass
from .cuts import Cut, Cuts, CutsError
from .failures import NOTHING, Failure
from .job import Ended
from .origin import (
    Origin,
    clusters_arguments,
    cut_arguments,
    cut_outputs,
    info_arguments,
    new_folder,
)
from .side import Engine, MapSide, SideError
from .texts import cuts_problem, tr
from .work import Work

ASKING, NAMING = "asking", "naming"
PREPARING, CUTTING, REMAKING = "preparing", "cutting", "remaking"
"""The states: the form, the legend; the raster of the clusters is made, the sliders, the work on another map."""


class Cutting(Work):
    """The part of the story that leads from a legend over the sliders to another map, or back.

    Args:
        side: the layers and the map.
        engine: runs the command.
        describe: puts a fault around the command into words.
    """

    def __init__(self, side: MapSide, engine: Engine, describe: Callable[[Any], str] = str, parent: Any = None) -> None:
        super().__init__(engine, ASKING, describe, parent)
        self.side = side
        self.origin: Origin | None = None
        self.cuts: Cuts | None = None
        self.cut: Cut | None = None
        self.name = ""
        self.device = "auto"
        self._shares: Mapping[int, float] = {}

    def prepare_cuts(self) -> None:
        """Go to the sliders; the raster of the clusters is made if it is not there."""
        origin = self.origin
        if origin is None or self.state != NAMING or not self._has_command():
            return
        if origin.missing:
            text = tr("The image of this map, {file}, is not there any more.").format(file=origin.missing)
            self.failed.emit(Failure("request", text, NOTHING))
            return
        self._move(PREPARING)
        self._start(tr("Clusters of {name}").format(name=self.name), info_arguments(origin), [], self._end_of_info)

    def show_cut(self, classes: int, alpha: float) -> tuple[MapClass, ...]:
        """Colour the clusters' raster as a map of so many classes would be; returns their legend."""
        assert self.cuts is not None
        self.cut = self.cuts.at(classes, alpha)
        rows = self.cuts.rows(self.cut, self._shares)
        self.side.restyle_clusters(rows)
        return rows

    def make_cut(self) -> None:
        """Make model, class raster and polygons of what the sliders show, in a folder of their own."""
        if self.state != CUTTING:
            return
        assert self.cut is not None
        assert self.origin is not None
        cut, origin, folder = self.cut, self.origin, new_folder(self.origin, self.cut.classes)
        calls = cut_arguments(origin, cut.classes, cut.alpha, folder, self.device)
        name = tr("{name}, {count} classes").format(name=self.name, count=cut.classes)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.failed.emit(Failure("request", str(error), NOTHING))
            return

        def finish(ended: Ended) -> None:
            if not ended.well:
                _remove(folder)
                self._finish(ended, CUTTING)
                return
            self._job = None
            with suppress(OSError):  # the map is whole without it, but no start of others when it is opened again
                origin.note_images(folder)
            self.side.hide_clusters(show_map=False)
            self._show(folder, name)

        self._move(REMAKING)
        self._start_all(tr("Land cover of {name}").format(name=name), calls, cut_outputs(folder), finish)

    def leave_cuts(self) -> None:
        """From the sliders back to the legend."""
        if self.state == CUTTING:
            self.side.hide_clusters()
            self._move(NAMING)

    def close(self) -> None:
        """End all, and wait for it."""
        super().close()
        if self.state in (CUTTING, REMAKING):
            self.side.hide_clusters()

    def _end_of_info(self, ended: Ended) -> None:
        assert self.origin is not None
        if not ended.well:
            self._finish(ended, NAMING)
            return
        try:
            self.cuts = Cuts.from_json(ended.output)
        except CutsError as error:
            self._give_up(cuts_problem(str(error)))
            return
        if self.origin.has_clusters():
            self._show_clusters()
            return
        words = clusters_arguments(self.origin, self.cuts.clusters, self.device)
        title = tr("Clusters of {name}").format(name=self.name)
        self._start(title, words, [self.origin.clusters], self._end_of_clusters)

    def _end_of_clusters(self, ended: Ended) -> None:
        if ended.well:
            self._show_clusters()
        else:
            self._finish(ended, NAMING)

    def _show_clusters(self) -> None:
        assert self.origin is not None
        try:
            self._shares = self.side.show_clusters(self.origin.clusters, self.name)
        except SideError as error:
            self._give_up(str(error))
            return
        self._job = self.cut = None
        self._move(CUTTING)

    def _give_up(self, text: str) -> None:
        self._job = None
        self._move(NAMING)
        self.failed.emit(Failure("request", text, NOTHING))

    def _show(self, folder: Path, name: str) -> None:
        """Show a map and its legend."""
        raise NotImplementedError


def _remove(folder: Path) -> None:
    """Take away what the command has finished of a map; what lets a segmentation go on stays in the folder."""
    with suppress(OSError):
        for path in cut_outputs(folder):
            path.unlink(missing_ok=True)
        folder.rmdir()
