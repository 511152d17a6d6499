"""An evaluation in a folder: `scores.json` with all figures, `report.html` to look at, one page without scripts."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from geoarseg import __version__
from geoarseg.evaluation import figures
from geoarseg.evaluation.result import Evaluation
from geoarseg.evaluation.tables import Table, percent, result_tables
from geoarseg.raster.atomic import check_output_path, whole_file

SCHEMA = 1
"""Version of the form of `scores.json`; it grows when a name changes or goes."""

Picture = tuple[str, bytes]
"""Caption and PNG."""

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2em auto; padding: 0 1em; color: #222; }
h1 { font-size: 1.4em; overflow-wrap: anywhere; } h2 { font-size: 1.1em; margin-top: 2em; }
table { border-collapse: collapse; } th, td { padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; } figure { margin: 1.5em 0; } img { max-width: 100%; }
figcaption { color: #555; } .big { font-size: 2em; } .warning { background: #fff3d6; padding: .5em .8em; }
</style>
</head>
<body>
<h1>$title</h1>
<p><span class="big">$figure</span> $meaning</p>
$warnings
$tables
$pictures
<p>geoarseg $version. Accuracy is the share of the scored pixels whose cluster stands for their class.
The figures are explained in docs/evaluation.md; scores.json holds them all.</p>
</body>
</html>
""")


def check_report_paths(folder: Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a folder that cannot take the report.

    Raises:
        OutputError: a file exists, or the folder cannot be written.
    """
    for path in _paths(folder):
        check_output_path(path, overwrite)


def write_report(
    folder: Path,
    result: Evaluation,
    *,
    title: str,
    facts: dict[str, Any] | None = None,
    tables: Sequence[Table] = (),
    pictures: Sequence[Picture] = (),
    overwrite: bool = False,
) -> None:
    """Write `scores.json` and `report.html`; they appear only when both are whole.

    Args:
        folder: where; it is made if it is missing.
        result: what was found.
        title: what was evaluated.
        facts: further entries of `scores.json`, JSON types.
        tables: further tables, shown first.
        pictures: further pictures, shown first.
        overwrite: replace existing files.

    Raises:
        OutputError: a file exists, or the folder cannot be written.
    """
    json_path, html_path = _paths(folder)
    page = render_page(result, title=title, tables=tables, pictures=[*pictures, *draw_pictures(result)])
    document = json.dumps(to_dict(result) | (facts or {}), indent=2, ensure_ascii=False, allow_nan=False)
    with whole_file(html_path, overwrite=overwrite) as html, whole_file(json_path, overwrite=overwrite) as scores:
        html.write_text(page, encoding="utf-8", errors="replace")
        scores.write_text(document + "\n", encoding="utf-8", errors="replace")


def to_dict(result: Evaluation) -> dict[str, Any]:
    """All figures as JSON types; `scores.json` is this."""
    used = _used_values(result)
    tree: dict[str, Any] = {
        "schema": SCHEMA,
        "geoarseg": __version__,
        "match": result.match,
        "assignment": {
            str(cluster): value
            for cluster, value in result.agreement.assignment.items()
            if result.confusion[cluster].any()
        },
        "class_names": {str(value): result.legend.name_of(value) for value in used},
        "accuracy": result.agreement.accuracy,
        "mean_iou": result.agreement.mean_iou,
        "mean_f1": result.agreement.mean_f1,
        "kappa": result.agreement.kappa,
        "classes": [asdict(entry) for entry in result.agreement.classes],
        "scores": result.scores.to_dict(),
        "confusion": [
            {"cluster": int(cluster), "class": int(value), "count": int(result.confusion[cluster, value])}
            for cluster, value in zip(*result.confusion.nonzero(), strict=True)
        ],
        "warnings": list(result.warnings),
    }
    if result.sampled is not None:
        tree["estimates"] = result.sampled.estimates.to_dict() | {
            "area_unit": result.sampled.unit,
            "mapped_area": {str(value): area for value, area in sorted(result.sampled.mapped_area.items())},
            "units_left_out": result.sampled.sample.left_out,
        }
    return tree


def draw_pictures(result: Evaluation) -> list[Picture]:
    """The pictures that every evaluation has."""
    pictures = []
    if result.thinned is not None:
        caption = "The map in the colours of the matched classes, the labels, and where they agree: green right, "
        caption += "red wrong, grey not scored."
        if result.sampled is not None:
            caption = "The map in the colours of the matched classes, and the units of the sample."
        if result.thinned.step > 1:
            caption += f" One pixel in {result.thinned.step} of each row and column is shown."
        pictures.append((caption, figures.draw_maps(result)))
    unit = "units" if result.sampled is not None else "pixels"
    caption = f"Clusters and the classes of their {unit}: share of the row, and count."
    pictures.append((caption, figures.draw_confusion(result)))
    if result.sampled is None:
        pictures.append(("F1 and intersection over union of each class.", figures.draw_bars(result)))
    else:
        intervals = figures.draw_intervals(result.sampled, result.legend)
        pictures.append(("Estimated accuracies with 95 % confidence intervals.", intervals))
    return pictures


def render_page(result: Evaluation, *, title: str, tables: Sequence[Table], pictures: Sequence[Picture]) -> str:
    """The HTML of the report; every text is escaped."""
    if result.sampled is None:
        figure = percent(result.agreement.accuracy)
        meaning = f"of {result.scores.scored:,} scored pixels are right (clusters matched {result.match})."
    else:
        overall = result.sampled.estimates.overall
        figure = f"{100 * overall.value:.1f} ± {100 * overall.margin:.1f} %"
        meaning = f"of the area is right, estimated from {result.sampled.estimates.units:,} sample units."
    return _PAGE.substitute(
        title=escape(title),
        figure=escape(figure),
        meaning=escape(meaning),
        warnings="\n".join(f'<p class="warning">{escape(text)}</p>' for text in result.warnings),
        tables="\n".join(_table_html(table) for table in (*tables, *result_tables(result))),
        pictures="\n".join(_picture_html(caption, png) for caption, png in pictures),
        version=escape(__version__),
    )


def _paths(folder: Path) -> tuple[Path, Path]:
    return folder / "scores.json", folder / "report.html"


def _table_html(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.header)
    rows = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<h2>{escape(table.title)}</h2>\n<table>\n<tr>{head}</tr>\n{rows}\n</table>"


def _picture_html(caption: str, png: bytes) -> str:
    data = base64.b64encode(png).decode("ascii")
    text = escape(caption)
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'


def _used_values(result: Evaluation) -> list[int]:
    """Class values that occur in the labels or that a cluster stands for."""
    labelled = {int(value) for value in result.confusion.sum(axis=0).nonzero()[0]}
    clusters = [int(cluster) for cluster in result.confusion.sum(axis=1).nonzero()[0]]
    return sorted((labelled | {result.agreement.assignment.get(cluster, 0) for cluster in clusters}) - {0})
