"""One call of the command for an algorithm: its events become feedback, its end a result or an exception."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from shutil import rmtree
from typing import Sequence

from qgis.core import QgsProcessingException, QgsProcessingFeedback

from . import messages
from .child import Outcome, run_child
from .command import Course, Event, parse_event
from .environment import Installation, Machine
from .faults import fault_of_error
from .messages import tr
from .settings import log_folder

_KEPT_LOGS = 30
_TELL_EVERY_S = 10.0


class Call:
    """One call of the command.

    Args:
        installation: the command.
        machine: this one.
        feedback: told the progress and asked whether the user has cancelled.
    """

    def __init__(self, installation: Installation, machine: Machine, feedback: QgsProcessingFeedback) -> None:
        self._installation, self._machine, self._feedback = installation, machine, feedback
        self._error = ""
        self._told = 0.0

    def run(self, arguments: Sequence[str], outputs: Sequence[str] = ()) -> Outcome:
        """Run the command to its end.

        Args:
            arguments: what follows its name; the first is the subcommand.
            outputs: the files it will write; what it left unfinished beside them is taken away if it fails.

        Returns:
            How it ended: well, or cancelled.

        Raises:
            QgsProcessingException: it failed; says why and what to do.
        """
        argv = [*self._installation.command, *arguments]
        self._feedback.pushCommandInfo(" ".join(shlex.quote(word) for word in argv))
        course = Course(arguments[0])
        path = new_log(arguments[0])
        before = {output: _unfinished(Path(output)) for output in outputs}
        with open(path, "w", encoding="utf-8") as log:
            log.write(" ".join(shlex.quote(word) for word in argv) + "\n")

            def hear(line: str) -> None:
                log.write(line + "\n")
                self._hear(line, course)

            try:
                outcome = run_child(
                    argv, environment=self._machine.environment, on_line=hear, cancelled=self._feedback.isCanceled
                )
            except OSError as error:
                raise QgsProcessingException(messages.describe(fault_of_error(error, Path(argv[0])))) from error
        if outcome.cancelled or outcome.code != 0:
            for output, known in before.items():
                for folder in _unfinished(Path(output)) - known:
                    rmtree(folder, ignore_errors=True)
        if outcome.cancelled:
            self._feedback.pushInfo(tr("Cancelled. The log is {log}.").format(log=path))
        elif outcome.code != 0:
            text = self._error or messages.ended(outcome.code)
            raise QgsProcessingException(f"{text}\n" + tr("The log is {log}.").format(log=path))
        return outcome

    def _hear(self, line: str, course: Course) -> None:
        event = parse_event(line)
        if event is None:
            self._feedback.pushConsoleInfo(line)
            return
        percent = course.percent(event)
        if percent is not None:
            self._feedback.setProgress(percent)
        if event.kind == "error":
            self._error = event.message
        elif event.kind == "warning":
            self._feedback.pushWarning(event.message)
        elif event.kind == "message":
            self._feedback.pushInfo(event.message)
        elif event.stage is not None:
            self._tell_stage(event)

    def _tell_stage(self, event: Event) -> None:
        """Say a stage's name as it starts and, now and then, how it stands: the log keeps each word."""
        name = _stage_names().get(event.stage or "", event.stage or "")
        now = time.monotonic()
        if event.kind == "start":
            self._feedback.setProgressText(name)
        elif event.message and (event.kind == "end" or now - self._told >= _TELL_EVERY_S):
            self._feedback.setProgressText(f"{name}: {event.message}")
        else:
            return
        self._told = now


def _stage_names() -> dict[str, str]:
    return {
        "statistics": tr("Statistics of the bands"),
        "consensus": tr("Consensus of mixtures"),
        "train": tr("Training"),
        "legend": tr("Legend"),
        "segment": tr("Segmentation"),
        "write": tr("Writing"),
        "sieve": tr("Sieve"),
        "vectorize": tr("Polygons"),
        "preview": tr("Picture"),
    }


def new_log(verb: str) -> Path:
    """A path for a log; the oldest ones make room."""
    folder = log_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("*.log"))[: -_KEPT_LOGS + 1]:
        old.unlink()
    stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}"
    return folder / f"{stamp}-{verb}.log"


def _unfinished(output: Path) -> set[Path]:
    """Hidden folders beside an output in which geoarseg writes it before it is whole."""
    return set(output.parent.glob(f".{output.name[:100]}.tmp-*")) if output.parent.is_dir() else set()
