"""The command: options, one line for what is wrong, nothing left behind."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from affine import Affine

from geoarseg.cli.main import run_command
from geoarseg.vector.vectorize import read_polygons


@pytest.fixture
def classes(make_raster, tmp_path):
    (tmp_path / "in").mkdir()
    coarse = np.random.default_rng(0).integers(0, 4, (12, 15))
    pixels = np.kron(coarse, np.ones((5, 5))).astype(np.uint8)
    return make_raster(pixels[None], tmp_path / "in" / "classes.tif", nodata=0)


def vectorize(classes, out, *options):
    return run_command(["vectorize", str(classes), "-o", str(out), *options])


def test_cleaned_polygons(classes, tmp_path, capsys):
    out = tmp_path / "classes.gpkg"
    assert vectorize(classes, tmp_path / "plain.gpkg") == 0
    assert capsys.readouterr().out == f"{tmp_path}/plain.gpkg: {len(read_polygons(tmp_path / 'plain.gpkg'))} polygons\n"
    assert vectorize(classes, out, "--simplify", "1", "--smooth", "--connectedness", "8") == 0
    printed = capsys.readouterr().out
    assert "m2 before cleaning" in printed
    frame = read_polygons(out)
    assert len(frame) < len(read_polygons(tmp_path / "plain.gpkg"))
    assert list(frame.columns) == ["class", "name", "area_m2", "perimeter_m", "geometry"]


def test_sieved(classes, tmp_path, capsys):
    for options in (["--sieve", "30"], ["--min-area", "7.5"], ["--min-area", "7.4", "--simplify", "1", "--smooth"]):
        out = tmp_path / "classes.gpkg"
        assert vectorize(classes, out, *options, "--overwrite") == 0
        assert "before cleaning" in capsys.readouterr().out
        frame = read_polygons(out)
        if "--smooth" not in options:
            # Only what has nothing but no data around it may be smaller.
            rest = frame[frame["area_m2"] < 7.5]
            assert not rest.geometry.touches(frame.geometry.union_all()).any() or rest.empty
    with rasterio.open(classes) as source:
        valid = np.count_nonzero(source.read(1)) * 0.25
    assert frame["area_m2"].sum() == pytest.approx(valid, rel=0.05)


def test_sieved_by_likelihood(tmp_path, make_raster, capsys):
    pixels = np.ones((9, 12), np.uint8)
    pixels[:, 6:], pixels[4, 5] = 2, 3  # the single pixel has more border with 1
    (tmp_path / "in").mkdir()
    classes = make_raster(pixels[None], tmp_path / "in" / "classes.tif", nodata=0)
    percent = np.stack([np.full_like(pixels, share) for share in (10, 80, 10)])
    probabilities = make_raster(percent, tmp_path / "in" / "probabilities.tif", nodata=255)
    for by, expected in (("border", 54), ("likelihood", 53)):
        options = ["--sieve", "2", "--sieve-by", by, "--probabilities", str(probabilities), "--overwrite", "--quiet"]
        assert vectorize(classes, tmp_path / "classes.gpkg", *options) == 0
        frame = read_polygons(tmp_path / "classes.gpkg")
        assert frame.set_index("class")["area_m2"].to_dict() == {1: expected / 4, 2: (108 - expected) / 4}
    few = make_raster(percent[:2], tmp_path / "in" / "few.tif", nodata=255)
    floats = make_raster(percent / 100, tmp_path / "in" / "floats.tif")
    for wrong, words in ((few, "class"), (floats, "float64"), (tmp_path / "none.tif", "cannot be read")):
        options = ["--sieve", "2", "--sieve-by", "likelihood", "--probabilities", str(wrong)]
        assert vectorize(classes, tmp_path / "wrong.gpkg", *options) == 2
        assert words in capsys.readouterr().err


def test_dissolved(classes, tmp_path, capsys):
    assert vectorize(classes, tmp_path / "classes.parquet", "--dissolve", "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert read_polygons(tmp_path / "classes.parquet")["class"].tolist() == [1, 2, 3]


def test_means_of_other_rasters(classes, tmp_path, make_raster, capsys):
    with rasterio.open(classes) as source:
        pixels, transform = source.read(1), source.transform
    percent = make_raster((pixels[None] * 10).astype(np.uint8), tmp_path / "in" / "confidence.tif", nodata=255)
    bands = np.stack([pixels * 0 + 20, pixels * 0, pixels, 20 + 20 * pixels]).astype(np.int16)
    image = make_raster(bands, tmp_path / "in" / "image.tif", transform=transform)
    options = ["--confidence", str(percent), "--image", str(image), "--bands", "3,4", "--ndvi"]
    for dissolve in ([], ["--dissolve"], ["--simplify", "1", "--smooth"]):
        assert vectorize(classes, tmp_path / "out.gpkg", *options, *dissolve, "--overwrite") == 0
        frame = read_polygons(tmp_path / "out.gpkg")
        values = frame["class"].to_numpy()
        assert frame.columns[4:8].tolist() == ["confidence", "mean_3", "mean_4", "mean_ndvi"]
        assert frame["confidence"].to_numpy() == pytest.approx(10 * values)
        assert frame["mean_3"].to_numpy() == pytest.approx(values)
        assert frame["mean_ndvi"].to_numpy() == pytest.approx(values / (values + 2))
    assert vectorize(classes, tmp_path / "out.shp", *options, "--quiet") == 0
    assert all(len(name) <= 10 for name in read_polygons(tmp_path / "out.shp").columns)
    capsys.readouterr()
    elsewhere = make_raster(bands, tmp_path / "in" / "elsewhere.tif", transform=transform * Affine.translation(1, 0))
    nameless = make_raster(bands[:2], tmp_path / "in" / "two.tif", transform=transform)
    for wrong, words in (
        (["--image", str(image), "--bands", "5"], "no band 5"),
        (["--bands", "1"], "--image"),
        (["--image", str(elsewhere), "--ndvi"], "lies elsewhere"),
        (["--image", str(nameless), "--ndvi"], "near infrared"),
        (["--image", str(image), "--bands", "0"], "counted from 1"),
        (["--confidence", str(image)], "4 band(s)"),
        (["--confidence", str(tmp_path / "none.tif")], "cannot be read"),
    ):
        assert vectorize(classes, tmp_path / "wrong.gpkg", *wrong) == 2
        error = capsys.readouterr().err
        assert words in error
        assert len(error.splitlines()) == 1, error


TINY = ["-k", "3", "--steps", "2", "--device", "cpu", "--set", "network.width=8", "--set", "network.blocks=1"]
TINY += ["--set", "train.objective=ac", "--set", "train.batch=2", "--set", "train.crop_px=32", "--quiet"]


def test_run_cleans_and_measures(make_raster, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    pixels = np.random.default_rng(0).integers(1, 255, (4, 60, 70)).astype(np.uint8)
    image = make_raster(pixels, tmp_path / "in" / "image.tif", nodata=0)
    cleaning = ["simplify_m=0.8", "smooth=true", "sieve_px=4", "ndvi=true", "bands=[2]"]
    options = [part for setting in cleaning for part in ("--set", f"polygons.{setting}")]
    assert run_command(["run", str(image), "-o", str(tmp_path / "out"), "--confidence", *TINY, *options]) == 0
    frame = read_polygons(tmp_path / "out" / "classes.gpkg")
    assert frame.columns[4:7].tolist() == ["confidence", "mean_2", "mean_ndvi"]
    classes = json.loads((tmp_path / "out" / "summary.json").read_text())["classes"]
    for entry in classes:
        assert entry["area_m2_before_cleaning"] == pytest.approx(entry["share"] * 60 * 70 / 4, abs=0.5)
    assert sum(entry["area_m2"] for entry in classes) == pytest.approx(frame["area_m2"].sum(), abs=0.01)
    capsys.readouterr()
    for wrong, words in (("simplify_m=500", "more than the whole raster"), ("bands=[7]", "no band 7")):
        options = ["--set", "polygons.sieve_px=3", "--set", f"polygons.{wrong}"]
        assert run_command(["run", str(image), "-o", str(tmp_path / "wrong"), *TINY, *options]) == 2
        assert words in capsys.readouterr().err
        assert not (tmp_path / "wrong").exists()


def test_run_writes_the_probabilities_that_its_sieve_asks_for(make_raster, tmp_path):
    pixels = np.random.default_rng(0).integers(1, 255, (3, 40, 50)).astype(np.uint8)
    options = ["--set", "polygons.sieve_px=5", "--set", "polygons.sieve_by=likelihood"]
    assert run_command(["run", str(make_raster(pixels)), "-o", str(tmp_path / "out"), *TINY, *options]) == 0
    assert (tmp_path / "out" / "probabilities.tif").exists()
    assert read_polygons(tmp_path / "out" / "classes.gpkg")["area_m2"].min() >= 5 / 4


BAD = {
    "no tolerance": (["--simplify", "0"], "--simplify"),
    "negative": (["--simplify", "-2"], "--simplify"),
    "a word": (["--simplify", "much"], "much"),
    "not finite": (["--simplify", "inf"], "--simplify"),
    "more than the raster": (["--simplify", "5000"], "5000 metres"),
    "connectedness": (["--connectedness", "6"], "--connectedness"),
    "no sieve": (["--sieve", "0"], "--sieve"),
    "no area": (["--min-area", "-1"], "--min-area"),
    "two units": (["--min-area", "1", "--sieve", "2"], "two units"),
    "sieve by what": (["--sieve", "2", "--sieve-by", "size"], "--sieve-by"),
    "no probabilities": (["--sieve", "2", "--sieve-by", "likelihood"], "--probabilities"),
    "unknown": (["--smoth"], "--smoth"),
    "ending": (["-o", "{folder}/classes.kml"], ".gpkg"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_options_get_one_line_and_code_2(case, classes, tmp_path, capsys):
    options, words = BAD[case]
    options = [option.format(folder=tmp_path) for option in options]
    assert vectorize(classes, tmp_path / "classes.gpkg", *options) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1, error
    assert [file.name for file in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("options", [[], ["--sieve", "9"], ["--simplify", "1", "--smooth"], ["--dissolve"]])
def test_ctrl_c_leaves_nothing(options, classes, tmp_path, capsys, monkeypatch):
    from geoarseg.vector import polygonize

    real, calls = polygonize.link_corners, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(polygonize, "link_corners", interrupted)
    assert vectorize(classes, tmp_path / "classes.gpkg", *options) == 130
    assert [file.name for file in tmp_path.iterdir()] == ["in"]
