"""The whole dock as a plain widget: message, page of the state, log."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from qtpy import QtCore, QtGui, QtWidgets

from .banner import Banner
from .cut_view import CutView
from .cutting import ASKING, CUTTING, NAMING, PREPARING, REMAKING
from .estimate import Estimate
from .failures import SET_UP, USE_CPU, Failure
from .form import Form
from .legend_view import LegendView, PickColour
from .progress_view import ProgressView
from .side import Engine, MapSide
from .story import DRAWING, MEASURING, RUNNING, SAVING, Story
from .texts import tr
from .waiting import Waiting

_MOST_LOG_LINES = 5000


class Panel(QtWidgets.QWidget):
    """Puts the pages together and leads from one to the next, as the story goes.

    Args:
        side: the layers and the map.
        engine: runs the command.
        describe: puts a fault around the command into words.
        pick: lets the user choose a colour.
    """

    def __init__(
        self,
        side: MapSide,
        engine: Engine,
        parent: Any = None,
        *,
        describe: Callable[[Any], str] = str,
        pick: PickColour = QtWidgets.QColorDialog.getColor,
    ) -> None:
        super().__init__(parent)
        self.story = Story(side, engine, describe, self)
        self._again: Callable[[], None] = self._start_again
        self.banner = Banner()
        self.form, self.progress, self.legend = Form(side), ProgressView(), LegendView(pick=pick)
        self.waiting, self.cut = Waiting(), CutView(self.story.show_cut)
        self.pages = QtWidgets.QStackedWidget()
        for page in (_scrolled(self.form), self.progress, self.legend, self.waiting, self.cut):
            self.pages.addWidget(page)
        self._make_log()
        self._lay_out()
        self._connect()
        side.watch(self.form.refresh)
        self._warn_if_missing()

    def _make_log(self) -> None:
        self.log = QtWidgets.QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(_MOST_LOG_LINES)
        self.log.setFont(QtGui.QFontDatabase.systemFont(QtGui.QFontDatabase.SystemFont.FixedFont))
        self.log.setAccessibleName(tr("Log"))
        self.log.setMaximumHeight(self.log.fontMetrics().height() * 9)
        self.log.hide()
        self.log_button = QtWidgets.QToolButton()
        self.log_button.setText(tr("Lo&g"))
        self.log_button.setCheckable(True)
        self.log_button.setAutoRaise(True)
        self.log_button.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.log_button.setArrowType(QtCore.Qt.ArrowType.RightArrow)

    def _lay_out(self) -> None:
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.addWidget(self.banner)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.log_button)
        layout.addWidget(self.log)

    def _connect(self) -> None:
        story = self.story
        self.form.start.connect(self._start)
        self.form.measure.connect(self._measure)
        self.form.open_folder.connect(self._open)
        for page in (self.progress, self.waiting):
            page.cancelled.connect(story.cancel)
        self.legend.save.connect(self._save)
        self.legend.left.connect(self._leave_legend)
        self.legend.recut.connect(self._prepare_cuts)
        self.cut.wanted.connect(self._make_cut)
        self.cut.left.connect(story.leave_cuts)
        self.banner.chosen.connect(self._take_way_out)
        self.log_button.toggled.connect(self._show_log)
        story.moved.connect(self._turn)
        story.told.connect(self.progress.show_event)
        story.told.connect(self.waiting.show_event)
        story.said.connect(self.log.appendPlainText)
        story.estimated.connect(self._show_estimate)
        story.failed.connect(self._fail)
        story.classes_changed.connect(self._show_classes)
        story.saved.connect(self._note_saved)

    def close_down(self) -> None:
        """End what is under way; nothing is called afterwards."""
        self.story.side.watch(None)
        self.story.close()

    def _start(self, request: Any) -> None:
        self._again = self._start_again
        self.banner.hide()
        self.story.start(request)

    def _measure(self, request: Any) -> None:
        self._again = self._measure_again
        self.banner.hide()
        self.story.measure(request)

    def _open(self, folder: Any) -> None:
        self.banner.hide()
        self.story.open(folder)

    def _turn(self, state: str) -> None:
        """Show the page of a state."""
        pages = {ASKING: 0, RUNNING: 1, NAMING: 2, SAVING: 2, CUTTING: 4}
        if state == RUNNING:
            self.progress.begin()
        if state == ASKING:
            self.form.refresh()
        if state == CUTTING and self.story.cuts is not None and self.story.cut is None:
            self.cut.begin(self.story.cuts)  # else a map was not made, and the sliders stay
        if state not in pages:
            self.waiting.begin(_waiting_text(state))
        self.legend.set_busy(state == SAVING)
        self.pages.setCurrentIndex(pages.get(state, 3))

    def _fail(self, failure: Failure) -> None:
        self.banner.warn(failure)
        if failure.kind == "died":
            self.log_button.setChecked(True)

    def _take_way_out(self, way_out: str) -> None:
        if way_out == SET_UP:
            self.story.engine.set_up()
            return
        if way_out == USE_CPU:
            self.form.set_device("cpu")
            self.story.device = "cpu"
        self._again()

    def _start_again(self) -> None:
        if self.form.start_button.isEnabled():
            self._start(self.form.request())

    def _measure_again(self) -> None:
        if self.form.measure_button.isEnabled():
            self._measure(self.form.request())

    def _save(self) -> None:
        self._again = self._save
        self.story.save()

    def _leave_legend(self) -> None:
        if self.story.table.is_changed and not self._may_discard():
            return
        self.banner.hide()
        self.story.back()

    def _prepare_cuts(self) -> None:
        self._again = self._prepare_cuts
        self.banner.hide()
        self.story.prepare_cuts()

    def _make_cut(self) -> None:
        if self.story.table.is_changed and not self._may_discard():
            return
        self._again = self._make_cut
        self.banner.hide()
        self.story.make_cut()

    def _may_discard(self) -> bool:
        question = tr("The legend has changes that are not saved. Discard them?")
        button = QtWidgets.QMessageBox.StandardButton
        choices = button.Discard | button.Cancel
        asked = QtWidgets.QMessageBox.question(self, tr("Legend"), question, choices, button.Cancel)
        return bool(asked == button.Discard)

    def _show_log(self, shown: bool) -> None:
        self.log.setVisible(shown)
        arrow = QtCore.Qt.ArrowType
        self.log_button.setArrowType(arrow.DownArrow if shown else arrow.RightArrow)

    def _show_estimate(self, estimate: Estimate) -> None:
        self.form.set_estimate(self.story.request, estimate)

    def _show_classes(self) -> None:
        story = self.story
        self.legend.show_table(story.table, story.folder or Path(), can_recut=story.origin is not None)

    def _note_saved(self) -> None:
        self.banner.tell(tr("The legend is saved in the files of the map."))

    def _warn_if_missing(self) -> None:
        missing = self.story.engine.missing()
        if missing:
            self.banner.warn(Failure("environment", missing, SET_UP))


def _waiting_text(state: str) -> str:
    texts = {
        MEASURING: tr("Training a few steps and mapping a small piece, to see how long it takes here…"),
        DRAWING: tr("Drawing the layer into a file…"),
        PREPARING: tr("Mapping all clusters of the model once, so that the map can follow the sliders…"),
        REMAKING: tr("Making model, class raster and polygons…"),
    }
    return texts[state]


def _scrolled(widget: QtWidgets.QWidget) -> QtWidgets.QScrollArea:
    area = QtWidgets.QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
