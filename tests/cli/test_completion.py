"""Completion in the shells, versions, colours, and the short form of --quiet."""

import os
import shutil
import subprocess
import sys

import click
import pytest

from geoarseg.cli.main import COMMANDS, cli, run_command


def completed(words, **environment):
    """What the program answers to a shell that asks for completions, as bash does."""
    line = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_GEOARSEG_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-m", "geoarseg"],
        env=os.environ | line | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [answer.partition(",")[2] for answer in done.stdout.splitlines()]


def test_commands_and_options_are_completed():
    assert completed("geoarseg se") == ["segment"]
    assert "--confidence" in completed("geoarseg segment --conf")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell, capsys):
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("click asks bash for its version")
    assert run_command(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_GEOARSEG_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_versions_of_what_counts_are_told(capsys):
    import rasterio
    import torch

    assert run_command(["--version"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("geoarseg, version ")
    assert lines[1:] == [f"GDAL {rasterio.__gdal_version__}", f"torch {torch.__version__}"]


def test_no_color_is_obeyed_on_a_terminal(monkeypatch):
    from geoarseg.cli.display import BarProgress

    monkeypatch.setenv("NO_COLOR", "1")
    assert BarProgress()._bars.console.no_color


def all_commands(command=cli, path=()):
    context = click.Context(command)
    if not isinstance(command, click.Group):
        return [(path, command)]
    return [
        found
        for name in command.list_commands(context)
        for found in all_commands(command.get_command(context, name), (*path, name))
    ]


def test_quiet_has_a_short_form_wherever_it_is():
    quiet = [p for _, command in all_commands() for p in command.params if "--quiet" in p.opts]
    assert len(quiet) >= len(COMMANDS) // 2
    assert all("-q" in parameter.opts for parameter in quiet)
