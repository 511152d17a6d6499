"""Lines of shell in documents and help texts: the words of their commands, and what the program makes of them."""

import shlex
from collections.abc import Iterator

import click

from geoarseg.cli.main import cli


def commands_of(code: str) -> Iterator[list[str]]:
    """The words of each command in lines of shell: split at `&&`, joined at a backslash, without comments."""
    for line in code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if word == "&&":
                yield words
                words = []
            else:
                words.append(word)
        if words:
            yield words


def parse(words: list[str]) -> tuple[click.Command, dict]:
    """The command that these words call and its parameters, as the program itself parses them, without running it.

    Raises:
        click.ClickException: the program would refuse the words.
    """
    context = click.Context(cli, info_name="geoarseg")
    while isinstance(context.command, click.Group) and words:
        name, command, words = context.command.resolve_command(context, words)
        last = not isinstance(command, click.Group)
        context = command.make_context(name, words, parent=context) if last else click.Context(command, context, name)
    return context.command, context.params
