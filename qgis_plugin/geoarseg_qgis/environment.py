"""Where the command `geoarseg` is, and whether it works. Pure: no QGIS.

Nothing of it ever comes into QGIS's own Python: it is only started, as a child process.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from .child import Outcome, run_child
from .command import LEAST_VERSION, parse_version
from .faults import Fault

MARKER = "geoarseg.json"
"""Lies in a finished environment: one without it is left from an installation that broke off."""

_LONGEST_ANSWER_S = 180.0  # a first start of torch, with an antivirus program that looks at each of its files


@dataclass(frozen=True)
class Installation:
    """A command `geoarseg` that was found."""

    command: tuple[str, ...]
    """The program, and its first arguments."""
    origin: str
    """`setting`, `own` or `path`."""


@dataclass(frozen=True)
class Machine:
    """What making an environment needs to know of the place it happens at."""

    folder: Path
    """Where the environment is, or will be."""
    environment: Mapping[str, str]
    """The environment variables of children."""
    windows: bool = sys.platform == "win32"
    """Whether programs end in `.exe`."""

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return python_of(self.folder, windows=self.windows)

    @property
    def is_made(self) -> bool:
        """Whether a finished environment is there."""
        return (self.folder / MARKER).is_file() and self.python.exists()


def environment_folder(profile: Path, outer: Mapping[str, str], *, windows: bool) -> Path:
    """Where the plugin's own environment is: in the user's profile; on Windows in the part that does not roam."""
    local = outer.get("LOCALAPPDATA")
    return Path(local) / "geoarseg" / "environment" if windows and local else profile / "geoarseg" / "environment"


def python_of(folder: Path, *, windows: bool) -> Path:
    """The Python of a virtual environment; on Windows also that of a conda environment."""
    if not windows:
        return folder / "bin" / "python"
    inner = folder / "Scripts" / "python.exe"
    return inner if inner.exists() or not (folder / "python.exe").exists() else folder / "python.exe"


def find_command(chosen: str, machine: Machine) -> Installation | None:
    """The command: what the user chose, or the plugin's own environment, or what is on the PATH.

    Args:
        chosen: a program `geoarseg`, a Python that has it, or the folder of such a Python's environment; empty = none.
            What does not exist is no command: nothing else is put in its place.
        machine: this one.
    """
    if chosen:
        command = _command_of(Path(chosen), windows=machine.windows)
        return Installation(command, "setting") if command else None
    if machine.is_made:
        return Installation(as_module(machine.python), "own")
    found = shutil.which("geoarseg", path=machine.environment.get("PATH", ""))
    return Installation((found,), "path") if found else None


def _command_of(place: Path, *, windows: bool) -> tuple[str, ...] | None:
    if place.is_dir():
        python = python_of(place, windows=windows)
        return as_module(python) if python.exists() else None
    if not place.is_file():
        return None
    return as_module(place) if place.stem.lower().startswith("python") else (str(place),)


def as_module(python: Path) -> tuple[str, ...]:
    """Isolated, so that neither the working folder nor the user's own packages come in."""
    return (str(python), "-I", "-m", "geoarseg")


def check_version(installation: Installation, machine: Machine) -> None:
    """Ask the command for its version, which takes a fraction of a second.

    Raises:
        Fault: it does not start, or is too old.
    """
    answer = ask([*installation.command, "--version"], machine)
    version = parse_version(answer.output) if answer.code == 0 else None
    if version is None:
        raise Fault("command_broken", program=" ".join(installation.command), detail=last_line(answer))
    if version < LEAST_VERSION:
        raise Fault("command_too_old", version=dotted(version), least=dotted(LEAST_VERSION))


def examine(
    installation: Installation, machine: Machine, cancelled: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    """What `geoarseg doctor` finds; it loads torch and GDAL, which takes seconds.

    Raises:
        Fault: it does not answer, or was cancelled.
    """
    answer = ask([*installation.command, "doctor", "--json"], machine, cancelled)
    try:
        facts = json.loads(answer.output)
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or "healthy" not in facts:
        raise Fault("command_broken", program=" ".join(installation.command), detail=last_line(answer))
    return facts


def ask(argv: list[str], machine: Machine, cancelled: Callable[[], bool] = lambda: False) -> Outcome:
    """A short question to a program; without an answer, its standard error stands for one.

    Raises:
        Fault: it cannot be started, does not end, or was cancelled.
    """
    errors: list[str] = []
    latest = time.monotonic() + _LONGEST_ANSWER_S

    def is_over() -> bool:
        return cancelled() or time.monotonic() > latest

    try:
        outcome = run_child(argv, environment=machine.environment, on_line=errors.append, cancelled=is_over)
    except OSError as error:
        raise Fault("command_broken", program=argv[0], detail=str(error)) from error
    if outcome.cancelled and cancelled():
        raise Fault("cancelled")
    if outcome.cancelled:
        raise Fault("command_broken", program=argv[0], detail=f"no answer in {_LONGEST_ANSWER_S:.0f} s")
    return Outcome(outcome.code, outcome.output or "\n".join(errors), False)


def last_line(answer: Outcome) -> str:
    """The last that a program said: mostly why it failed."""
    lines = answer.output.strip().splitlines()
    return lines[-1] if lines else f"exit code {answer.code}"


def dotted(version: Sequence[int]) -> str:
    """A version as text."""
    return ".".join(map(str, version))
