"""The panel as a dock of a main window."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore, QtWidgets

from .panel import Panel
from .texts import tr

LEAST_WIDTH_PX = 300


class Dock(QtWidgets.QDockWidget):
    """A dock that holds a panel.

    Args:
        panel: what it shows; it belongs to the dock from then on.
    """

    def __init__(self, panel: Panel, parent: Any = None) -> None:
        super().__init__(tr("Land cover"), parent)
        self.setObjectName("geoarsegDock")
        self.setAllowedAreas(QtCore.Qt.DockWidgetArea.LeftDockWidgetArea | QtCore.Qt.DockWidgetArea.RightDockWidgetArea)
        self.panel = panel
        self.setWidget(panel)
        panel.setMinimumWidth(LEAST_WIDTH_PX)

    def close_down(self) -> None:
        """End what is under way, before the dock is taken away."""
        self.panel.close_down()
