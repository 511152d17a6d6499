"""The loss over the training steps, drawn as it comes."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from .texts import tr

_MOST_POINTS = 2000
_MARGIN = 4


class LossCurve(QtWidgets.QWidget):
    """A line of the loss, its latest value, and the span it has run through. Colours are those of the palette."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.points: list[tuple[float, float]] = []
        self._total = 0.0
        self.setMinimumHeight(self.fontMetrics().height() * 6)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.MinimumExpanding)
        self.setAccessibleName(tr("Loss curve"))

    def sizeHint(self) -> QtCore.QSize:
        """Wide and low."""
        return QtCore.QSize(280, self.fontMetrics().height() * 8)

    def clear(self) -> None:
        """Start afresh."""
        self.points, self._total = [], 0.0
        self.setAccessibleDescription("")
        self.update()

    def add(self, step: float, total: float, loss: float) -> None:
        """Add the loss after a step of so many in all."""
        self._total = max(total, step)
        self.points.append((step, loss))
        if len(self.points) > _MOST_POINTS:  # every second one does, but the last
            self.points = self.points[:-1:2] + self.points[-1:]
        self.setAccessibleDescription(tr("Loss {loss:.3f} after step {step:.0f}").format(loss=loss, step=step))
        self.update()

    def paintEvent(self, event: Any) -> None:
        """Draw frame, curve and figures."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        plot = QtCore.QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(palette.color(QtGui.QPalette.ColorRole.Mid))
        painter.setBrush(palette.color(QtGui.QPalette.ColorRole.Base))
        painter.drawRect(plot)
        if len(self.points) > 1:
            self._draw_line(painter, plot)
        self._draw_words(painter, plot)
        painter.end()

    def _span(self) -> tuple[float, float]:
        losses = [loss for _, loss in self.points]
        low, high = min(losses), max(losses)
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def _draw_line(self, painter: QtGui.QPainter, plot: QtCore.QRectF) -> None:
        low, high = self._span()
        line = self.fontMetrics().height()
        inner = plot.adjusted(_MARGIN, line + _MARGIN, -_MARGIN, -_MARGIN)
        path = QtGui.QPainterPath()
        for index, (step, loss) in enumerate(self.points):
            x = inner.left() + inner.width() * step / max(self._total, 1)
            y = inner.bottom() - inner.height() * (loss - low) / (high - low)
            path.moveTo(x, y) if index == 0 else path.lineTo(x, y)
        pen = QtGui.QPen(self.palette().color(QtGui.QPalette.ColorRole.Highlight))
        pen.setWidthF(1.6)
        painter.setPen(pen)
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def _draw_words(self, painter: QtGui.QPainter, plot: QtCore.QRectF) -> None:
        painter.setPen(self.palette().color(QtGui.QPalette.ColorRole.Text))
        words = plot.adjusted(_MARGIN, 2, -_MARGIN, -2)
        top = QtCore.Qt.AlignmentFlag.AlignTop
        if not self.points:
            painter.drawText(words, QtCore.Qt.AlignmentFlag.AlignCenter, tr("The loss appears with the first steps."))
            return
        step, loss = self.points[-1]
        text = tr("Loss {loss:.3f}").format(loss=loss)
        painter.drawText(words, top | QtCore.Qt.AlignmentFlag.AlignLeft, text)
        text = tr("step {step:.0f} of {total:.0f}").format(step=step, total=self._total)
        painter.drawText(words, top | QtCore.Qt.AlignmentFlag.AlignRight, text)
