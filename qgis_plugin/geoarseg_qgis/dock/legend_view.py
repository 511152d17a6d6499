"""The legend: names, colours and merges in a table, and its way into the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from qtpy import QtCore, QtGui, QtWidgets

from .classes import ClassTable
from .legend_model import COLOUR, NAME, SHARE, SWATCH, LegendModel
from .texts import PAGE_MARGINS, tr

PickColour = Callable[[QtGui.QColor, QtWidgets.QWidget, str], QtGui.QColor]


class LegendView(QtWidgets.QWidget):
    """The page that is shown when a map is there.

    Args:
        pick: lets the user choose a colour; an invalid one is none.
    """

    save = QtCore.Signal()
    """The user wants the files to have this legend."""
    left = QtCore.Signal()
    """The user wants another map."""
    recut = QtCore.Signal()
    """The user wants other numbers of classes."""

    def __init__(self, parent: Any = None, pick: PickColour = QtWidgets.QColorDialog.getColor) -> None:
        super().__init__(parent)
        self._pick = pick
        self._table, self._can_recut = ClassTable(), False
        self.model = LegendModel(self._table, self)
        self.view = class_list(self.model)
        self.view.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setEditTriggers(
            QtWidgets.QAbstractItemView.EditTrigger.DoubleClicked
            | QtWidgets.QAbstractItemView.EditTrigger.EditKeyPressed
            | QtWidgets.QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.view.doubleClicked.connect(self._open_cell)
        self.view.selectionModel().selectionChanged.connect(self._update_buttons)
        self.place = QtWidgets.QLabel()
        self.place.setWordWrap(True)
        self.place.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        self._make_buttons()
        self._lay_out()
        self._update_buttons()

    def _make_buttons(self) -> None:
        self.colour_button = QtWidgets.QPushButton(tr("&Colour…"))
        self.merge_button = QtWidgets.QPushButton(tr("&Merge"))
        self.undo_button = QtWidgets.QPushButton(tr("&Undo"))
        self.save_button = QtWidgets.QPushButton(tr("&Save"))
        self.cut_button = QtWidgets.QPushButton(tr("&Number of classes…"))
        self.back_button = QtWidgets.QPushButton(tr("&Another map"))
        self.merge_button.setToolTip(tr("Make one class of the selected ones"))
        self.save_button.setToolTip(tr("Write the legend into the files of the map"))
        self.colour_button.clicked.connect(self.recolour)
        self.merge_button.clicked.connect(self.merge)
        self.undo_button.clicked.connect(self.undo)
        self.save_button.clicked.connect(self.save)
        self.cut_button.clicked.connect(self.recut)
        self.back_button.clicked.connect(self.left)
        keys = QtWidgets.QShortcut(QtGui.QKeySequence(QtGui.QKeySequence.StandardKey.Undo), self.view)
        keys.setContext(QtCore.Qt.ShortcutContext.WidgetShortcut)
        keys.activated.connect(self.undo)

    def _lay_out(self) -> None:
        buttons = QtWidgets.QGridLayout()
        for place, button in enumerate((self.colour_button, self.merge_button, self.undo_button, self.save_button)):
            buttons.addWidget(button, place // 2, place % 2)
        buttons.addWidget(self.cut_button, 2, 0)
        buttons.addWidget(self.back_button, 2, 1)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(*PAGE_MARGINS)
        label = QtWidgets.QLabel(tr("C&lasses of the map"))
        label.setBuddy(self.view)
        for widget in (label, self.view, self.place):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        layout.setStretch(1, 1)

    def show_table(self, table: ClassTable, folder: Path, *, can_recut: bool = False) -> None:
        """Show the classes as they now are; what was selected stays selected as far as it is there.

        Args:
            table: the classes.
            folder: where the map is.
            can_recut: whether its model is at hand for other numbers of classes.
        """
        selected = self.selected()
        self._table, self._can_recut = table, can_recut
        self.model.set_table(table)
        self.select(selected)
        self.place.setText(tr("In {folder}").format(folder=Path(*folder.parts[-2:])))
        self.place.setToolTip(str(folder))
        self._update_buttons()

    def selected(self) -> list[int]:
        """The values of the selected classes."""
        return [self.model.at(index.row()).value for index in self.view.selectionModel().selectedRows()]

    def select(self, values: list[int]) -> None:
        """Select these classes."""
        chosen = self.view.selectionModel()
        flag = QtCore.QItemSelectionModel.SelectionFlag
        chosen.clearSelection()
        for row in [row for row in map(self.model.row_of, values) if row >= 0]:
            chosen.select(self.model.index(row, NAME), flag.Select | flag.Rows)
            chosen.setCurrentIndex(self.model.index(row, NAME), flag.NoUpdate)

    def recolour(self) -> None:
        """Let the user choose a colour for the selected classes."""
        values = self.selected()
        if not values:
            return
        first = self.model.at(self.model.row_of(values[0]))
        title = tr("Colour of {name}").format(name=first.name)
        colour = self._pick(QtGui.QColor(first.colour), self, title)
        if colour.isValid():
            for value in values:
                self._table.recolour(value, colour.name())

    def merge(self) -> None:
        """Make one class of the selected ones."""
        left = self._table.merge(self.selected())
        if left is not None:
            self.select([left])

    def undo(self) -> None:
        """Take the last change back."""
        self._table.undo()

    def set_busy(self, busy: bool) -> None:
        """While the files are written nothing can be changed."""
        self.view.setEnabled(not busy)
        self.save_button.setText(tr("Saving…") if busy else tr("&Save"))
        self._update_buttons()

    def _open_cell(self, index: QtCore.QModelIndex) -> None:
        if index.column() == COLOUR:
            self.recolour()

    def _update_buttons(self, *_: Any) -> None:
        free, count = self.view.isEnabled(), len(self.selected())
        self.colour_button.setEnabled(free and count > 0)
        self.merge_button.setEnabled(free and count > 1)
        self.undo_button.setEnabled(free and self._table.can_undo)
        self.save_button.setEnabled(free and self._table.is_changed)
        self.cut_button.setEnabled(free and self._can_recut)
        self.cut_button.setToolTip(
            tr("Try more or fewer classes on the map, without training again")
            if self._can_recut
            else tr("The model of this map is not in its folder.")
        )
        self.back_button.setEnabled(free)


def class_list(model: LegendModel) -> QtWidgets.QTableView:
    """A table of classes that fills the width it has."""
    view = QtWidgets.QTableView()
    view.setModel(model)
    view.setAccessibleName(tr("Classes"))
    view.setTabKeyNavigation(False)
    view.setIconSize(SWATCH)
    view.verticalHeader().hide()
    view.setShowGrid(False)
    view.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    header, modes = view.horizontalHeader(), QtWidgets.QHeaderView.ResizeMode
    header.setHighlightSections(False)
    for column, mode in ((COLOUR, modes.ResizeToContents), (NAME, modes.Stretch), (SHARE, modes.ResizeToContents)):
        header.setSectionResizeMode(column, mode)
    return view
