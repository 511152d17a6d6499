"""One child process at a time, watched line by line, and ended with all that it has started. Pure: no QGIS.

The child holds the other end of a pipe as its standard input. When the pipe is closed, because the work was cancelled
or because QGIS is gone, the child ends (`GEOARSEG_LEASH` of the command, `leash.py` for pip). What has not ended by
then is ended from here.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Mapping, Sequence

from .command import GRACE_S

_POLL_S = 0.1
_MOST_OUTPUT = 16 << 20
_MARGIN_S = 0.4
_LINGER_S = 3.0


@dataclass(frozen=True)
class Outcome:
    """How a child ended."""

    code: int
    """Its exit code; negative for a signal."""
    output: str
    """What it wrote to standard output."""
    cancelled: bool
    """Whether it was ended on our word."""


def run_child(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
    cancelled: Callable[[], bool],
    folder: Path | None = None,
    merged: bool = False,
) -> Outcome:
    """Run a program to its end.

    Args:
        argv: the program and its arguments.
        environment: all of its environment.
        on_line: told each line of its standard error, in the calling thread.
        cancelled: asked ten times a second; once it says True, the child ends within two seconds.
        folder: where it works; None = the user's home.
        merged: `on_line` is told the lines of its standard output as well, which is then not kept.

    Raises:
        OSError: it cannot be started.
    """
    process = subprocess.Popen(  # a list, no shell
        [str(word) for word in argv],
        env=dict(environment),
        cwd=str(folder or Path.home()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        **_apart(),
    )
    try:
        return _watch(process, on_line, cancelled)
    finally:
        _end(process)


def _watch(process: subprocess.Popen[str], on_line: Callable[[str], None], cancelled: Callable[[], bool]) -> Outcome:
    lines: queue.Queue[str | None] = queue.Queue()
    output: list[str] = []
    readers = [threading.Thread(target=_read_lines, args=(process.stderr or process.stdout, lines), daemon=True)]
    if process.stderr is not None:
        readers.append(threading.Thread(target=_read_all, args=(process.stdout, output), daemon=True))
    for reader in readers:
        reader.start()
    asked = False
    ended_at: float | None = None
    while True:
        try:
            line = lines.get(timeout=_POLL_S)
        except queue.Empty:
            line = ""
        if line is None:
            break
        if line:
            on_line(line)
        if cancelled():
            asked = True
            break
        if process.poll() is not None:
            if ended_at is None and process.returncode < 0:  # it died, and may have left children
                _kill_tree(process)
            ended_at = ended_at or time.monotonic()
            if time.monotonic() - ended_at > _LINGER_S:  # a grandchild may hold the pipe open
                break
    if asked:
        _stop(process)
    code = process.wait()
    readers[-1].join(timeout=_MARGIN_S if asked else 5)
    return Outcome(code, "".join(output), asked)


def _read_lines(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    with stream:  # closed here: another thread that closes it would wait for the reading to end
        for line in stream:
            if line.strip():
                lines.put(line.rstrip())
    lines.put(None)


def _read_all(stream: IO[str], output: list[str]) -> None:
    size = 0
    with stream:
        for line in stream:
            size += len(line)
            if size <= _MOST_OUTPUT:
                output.append(line)


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask the child to end; then end it, if it has not, and all that it has started."""
    _close_input(process)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=GRACE_S + _MARGIN_S)
    _kill_tree(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Leave nothing behind, whatever happened."""
    _close_input(process)
    if process.poll() is None:
        _kill_tree(process)
        process.wait()


def _close_input(process: subprocess.Popen[str]) -> None:
    try:
        if process.stdin is not None:
            process.stdin.close()
    except OSError:  # it has gone already
        return


def _apart() -> dict[str, Any]:
    """Options that give the child a group of its own and, on Windows, no console window."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _kill_tree(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        program = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe")
        words = [program, "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(words, creationflags=subprocess.CREATE_NO_WINDOW, capture_output=True, check=False)
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # the group is empty
        return
