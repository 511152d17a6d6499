"""A model's clusters merged to more or fewer classes, and what that does to a raster of the clusters. Pure: no Qt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from .classes import MapClass

MOST_CLUSTERS = 254
"""What a class raster holds."""
_TOO_DIFFERENT = 1e-6


class CutsError(ValueError):
    """The model's clusters cannot be merged otherwise; the text is a kind that `texts.cuts_problem` knows."""


@dataclass(frozen=True)
class Cut:
    """One way to merge the clusters."""

    classes: int
    """How many classes are left."""
    alpha: float
    """How unequal they may be, from 0 (of like sizes) to 1."""
    class_of: tuple[int, ...]
    """The class of each cluster, counted from 1, in the order of the clusters."""
    information: float
    """What the classes still tell of the clusters' surroundings, in nats."""
    legend: tuple[tuple[int, str, str], ...]
    """Value, name and colour, `#rrggbb`, of each class."""


class Cuts:
    """All the ways to merge a model's clusters that the command offers.

    Args:
        cuts: one for each number of classes and each alpha.
        now: the class of each cluster in the model itself.
        alpha: of the model itself; None = not known.

    Raises:
        CutsError: `no_tree`, or `many_clusters`.
    """

    def __init__(self, cuts: Sequence[Cut], now: Sequence[int] = (), alpha: float | None = None) -> None:
        if not cuts:
            raise CutsError("no_tree")
        self.clusters = max(len(cut.class_of) for cut in cuts)
        if self.clusters > MOST_CLUSTERS:
            raise CutsError("many_clusters")
        self._cuts = {(cut.classes, cut.alpha): cut for cut in cuts}
        self.least, self.most = min(cut.classes for cut in cuts), max(cut.classes for cut in cuts)
        self.alphas = tuple(sorted({cut.alpha for cut in cuts}))
        if len(self._cuts) != len(self.alphas) * (self.most - self.least + 1):  # the sliders would fall into a gap
            raise CutsError("no_tree")
        self._value_of = self._values()
        self.first = self._nearest(now, alpha)

    @classmethod
    def from_json(cls, text: str) -> Cuts:
        """Those in the answer of `geoarseg info MODEL --json`.

        Raises:
            CutsError: there are none in it, or more clusters than a raster can show.
        """
        try:
            facts = json.loads(text)
            cuts = [_cut(row) for row in facts.get("cuts") or ()]
            return cls(cuts, facts.get("class_of") or (), facts.get("alpha"))
        except CutsError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CutsError("no_tree") from error

    def at(self, classes: int, alpha: float) -> Cut:
        """The cut of so many classes, at the nearest alpha there is."""
        nearest = min(self.alphas, key=lambda known: abs(known - alpha))
        return self._cuts[classes, nearest]

    def kept(self, cut: Cut) -> float | None:
        """How much of what all clusters tell a cut still tells, from 0 to 1; None if they tell nothing."""
        whole = self.at(self.most, cut.alpha).information
        return min(cut.information / whole, 1.0) if whole > _TOO_DIFFERENT else None

    def rows(self, cut: Cut, shares: Mapping[int, float]) -> tuple[MapClass, ...]:
        """The classes of a cut, as they show on the raster of the clusters, the first class first.

        Args:
            cut: one of these.
            shares: the share of each value of that raster; empty = not known.
        """
        members: dict[int, list[int]] = {}
        for value, number in zip(self._value_of, cut.class_of):
            members.setdefault(number, []).append(value)
        rows = []
        for number, name, colour in cut.legend:
            first, *others = sorted(members.get(number, ()))
            share = sum(shares.get(value, 0.0) for value in (first, *others)) if shares else None
            rows.append(MapClass(first, name, colour, share, tuple(others)))
        return tuple(rows)

    def _nearest(self, now: Sequence[int], alpha: float | None) -> Cut:
        """The cut that the model itself has; where its classes have been merged since, one of as many classes."""
        alike = [cut for cut in self._cuts.values() if _unnumbered(cut.class_of) == _unnumbered(now)]
        own = max(alike, key=lambda cut: (cut.alpha == alpha, cut.alpha), default=None)
        return own or self.at(min(max(len(set(now)), self.least), self.most), self.alphas[-1])

    def _values(self) -> tuple[int, ...]:
        """The value of each cluster in the raster of all clusters, whose classes are the clusters, numbered by size."""
        whole = self._cuts.get((self.clusters, self.alphas[-1]))
        if whole is None or sorted(whole.class_of) != list(range(1, self.clusters + 1)):
            raise CutsError("no_tree")
        return whole.class_of


def _unnumbered(class_of: Sequence[int]) -> tuple[int, ...]:
    """The first member of each cluster's class: equal for equal classes, however they are numbered."""
    return tuple(class_of.index(number) for number in class_of)


def _cut(row: Mapping[str, Any]) -> Cut:
    legend = tuple((int(entry["value"]), str(entry["name"]), str(entry["colour"])) for entry in row["legend"])
    class_of = tuple(int(number) for number in row["class_of"])
    return Cut(int(row["classes"]), float(row["alpha"]), class_of, float(row["information"]), legend)
