"""Work on the environment, in the background of QGIS."""

from __future__ import annotations

from typing import Any, Callable

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from . import messages
from .faults import Fault

Job = Callable[["EnvironmentTask"], Any]


class EnvironmentTask(QgsTask):
    """One job on the environment.

    Args:
        title: what it does, for the list of tasks.
        job: does it, in a thread; is given the task, for the log, the progress and the question whether to stop.
    """

    said = pyqtSignal(str)
    """A line of the log."""
    ended = pyqtSignal(object, str)
    """What the job returned and "", or None and what went wrong."""

    def __init__(self, title: str, job: Job) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._job = job
        self._result: Any = None
        self._fault = ""

    def run(self) -> bool:
        """Do the job, in a thread."""
        try:
            self._result = self._job(self)
        except Fault as fault:
            self._fault = messages.describe(fault)
        except Exception as error:  # shown to the user: a task that raises is silent
            self._fault = f"{type(error).__name__}: {error}"
        return not self._fault

    def finished(self, result: bool) -> None:
        """Tell how it ended, in the main thread."""
        self.ended.emit(self._result, self._fault)
