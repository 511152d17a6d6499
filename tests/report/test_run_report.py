import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from affine import Affine

from geoarseg.cli.main import run_command
from geoarseg.raster.bands import MAX_BANDS
from geoarseg.raster.legend import Legend
from geoarseg.raster.scene import open_scene
from geoarseg.report.charts import nice_ticks
from geoarseg.report.pictures import MAX_BYTES
from geoarseg.report.summary import RunSummary
from geoarseg.report.words import AreaUnit, brief, change, duration, percent
from geoarseg.report.write import write_report

TINY = [
    "-k",
    "3",
    "--steps",
    "3",
    "--device",
    "cpu",
    "--quiet",
    "--set",
    "network.width=8",
    "--set",
    "network.blocks=1",
]
TINY += ["--set", "train.objective=ac", "--set", "train.batch=2", "--set", "train.crop_px=32", "--confidence"]
MOST_BYTES = 5_000_000
HOSTILE = "<script>alert('x')</script> \"quoted\" & ]]> </title>"
SCRIPTS_OF_OURS = 1


class Tags(HTMLParser):
    """All tags, and the text between them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def summary_of(shape, classes, bands=None):
    """The summary of a map of an image (band, y, x)."""
    row = {"share": 1 / classes, "area_m2": 1.0, "area_m2_before_cleaning": 1.0}
    return RunSummary.model_validate(
        {
            "version": "1",
            "images": ["a"],
            "height": shape[1],
            "width": shape[2],
            "bands": bands or ["<" * 99] * shape[0],
            "crs": None,
            "transform": [1, 0, 0, 0, -1, 0],
            "pixels": {"valid": shape[1] * shape[2], "nodata": 0},
            "classes": [row | {"value": value} for value in range(1, classes + 1)],
            "polygons": classes,
            "training": {},
            "seconds": {},
            "settings": {"segment": {"confidence": True}},
        }
    )


@pytest.fixture
def out(make_raster, tmp_path, capsys):
    rng = np.random.default_rng(0)
    image = make_raster(rng.integers(1, 255, (4, 70, 90)).astype(np.uint8), tmp_path / "image.tif", nodata=0)
    assert run_command(["run", str(image), "-o", str(tmp_path / "out"), *TINY]) == 0, capsys.readouterr().err
    return tmp_path / "out"


def test_a_run_writes_a_page_that_stands_alone(out):
    page = (out / "report.html").read_text(encoding="utf-8")
    found, summary = Tags(page), json.loads((out / "summary.json").read_text())
    pictures = [attrs["src"] for tag, attrs in found.tags if tag == "img"]
    assert len(pictures) == 3
    for source in pictures:
        base64.b64decode(source.partition("base64,")[2], validate=True)
    addresses = [value for _, attrs in found.tags for name, value in attrs.items() if name in ("src", "href")]
    assert addresses == pictures, "nothing comes from elsewhere"
    for row in summary["classes"]:
        assert f"{row['value']} {row['name']}" in found.text
        assert f"{100 * row['share']:.1f} %" in found.text
    assert all(tag != "img" or attrs["alt"] for tag, attrs in found.tags)
    areas = [float(area.replace(",", "")) for area in re.findall(r">([\d,.]+) m²</td><td>", page)]
    assert sum(areas) == pytest.approx(sum(row["area_m2"] for row in summary["classes"]), abs=0.05 * len(areas))
    assert f"{summary['pixels']['valid']:,} with data" in found.text
    alive = sum(row["share"] > 0 for row in summary["classes"])
    assert sum(tag == "svg" for tag, _ in found.tags) == alive + 1, "the spectra and the loss"
    assert summary["training"]["information"] is None, "these clusters do not merge"


def test_what_more_classes_would_tell_is_drawn(out):
    summary = json.loads((out / "summary.json").read_text())
    curve = {"classes": [1, 2, 3, 4], "information": [0.0, 0.3, 0.6, 0.7], "suggested": 3}
    curve |= {"whole": 0.8, "clusters": 9}
    summary["training"]["information"] = curve
    scene, legend = open_scene(out.parent / "image.tif"), Legend.default(3)
    path = write_report(out, RunSummary.model_validate(summary), scene, legend, overwrite=True)
    found = Tags(path.read_text(encoding="utf-8"))
    assert "3 classes tell 75.0 % of what all 9 clusters do. Where the curve bends, at 3," in found.text
    labels = [attrs["aria-label"] for tag, attrs in found.tags if tag == "svg"]
    assert sum("classes tell" in label for label in labels) == 1


def test_names_are_only_text(out, make_raster):
    summary = json.loads((out / "summary.json").read_text())
    summary["images"], summary["bands"] = [f"/{HOSTILE}"], [HOSTILE] * 4
    summary["settings"]["device"] = HOSTILE
    summary["classes"][0]["evidence"] = HOSTILE
    legend = Legend.from_colours([HOSTILE] * 3, [(1, 2, 3), (4, 5, 6), (7, 8, 9)])
    scene = open_scene(out.parent / "image.tif")
    path = write_report(out, RunSummary.model_validate(summary), scene, legend, overwrite=True)
    found = Tags(path.read_text(encoding="utf-8"))
    assert sum(tag == "script" for tag, _ in found.tags) == SCRIPTS_OF_OURS
    assert "alert('x')" in found.text
    assert not any(name.startswith("on") for _, attrs in found.tags for name in attrs)


def test_it_is_made_anew_with_other_names_and_scores(out, tmp_path, capsys):
    files = [str(out / name) for name in ("classes.tif", "classes.gpkg")]
    summary = json.loads((out / "summary.json").read_text())
    for row in summary["classes"]:
        row["evidence"] = f"seen {row['value']}"
    (out / "summary.json").write_text(json.dumps(summary))
    assert run_command(["legend", *files, "--rename", "2=meadow", "--merge", "1=3", "--quiet"]) == 0
    assert run_command(["report", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run_command(["report", str(out), "--labels", str(out / "classes.tif"), "--overwrite"]) == 0
    text = Tags((out / "report.html").read_text(encoding="utf-8")).text
    assert "2 meadow" in text
    assert "seen 2" in text
    assert "seen 3" not in text, "a merged class is another one"
    assert "seen 1" not in text
    assert "100.0 %" in text


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", "{" * 3000, '{"version": 3}'])
def test_what_is_no_run_is_said_in_one_line(tmp_path, capsys, content):
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    assert run_command(["report", str(tmp_path)]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert [line.partition(":")[0] for line in error].count("geoarseg") == 1
    assert not (tmp_path / "report.html").exists()


def test_a_large_raster_makes_a_small_page(make_raster, tmp_path):
    """Noise, which no picture compresses."""
    rng = np.random.default_rng(1)
    image = make_raster(rng.integers(1, 255, (3, 1800, 2300)).astype(np.uint8), tmp_path / "image.tif")
    make_raster(rng.integers(1, 4, (1, 1800, 2300)).astype(np.uint8), tmp_path / "classes.tif", nodata=0)
    make_raster(rng.integers(0, 101, (1, 1800, 2300)).astype(np.uint8), tmp_path / "confidence.tif", nodata=255)
    path = write_report(tmp_path, summary_of((3, 1800, 2300), 3), open_scene(image), Legend.default(3))
    assert path.stat().st_size < MOST_BYTES


def test_most_classes_of_most_bands_make_a_small_page(make_raster, tmp_path):
    rng = np.random.default_rng(1)
    image = make_raster(rng.integers(0, 60_000, (MAX_BANDS, 90, 90)).astype(np.uint16), tmp_path / "image.tif")
    make_raster(rng.integers(1, 255, (1, 90, 90)).astype(np.uint8), tmp_path / "classes.tif", nodata=0)
    make_raster(rng.integers(0, 101, (1, 90, 90)).astype(np.uint8), tmp_path / "confidence.tif", nodata=255)
    legend = Legend.from_colours(["&" * 400] * 254, [(9, 9, 9)] * 254)
    path = write_report(tmp_path, summary_of((MAX_BANDS, 90, 90), 254), open_scene(image), legend)
    # Three pictures of the largest size may come on top.
    assert path.stat().st_size < MOST_BYTES - 3 * MAX_BYTES * 4 / 3


def test_the_charts_show_the_means(make_raster, tmp_path):
    image = np.stack([np.full((40, 40), value, np.float32) for value in (10, 30)])
    image[:, 20:] *= 3
    classes = np.repeat([1, 2], 20)[None, :, None] * np.ones((1, 1, 40), int)
    scene = open_scene(make_raster(image, tmp_path / "image.tif", dtype="float32", descriptions=["red", "nir"]))
    make_raster(classes.astype(np.uint8), tmp_path / "classes.tif", nodata=0)
    path = write_report(tmp_path, summary_of((2, 40, 40), 2, bands=["red", "nir"]), scene, Legend.default(2))
    texts = [attrs["aria-label"] for tag, attrs in Tags(path.read_text(encoding="utf-8")).tags if tag == "svg"]
    assert texts == ["Means of class class 1: red 10, nir 30.", "Means of class class 2: red 30, nir 90."]


def test_a_confidence_of_another_run_is_not_shown(out):
    summary = json.loads((out / "summary.json").read_text())
    summary["settings"]["segment"]["confidence"] = False
    (out / "summary.json").write_text(json.dumps(summary))
    assert run_command(["report", str(out), "--overwrite", "--quiet"]) == 0
    found = Tags((out / "report.html").read_text(encoding="utf-8"))
    assert sum(tag == "img" for tag, _ in found.tags) == 2


def test_another_map_in_the_folder_is_said(out, make_raster, capsys):
    make_raster(np.ones((1, 70, 80), np.uint8), out / "classes.tif", nodata=0)
    before = (out / "report.html").read_bytes()
    assert run_command(["report", str(out), "--overwrite", "--quiet"]) == 2
    assert "70 x 80" in capsys.readouterr().err
    assert (out / "report.html").read_bytes() == before


def test_words_of_numbers():
    assert percent(0.0002).text == "< 0.1 %"
    assert percent(0).text == "0.0 %"
    assert AreaUnit.for_total(3e8, "m2").write(1e6).text == "1.00 km²"
    assert AreaUnit.for_total(500, "px").write(12).text == "12 px"
    assert (change(10, 10), change(0, 3), change(10, 12)) == ("unchanged", "new", "+20.0 %")
    assert (duration(5).text, duration(125).text, duration(7300).text) == ("5.0 s", "2 min 5 s", "2 h 1 min")
    assert brief("x" * 300)[-1] == "…"
    assert nice_ticks(0, 10, 5) == [0, 2, 4, 6, 8, 10]
    assert nice_ticks(3, 3, 5) == [3]


def test_addresses_in_a_summary_are_not_followed(out, capsys):
    summary = json.loads((out / "summary.json").read_text())
    path = summary["images"][0]
    summary["images"] = ["/vsicurl/http://127.0.0.1:9/x.tif"]
    (out / "summary.json").write_text(json.dumps(summary))
    assert run_command(["report", str(out), "--overwrite"]) == 2
    assert "Name it with --image" in capsys.readouterr().err
    assert run_command(["report", str(out), "--overwrite", "--image", path]) == 0


def test_an_image_that_lies_elsewhere_is_refused(out, make_raster, tmp_path, capsys):
    moved = make_raster((4, 70, 90), tmp_path / "moved.tif", transform=Affine(0.5, 0, 9e5, 0, -0.5, 1e6))
    assert run_command(["report", str(out), "--overwrite", "--image", str(moved)]) == 2
    assert "lies elsewhere" in capsys.readouterr().err
