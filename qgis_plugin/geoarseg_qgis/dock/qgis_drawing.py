"""A part of a layer that is no file, such as a map service, drawn into one in the background."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingException, QgsProcessingFeedback, QgsProject, QgsRectangle

from ..command import Event
from ..inputs import EXPORT, Picture, export_picture
from .job import Call, Ended, Job
from .texts import tr

_STAGE = "draw"


class DrawJob(Job):
    """Draws a picture into a folder; the file is there whole or not at all.

    Args:
        picture: the layer.
        extent: what of it, in its coordinate system.
        pixel: side of a pixel, in its units.
        folder: is made if needed.
    """

    def __init__(self, picture: Picture, extent: QgsRectangle, pixel: float, folder: Path, parent: Any = None) -> None:
        super().__init__(Call((), {}), parent)
        self._picture, self._extent, self._pixel, self._folder = picture, extent, pixel, folder
        self._feedback = QgsProcessingFeedback(False)
        self._feedback.progressChanged.connect(self._tell)

    def cancel(self) -> None:
        """End it."""
        super().cancel()
        self._feedback.cancel()

    def _work(self) -> Ended:
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f"unfinished_{EXPORT}"
        try:
            export_picture(self._picture, unfinished, self._extent, self._pixel, QgsProject.instance(), self._feedback)
            if self._feedback.isCanceled():
                return Ended(130, True)
            if not unfinished.is_file():
                text = tr("The layer {name} cannot be exported.").format(name=self._picture.name)
                return Ended(2, error=text, kind="user")
            os.replace(unfinished, self._folder / EXPORT)
        except QgsProcessingException as error:
            return Ended(2, error=str(error), kind="user")
        finally:
            unfinished.unlink(missing_ok=True)
        self.told.emit(Event("end", _STAGE, 100, 100))
        return Ended()

    def _tell(self, percent: float) -> None:
        self.told.emit(Event("progress", _STAGE, round(percent), 100))
