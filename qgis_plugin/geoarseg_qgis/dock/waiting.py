"""A page for work of which little is to be seen: what goes on, a bar, the time left, and Cancel."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore, QtWidgets

from ..command import Event
from .progress_view import rate_text
from .texts import PAGE_MARGINS, duration, tr

_FULL = 1000


class Waiting(QtWidgets.QWidget):
    """Shown during a trial, and while the clusters' raster or another map is made."""

    cancelled = QtCore.Signal()
    """The user wants it to end."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.text, self.now = QtWidgets.QLabel(), QtWidgets.QLabel()
        for label in (self.text, self.now):
            label.setWordWrap(True)
        self.bar = QtWidgets.QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        self.cancel_button = QtWidgets.QPushButton(tr("&Cancel"))
        self.cancel_button.clicked.connect(self._cancel)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(*PAGE_MARGINS)
        for widget in (self.text, self.bar, self.now, self.cancel_button):
            layout.addWidget(widget)
        layout.addStretch(1)

    def begin(self, text: str) -> None:
        """Start afresh, and say what goes on."""
        self.text.setText(text)
        self.now.setText("")
        self.bar.setRange(0, 0)  # moves to and fro
        self.cancel_button.setEnabled(True)
        self.cancel_button.setText(tr("&Cancel"))

    def show_event(self, event: Event) -> None:
        """Show what the command has said."""
        if event.kind == "warning":
            self.now.setText(event.message)
        if event.stage is None:
            return
        if event.share is None or (event.kind != "end" and not event.done):
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, _FULL)
            self.bar.setValue(round(event.share * _FULL))
        left = event.values.get("remaining_s")
        text = rate_text(event)
        if event.kind != "end" and isinstance(left, (int, float)):
            text += "\n" + tr("{time} left").format(time=duration(left))
        self.now.setText(text)

    def _cancel(self) -> None:
        self.cancel_button.setEnabled(False)
        self.cancel_button.setText(tr("Cancelling…"))
        self.cancelled.emit()
