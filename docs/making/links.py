"""Links between files of the repository, as links between pages of the site: a text is written once, for both."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGES = {
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "figures.md",
    "benchmarks/quality.md": "quality.md",
    "qgis_plugin/README.md": "qgis-plugin.md",
}
"""Files outside of docs/, and the pages that they become."""
_SOURCES = {page: source for source, page in PAGES.items()}
_FENCED = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)([^)#\s]+)")


def site_links(markdown: str, page: str) -> str:
    """The text of a page with its links leading to pages; blocks of code stay as they are."""
    parts, end = [], 0
    for code in _FENCED.finditer(markdown):
        parts += [_linked(markdown[end : code.start()], page), code[0]]
        end = code.end()
    return "".join([*parts, _linked(markdown[end:], page)])


def _linked(text: str, page: str) -> str:
    folder = posixpath.dirname(_SOURCES.get(page, f"docs/{page}"))

    def lead(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        return posixpath.relpath(PAGES.get(target, target.removeprefix("docs/")), posixpath.dirname(page) or ".")

    return _LINK.sub(lead, text)
