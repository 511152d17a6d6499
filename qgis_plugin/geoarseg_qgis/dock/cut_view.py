"""The sliders: how many classes, how unequal, and the legend that follows."""

from __future__ import annotations

from typing import Any, Callable, Sequence

from qtpy import QtCore, QtWidgets

from .classes import ClassTable, MapClass
from .cuts import Cuts
from .legend_model import LegendModel
from .legend_view import class_list
from .texts import PAGE_MARGINS, percent, tr

_DEBOUNCE_MS = 40
ShowCut = Callable[[int, float], Sequence[MapClass]]


class CutView(QtWidgets.QWidget):
    """The page on which a number of classes is chosen by eye.

    Args:
        show: colours the map by a number of classes and an alpha; returns the legend.
    """

    wanted = QtCore.Signal()
    """The user wants a map of what is shown."""
    left = QtCore.Signal()
    """The user wants the legend back."""

    def __init__(self, show: ShowCut, parent: Any = None) -> None:
        super().__init__(parent)
        self._show = show
        self._cuts: Cuts | None = None
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE_MS)
        self._timer.timeout.connect(self.follow)
        self._make_fields()
        self._lay_out()

    def _make_fields(self) -> None:
        self.classes, self.unequal = _slider(), _slider()
        self.count = QtWidgets.QLabel()
        self.count.setAlignment(QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter)
        self.count.setMinimumWidth(self.count.fontMetrics().horizontalAdvance("000"))
        self.told = QtWidgets.QLabel()
        self.told.setWordWrap(True)
        self.model = LegendModel(ClassTable(), self)
        self.view = class_list(self.model)
        self.view.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.NoSelection)
        self.view.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.make_button = QtWidgets.QPushButton(tr("Make &this map"))
        self.make_button.setToolTip(
            tr("Write model, class raster and polygons of these classes into a folder of their own")
        )
        self.back_button = QtWidgets.QPushButton(tr("&Back"))
        self.back_button.setToolTip(tr("Back to the map as it was"))
        for slider in (self.classes, self.unequal):
            slider.valueChanged.connect(self._note)
        self.make_button.clicked.connect(self.ask)
        self.back_button.clicked.connect(self.left)

    def _lay_out(self) -> None:
        grid = QtWidgets.QGridLayout()
        grid.addWidget(_label(tr("&Classes"), self.classes), 0, 0)
        grid.addWidget(self.classes, 0, 1)
        grid.addWidget(self.count, 0, 2)
        grid.addWidget(_label(tr("&Sizes"), self.unequal), 1, 0)
        grid.addWidget(self.unequal, 1, 1)
        ends = QtWidgets.QHBoxLayout()
        ends.addWidget(QtWidgets.QLabel(tr("alike")))
        ends.addStretch(1)
        ends.addWidget(QtWidgets.QLabel(tr("may differ")))
        grid.addLayout(ends, 2, 1)
        grid.setColumnStretch(1, 1)
        note = QtWidgets.QLabel(
            tr("The map follows at once. Where the model is unsure, the finished map may differ from what is shown.")
        )
        note.setWordWrap(True)
        buttons = QtWidgets.QHBoxLayout()
        buttons.addWidget(self.make_button, 1)
        buttons.addWidget(self.back_button)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(*PAGE_MARGINS)
        layout.addLayout(grid)
        layout.addWidget(self.told)
        layout.addWidget(self.view, 1)
        layout.addWidget(note)
        layout.addLayout(buttons)

    def begin(self, cuts: Cuts) -> None:
        """Offer these; the sliders start at what the model itself has."""
        self._cuts = cuts
        for slider in (self.classes, self.unequal):
            slider.blockSignals(True)
        self.classes.setRange(cuts.least, cuts.most)
        self.classes.setValue(cuts.first.classes)
        self.unequal.setRange(0, len(cuts.alphas) - 1)
        self.unequal.setValue(cuts.alphas.index(cuts.first.alpha))
        for slider in (self.classes, self.unequal):
            slider.blockSignals(False)
        self._note()
        self.follow()

    def follow(self) -> None:
        """Colour the map, and show the legend, as the sliders now are."""
        self._timer.stop()
        if self._cuts is None:
            return
        number, alpha = self.classes.value(), self._cuts.alphas[self.unequal.value()]
        self.model.set_table(ClassTable(self._show(number, alpha)))
        kept = self._cuts.kept(self._cuts.at(number, alpha))
        text = tr("{count} of {most} clusters").format(count=number, most=self._cuts.clusters)
        if kept is not None:
            text = tr("Keeps {share} of what all {most} clusters tell").format(
                share=percent(kept), most=self._cuts.clusters
            )
        self.told.setText(text)

    def ask(self) -> None:
        """The user wants what is shown; the sliders' last move counts."""
        self.follow()
        self.wanted.emit()

    def _note(self, *_: Any) -> None:
        self.count.setNum(self.classes.value())
        self._timer.start()


def _slider() -> QtWidgets.QSlider:
    slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
    slider.setPageStep(1)
    slider.setTickPosition(QtWidgets.QSlider.TickPosition.TicksBelow)
    slider.setTickInterval(1)
    slider.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
    return slider


def _label(text: str, buddy: QtWidgets.QWidget) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel(text)
    label.setBuddy(buddy)
    buddy.setAccessibleName(text.replace("&", ""))
    return label
