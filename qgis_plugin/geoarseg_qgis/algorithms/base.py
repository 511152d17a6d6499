"""What the algorithms have in common: the command they call, how they are shown, when they refuse."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingUtils,
)
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtGui import QIcon

from .. import messages
from ..child import Outcome
from ..environment import check_version
from ..faults import Fault
from ..messages import tr
from ..runner import Call
from ..settings import help_page, installation, this_machine

_ICONS = Path(__file__).parents[1] / "icons"


class GeoarsegAlgorithm(QgsProcessingAlgorithm):
    """A call of one subcommand of `geoarseg`. A subclass has its words, parameters and arguments."""

    NAME = ""
    """The identifier, which is the subcommand's name too."""

    def createInstance(self) -> GeoarsegAlgorithm:
        """A new one, as QGIS asks for."""
        return type(self)()

    def name(self) -> str:
        """The identifier."""
        return self.NAME

    def icon(self) -> QIcon:
        """The plugin's icon."""
        return QIcon(str(_ICONS / "geoarseg.svg"))

    def svgIconPath(self) -> str:
        """The plugin's icon."""
        return str(_ICONS / "geoarseg.svg")

    def helpUrl(self) -> str:
        """The algorithm's section in the help page."""
        url = QUrl.fromLocalFile(str(help_page()))
        url.setFragment(self.NAME)
        return url.toString()

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """What is wrong with the parameters, beyond what QGIS checks itself; empty if nothing."""
        return ""

    def canExecute(self) -> tuple[bool, str]:
        """Whether there is a command at all."""
        found = installation(this_machine()) is not None
        return found, "" if found else messages.not_installed()

    def checkParameterValues(self, parameters: dict[str, Any], context: QgsProcessingContext) -> tuple[bool, str]:
        """Refuse, before anything is started, what cannot come to good."""
        right, text = super().checkParameterValues(parameters, context)
        if not right:
            return right, text
        text = self.problem(parameters, context)
        return not text, text

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Find the command, and check once more: models call nothing before this."""
        self._machine = this_machine()
        found = installation(self._machine)
        if found is None:
            raise QgsProcessingException(messages.not_installed())
        self._installation = found
        text = self.problem(parameters, context)
        if text:
            raise QgsProcessingException(text)
        return True

    def call(self, arguments: list[str], feedback: QgsProcessingFeedback, outputs: list[str]) -> Outcome:
        """Run the command, once its version has been seen to be new enough; see `runner.Call.run`."""
        try:
            check_version(self._installation, self._machine)
        except Fault as fault:
            raise QgsProcessingException(messages.describe(fault)) from fault
        return Call(self._installation, self._machine, feedback).run(arguments, outputs)

    def load(self, path: str, name: str, output: str, context: QgsProcessingContext, order: int = 0) -> None:
        """Have a layer loaded when all is done: its style lies in it or beside it."""
        if context.project() is None:
            return
        details = QgsProcessingContext.LayerDetails(name, context.project(), output)
        if hasattr(details, "groupName"):  # since QGIS 3.32
            details.groupName = tr("Land cover")
            details.layerSortKey = order
        details.setPostProcessor(_STYLER)
        context.addLayerToLoadOnCompletion(path, details)

    def style(self, path: str, context: QgsProcessingContext) -> None:
        """Give an output its own style, if the user has it loaded."""
        if path and context.willLoadLayerOnCompletion(path):
            context.layerToLoadOnCompletionDetails(path).setPostProcessor(_STYLER)

    def scratch(self, name: str) -> Path:
        """A path for a file that is not needed afterwards."""
        return Path(QgsProcessingUtils.generateTempFilename(name))


class Styler(QgsProcessingLayerPostProcessorInterface):
    """Gives a loaded layer the style that lies in its file or beside it; Processing gives it one by chance."""

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Load the style."""
        layer.loadDefaultStyle()


_STYLER = Styler()  # one for all: QGIS keeps no reference to it


def disk_problem(place: str, needed_bytes: float) -> str:
    """What is wrong with the disk that an output goes to; empty if nothing."""
    folder = next((parent for parent in (Path(place), *Path(place).absolute().parents) if parent.is_dir()), None)
    if folder is None or not place or place.startswith("TEMPORARY"):
        folder = Path(QgsProcessingUtils.tempFolder())
    free = shutil.disk_usage(folder).free
    if free >= needed_bytes:
        return ""
    return tr("The disk of {folder} has {free:.1f} GB left, but about {needed:.1f} GB are needed.").format(
        folder=folder, free=free / 1e9, needed=needed_bytes / 1e9
    )
