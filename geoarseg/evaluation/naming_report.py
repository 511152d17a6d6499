"""What a naming by labels found: its classes, its accuracy, its clusters, and where another label would help most."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from geoarseg.evaluation.tables import Table, percent
from geoarseg.evaluation.voting import CrossValidation


@dataclass(frozen=True)
class NamedClass:
    """One class."""

    value: int
    """Its value in the map; 0 if no cluster became it."""
    name: str
    """What the labels call it."""
    colour: str
    """As `#rrggbb`."""
    labels: float
    """Labels of it: points, polygons, or labelled pixels of a raster."""
    clusters: tuple[int, ...]
    """The clusters that it is made of, from 1."""
    share: float
    """Share of the image, 0 to 1, estimated on a sample."""
    recall: float | None
    """Share of its labels that are right in cross-validation; None = not known."""


@dataclass(frozen=True)
class NamedCluster:
    """One cluster."""

    cluster: int
    """Its number, from 1."""
    name: str
    """The class that it became."""
    share: float
    """Share of the image, 0 to 1, estimated on a sample."""
    labels: float
    """Labels' worth of votes in it."""
    sure: float
    """Probability of that class in the cluster, as the labels say; 0 for a cluster without labels."""
    follows: int | None
    """The cluster whose class it took, since it has no labels; None if it has."""


@dataclass(frozen=True)
class LabelWish:
    """A place where one more label would help."""

    cluster: int
    """The cluster that it would tell about."""
    name: str
    """The class that this cluster has for now."""
    reason: str
    """Why: no label, or how mixed those are."""
    gain: float
    """Share of the image that may have the wrong class for want of it, 0 to 1."""
    row: int
    """Row of the pixel."""
    col: int
    """Column of the pixel."""
    x: float
    """Coordinate in the image's system; the column's middle without one."""
    y: float
    """Coordinate in the image's system; the row's middle without one."""
    radius_px: float
    """Distance to the nearest pixel of another cluster."""


@dataclass(frozen=True)
class NamingReport:
    """All of it."""

    classes: tuple[NamedClass, ...]
    clusters: tuple[NamedCluster, ...]
    validation: CrossValidation | None
    """Accuracy on labels that were left out; None where it cannot be known."""
    why_not: str | None
    """Why there is no accuracy; None if there is."""
    wishes: tuple[LabelWish, ...]
    """The most helpful first."""
    notes: tuple[str, ...]
    """What the user should know."""

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON types."""
        tree = asdict(self)
        if self.validation is not None:
            tree["validation"]["interval"] = list(self.validation.interval)
        return tree

    def tables(self) -> tuple[Table, ...]:
        """The report for a terminal."""
        tables = [self._classes()]
        if self.validation is not None:
            tables.append(_accuracy(self.validation))
        return (*tables, self._wishes()) if self.wishes else tuple(tables)

    def _classes(self) -> Table:
        rows = tuple(
            (
                f"{c.value or '-'} {c.name}",
                f"{c.labels:,.0f}",
                ",".join(map(str, c.clusters)) or "none",
                percent(c.share),
                "-" if c.recall is None else percent(c.recall),
            )
            for c in self.classes
        )
        return Table("Classes", ("", "labels", "clusters", "of the image", "right"), rows)

    def _wishes(self) -> Table:
        rows = tuple(
            (f"{wish.x:.10g}, {wish.y:.10g}", str(wish.cluster), wish.name, percent(wish.gain), wish.reason)
            for wish in self.wishes
        )
        return Table("Where one more label would help most", ("x, y", "cluster", "now", "gain", "because"), rows)


def _accuracy(validation: CrossValidation) -> Table:
    low, high = validation.interval
    rows = (
        ("accuracy", percent(validation.accuracy)),
        ("95 % interval", f"{percent(low)} to {percent(high)}"),
        ("mean of the classes", percent(validation.balanced_accuracy)),
        ("groups of neighbouring labels", str(validation.groups)),
    )
    return Table("On labels that were left out of the naming", ("", "value"), rows)
