"""The reference of the settings, from the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from geoarseg.settings import RASTER_ORDERINGS, Settings


def settings_table() -> Iterator[str]:
    """Lines of Markdown: a section for each group of settings with name, default, values and meaning."""
    defaults = Settings()
    groups = {name: value for name, value in defaults if isinstance(value, BaseModel)}
    yield from _section("Common", defaults, "", left_out=groups.keys())
    for name, group in groups.items():
        yield from _section(f"`{name}`", group, f"{name}.")


def _section(title: str, group: BaseModel, prefix: str, left_out: Any = ()) -> Iterator[str]:
    yield from ("", f"## {title}", "", "| setting | default | values | meaning |", "|---|---|---|---|")
    schemas = type(group).model_json_schema()["properties"]
    for name, field in type(group).model_fields.items():
        if name not in left_out:
            meaning = (field.description or "").replace("|", "\\|")
            yield f"| `{prefix}{name}` | {_default(getattr(group, name))} | {_values(schemas[name])} | {meaning} |"


def _default(value: object) -> str:
    if value is None:
        return "unset"
    if value == RASTER_ORDERINGS:
        return "`raster`"
    return f"`{'true' if value is True else 'false' if value is False else value}`"


def _values(schema: dict[str, Any]) -> str:
    """The limits of a value, or the values there are."""
    part = next(part for part in schema.get("anyOf", [schema]) if part.get("type") != "null")
    if "enum" in part or "const" in part:
        return ", ".join(f"`{value}`" for value in part.get("enum", [part.get("const")]))
    if part.get("type") in ("integer", "number"):
        return _range(part)
    return {"boolean": "`true`, `false`", "array": "a list"}.get(part.get("type", ""), "text")


def _range(part: dict[str, Any]) -> str:
    low = part.get("minimum", part.get("exclusiveMinimum"))
    high = part.get("maximum", part.get("exclusiveMaximum"))
    over = "over " if "exclusiveMinimum" in part else ""
    if low is not None and high is not None:
        return f"{over}{low} to {'under ' if 'exclusiveMaximum' in part else ''}{high}"
    return "any number" if low is None else f"over {low}" if over else f"{low} or more"
