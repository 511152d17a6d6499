"""One call of the command in the background: its events, its log, its end."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any, Callable, Mapping, Sequence

from qtpy import QtCore

from ..child import run_child
from ..command import parse_event
from ..faults import Fault, fault_of_error

_REFUSED = 2  # the exit code of a command that was asked for what cannot be


@dataclass(frozen=True)
class Ended:
    """How a job ended."""

    code: int = 0
    """The command's exit code; negative for a signal."""
    cancelled: bool = False
    """Whether it was ended on the user's word."""
    error: str = ""
    """What the command said was wrong."""
    fault: Fault | None = None
    """What was wrong around the command; it then never ran."""
    log: str = ""
    """The file with all it said; empty if there is none."""
    output: str = ""
    """What it wrote to standard output."""
    kind: str = ""
    """Of what kind it said that was: `user`, `memory`, `disk`, `device`, `internal` ...; empty if it did not say."""

    @property
    def well(self) -> bool:
        """Whether it did what it should."""
        return not (self.code or self.cancelled or self.fault)


@dataclass(frozen=True)
class Call:
    """What is to be run."""

    argv: tuple[str, ...]
    """The program and its arguments."""
    environment: Mapping[str, str]
    """All of its environment."""
    outputs: tuple[Path, ...] = ()
    """The files it writes."""
    log: Path | None = None
    """Where all it says is kept."""
    check: Callable[[], None] | None = None
    """Called before it, in the background; raises a `Fault` if the command is of no use."""


class Job(QtCore.QObject):
    """A call under way. Signals come in the thread that the job was made in."""

    told = QtCore.Signal(object)
    """An `Event` of the command."""
    said = QtCore.Signal(str)
    """A line of its log that is no event."""
    ended = QtCore.Signal(object)
    """`Ended`, once, last."""

    def __init__(self, call: Call, parent: Any = None) -> None:
        super().__init__(parent)
        self._call = call
        self._begun, self._cancelled, self._over = threading.Event(), threading.Event(), threading.Event()
        self._error = self._kind = ""

    def begin(self) -> None:
        """Let the work begin. Whoever started the job calls this once he listens: a call may fail at once."""
        self._begun.set()

    def cancel(self) -> None:
        """End the command; `ended` follows within two seconds."""
        self._cancelled.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the command to end, but not for the signals; returns whether it has."""
        return self._over.wait(seconds)

    def work(self) -> None:
        """Run the call to its end once it may begin, in a thread of the caller's choice; tells all by signals."""
        self._begun.wait()
        try:
            result = self._work()
        except Fault as fault:
            result = Ended(1, self._cancelled.is_set(), "", fault, str(self._call.log or ""))
        except Exception as error:  # a thread that dies in silence would leave the dock waiting
            result = Ended(1, False, f"{type(error).__name__}: {error}", None, str(self._call.log or ""))
        self._over.set()
        self.ended.emit(result)

    def _work(self) -> Ended:
        call = self._call
        if call.check is not None:
            call.check()
        before = [_unfinished(output) for output in call.outputs]
        lines: list[str] = [" ".join(call.argv)]
        self.said.emit(lines[0])

        def hear(line: str) -> None:
            lines.append(line)
            self._hear(line)

        try:
            outcome = run_child(call.argv, environment=call.environment, on_line=hear, cancelled=self._cancelled.is_set)
        except OSError as error:
            raise fault_of_error(error, Path(call.argv[0])) from error
        finally:
            if call.log is not None:
                call.log.parent.mkdir(parents=True, exist_ok=True)
                call.log.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if outcome.code != 0 or outcome.cancelled:
            for output, known in zip(call.outputs, before):
                for folder in _unfinished(output) - known:
                    rmtree(folder, ignore_errors=True)
        return Ended(
            outcome.code,
            outcome.cancelled,
            self._error or (lines[-1] if outcome.code == _REFUSED else ""),
            log=str(call.log or ""),
            output=outcome.output,
            kind=self._kind,
        )

    def _hear(self, line: str) -> None:
        event = parse_event(line)
        if event is None:
            self.said.emit(line)
            return
        if event.kind == "error":
            self._error, self._kind = event.message, str(event.values.get("kind") or "")
        self.told.emit(event)


class ThreadEngine:
    """Runs the command in plain threads: for programs that are no QGIS, and for tests.

    Args:
        command: the program, and its first arguments; empty = there is none.
        environment: all of the children's environment.
        logs: a folder for logs; None = none are kept.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], logs: Path | None = None) -> None:
        self._command, self._environment, self._logs = tuple(command), dict(environment), logs

    def missing(self) -> str:
        """Why there is no command."""
        return "" if self._command else "There is no command geoarseg."

    def start(self, title: str, arguments: Sequence[str], outputs: Sequence[Path] = ()) -> Job:
        """Start the command in a thread; it waits for `Job.begin`."""
        stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}"
        log = self._logs / f"{stamp}-{arguments[0]}.log" if self._logs else None
        job = Job(Call((*self._command, *arguments), self._environment, tuple(outputs), log))
        threading.Thread(target=job.work, name=title, daemon=True).start()
        return job

    def set_up(self) -> None:
        """Nothing can be set up here."""


def _unfinished(output: Path) -> set[Path]:
    """Hidden folders beside an output in which the command writes it before it is whole."""
    return set(output.parent.glob(f".{output.name[:100]}.tmp-*")) if output.parent.is_dir() else set()
