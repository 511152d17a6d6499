"""The dock in QGIS's window, and its commands among QGIS's background tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Sequence

from qgis.core import QgsApplication

from .. import messages
from ..environment import check_version
from ..runner import new_log
from ..settings import installation, this_machine
from .dock_widget import Dock
from .job import Call, Job
from .panel import Panel
from .qgis_side import QgisSide
from .qgis_tasks import JobTask


def make_dock(iface: Any, set_up: Callable[[], None]) -> Dock:
    """The dock.

    Args:
        iface: QGIS's window.
        set_up: shows the window of the environment.
    """
    panel = Panel(QgisSide(iface), QgisEngine(set_up), describe=messages.describe)
    return Dock(panel, iface.mainWindow())


class QgisEngine:
    """Runs the command as background tasks of QGIS.

    Args:
        set_up: shows the window of the environment.
    """

    def __init__(self, set_up: Callable[[], None]) -> None:
        self.set_up = set_up
        self._tasks: set[JobTask] = set()

    def missing(self) -> str:
        """Why there is no command."""
        return "" if installation(this_machine()) is not None else messages.not_installed()

    def start(self, title: str, arguments: Sequence[str], outputs: Sequence[Path] = ()) -> Job:
        """Start the command as a task."""
        machine = this_machine()
        found = installation(machine)
        assert found is not None
        argv = (*found.command, *arguments)
        check = lambda: check_version(found, machine)  # noqa: E731 -- bound to this call
        job = Job(Call(argv, machine.environment, tuple(outputs), new_log(arguments[0]), check))
        task = JobTask(title, job, arguments[0], self._tasks.discard)
        self._tasks.add(task)  # Python must not take it away while it runs
        QgsApplication.taskManager().addTask(task)
        return job
