"""Making an environment, and what can go wrong with it."""

import errno
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from geoarseg_qgis import installer
from geoarseg_qgis.environment import Installation, Machine, find_command
from geoarseg_qgis.faults import Fault
from plugin_paths import REPOSITORY


@pytest.fixture
def machine(tmp_path):
    """Its environment goes into a folder with a space and an umlaut in its name."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return Machine(tmp_path / "QGIS profile ä" / "environment", environment, windows=False)


def fake_python(path, answer):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


# ---- Python


def test_the_newest_python_comes_first(tmp_path):
    for name in ("python3.11", "python3.13", "python3"):
        fake_python(tmp_path / name, "")
    machine = Machine(tmp_path / "own", {"PATH": str(tmp_path)}, windows=False)
    found = installer.pythons("", machine, own=[str(tmp_path / "python3"), str(tmp_path / "gone")])
    assert [Path(program).name for program in found] == ["python3.13", "python3.11", "python3"]
    assert installer.pythons("/my/python", machine) == ["/my/python"]


def test_empty_files_of_the_windows_shop_are_no_python(tmp_path):
    machine = Machine(tmp_path / "own", {"PATH": "", "LOCALAPPDATA": str(tmp_path)}, windows=True)
    for version, size in (("Python312", 9), ("Python313", 0)):
        python = tmp_path / "Programs" / "Python" / version / "python.exe"
        python.parent.mkdir(parents=True)
        python.write_bytes(bytes(size))
    assert [Path(program).parent.name for program in installer.pythons("", machine)] == ["Python312"]


def test_the_first_python_that_will_do_is_taken(tmp_path, machine):
    old = fake_python(tmp_path / "old", "[3, 9, 64]")
    odd = fake_python(tmp_path / "odd", "this is no Python")
    assert installer.choose_python([str(tmp_path / "gone"), old, odd, sys.executable], machine) == sys.executable


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("[3, 9, 64]", "python_version"),
        ("[3, 99, 64]", "python_version"),
        ("[3, 12, 32]", "python_32_bit"),
        ("No module named venv", "python_incomplete"),
    ],
)
def test_what_a_python_lacks_is_said(tmp_path, machine, answer, kind):
    python = fake_python(tmp_path / "python", answer)
    with pytest.raises(Fault, match=kind):
        installer.choose_python([python], machine)


def test_no_python_at_all_is_said(machine):
    with pytest.raises(Fault, match="no_python"):
        installer.choose_python([], machine)
    with pytest.raises(Fault, match="python_broken"):
        installer.choose_python(["/nowhere/python"], machine)


# ---- what is downloaded


@pytest.fixture
def wheel(monkeypatch):
    monkeypatch.setattr(installer, "bundled_wheel", lambda: Path("geoarseg.whl"))


@pytest.mark.parametrize(
    ("platform", "build", "from_pytorch"),
    [
        ("linux", "cuda", None),
        ("linux", "cpu", "/cpu"),
        ("win32", "cpu", None),
        ("win32", "cuda", "/cu130"),
        ("darwin", "cpu", None),
        ("darwin", "cuda", None),
    ],
)
def test_each_build_of_torch_comes_from_its_index(wheel, platform, build, from_pytorch):
    base, torch, geoarseg = installer.pip_steps(build, platform=platform)
    assert "--require-hashes" in base
    assert {"--no-deps", "--no-index"} <= set(geoarseg)
    assert all(":all:" in step for step in (base, torch))
    if from_pytorch is None:
        assert "--require-hashes" in torch
    else:
        assert torch[torch.index("--index-url") + 1].endswith(from_pytorch)
        assert torch[-1] == f"torch==2.13.0+{from_pytorch[1:]}"
        assert "--no-deps" in torch


def test_a_plugin_without_its_wheel_says_so():
    with pytest.raises(Fault, match="no_wheel"):
        installer.bundled_wheel()


# ---- making it, for real but without the downloads


@pytest.fixture
def steps(monkeypatch):
    """Calls of pip in place of those that download: they find the packages of the tests' own environment."""

    def set_steps(*steps):
        monkeypatch.setattr(installer, "pip_steps", lambda build: list(steps))

    return set_steps


