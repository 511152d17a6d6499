"""The classes of a map as a model of Qt: a swatch, a name that can be edited, a share."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore, QtGui

from .classes import ClassTable, MapClass
from .texts import percent, tr

COLOUR, NAME, SHARE = 0, 1, 2
SWATCH = QtCore.QSize(32, 14)
"""Size of a swatch, in pixels."""
_Role = QtCore.Qt.ItemDataRole


class LegendModel(QtCore.QAbstractTableModel):
    """A row a class."""

    def __init__(self, table: ClassTable, parent: Any = None) -> None:
        super().__init__(parent)
        self._table = table

    def set_table(self, table: ClassTable) -> None:
        """Show another table, or the same one after a change."""
        self.beginResetModel()
        self._table = table
        self.endResetModel()

    def row_of(self, value: int) -> int:
        """The row of a class; -1 if it is gone."""
        return next((row for row, entry in enumerate(self._table.rows) if entry.value == value), -1)

    def at(self, row: int) -> MapClass:
        """The class in a row."""
        return self._table.rows[row]

    def rowCount(self, parent: QtCore.QModelIndex = QtCore.QModelIndex()) -> int:  # noqa: B008 -- Qt's signature
        """Number of classes."""
        return 0 if parent.isValid() else len(self._table.rows)

    def columnCount(self, parent: QtCore.QModelIndex = QtCore.QModelIndex()) -> int:  # noqa: B008 -- Qt's signature
        """Colour, name, share."""
        return 0 if parent.isValid() else 3

    def headerData(self, section: int, orientation: QtCore.Qt.Orientation, role: int = _Role.DisplayRole) -> Any:
        """What the columns are."""
        if role == _Role.DisplayRole and orientation == QtCore.Qt.Orientation.Horizontal:
            return (tr("Colour"), tr("Name"), tr("Share"))[section]
        return None

    def data(self, index: QtCore.QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """What a cell shows."""
        entry = self.at(index.row())
        if role == _Role.ToolTipRole:
            return tr("Class values {values}").format(values=", ".join(map(str, entry.values)))
        if role == _Role.AccessibleTextRole:
            return self._spoken(entry, index.column())
        if index.column() == COLOUR and role == _Role.DecorationRole:
            return _swatch(entry.colour)
        if index.column() == NAME and role in (_Role.DisplayRole, _Role.EditRole):
            return entry.name
        if index.column() == SHARE and role == _Role.DisplayRole:
            return "" if entry.share is None else percent(entry.share)
        if index.column() == SHARE and role == _Role.TextAlignmentRole:
            return int(QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter)
        return None

    def setData(self, index: QtCore.QModelIndex, value: Any, role: int = _Role.EditRole) -> bool:
        """Take a new name."""
        if role != _Role.EditRole or index.column() != NAME:
            return False
        self._table.rename(self.at(index.row()).value, str(value))
        return True

    def flags(self, index: QtCore.QModelIndex) -> Any:
        """Names can be edited."""
        flags = QtCore.Qt.ItemFlag.ItemIsEnabled | QtCore.Qt.ItemFlag.ItemIsSelectable
        return flags | QtCore.Qt.ItemFlag.ItemIsEditable if index.column() == NAME else flags

    def _spoken(self, entry: MapClass, column: int) -> str:
        if column == COLOUR:
            return tr("Colour {colour} of {name}").format(colour=entry.colour, name=entry.name)
        return entry.name if column == NAME else ("" if entry.share is None else percent(entry.share))


def _swatch(colour: str) -> QtGui.QIcon:
    pixmap = QtGui.QPixmap(SWATCH)
    pixmap.fill(QtGui.QColor(colour))
    icon = QtGui.QIcon(pixmap)
    icon.addPixmap(pixmap, QtGui.QIcon.Mode.Selected)  # else a style tints it in a selected row
    return icon
