"""The bands of an image: which take part, and which is red, green, blue and near-infrared."""

from __future__ import annotations

from typing import Any, Sequence

from qtpy import QtCore, QtWidgets

from .bands import ROLES, guess_roles
from .side import Band
from .texts import role_name, tr

_MOST_ROWS = 6
_BAND, _ROLE = 0, 1


class BandTable(QtWidgets.QTableWidget):
    """A row a band, with a box to tick and a list of roles."""

    edited = QtCore.Signal()
    """The user, or another image, has changed something."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(0, 2, parent)
        self._bands: tuple[Band, ...] = ()
        self._guess: list[str] = []
        self.setHorizontalHeaderLabels([tr("Band"), tr("Role")])
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSectionResizeMode(_BAND, QtWidgets.QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_ROLE, QtWidgets.QHeaderView.ResizeMode.ResizeToContents)
        self.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setAccessibleName(tr("Bands"))
        self.itemChanged.connect(self._note)

    def set_bands(self, bands: Sequence[Band]) -> None:
        """Show other bands, all of them ticked, with a guess of their roles."""
        self._bands = tuple(bands)
        self._guess = guess_roles([band.description for band in bands], [band.colour for band in bands])
        self.blockSignals(True)
        self.setRowCount(len(bands))
        for row, (band, role) in enumerate(zip(bands, self._guess)):
            self.setItem(row, _BAND, _ticked(band))
            self.setCellWidget(row, _ROLE, self._role_box(band, role))
        self.blockSignals(False)
        self._fit()
        self.edited.emit()

    def chosen(self) -> tuple[int, ...]:
        """The ticked bands, counted from 1."""
        ticked = QtCore.Qt.CheckState.Checked
        return tuple(
            band.number for row, band in enumerate(self._bands) if self.item(row, _BAND).checkState() == ticked
        )

    def roles(self) -> list[str]:
        """The role of each band; "" for others."""
        return [self._box(row).currentData() for row in range(self.rowCount())]

    def changed_roles(self) -> dict[int, str]:
        """The roles of the ticked bands by their numbers, if the user changed one of them; else nothing."""
        roles, chosen = self.roles(), self.chosen()
        if roles == self._guess:
            return {}
        return {band.number: role for band, role in zip(self._bands, roles) if band.number in chosen}

    def set_ticked(self, row: int, ticked: bool) -> None:
        """Tick a band, or not."""
        state = QtCore.Qt.CheckState.Checked if ticked else QtCore.Qt.CheckState.Unchecked
        self.item(row, _BAND).setCheckState(state)

    def set_role(self, row: int, role: str) -> None:
        """Give a band another role."""
        box = self._box(row)
        box.setCurrentIndex(box.findData(role))

    def _box(self, row: int) -> QtWidgets.QComboBox:
        box: QtWidgets.QComboBox = self.cellWidget(row, _ROLE)
        return box

    def _role_box(self, band: Band, role: str) -> QtWidgets.QComboBox:
        box = QtWidgets.QComboBox()
        box.setFrame(False)
        for name in ("", *ROLES):
            box.addItem(role_name(name), name)
        box.setCurrentIndex(box.findData(role))
        box.setAccessibleName(tr("Role of band {band}").format(band=band.number))
        box.currentIndexChanged.connect(self._note)
        return box

    def _note(self, *_: Any) -> None:
        self.edited.emit()

    def _fit(self) -> None:
        """As high as its rows, up to some."""
        rows = min(max(self.rowCount(), 1), _MOST_ROWS)
        boxes = [self._box(row).sizeHint().height() for row in range(self.rowCount())]
        height = max([self.fontMetrics().height() + 4, *boxes])
        self.verticalHeader().setDefaultSectionSize(height)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows * height + 2 * self.frameWidth())


def _ticked(band: Band) -> QtWidgets.QTableWidgetItem:
    text = f"{band.number}: {band.description}" if band.description else str(band.number)
    item = QtWidgets.QTableWidgetItem(text)
    item.setFlags(QtCore.Qt.ItemFlag.ItemIsEnabled | QtCore.Qt.ItemFlag.ItemIsUserCheckable)
    item.setCheckState(QtCore.Qt.CheckState.Checked)
    item.setToolTip(text)
    return item
