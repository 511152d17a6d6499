"""A line at the top of the dock that says what is wrong, with the way out as a button."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore, QtWidgets

from .failures import NOTHING, RETRY, SET_UP, USE_CPU, Failure
from .texts import tr


class Banner(QtWidgets.QFrame):
    """Hidden until something is to be said."""

    chosen = QtCore.Signal(str)
    """The way out that the user took."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QtWidgets.QFrame.Shape.StyledPanel)
        self.setAccessibleName(tr("Message"))
        self._way_out = NOTHING
        self._icon = QtWidgets.QLabel()
        self.text = QtWidgets.QLabel()
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(
            QtCore.Qt.TextInteractionFlag.TextSelectableByMouse | QtCore.Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        self.button = QtWidgets.QPushButton()
        self.close_button = QtWidgets.QToolButton()
        self.close_button.setAutoRaise(True)
        self.close_button.setIcon(self.style().standardIcon(QtWidgets.QStyle.StandardPixmap.SP_TitleBarCloseButton))
        self.close_button.setAccessibleName(tr("Close the message"))
        self.close_button.setToolTip(tr("Close the message"))
        self.button.clicked.connect(self._choose)
        self.close_button.clicked.connect(self.hide)
        layout = QtWidgets.QGridLayout(self)
        layout.setContentsMargins(6, 4, 4, 4)
        layout.addWidget(self._icon, 0, 0, QtCore.Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.text, 0, 1)
        layout.addWidget(self.close_button, 0, 2, QtCore.Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.button, 1, 1, QtCore.Qt.AlignmentFlag.AlignLeft)
        layout.setColumnStretch(1, 1)
        self.hide()

    def tell(self, text: str) -> None:
        """Say something that is no fault."""
        self._show(text, NOTHING, QtWidgets.QStyle.StandardPixmap.SP_MessageBoxInformation)

    def warn(self, failure: Failure) -> None:
        """Say what is wrong, and offer the way out."""
        self._show(text_of(failure), failure.way_out, QtWidgets.QStyle.StandardPixmap.SP_MessageBoxWarning)

    def _show(self, text: str, way_out: str, icon: QtWidgets.QStyle.StandardPixmap) -> None:
        side = self.style().pixelMetric(QtWidgets.QStyle.PixelMetric.PM_SmallIconSize)
        self._icon.setPixmap(self.style().standardIcon(icon).pixmap(side, side))
        self.text.setText(text)
        self.setAccessibleDescription(text)
        self._way_out = way_out
        self.button.setText(_button_texts().get(way_out, ""))
        self.button.setVisible(way_out != NOTHING)
        self.show()

    def _choose(self) -> None:
        self.hide()
        self.chosen.emit(self._way_out)


def text_of(failure: Failure) -> str:
    """A failure in the user's language."""
    if failure.kind == "memory":
        text = tr("The memory is not enough. Close other programs, map a smaller area, or choose a quicker quality.")
    elif failure.kind == "disk":
        text = tr("The disk is full. Free some space, or choose another folder.")
    elif failure.kind == "device":
        text = tr("There is no such GPU here.")
    elif failure.kind == "died":
        text = tr("geoarseg ended unexpectedly ({detail}).").format(detail=failure.detail)
    else:
        text = failure.detail
    if failure.log:
        text += "\n" + tr("The log is kept in {log}.").format(log=failure.log)
    return text


def _button_texts() -> dict[str, str]:
    return {SET_UP: tr("Set up geoarseg…"), RETRY: tr("Try again"), USE_CPU: tr("Use the processor")}
