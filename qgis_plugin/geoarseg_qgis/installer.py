"""Making an environment of Python for the command `geoarseg`, and taking it away again. Pure: no QGIS.

It is a virtual environment in the user's profile. QGIS's own Python gets nothing of it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from .child import run_child
from .environment import MARKER, Installation, Machine, as_module, ask, dotted, examine, last_line
from .faults import Fault, fault_of_error, fault_of_pip

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 14)
"""The versions for which all pinned packages have wheels."""

_PLUGIN = Path(__file__).parent
_REQUIREMENTS, _LEASH = _PLUGIN / "requirements", _PLUGIN / "leash.py"
_PYTORCH_INDEX = "https://download.pytorch.org/whl/"
_NEEDED_BYTES = {"cpu": 3 << 30, "cuda": 9 << 30}
_LONGEST_FOLDER = 110  # Windows ends paths at 260 characters, and torch's own take 145 of them
_PROBE = (
    "import sys, json, struct, venv, ensurepip; print(json.dumps([*sys.version_info[:2], struct.calcsize('P') * 8]))"
)

Say = Callable[[str], None]


def pythons(chosen: str, machine: Machine, own: Sequence[str] = ()) -> list[str]:
    """Programs that may be a Python to build on, the likeliest first.

    Args:
        chosen: the user's choice; empty = none. With one, no other is looked for.
        machine: this one.
        own: QGIS's Python, which is the last resort: it changes with QGIS.
    """
    if chosen:
        return [chosen]
    places = machine.environment.get("PATH", "")
    names = [f"python3.{minor}" for minor in range(NEWEST_PYTHON[1], OLDEST_PYTHON[1] - 1, -1)]
    found = [shutil.which(name, path=places) for name in (*names, "python3", "python")]
    if machine.windows:
        roots = [machine.environment.get(name, "") for name in ("LOCALAPPDATA", "PROGRAMFILES")]
        folders = [Path(root) / part for root, part in zip(roots, ("Programs/Python", ".")) if root]
        found += [str(file) for folder in folders for file in sorted(folder.glob("Python3*/python.exe"), reverse=True)]
    elif sys.platform == "darwin":
        framework = Path("/Library/Frameworks/Python.framework/Versions")
        found += [str(file) for name in names for file in framework.glob(f"*/bin/{name}")]
        found += [str(Path(folder) / name) for folder in ("/opt/homebrew/bin", "/usr/local/bin") for name in names]
    candidates = [program for program in (*found, *own) if program and _is_program(Path(program))]
    return list(dict.fromkeys(candidates))


def _is_program(path: Path) -> bool:
    """A file with something in it: Windows puts empty ones on the PATH that open its shop."""
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError:
        return False


def choose_python(candidates: Sequence[str], machine: Machine) -> str:
    """The first of the programs that an environment can be built on.

    Raises:
        Fault: there is none; it says what the nearest one lacks.
    """
    lacking: list[Fault] = []
    for program in candidates:
        try:
            answer = ask([program, "-I", "-c", _PROBE], machine)
        except Fault as fault:
            lacking.append(Fault("python_broken", program=program, detail=fault.values.get("detail", "")))
            continue
        try:
            major, minor, bits = json.loads(answer.output)
        except (ValueError, TypeError):
            lacking.append(Fault("python_incomplete", program=program, detail=last_line(answer)))
            continue
        if not OLDEST_PYTHON <= (major, minor) <= NEWEST_PYTHON:
            lacking.append(Fault("python_version", program=program, version=f"{major}.{minor}", **_span()))
        elif bits < 64:
            lacking.append(Fault("python_32_bit", program=program))
        else:
            return program
    raise lacking[0] if lacking else Fault("no_python", **_span())


def _span() -> dict[str, str]:
    return {"oldest": dotted(OLDEST_PYTHON), "newest": dotted(NEWEST_PYTHON)}


def pip_steps(build: str, *, platform: str = sys.platform) -> list[list[str]]:
    """The arguments of each call of pip, in order.

    All packages are pinned. Those of the Python Package Index must have the SHA-256 that the lists in `requirements/`
    hold; builds of torch that only the index of PyTorch has are checked against the SHA-256 that the index tells.

    Args:
        build: `cpu` or `cuda`.
        platform: as `sys.platform`.
    """
    if build not in _NEEDED_BYTES:
        raise ValueError(f"no build {build!r}")
    locked = ["install", "--require-hashes", "--only-binary", ":all:", "-r"]
    steps = [[*locked, str(_REQUIREMENTS / "base.txt")]]
    at_hand = {"linux": "cuda", "win32": "cpu", "darwin": build}  # what the Python Package Index itself has
    if at_hand.get(platform, build) == build:
        steps.append([*locked, str(_REQUIREMENTS / "torch.txt")])
    else:
        name, variant = torch_pin(build)
        steps.append(["install", "--no-deps", "--only-binary", ":all:", "--index-url", _PYTORCH_INDEX + variant, name])
    steps.append(["install", "--no-deps", "--no-index", str(bundled_wheel())])
    return steps


def torch_pin(build: str) -> tuple[str, str]:
    """The name of torch for pip, and the index of PyTorch that has it: for builds that the main index lacks."""
    version = next(
        line.split("==")[1].split()[0]
        for line in (_REQUIREMENTS / "torch.txt").read_text(encoding="utf-8").splitlines()
        if line.startswith("torch==")
    )
    variant = "cpu" if build == "cpu" else "cu130"
    return f"torch=={version}+{variant}", variant


def bundled_wheel() -> Path:
    """The wheel of geoarseg itself, which comes with the plugin.

    Raises:
        Fault: this is no packaged plugin.
    """
    wheels = sorted((_PLUGIN / "wheels").glob("geoarseg-*.whl"))
    if not wheels:
        raise Fault("no_wheel", folder=str(_PLUGIN / "wheels"))
    return wheels[-1]


def newer_version(machine: Machine) -> str:
    """The version of geoarseg that came with the plugin, if the environment has another one; else empty."""
    if not machine.is_made:
        return ""
    try:
        made = json.loads((machine.folder / MARKER).read_text(encoding="utf-8"))["geoarseg"]
        brought = bundled_wheel().name.split("-")[1]
    except (OSError, ValueError, KeyError, TypeError, Fault):
        return ""
    return "" if made == brought else brought


def install(
    machine: Machine,
    python: str,
    build: str,
    *,
    say: Say,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> dict[str, Any]:
    """Make the environment, in place of one that may be there; returns what `geoarseg doctor` finds.

    An environment that is there is kept aside until the new one works, and comes back if it does not.

    Args:
        machine: this one.
        python: the Python to build on.
        build: `cpu` or `cuda`.
        say: told each line of the log.
        progress: told the percentage.
        cancelled: asked often.

    Raises:
        Fault: it cannot be made; `cancelled` if that was the user's word.
    """
    steps = pip_steps(build)
    _check_place(machine, build)
    aside = machine.folder.with_name(machine.folder.name + ".old")
    try:
        if (aside / MARKER).exists() and not machine.is_made:  # QGIS died in the middle of an installation
            _put_back(machine.folder, aside)
        _clear(aside)
        if machine.folder.exists():
            os.replace(machine.folder, aside)
        machine.folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise fault_of_error(error, machine.folder) from error
    try:
        _call([python, "-I", str(_LEASH), "venv", str(machine.folder)], machine, say, cancelled)
        for number, step in enumerate(steps, 1):
            progress(100 * (2 * number - 1) / (2 * len(steps) + 2))
            pip = [str(machine.python), "-I", str(_LEASH), "pip", *step]
            _call([*pip, "--no-input", "--disable-pip-version-check", "--progress-bar", "off"], machine, say, cancelled)
        progress(95)
        facts = examine(Installation(as_module(machine.python), "own"), machine, cancelled)
        if not facts["healthy"]:
            raise Fault("unhealthy", detail=" ".join(map(str, facts.get("problems", ()))))
        _write_marker(machine, python, build, facts)
    except BaseException:
        _put_back(machine.folder, aside)
        raise
    shutil.rmtree(aside, ignore_errors=True)
    progress(100)
    return facts


def remove(machine: Machine) -> None:
    """Take the plugin's own environment away, or nothing at all if one of its files is in use.

    Raises:
        Fault: it is in use.
    """
    aside = machine.folder.with_name(machine.folder.name + ".old")
    try:
        _clear(aside)
        if machine.folder.exists():
            os.replace(machine.folder, aside)
            _clear(aside)
    except OSError as error:
        raise fault_of_error(error, machine.folder) from error


def _check_place(machine: Machine, build: str) -> None:
    if machine.windows and len(str(machine.folder)) > _LONGEST_FOLDER:
        raise Fault("path_too_long", folder=str(machine.folder))
    above = next(parent for parent in machine.folder.absolute().parents if parent.is_dir())
    if not os.access(above, os.W_OK):
        raise Fault("no_permission", folder=str(above))
    free = shutil.disk_usage(above).free
    if free < _NEEDED_BYTES[build]:
        raise Fault("disk_full", folder=str(above), free=_gigabytes(free), needed=_gigabytes(_NEEDED_BYTES[build]))


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _put_back(folder: Path, aside: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if aside.exists() and not folder.exists():
        os.replace(aside, folder)


def _write_marker(machine: Machine, python: str, build: str, facts: Mapping[str, Any]) -> None:
    marker = {"build": build, "python": python, "geoarseg": facts["geoarseg"], "torch": facts["torch"]}
    (machine.folder / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")


def _call(argv: list[str], machine: Machine, say: Say, cancelled: Callable[[], bool]) -> None:
    """Run one step.

    Raises:
        Fault: it failed, or was cancelled.
    """
    said: list[str] = []

    def note(line: str) -> None:
        said.append(line)
        say(line)

    say("> " + " ".join(argv))
    try:
        outcome = run_child(argv, environment=machine.environment, on_line=note, cancelled=cancelled, merged=True)
    except OSError as error:
        raise fault_of_error(error, Path(argv[0])) from error
    if outcome.cancelled:
        raise Fault("cancelled")
    if outcome.code != 0:
        raise fault_of_pip("\n".join(said), outcome.code)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
