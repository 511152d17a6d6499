"""Settings from YAML files and `name=value` texts; clear errors out.

A settings file holds the same names as the classes of `geoarseg.settings`::

    classes: 8
    network: {width: 96}
    train: {steps: 800, marginal_weight: 1.3}

A file may start from another one with `base: other.yaml`, or from several: in a list of them, later ones win.
"""

from __future__ import annotations

import difflib
import os
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from geoarseg.errors import SettingsError
from geoarseg.settings import Section, Settings

_MOST_BYTES = 1 << 20
_MOST_PROBLEMS = 20
_LONGEST_NAME = 80
_brief = reprlib.Repr()  # not repr: a few lines with aliases of YAML are gigabytes when written out
_brief.maxlevel, _brief.maxstring, _brief.maxother = 2, 80, 80
_UNREADABLE = (yaml.YAMLError, ValueError, RecursionError)  # the latter two of endless digits and endless brackets


def load_settings(path: str | os.PathLike[str] | None = None, overrides: Iterable[str] = ()) -> Settings:
    """Settings from a YAML file and `section.name=value` texts, the later ones winning.

    Args:
        path: a YAML file; None for the defaults.
        overrides: texts such as `train.steps=800`; the value is read as YAML.

    Raises:
        SettingsError: the file cannot be read, or a name or value is wrong; one line for each that is.
    """
    tree: dict[str, Any] = _read_tree(Path(path), seen=()) if path is not None else {}
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise SettingsError(f"--set {text!r} has no value.", "Write it as --set train.steps=800.")
        try:
            parsed = yaml.safe_load(value)
        except _UNREADABLE:
            raise SettingsError(f"The value of --set {_brief.repr(text)} is not valid YAML.") from None
        tree = merge(tree, _nest(name.strip().split("."), parsed))
    return validate_settings(tree)


def validate_settings(tree: Mapping[str, Any]) -> Settings:
    """Check a tree of plain values.

    Raises:
        SettingsError: a name or value is wrong.
    """
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        problems = [_describe(problem) for problem in error.errors()[:_MOST_PROBLEMS]]
        raise SettingsError("\n".join(problems)) from None


def merge(base: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `update` put over it, section by section.

    Raises:
        SettingsError: they hold themselves.
    """
    merged = dict(base)
    try:
        for name, value in update.items():
            old = merged.get(name)
            merged[name] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    except RecursionError:  # an alias of YAML can make a mapping that holds itself
        raise SettingsError("The settings are nested without end.", "Write them without aliases.") from None
    return merged


def _nest(names: list[str], value: object) -> dict[str, Any]:
    return {names[0]: value if len(names) == 1 else _nest(names[1:], value)}


def _read_text(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size > _MOST_BYTES:
            raise SettingsError(
                f"The settings file {path} is larger than {_MOST_BYTES >> 20} MB.", "Is it another file?"
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"There is no settings file {path}.") from None
    except (OSError, ValueError) as error:  # a ValueError for what is no UTF-8, or a NUL in the name
        raise SettingsError(f"The settings file {path} cannot be read ({error}).") from None


def _read_tree(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    try:
        place = path.resolve()
    except (ValueError, OSError, RuntimeError):  # a NUL in the name, or a loop of links
        raise SettingsError(f"There is no settings file {path}.") from None
    if place in seen:
        raise SettingsError(f"The settings file {path} is its own base.")
    text = _read_text(path)
    try:
        tree = yaml.safe_load(text)
    except _UNREADABLE as error:
        where = " ".join(str(error).split())
        raise SettingsError(f"The settings file {path} is not valid YAML ({where}).") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(f"The settings file {path} must hold names with values.")
    bases = tree.pop("base", [])
    merged: dict[str, Any] = {}
    for base in bases if isinstance(bases, list) else [bases]:
        if not isinstance(base, str):
            raise SettingsError(f"`base` in {path} must be the name of a settings file, or a list of such names.")
        merged = merge(merged, _read_tree(path.parent / base, (*seen, place)))
    return merge(merged, tree)


def _describe(problem: Mapping[str, Any]) -> str:
    """One line for one problem that pydantic found."""
    location = [" ".join(str(part).split())[:_LONGEST_NAME] for part in problem["loc"]]
    name = ".".join(location)
    if problem["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, known_names(), n=1, cutoff=0.5)
        by_last = [known for known in known_names() if known.split(".")[-1] == location[-1]]
        guess = (by_last or close or [""])[0]
        return f"There is no setting `{name}`." + (f" Did you mean `{guess}`?" if guess else "")
    if problem["type"] == "value_error":
        text = problem["msg"].removeprefix("Value error, ")
        return f"Setting `{name}`: {text}." if name else f"{text}."
    text = problem["msg"]
    value = _brief.repr(problem["input"])
    return f"Setting `{name}` is {value}: {text[:1].lower()}{text[1:]}."


def known_names() -> list[str]:
    """Every setting by its dotted name."""
    names = []
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            names += [f"{name}.{inner}" for inner in section.model_fields]
        else:
            names.append(name)
    return names
