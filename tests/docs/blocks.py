"""The blocks of code of the documents, and the commands in their text."""

import re
from dataclasses import dataclass
from pathlib import Path

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


def spans_of(document: Path) -> list[str]:
    """The texts in backticks that begin with `geoarseg `."""
    return _SPAN.findall(document.read_text(encoding="utf-8"))
