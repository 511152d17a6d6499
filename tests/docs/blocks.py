"""The blocks of code of the documents, and the words of the commands in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from geoarseg.cli.main import cli

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = [
    path
    for name in ("*.md", "docs/**/*.md", "benchmarks/*.md", "qgis_plugin/*.md")
    for path in sorted(REPOSITORY.glob(name))
]
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`(geoarseg [^`]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    document: Path
    line: int
    """The line of the document in which its code begins."""
    language: str
    code: str

    @property
    def place(self) -> str:
        """The document and the line, as editors take them."""
        return f"{self.document.relative_to(REPOSITORY)}:{self.line}"


def blocks_of(document: Path) -> list[Block]:
    """All fenced blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    blocks = []
    for match in _BLOCK.finditer(text):
        code = re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)
        blocks.append(Block(document, text.count("\n", 0, match.start()) + 2, match[2], code))
    return blocks


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


def spans_of(document: Path) -> list[str]:
    """The texts in backticks that begin with `geoarseg `."""
    return _SPAN.findall(document.read_text(encoding="utf-8"))


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
