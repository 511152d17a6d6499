"""Jobs of the dock among QGIS's background tasks."""

from __future__ import annotations

from typing import Callable

from qgis.core import QgsTask

from ..command import Course, Event
from .job import Ended, Job


class JobTask(QgsTask):
    """A job in the list of QGIS's background tasks.

    Args:
        title: what the list shows.
        job: does the work.
        verb: the subcommand.
        over: told of the end.
    """

    def __init__(self, title: str, job: Job, verb: str, over: Callable[[JobTask], None]) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._job, self._course, self._over = job, Course(verb), over
        job.told.connect(self._note_progress)

    def run(self) -> bool:
        """Do the job, in a thread."""
        self._job.work()
        return not self.isCanceled()

    def cancel(self) -> None:
        """Cancel, as the list of tasks does, and QGIS when it is closed."""
        self._job.cancel()
        super().cancel()

    def finished(self, result: bool) -> None:
        """Tell a job that was cancelled before its turn that it is over."""
        if not self._job.wait(0):
            self._job.ended.emit(Ended(130, True))
        self._over(self)

    def _note_progress(self, event: Event) -> None:
        percent = self._course.percent(event)
        if percent is not None:
            self.setProgress(percent)
