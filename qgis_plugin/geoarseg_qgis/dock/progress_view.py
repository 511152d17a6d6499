"""How far the work has come: a bar a stage, the loss, the clusters, and Cancel."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore, QtWidgets

from ..command import Event
from .curve import LossCurve
from .shares import ShareBars
from .texts import PAGE_MARGINS, duration, stage_name, tr

STAGES = ("statistics", "consensus", "train", "legend", "segment", "write", "vectorize", "preview")
"""The stages of `geoarseg run`, in their order."""
_FULL = 1000


class StageRow(QtCore.QObject):
    """One stage: its name, its bar, and how it stands.

    Args:
        stage: its name in the events.
        grid: where it is put.
        row: at which row.
    """

    def __init__(self, stage: str, grid: QtWidgets.QGridLayout, row: int, parent: Any = None) -> None:
        super().__init__(parent)
        self.name = QtWidgets.QLabel(stage_name(stage))
        self.bar = QtWidgets.QProgressBar()
        self.bar.setAccessibleName(stage_name(stage))
        self.bar.setTextVisible(False)
        self.bar.setMinimumWidth(3 * self.name.fontMetrics().height())
        self.bar.setMaximumHeight(self.name.fontMetrics().height())
        self.state = QtWidgets.QLabel()
        self.state.setMinimumWidth(self.state.fontMetrics().horizontalAdvance("00 min left"))
        grid.addWidget(self.name, row, 0)
        grid.addWidget(self.bar, row, 1)
        grid.addWidget(self.state, row, 2)
        self.reset()

    def reset(self) -> None:
        """Not begun."""
        self.bar.setRange(0, _FULL)
        self.bar.setValue(0)
        self.state.setText("")
        for widget in (self.name, self.bar):
            widget.setEnabled(False)

    def begin(self) -> None:
        """Under way, no one knows how far."""
        self.bar.setEnabled(True)
        self.bar.setRange(0, 0)  # moves to and fro

    def show_event(self, event: Event) -> None:
        """Under way, or done."""
        for widget in (self.name, self.bar):
            widget.setEnabled(True)
        if event.share is None or (event.kind != "end" and not event.done):
            self.begin()
        else:
            self.bar.setRange(0, _FULL)
            self.bar.setValue(round(event.share * _FULL))
        left = event.values.get("remaining_s")
        if event.kind == "end":
            self.state.setText(tr("done"))
        elif isinstance(left, (int, float)):
            self.state.setText(tr("{time} left").format(time=duration(left)))
        self.bar.setToolTip(rate_text(event))
        self.bar.setAccessibleDescription(self.state.text())


class ProgressView(QtWidgets.QWidget):
    """The page that is shown while the command works."""

    cancelled = QtCore.Signal()
    """The user wants it to end."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        grid = QtWidgets.QGridLayout()
        grid.setColumnStretch(1, 1)
        self.rows = {stage: StageRow(stage, grid, row, self) for row, stage in enumerate(STAGES)}
        self.now = QtWidgets.QLabel()
        self.now.setWordWrap(True)
        self.now.setAccessibleName(tr("At present"))
        self.curve, self.shares = LossCurve(), ShareBars()
        self.cancel_button = QtWidgets.QPushButton(tr("&Cancel"))
        self.cancel_button.clicked.connect(self._cancel)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(*PAGE_MARGINS)
        layout.addLayout(grid)
        layout.addWidget(self.now)
        layout.addWidget(self.curve, 3)
        layout.addWidget(self.shares, 2)
        layout.addWidget(self.cancel_button)

    def begin(self) -> None:
        """Start afresh."""
        for row in self.rows.values():
            row.reset()
        self.rows[STAGES[0]].begin()  # the command takes seconds to start
        self.curve.clear()
        self.shares.set_shares([])
        self.now.setText(tr("Starting geoarseg…"))
        self.cancel_button.setEnabled(True)
        self.cancel_button.setText(tr("&Cancel"))

    def show_event(self, event: Event) -> None:
        """Show what the command has said."""
        if event.kind == "warning":
            self.now.setText(event.message)
            return
        row = self.rows.get(event.stage or "")
        if row is None:
            return
        row.show_event(event)
        self.now.setText(rate_text(event))
        loss, shares = event.values.get("loss"), event.values.get("shares")
        if event.stage == "train" and isinstance(loss, (int, float)):
            self.curve.add(event.done or 0, event.total or 0, float(loss))
        if isinstance(shares, list) and all(isinstance(share, (int, float)) for share in shares):
            self.shares.set_shares([float(share) for share in shares])

    def _cancel(self) -> None:
        self.cancel_button.setEnabled(False)
        self.cancel_button.setText(tr("Cancelling…"))
        self.cancelled.emit()


def rate_text(event: Event) -> str:
    """A stage in a line: its name, how much of it, how fast."""
    parts = [stage_name(event.stage or "")]
    if event.done is not None and event.total:
        parts.append(tr("{done:.4g} of {total:.4g}").format(done=event.done, total=event.total))
    rate, unit = event.values.get("rate"), event.values.get("unit")
    if event.kind != "end" and isinstance(rate, (int, float)) and rate > 0 and event.done:
        units = {"step": tr("steps"), "megapixel": tr("megapixels"), "row": tr("rows")}
        parts.append(tr("{rate:.3g} {units} a second").format(rate=rate, units=units.get(str(unit), str(unit))))
    return ", ".join(parts)
