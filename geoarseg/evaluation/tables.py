"""The tables of an evaluation, as text for a terminal; `report.py` turns the same tables into HTML."""

from __future__ import annotations

from dataclasses import dataclass

from geoarseg.evaluation.estimators import Estimate
from geoarseg.evaluation.result import Evaluation, SampleEvaluation
from geoarseg.raster.legend import Legend

_HECTARE_M2 = 10_000


@dataclass(frozen=True)
class Table:
    """Rows of texts; all columns but the first are figures."""

    title: str
    """What it shows."""
    header: tuple[str, ...]
    """Names of the columns."""
    rows: tuple[tuple[str, ...], ...]
    """As long as the header each."""

    def to_text(self) -> str:
        """Aligned columns, without a line break at the end."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        aligned = (
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )
        return "\n".join([self.title, *aligned])


def result_tables(result: Evaluation) -> tuple[Table, ...]:
    """The tables of an evaluation: estimates first, where there are some."""
    if result.sampled is not None:
        return (*sample_tables(result.sampled, result.legend), match_table(result))
    return summary_table(result), class_table(result), match_table(result)


def summary_table(result: Evaluation) -> Table:
    """The figures of the whole map."""
    scores, chosen = result.scores, result.agreement
    rows = [
        (f"accuracy, {result.match}", percent(chosen.accuracy)),
        ("mean IoU", percent(chosen.mean_iou)),
        ("mean F1", percent(chosen.mean_f1)),
        ("kappa", f"{chosen.kappa:.3f}"),
        ("NMI", f"{scores.nmi:.3f}"),
        ("ARI", f"{scores.ari:.3f}"),
        ("clusters", str(scores.clusters)),
        ("pixels scored", f"{scores.scored:,}"),
        ("labelled pixels without a class in the map", f"{scores.unpredicted:,}"),
    ]
    if result.match == "one-to-one":
        rows.insert(1, ("accuracy, many-to-one", percent(scores.many_to_one.accuracy)))
    elif result.match == "many-to-one":
        rows.insert(1, ("accuracy, one-to-one", percent(scores.one_to_one.accuracy)))
    return Table("Scores", ("", "value"), tuple(rows))


def class_table(result: Evaluation) -> Table:
    """The figures of each class."""
    rows = tuple(
        (
            result.legend.name_of(entry.value),
            f"{entry.pixels:,}",
            percent(entry.precision),
            percent(entry.recall),
            percent(entry.f1),
            percent(entry.iou),
        )
        for entry in result.agreement.classes
    )
    return Table("Classes", ("class", "pixels", "precision", "recall", "F1", "IoU"), rows)


def match_table(result: Evaluation) -> Table:
    """Which class each cluster stands for, and how many of its pixels are of it."""
    counts = result.confusion[1:].sum(axis=1)
    rows = []
    for cluster in (counts.nonzero()[0] + 1).tolist():
        value = result.agreement.assignment.get(cluster, 0)
        known = 0 < value < result.confusion.shape[1]
        right = int(result.confusion[cluster, value]) if known else 0
        total = int(counts[cluster - 1])
        name = result.legend.name_of(value) if known else "none"
        rows.append((str(cluster), name, f"{total:,}", percent(right / total)))
    unit = "units" if result.sampled is not None else "pixels"
    return Table(f"Clusters, matched {result.match}", ("cluster", "class", unit, "right"), tuple(rows))


def sample_tables(sampled: SampleEvaluation, legend: Legend) -> tuple[Table, Table]:
    """Estimated accuracies and areas with the half widths of their 95 % intervals."""
    estimates = sampled.estimates
    total = ("all", str(estimates.units), _with_margin(estimates.overall), "", "")
    accuracy = [
        (
            legend.name_of(c.value),
            str(c.reference_units),
            "",
            _with_margin(c.users),
            _with_margin(c.producers),
        )
        for c in estimates.classes
    ]
    unit, size = ("ha", _HECTARE_M2) if sampled.unit == "m2" else ("pixels", 1)
    areas = tuple(
        (
            legend.name_of(c.value),
            f"{sampled.mapped_area.get(c.value, 0.0) / size:,.2f}",
            f"{c.area.value / size:,.2f}",
            f"± {c.area.margin / size:,.2f}",
            _with_margin(c.share),
        )
        for c in estimates.classes
    )
    return (
        Table(
            "Accuracy, estimated from the sample (± half the 95 % interval)",
            ("class", "units", "overall", "user's", "producer's"),
            (total, *accuracy),
        ),
        Table(
            f"Area in {unit}, estimated from the sample (± half the 95 % interval)",
            ("class", "mapped", "estimated", "", "share"),
            areas,
        ),
    )


def percent(share: float) -> str:
    """A share as per cent with one decimal."""
    return f"{100 * share:.1f} %"


def _with_margin(estimate: Estimate | None) -> str:
    if estimate is None:
        return "none"
    return f"{100 * estimate.value:.1f} ± {100 * estimate.margin:.1f} %"
