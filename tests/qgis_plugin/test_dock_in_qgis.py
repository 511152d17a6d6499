"""The dock in the real QGIS: its layers, its tasks, its map; and the whole desktop, which makes the screenshots."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import rasterio

from geoarseg.network.checkpoint import load_card

pytestmark = [pytest.mark.qgis, pytest.mark.slow]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A small sample scene."""
    from geoarseg.datasets.synthetic import make_landscape, write_landscape

    return write_landscape(tmp_path_factory.mktemp("scene"), make_landscape(256, 256, seed=0)).image


@pytest.fixture(scope="module")
def played(qgis, scene, tmp_path_factory):
    """What the scenario found."""
    return qgis.play("dock.py", scene, tmp_path_factory.mktemp("a dock"))


def test_layers_of_the_project(played, scene):
    with rasterio.open(scene) as dataset:
        height, width = dataset.shape
    seen = played["seen"]
    assert sorted(zip(seen["images"], seen["services"], strict=True)) == [("A service", True), ("An image", False)]
    assert seen["areas"] == ["Fields"]
    assert seen["chosen"] == "An image"
    assert seen["roles"][:3] == ["red", "green", "blue"]
    sizes = played["sizes"]
    assert sizes["whole"][:2] == [width, height]
    assert 0.2 * width * height < sizes["canvas"][0] * sizes["canvas"][1] < width * height
    assert sizes["polygons"][:2] == [width, height]
    assert 0.2 < sizes["polygons"][2] / (width * height) < 0.3  # the inner half of each side
    assert played["roles"] == ["near infrared", "band 2", "red"]


def test_from_a_measured_time_to_a_map(played):
    assert played["measured"].startswith("About ")
    shown = played["shown"]
    assert shown["names"] == ["Land cover of An image", "Land-cover polygons of An image"]
    assert shown["shares"] == pytest.approx(1, abs=1e-3)
    assert shown["curve"] >= 1
    assert {"classes.tif", "classes.gpkg", "model.safetensors"} <= set(shown["files"])
    assert [name for name in shown["files"] if name.startswith("input")] == ["input.vrt"]  # the image of this map


def test_the_map_follows_the_legend_and_the_files_do_on_save(played):
    styled, saved = played["styled"], played["saved"]
    assert sorted(row[0] for row in styled["raster"]) == [1, 2, 3, 4]
    assert styled["raster"][0][1:] == ["fields", "#010203"]
    assert len({(label, colour) for _, label, colour in styled["raster"]}) == 3
    assert [len(value) if isinstance(value, list) else 1 for value, _ in styled["polygons"]].count(2) == 1
    assert styled["refreshed"] == 2
    assert saved["failure"] == "The legend is saved in the files of the map."
    assert saved["valid"] == [True, True]
    assert set(saved["values"]) <= set(saved["expected"])
    assert "fields" in saved["texts"]
    assert [row[0] for row in saved["raster"]] == saved["expected"]
    assert saved["raster"][0][1:] == ["fields", "#010203"]
    assert saved["opened"][0] == "fields"
    assert saved["layers"] == 5  # the map was opened in the place of the earlier one


def test_other_numbers_of_classes_by_the_sliders(played):
    recut = played["recut"]
    assert recut["clusters"] == 16
    assert recut["colours"] == [2, 7]
    assert recut["values"] == [16, 16]
    assert recut["texts"] == recut["rows"]  # one entry a class in the layer tree
    assert recut["hidden"] == [False, False]
    assert recut["first"]
    assert recut["back"] == {"shown": [True, True], "trials": 0}
    assert recut["state"] == "naming"
    assert recut["names"] == ["Land cover of An image, 7 classes", "Land-cover polygons of An image, 7 classes"]
    assert set(recut["files"]) >= {"classes.tif", "classes.gpkg", "confidence.tif", "model.safetensors"}
    assert load_card(recut["model"]).classes == 7
    images, place, can_be_cut = recut["reopened"]
    assert [Path(image).name for image in images] == ["input.vrt"]
    assert (place, can_be_cut) == ("map_7_classes", True)
    assert recut["classes"] == list(range(1, 8))
    assert recut["shares"] == pytest.approx(1, abs=1e-3)
    assert recut["trials"] == 0
    assert recut["old"] == [False, False]


def test_a_map_service_is_drawn_and_mapped(played):
    drawn = played["drawn"]
    assert drawn["screen"][0] == pytest.approx(drawn["screen"][1])
    assert "smaller area" in drawn["refused"][0]
    assert drawn["refused"][1] is False
    assert f"{drawn['size'][0]} x {drawn['size'][1]} pixels are drawn first" in drawn["said"]
    assert drawn["left"] == []
    assert drawn["size"] == drawn["expected"]
    assert len(drawn["bands"]) == 3
    assert "input.tif" in drawn["files"]
    assert "unfinished_input.tif" not in drawn["files"]
    assert min(drawn["polygons"]) > 10


def test_the_slider_stands_at_the_number_that_the_image_suggested(played):
    auto = played["auto"]
    assert auto["text"] == "automatic"
    assert auto["asked"] is True
    assert auto["slider"] == auto["made"] >= 2
    assert auto["kept"].startswith("Keeps ")


def test_nothing_is_left_when_the_plugin_goes_in_the_middle(played):
    unloaded = played["unloaded"]
    assert unloaded["running"] >= 1
    assert unloaded["seconds"] < 3.5
    assert unloaded["children"] == []
    assert unloaded["docks"] == 0
    assert unloaded["files"] == []


def test_the_whole_desktop(scene, program, plugin_zip, tmp_path):
    if not (shutil.which("qgis") and shutil.which("xvfb-run")):
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("QGIS or Xvfb is not installed (Debian: qgis, xvfb)")
    script = Path(__file__).parents[2] / "qgis_plugin" / "screenshots.py"
    words = [sys.executable, str(script), str(scene), "-o", str(tmp_path), "--command", str(program)]
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [*words, "--zip", str(plugin_zip)],
        env=environment | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert len(report["pictures"]) == 7
    assert all((tmp_path / name).stat().st_size > 20_000 for name in report["pictures"])
    assert len(report["layers"]) == 3
