"""The clusters' shares of the pixels while a network is trained, as bars."""

from __future__ import annotations

from typing import Any, Sequence

from qtpy import QtCore, QtGui, QtWidgets

from .texts import percent, tr

DEAD_SHARE = 0.001
"""A cluster with less has died: the command says so too."""
_GAP = 2.0


class ShareBars(QtWidgets.QWidget):
    """A bar a cluster, the largest first; dead ones are hollow. Colours are those of the palette."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.shares: list[float] = []
        self.setMinimumHeight(self.fontMetrics().height() * 4)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.MinimumExpanding)
        self.setAccessibleName(tr("Cluster shares"))

    def sizeHint(self) -> QtCore.QSize:
        """Wide and low."""
        return QtCore.QSize(280, self.fontMetrics().height() * 5)

    def set_shares(self, shares: Sequence[float]) -> None:
        """Show other shares, from 0 to 1."""
        self.shares = sorted(shares, reverse=True)
        words = ", ".join(percent(share) for share in self.shares)
        self.setAccessibleDescription(words)
        self.setToolTip(words)
        self.update()

    @property
    def alive(self) -> int:
        """Clusters that have not died."""
        return sum(share >= DEAD_SHARE for share in self.shares)

    def paintEvent(self, event: Any) -> None:
        """Draw the bars and how many clusters are alive."""
        painter = QtGui.QPainter(self)
        palette = self.palette()
        frame = QtCore.QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(palette.color(QtGui.QPalette.ColorRole.Mid))
        painter.setBrush(palette.color(QtGui.QPalette.ColorRole.Base))
        painter.drawRect(frame)
        line = self.fontMetrics().height()
        self._draw_bars(painter, frame.adjusted(4, line + 6, -4, -1))
        painter.setPen(palette.color(QtGui.QPalette.ColorRole.Text))
        text = tr("Cluster shares")
        if self.shares:
            text = tr("{alive} of {count} clusters alive").format(alive=self.alive, count=len(self.shares))
        painter.drawText(frame.adjusted(4, 2, -4, -2), QtCore.Qt.AlignmentFlag.AlignTop, text)
        painter.end()

    def _draw_bars(self, painter: QtGui.QPainter, area: QtCore.QRectF) -> None:
        if not self.shares:
            return
        palette = self.palette()
        width = area.width() / len(self.shares)
        gap = min(_GAP, width / 4)
        for index, share in enumerate(self.shares):
            height = max(area.height() * share / max(self.shares[0], 1e-9), 2.0)
            bar = QtCore.QRectF(area.left() + index * width, area.bottom() - height, width - gap, height)
            if share >= DEAD_SHARE:
                painter.fillRect(bar, palette.color(QtGui.QPalette.ColorRole.Highlight))
            else:
                painter.setPen(palette.color(QtGui.QPalette.ColorRole.Mid))
                painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
                painter.drawRect(bar)
