"""The help of each command has examples, and the program takes them."""

import re

import click
import pytest
from command_lines import commands_of, parse

from geoarseg.cli.main import cli, run_command


def commands(group=cli, path=()):
    """The words that call each command and sub-command."""
    context = click.Context(group)
    for name in group.list_commands(context):
        yield (*path, name)
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = list(commands())


def examples_of(path, capsys):
    """The lines below `Examples:` in the help, as it is printed."""
    assert run_command([*path, "--help"]) == 0
    _, _, rest = capsys.readouterr().out.partition("\n  Examples:\n\n")
    lines = re.match(r"(?: {6}\S.*\n)*", rest)[0].splitlines()
    assert lines, f"the help of {' '.join(path)} has no examples"
    return lines


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_program_takes_the_examples_of_its_help(path, capsys):
    lines = examples_of(path, capsys)
    assert 1 <= len(lines) <= 3
    for line in lines:
        assert len(line) <= 80
        inside = re.search(r"\$\((.*?)\)", line)  # what a shell runs while it reads the line
        (words,) = commands_of(inside[1] if inside else line)
        words = words[: words.index(">")] if ">" in words else words
        assert tuple(words[1 : 1 + len(path)]) == path
        parse(words[1:])


def test_sub_commands_are_among_them():
    assert {("run",), ("data", "prepare"), ("export", "onnx")} <= set(COMMANDS)
