"""Finding the command."""

import os
import stat

import pytest
from geoarseg_qgis import environment
from geoarseg_qgis.environment import Installation, Machine, check_version, environment_folder, examine, find_command
from geoarseg_qgis.faults import Fault


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "own", {"PATH": os.environ["PATH"]}, windows=False)


def make_program(path, text="exit 0"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def make_own(machine):
    make_program(machine.python)
    (machine.folder / environment.MARKER).write_text("{}")


def on_path(tmp_path, machine):
    program = make_program(tmp_path / "bin" / "geoarseg")
    return program, Machine(machine.folder, {"PATH": str(program.parent)}, windows=False)


def test_what_the_user_chose_comes_first(tmp_path, machine):
    make_own(machine)
    program = make_program(tmp_path / "my tools" / "geoarseg")
    assert find_command(str(program), machine) == Installation((str(program),), "setting")


@pytest.mark.parametrize("name", ["python", "python3.12", "python.exe"])
def test_a_python_is_taken_as_one(tmp_path, machine, name):
    python = make_program(tmp_path / "bin" / name)
    assert find_command(str(python), machine).command == (str(python), "-I", "-m", "geoarseg")


def test_a_folder_is_an_environment(tmp_path, machine):
    python = make_program(tmp_path / "env" / "bin" / "python")
    assert find_command(str(tmp_path / "env"), machine).command[0] == str(python)
    assert find_command(str(tmp_path), machine) is None


@pytest.mark.parametrize("python", ["Scripts/python.exe", "python.exe"])
def test_a_folder_is_an_environment_on_windows(tmp_path, python):
    make_program(tmp_path / "env" / python)
    machine = Machine(tmp_path / "own", {"PATH": ""}, windows=True)
    assert find_command(str(tmp_path / "env"), machine).command[0] == str(tmp_path / "env" / python)


def test_nothing_takes_the_place_of_a_choice_that_is_gone(tmp_path, machine):
    make_own(machine)
    assert find_command(str(tmp_path / "gone"), machine) is None


def test_the_own_environment_goes_before_the_path(tmp_path, machine):
    program, machine = on_path(tmp_path, machine)
    assert find_command("", machine) == Installation((str(program),), "path")
    make_own(machine)
    assert find_command("", machine).origin == "own"
    assert find_command("", machine).command[0] == str(machine.python)


def test_a_broken_off_environment_is_none(tmp_path, machine):
    make_program(machine.python)
    assert find_command("", Machine(machine.folder, {"PATH": ""}, windows=False)) is None


def test_on_windows_the_environment_does_not_roam(tmp_path):
    outer = {"LOCALAPPDATA": str(tmp_path / "Local")}
    assert environment_folder(tmp_path / "Roaming", outer, windows=True).is_relative_to(tmp_path / "Local")
    assert environment_folder(tmp_path / "Roaming", {}, windows=True).is_relative_to(tmp_path / "Roaming")
    assert environment_folder(tmp_path / "profile", outer, windows=False).is_relative_to(tmp_path / "profile")


def test_an_old_command_is_refused(tmp_path, machine):
    program = make_program(tmp_path / "geoarseg", "echo geoarseg, version 0.0.9")
    with pytest.raises(Fault, match="command_too_old") as caught:
        check_version(Installation((str(program),), "path"), machine)
    assert caught.value.values == {"version": "0.0.9", "least": "0.1.0"}


@pytest.mark.parametrize("text", ["echo boom >&2; exit 1", "echo hello", "kill -9 $$"])
def test_a_broken_command_is_refused(tmp_path, machine, text):
    program = make_program(tmp_path / "geoarseg", text)
    with pytest.raises(Fault, match="command_broken"):
        check_version(Installation((str(program),), "path"), machine)
    with pytest.raises(Fault, match="command_broken"):
        examine(Installation((str(program),), "path"), machine)


def test_a_command_that_cannot_start_is_broken(tmp_path, machine):
    with pytest.raises(Fault, match="command_broken"):
        check_version(Installation((str(tmp_path / "none"),), "path"), machine)


def test_this_very_command_is_well(program, machine):
    installation = find_command(str(program), machine)
    check_version(installation, machine)
    facts = examine(installation, machine)
    assert facts["healthy"], facts
    assert facts["schema"] == 1


def test_a_command_that_never_answers_is_broken(tmp_path, machine, monkeypatch):
    monkeypatch.setattr(environment, "_LONGEST_ANSWER_S", 0.1)
    program = make_program(tmp_path / "geoarseg", "exec sleep 600")
    with pytest.raises(Fault, match="no answer"):
        check_version(Installation((str(program),), "path"), machine)
    monkeypatch.undo()
    with pytest.raises(Fault, match="cancelled"):
        examine(Installation((str(program),), "path"), machine, lambda: True)


def test_an_illness_is_handed_on(tmp_path, machine):
    answer = '{\\"healthy\\": false, \\"problems\\": [\\"torch does not work\\"]}'
    program = make_program(tmp_path / "geoarseg", f'echo "{answer}"; exit 1')
    facts = examine(Installation((str(program),), "path"), machine)
    assert facts["problems"] == ["torch does not work"]
