"""Brings the plugin's texts into the translation files under `geoarseg_qgis/i18n`.

    python qgis_plugin/translate.py

New texts come in without a translation, those that are gone leave, and what is translated stays.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

PLUGIN = Path(__file__).resolve().parent / "geoarseg_qgis"
CONTEXT = "geoarseg"
"""The context of `messages.tr`."""

Text = tuple[str, str]  # context and text


def texts_of(folder: Path) -> list[Text]:
    """All texts to be translated, in the order of files and lines.

    They stand in calls of `tr("...")`, of a class's `self.tr("...")`, whose context is the class's name, and of
    `QCoreApplication.translate("context", "...")`.
    """
    found: dict[Text, None] = {}
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found.update(dict.fromkeys(_texts_in(tree, CONTEXT)))
    return list(found)


def _texts_in(node: ast.AST, owner: str) -> Iterator[Text]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield from _texts_of_call(child, owner)
        yield from _texts_in(child, child.name if isinstance(child, ast.ClassDef) else owner)


def _texts_of_call(call: ast.Call, owner: str) -> Iterator[Text]:
    function, words = (
        call.func,
        [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)],
    )
    if isinstance(function, ast.Name) and function.id == "tr" and words:
        yield CONTEXT, words[0]
    elif isinstance(function, ast.Attribute) and function.attr == "tr" and words:
        yield owner, words[0]
    elif isinstance(function, ast.Attribute) and function.attr == "translate" and len(words) == 2:
        yield words[0], words[1]


def read_translations(path: Path) -> dict[Text, str]:
    """The finished translations of a file."""
    if not path.exists():
        return {}
    done = {}
    for context in ET.parse(path).getroot().findall("context"):  # noqa: S314 -- our own file
        for message in context.findall("message"):
            translation = message.find("translation")
            if translation is not None and translation.get("type") is None and translation.text:
                done[context.findtext("name", ""), message.findtext("source", "")] = translation.text
    return done


def write_translations(path: Path, language: str, texts: list[Text], done: dict[Text, str]) -> None:
    """Write a file of all texts with what is translated."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE TS>", f'<TS version="2.1" language="{language}">']
    for context in dict.fromkeys(context for context, _ in texts):
        lines += ["<context>", f"    <name>{escape(context)}</name>"]
        for text in (text for owner, text in texts if owner == context):
            translation = done.get((context, text))
            ending = f">{escape(translation)}</translation>" if translation else ' type="unfinished"></translation>'
            lines += ["    <message>", f"        <source>{escape(text)}</source>"]
            lines += [f"        <translation{ending}", "    </message>"]
        lines.append("</context>")
    path.write_text("\n".join([*lines, "</TS>", ""]), encoding="utf-8")


def main() -> None:
    """Bring all files up to date."""
    texts = texts_of(PLUGIN)
    for path in sorted((PLUGIN / "i18n").glob("*.ts")):
        done = read_translations(path)
        write_translations(path, path.stem.rpartition("_")[2], texts, done)
        open_ = sum(text not in done for text in texts)
        sys.stdout.write(f"{path.name}: {len(texts)} texts, {open_} not translated\n")


if __name__ == "__main__":
    main()
