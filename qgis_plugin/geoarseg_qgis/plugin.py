"""Registers the provider and the menu, and takes both away again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QTranslator
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction

from .messages import tr
from .provider import GeoarsegProvider

_FOLDER = Path(__file__).parent
_MENU = "geoarseg"


class GeoarsegPlugin:
    """The plugin.

    Args:
        iface: QGIS's window; None in `qgis_process`.
    """

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._provider: GeoarsegProvider | None = None
        self._actions: list[QAction] = []
        self._dialog: Any = None
        self._translator = QTranslator()
        if self._translator.load(str(_FOLDER / "i18n" / f"geoarseg_{QgsApplication.instance().locale()[:2]}.qm")):
            QCoreApplication.installTranslator(self._translator)

    def initProcessing(self) -> None:
        """Register the provider; `qgis_process` calls this alone."""
        self._provider = GeoarsegProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Register the provider and the menu."""
        self.initProcessing()
        action = QAction(
            QIcon(str(_FOLDER / "icons" / "environment.svg")), tr("Environment…"), self._iface.mainWindow()
        )
        action.setObjectName("geoarsegEnvironment")
        action.triggered.connect(self.open_environment)
        self._iface.addPluginToMenu(_MENU, action)
        self._actions.append(action)

    def open_environment(self) -> None:
        """Show the window that makes, checks and removes the environment of the command."""
        from .environment_dialog import EnvironmentDialog  # builds widgets: not in qgis_process

        if self._dialog is None:
            self._dialog = EnvironmentDialog(self._iface.mainWindow())
        self._dialog.show()
        self._dialog.raise_()

    def unload(self) -> None:
        """Take all of it away."""
        if self._dialog is not None:
            self._dialog.stop()
            self._dialog.deleteLater()
            self._dialog = None
        for action in self._actions:
            self._iface.removePluginMenu(_MENU, action)
            action.deleteLater()
        self._actions.clear()
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
        QCoreApplication.removeTranslator(self._translator)
