"""The legend while it is edited: names, colours, merges, and the way back. Pure: no Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Callable, Iterable, Sequence


@dataclass(frozen=True)
class MapClass:
    """One class as the user sees it."""

    value: int
    """Its value in the raster."""
    name: str
    """What it is called."""
    colour: str
    """`#rrggbb`."""
    share: float | None = None
    """Share of the mapped pixels, from 0 to 1; None when unknown."""
    members: tuple[int, ...] = ()
    """Other class values of the files that have been merged into it."""

    @property
    def values(self) -> tuple[int, ...]:
        """All values of the files that it stands for."""
        return (self.value, *self.members)

    @property
    def is_named(self) -> bool:
        """Whether somebody gave it a name."""
        return not re.fullmatch(rf"class {self.value}", self.name)


class ClassTable:
    """The classes of a map, and all that was done to them since they were last saved.

    Args:
        classes: as they are in the files.
        changed: called after each change, with the classes as they now are.
    """

    def __init__(
        self, classes: Sequence[MapClass] = (), changed: Callable[[tuple[MapClass, ...]], None] | None = None
    ) -> None:
        self._saved = tuple(classes)
        self._states: list[tuple[MapClass, ...]] = [self._saved]
        self._changed = changed

    @property
    def rows(self) -> tuple[MapClass, ...]:
        """The classes as they now are."""
        return self._states[-1]

    @property
    def is_changed(self) -> bool:
        """Whether the files differ from it."""
        return self.rows != self._saved

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return len(self._states) > 1

    def rename(self, value: int, name: str) -> None:
        """Give a class another name; an empty one is left."""
        name = " ".join(name.split())
        if name:
            self._put(replace(row, name=name) if row.value == value else row for row in self.rows)

    def recolour(self, value: int, colour: str) -> None:
        """Give a class another colour, `#rrggbb`."""
        self._put(replace(row, colour=colour) if row.value == value else row for row in self.rows)

    def merge(self, values: Iterable[int]) -> int | None:
        """Make one class of several: the largest one takes over, with a name that somebody gave if it has none.

        Returns:
            the value that is left, or None if there were fewer than two.
        """
        wanted = set(values)
        chosen = [row for row in self.rows if row.value in wanted]
        if len(chosen) < 2:
            return None
        target = max(chosen, key=lambda row: row.share or 0.0)
        named = next((row for row in [target, *chosen] if row.is_named), target)
        shares = [row.share for row in chosen if row.share is not None]
        merged = replace(
            target,
            name=named.name,
            share=sum(shares) if shares else None,
            members=tuple(sorted(value for row in chosen for value in row.values if value != target.value)),
        )
        self._put(merged if row is target else row for row in self.rows if row is target or row not in chosen)
        return target.value

    def undo(self) -> None:
        """Take the last change back."""
        if self.can_undo:
            self._states.pop()
            self._tell()

    def note_saved(self) -> None:
        """The files now are as the table is; what was merged is gone for good."""
        self._saved = tuple(replace(row, members=()) for row in self.rows)
        self._states = [self._saved]
        self._tell()

    def edits(self) -> list[str]:
        """The options of `geoarseg legend` that make the files as the table is."""
        before = {row.value: row for row in self._saved}
        words: list[str] = []
        for row in self.rows:
            if row.members:
                words += ["--merge", f"{','.join(map(str, row.members))}={row.value}"]
            if row.name != before[row.value].name:
                words += ["--rename", f"{row.value}={row.name}"]
            if row.colour != before[row.value].colour:
                words += ["--colour", f"{row.value}={row.colour}"]
        return words

    def _put(self, rows: Iterable[MapClass]) -> None:
        state = tuple(rows)
        if state != self.rows:
            self._states.append(state)
            self._tell()

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed(self.rows)
