"""Figures in the answers and comparisons are those of the pages that say how they were measured."""

import re

import pytest
from blocks import REPOSITORY

DOCS = REPOSITORY / "docs"
MEASURED = [REPOSITORY / "benchmarks" / "README.md", REPOSITORY / "benchmarks" / "quality.md", DOCS / "naming.md"]
_FIGURE = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?= (?:s|MB|%|megapixels|polygons)\b| [%±])|(?<= ± )\d+\.\d+")
_CELL = re.compile(r"(?<=\| )\d+\.\d(?= [(|])")


def figures_of(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    return set(_FIGURE.findall(text)) | set(_CELL.findall(text))


@pytest.mark.parametrize("page", ["faq.md", "comparison.md"])
def test_figures_are_measured_ones(page):
    measured = " ".join(path.read_text(encoding="utf-8") for path in MEASURED)
    figures = figures_of(page)
    assert len(figures) > 12
    lost = [figure for figure in figures if not re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d.]*\d)", measured)]
    assert not lost, f"{page} has figures that no benchmark tells any more: {lost}"


def test_what_counts_as_a_figure():
    assert {"83.4", "489", "2,150,925"} <= figures_of("faq.md")
    assert {"50.5", "64.8", "1.5", "9963"} <= figures_of("comparison.md")
