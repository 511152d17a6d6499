"""The page: figures, charts and pictures put into the template, every word of theirs escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from geoarseg.evaluation.result import Evaluation
from geoarseg.evaluation.tables import Table, result_tables
from geoarseg.raster.legend import Legend, hex_of
from geoarseg.report.charts import Chart, Points, information_chart, loss_chart, spectrum_chart
from geoarseg.report.pictures import CONFIDENCE_COLOURS, Picture
from geoarseg.report.sample import PixelSample, SampledSpectrum, spectrum_of
from geoarseg.report.summary import RunSummary
from geoarseg.report.words import AreaUnit, brief, change, duration, flat, number, percent

_MOST_IMAGES = 50


@dataclass(frozen=True)
class Shown:
    """A picture as it stands in the page."""

    picture: Picture
    caption: str
    alt: str
    """What it shows, for those who do not see it."""

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return self.picture.uri


def page(
    summary: RunSummary,
    legend: Legend,
    sample: PixelSample,
    pictures: Sequence[Shown],
    *,
    title: str,
    scored: Evaluation | None = None,
) -> str:
    """The report as HTML that needs nothing else.

    Args:
        summary: of the run.
        legend: names and colours as they are now.
        sample: pixels of image, map and confidence.
        pictures: the image first, then what lies over it.
        title: what the map is called.
        scored: the map against labels; None = there are none.
    """
    curve, told = summary.training.loss_curve, summary.training.information
    values: dict[str, Any] = {
        "title": brief(title),
        "summary": summary,
        "warnings": [*_warnings(summary), *(scored.warnings if scored is not None else ())],
        "pictures": pictures,
        "shape": (pictures[0].picture.height, pictures[0].picture.width),
        "rows": _rows(summary, legend, sample),
        "sample": sample,
        "tables": [_brief_table(table) for table in result_tables(scored)] if scored is not None else [],
        "ramp": ", ".join(map(hex_of, CONFIDENCE_COLOURS)),
        "curve": loss_chart(curve) if curve is not None and curve.step else None,
        "information": information_chart(told, len(summary.classes)) if told is not None and told.classes else None,
        "images": _images(summary),
        "times": [(f"Time: {name}", duration(seconds).text) for name, seconds in summary.seconds.items()],
        "settings": list(flat(summary.settings.model_dump(mode="json"))),
        "points": _points,
    }
    loader = PackageLoader("geoarseg.report", "")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html").render(values)


def _rows(summary: RunSummary, legend: Legend, sample: PixelSample) -> list[dict[str, Any]]:
    """One row of the table for each class, the largest first."""
    unit = AreaUnit.for_total(sum(row.area for row in summary.classes), summary.unit)
    whole = spectrum_of(sample)
    spectra = {row.value: spectrum_of(sample, row.value) for row in summary.classes}
    ends = [end for found in spectra.values() if found is not None for end in (*found.low, *found.high)]
    bounds = (min(ends), max(ends)) if ends else (0.0, 1.0)
    rows = []
    for row in sorted(summary.classes, key=lambda row: -row.share):
        name, colour = legend.name_of(row.value), hex_of(legend.colour_of(row.value))
        spectrum = spectra[row.value]
        rows.append(
            {
                "value": row.value,
                "name": brief(name),
                "colour": colour,
                "evidence": brief(row.evidence),
                "share": percent(row.share),
                "area": unit.write(row.area),
                "before": unit.write(row.area_before),
                "change": change(row.area_before, row.area),
                "confidence": _confidence(row.confidence, spectrum),
                "chart": spectrum and whole and _chart(spectrum, whole, bounds, summary.bands, colour, name),
            }
        )
    return rows


def _chart(
    spectrum: SampledSpectrum,
    whole: SampledSpectrum,
    bounds: tuple[float, float],
    bands: Sequence[str],
    colour: str,
    name: str,
) -> Chart:
    means = ", ".join(f"{brief(band, 20)} {number(mean)}" for band, mean in zip(bands, spectrum.mean, strict=True))
    marks = [brief(band, 7) for band in bands]
    return spectrum_chart(
        spectrum, whole, bounds, marks=marks, colour=colour, text=f"Means of class {brief(name)}: {means}."
    )


def _confidence(known: float | None, spectrum: SampledSpectrum | None) -> str:
    """Of the map where there is a confidence raster, else of the training's sample."""
    if spectrum is not None and spectrum.confidence is not None:
        return f"{spectrum.confidence:.0f} %"
    return "not known" if known is None else f"{100 * known:.0f} %"


def _warnings(summary: RunSummary) -> list[str]:
    if not summary.dead_classes:
        return []
    dead = ", ".join(map(str, summary.dead_classes))
    return [f"Hardly any pixel went to class {dead} in training. Ask for fewer classes, or train longer."]


def _images(summary: RunSummary) -> list[str]:
    more = len(summary.images) - _MOST_IMAGES
    shown = [brief(name) for name in summary.images[:_MOST_IMAGES]]
    return shown + ([f"and {more} more"] if more > 0 else [])


def _brief_table(table: Table) -> Table:
    """The table with names that are not endless."""
    return Table(brief(table.title), table.header, tuple(tuple(map(brief, row)) for row in table.rows))


def _points(points: Points) -> str:
    """Places as SVG writes them."""
    return " ".join(f"{x:g},{y:g}" for x, y in np.asarray(points).tolist())