@pytest.fixture
def nothing(tmp_path):
    """A call of pip that installs nothing."""
    (tmp_path / "nothing.txt").write_text("# nothing\n")
    return ["install", "-r", str(tmp_path / "nothing.txt")]


def lend_packages(machine):
    """Let the new environment see the packages of this one, as if they had been installed."""
    (folder,) = machine.folder.glob("lib/python*/site-packages")
    (folder / "lent.pth").write_text(
        f"{REPOSITORY}\n" + "\n".join(path for path in sys.path if "site-packages" in path)
    )


def install(machine, **options):
    said, percents = [], []

    def say(line):
        said.append(line)
        if "pip" in line and line.startswith(">"):
            lend_packages(machine)

    options = {"say": say, "progress": percents.append, "cancelled": lambda: False} | options
    return installer.install(machine, sys.executable, "cpu", **options), said, percents


def test_an_environment_is_made_checked_found_and_removed(machine, steps, nothing):
    steps(nothing)
    facts, said, percents = install(machine)
    assert facts["healthy"]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert any("pip" in line for line in said)
    assert facts["executable"].startswith(str(machine.folder))
    found = find_command("", Machine(machine.folder, {"PATH": ""}, windows=False))
    assert found == Installation((str(machine.python), "-I", "-m", "geoarseg"), "own")
    assert json.loads((machine.folder / "geoarseg.json").read_text())["build"] == "cpu"
    installer.remove(machine)
    assert list(machine.folder.parent.iterdir()) == []
    installer.remove(machine)


def test_a_newer_plugin_offers_its_geoarseg(machine, monkeypatch):
    monkeypatch.setattr(installer, "bundled_wheel", lambda: Path("geoarseg-0.3.0-py3-none-any.whl"))
    assert installer.newer_version(machine) == ""
    machine.python.parent.mkdir(parents=True)
    machine.python.touch()
    for marker, newer in (('{"geoarseg": "0.2.0"}', "0.3.0"), ('{"geoarseg": "0.3.0"}', ""), ("broken", "")):
        (machine.folder / "geoarseg.json").write_text(marker)
        assert installer.newer_version(machine) == newer


def test_one_that_does_not_work_is_none_and_the_old_one_comes_back(machine, steps, nothing):
    machine.folder.mkdir(parents=True)
    (machine.folder / "old").write_text("works")
    steps(nothing)
    with pytest.raises(Fault, match="command_broken"):
        install(machine, say=lambda line: None)  # nothing is lent: there is no geoarseg in it
    assert [path.name for path in machine.folder.iterdir()] == ["old"]
    assert [path.name for path in machine.folder.parent.iterdir()] == ["environment"]


def test_one_that_was_put_aside_when_qgis_died_comes_back(machine, steps, nothing):
    aside = machine.folder.with_name("environment.old")
    aside.mkdir(parents=True)
    (aside / "geoarseg.json").write_text("{}")
    machine.folder.mkdir()
    steps(nothing)
    with pytest.raises(Fault, match="cancelled"):
        install(machine, cancelled=lambda: True)
    assert [path.name for path in machine.folder.iterdir()] == ["geoarseg.json"]
    assert not aside.exists()


def test_a_cancel_leaves_nothing(machine, steps, nothing):
    steps(nothing)
    with pytest.raises(Fault, match="cancelled"):
        install(machine, cancelled=lambda: True)
    assert list(machine.folder.parent.iterdir()) == []


def test_a_full_disk_is_seen_before(machine, steps, monkeypatch):
    import shutil

    steps()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 10**9))
    with pytest.raises(Fault, match="disk_full") as caught:
        install(machine)
    assert caught.value.values["free"] == "1.0 GB"


def test_a_name_too_long_for_windows_is_seen_before(tmp_path, steps):
    steps()
    with pytest.raises(Fault, match="path_too_long"):
        install(Machine(tmp_path / ("x" * 120), {}, windows=True))


def test_a_locked_file_keeps_the_environment(machine, monkeypatch):
    machine.folder.mkdir(parents=True)

    def refuse(source, target):
        error = PermissionError(errno.EACCES, "used by another process", str(source))
        error.winerror = 32
        raise error

    monkeypatch.setattr(installer.os, "replace", refuse)
    with pytest.raises(Fault, match="locked"):
        installer.remove(machine)
    assert machine.folder.exists()
