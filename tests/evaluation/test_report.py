"""The report: one page that stands alone, whatever the names; and JSON that comes back as it went."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine

import geoarseg
from geoarseg.errors import OutputError
from geoarseg.evaluation.evaluate import evaluate_map
from geoarseg.evaluation.figures import coloured, right_or_wrong
from geoarseg.evaluation.report import SCHEMA, to_dict, write_report
from geoarseg.evaluation.tables import result_tables
from geoarseg.raster.legend import Legend

UTM = Affine(10, 0, 366_000, 0, -10, 5_810_000)
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=y>', "$\\frac{1", "_hidden", "水 & {name} $title")


class Page(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.sources = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        assert not any(name.startswith("on") for name, _ in attrs)


def hostile_layer(path, points):
    rng = np.random.default_rng(0)
    rows, cols = np.divmod(np.arange(25) * 40, 50)
    places = [UTM * (c + 0.5, r + 0.5) for r, c in zip(rows, cols, strict=True)]
    geometries = [shapely.Point(p) if points else shapely.Point(p).buffer(25) for p in places]
    names = rng.choice(HOSTILE, 25)
    geopandas.GeoDataFrame({"class": names}, geometry=geometries, crs="EPSG:32633").to_file(path)
    return path


@pytest.fixture
def map_path(make_raster):
    return make_raster(np.random.default_rng(1).integers(1, 6, (1, 20, 50)).astype(np.uint8), transform=UTM)


@pytest.mark.parametrize("sample", [False, True])
def test_hostile_names_stay_text(sample, map_path, tmp_path):
    result = evaluate_map(map_path, hostile_layer(tmp_path / "h.gpkg", sample), sample=sample)
    write_report(tmp_path / "out", result, title="<script>&title")
    text = (tmp_path / "out" / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert not page.tags & {"script", "link", "iframe", "object"}
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "水 &amp; {name} $title" in text
    pictures = [base64.b64decode(code) for code in re.findall(r"base64,([^\"]+)", text)]
    assert len(pictures) == 3
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert "http" not in re.sub(r"base64,[^\"]+", "", text).replace("http-equiv", "")
    tree = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert set(tree["class_names"].values()) <= set(HOSTILE)
    assert ("estimates" in tree) == sample


def test_json_round_trip(map_path, make_raster):
    labels = make_raster(np.random.default_rng(2).integers(0, 4, (1, 20, 50)).astype(np.uint8), transform=UTM)
    result = evaluate_map(map_path, labels, match="many-to-one", ignore=(3,))
    tree = to_dict(result)
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree
    assert tree["schema"] == SCHEMA
    assert tree["accuracy"] == result.scores.many_to_one.accuracy
    assert sum(row["count"] for row in tree["confusion"]) == result.scores.scored
    assert [row["value"] for row in tree["classes"]] == [1, 2]


def test_nothing_is_overwritten_and_nothing_half_written(map_path, tmp_path, monkeypatch):
    out = tmp_path / "out"
    geoarseg.evaluate(map_path, map_path, out=out)
    with pytest.raises(OutputError, match="exists"):
        geoarseg.evaluate(map_path, map_path, out=out)
    before = (out / "report.html").read_bytes()
    geoarseg.evaluate(map_path, map_path, out=out, overwrite=True)
    assert (out / "report.html").read_bytes() == before
    (out / "report.html").unlink()
    (out / "scores.json").unlink()
    result = evaluate_map(map_path, map_path)
    from pathlib import Path

    def full(self, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match="No space left"):
        write_report(out, result, title="x")
    assert list(out.iterdir()) == []


def test_pictures_show_what_they_say(map_path):
    classes, labels = np.array([[1, 2, 3, 0]]), np.array([[7, 7, 0, 7]])
    legend = Legend.from_colours(["a"] * 7, [(value, 0, 0) for value in range(7)])
    assert coloured(classes, legend, {1: 7}).tolist() == [[[6, 0, 0], [120] * 3, [120] * 3, [255] * 3]]
    picture = right_or_wrong(classes, labels, {1: 7, 2: 6})
    assert picture[0, 0].tolist() == [66, 146, 98]
    assert picture[0, 1].tolist() == [214, 84, 60]
    assert picture[0, 2].tolist() == [225, 225, 225]
    assert picture[0, 3].tolist() == [255, 255, 255]


def test_big_maps_are_thinned(make_raster):
    values = np.add.outer(np.arange(70), np.arange(1900)) % 200 + 1
    path = make_raster(values[None].astype(np.uint8), transform=UTM)
    kept = evaluate_map(path, path).thinned
    assert (kept.step, kept.classes.shape) == (3, (24, 634))
    np.testing.assert_array_equal(kept.classes, values[::3, ::3])
    np.testing.assert_array_equal(kept.labels, values[::3, ::3])


def test_tables_line_up(map_path):
    for table in result_tables(evaluate_map(map_path, map_path)):
        lines = table.to_text().splitlines()
        assert lines[0] == table.title
        assert len({len(line) for line in lines[2:]}) == 1
