"""The loss over the training steps, drawn as it comes."""

from __future__ import annotations

from typing import Any, Sequence

from qtpy import QtCore, QtGui, QtWidgets

from .texts import tr

Point = tuple[float, float]
"""Step and loss."""
_MOST_POINTS = 2000
_MEAN_OF = 10  # points
_MARGIN = 4


def recent_means(points: Sequence[Point]) -> list[Point]:
    """Each point with the mean of those just before it."""
    means, total = [], 0.0
    for index, (step, loss) in enumerate(points):
        total += loss - (points[index - _MEAN_OF][1] if index >= _MEAN_OF else 0.0)
        means.append((step, total / min(index + 1, _MEAN_OF)))
    return means


class LossCurve(QtWidgets.QWidget):
    """The losses, their recent mean, and the latest one in figures. Colours are those of the palette."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.points: list[Point] = []
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
            self._draw_lines(painter, plot)
        self._draw_words(painter, plot)
        painter.end()

    def _span(self) -> tuple[float, float]:
        losses = [loss for _, loss in self.points]
        low, high = min(losses), max(losses)
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def _draw_lines(self, painter: QtGui.QPainter, plot: QtCore.QRectF) -> None:
        """The losses of single steps, which are noisy, faintly; their recent mean over them."""
        inner = plot.adjusted(_MARGIN, self.fontMetrics().height() + _MARGIN, -_MARGIN, -_MARGIN)
        colour = self.palette().color(QtGui.QPalette.ColorRole.Highlight)
        faint = QtGui.QColor(colour)
        faint.setAlphaF(0.35)
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        for points, shade, width in ((self.points, faint, 1.0), (recent_means(self.points), colour, 2.0)):
            pen = QtGui.QPen(shade)
            pen.setWidthF(width)
            painter.setPen(pen)
            painter.drawPath(self._path(points, inner))

    def _path(self, points: Sequence[Point], inner: QtCore.QRectF) -> QtGui.QPainterPath:
        low, high = self._span()
        path = QtGui.QPainterPath()
        for index, (step, loss) in enumerate(points):
            x = inner.left() + inner.width() * step / max(self._total, 1)
            y = inner.bottom() - inner.height() * (loss - low) / (high - low)
            path.moveTo(x, y) if index == 0 else path.lineTo(x, y)
        return path

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
