"""The page in a real browser: the slider moves, nothing is said on the console."""

import os
import re
import shutil
import subprocess

import numpy as np
import pytest

from geoarseg.raster.legend import Legend
from geoarseg.raster.scene import open_scene
from geoarseg.report.summary import RunSummary
from geoarseg.report.write import write_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium")
PROBE = """<script>
const seen = () => getComputedStyle(document.querySelectorAll("figure")[PLACE]).clipPath;
const mouse = (kind, x) => pictures.dispatchEvent(new PointerEvent(kind, {clientX: x, pointerId: 1}));
const probe = document.body.appendChild(document.createElement("p"));
const steps = [["start", seen()]];
slider.value = 20; slider.dispatchEvent(new Event("input")); steps.push(["slider", seen()]);
const radio = document.querySelectorAll("input[type=radio]");
radio[1].click();
steps.push(["over", figures.map((figure) => getComputedStyle(figure).visibility).join(" ")]);
pictures.setPointerCapture = () => {}; pictures.hasPointerCapture = () => true;
const box = pictures.getBoundingClientRect();
mouse("pointerdown", box.left + box.width * 0.1); mouse("pointermove", box.left + box.width * 0.75);
steps.push(["drag", slider.value + " " + seen()]);
steps.push(["pictures", [...document.images].every((image) => image.complete && image.naturalWidth > 0)]);
steps.push(["fits", document.documentElement.scrollWidth <= innerWidth]);
probe.textContent = steps.map((step) => "@" + step.join("=")).join("");
</script>"""


def browse(page, *options):
    """The document after the page's scripts have run, and what was said on the console."""
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent / 'profile'}"]
    done = subprocess.run(
        [*command, "--enable-logging=stderr", "--v=0", "--window-size=1100,900", *options, page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"HOME": str(page.parent)},
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def page(make_raster, tmp_path):
    rng = np.random.default_rng(0)
    image = make_raster(rng.integers(1, 255, (3, 60, 90)).astype(np.uint8), tmp_path / "image.tif")
    make_raster(rng.integers(1, 4, (1, 60, 90)).astype(np.uint8), tmp_path / "classes.tif", nodata=0)
    make_raster(rng.integers(0, 101, (1, 60, 90)).astype(np.uint8), tmp_path / "confidence.tif", nodata=255)
    summary = {
        "version": "1",
        "images": ["<b>.tif"],
        "height": 60,
        "width": 90,
        "bands": ["red", "green", "</svg><script>alert(1)</script>"],
        "crs": "EPSG:32633",
        "transform": [1, 0, 0, 0, -1, 0],
        "pixels": {"valid": 5400, "nodata": 0},
        "classes": [
            {"value": value, "share": 0.33, "area_m2": 9.0, "area_m2_before_cleaning": 9.0} for value in (1, 2, 3)
        ],
        "polygons": 3,
        "training": {"loss_curve": {"step": [1, 2, 3], "loss": [0.1, -0.5, -0.4]}},
        "seconds": {"train": 3.0},
        "settings": {"segment": {"confidence": True}},
    }
    legend = Legend.from_colours(["<script>throw 1</script>", "b" * 300, "水"], [(200, 9, 9), (9, 200, 9), (9, 9, 200)])
    return write_report(tmp_path, RunSummary.model_validate(summary), open_scene(image), legend)


def test_the_slider_moves_and_the_console_is_silent(page):
    probed = page.with_name("probed.html")
    text = page.read_text(encoding="utf-8")
    probed.write_text(text.replace("</body>", PROBE.replace("PLACE", "2") + "</body>"), encoding="utf-8")
    document, said = browse(probed, "--dump-dom")
    assert said == []
    steps = dict(step.split("=") for step in re.findall(r"@([^@<]+)", document.rpartition("<p>")[2]))
    assert steps == {
        "start": "inset(0px 0px 0px 50%)",
        "slider": "inset(0px 0px 0px 20%)",
        "over": "visible hidden visible",
        "drag": "75 inset(0px 0px 0px 75%)",
        "pictures": "true",
        "fits": "true",
    }


def test_the_picture_shows_image_and_map_beside_each_other(page):
    from PIL import Image

    shot = page.with_name("shot.png")
    browse(page, f"--screenshot={shot}", "--hide-scrollbars")
    with Image.open(shot) as opened:
        colours = np.asarray(opened.convert("RGB"))
    pure = [(colours == colour).all(axis=2) for colour in ((200, 9, 9), (9, 200, 9), (9, 9, 200))]
    columns = np.flatnonzero(np.any(pure, axis=0).sum(axis=0) > 50)
    assert columns.size
    assert columns.min() >= 545, "the map is in the right half"
