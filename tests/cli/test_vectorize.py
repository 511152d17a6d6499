"""The command: options, one line for what is wrong, nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_dissolved(classes, tmp_path, capsys):
    assert vectorize(classes, tmp_path / "classes.parquet", "--dissolve", "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert read_polygons(tmp_path / "classes.parquet")["class"].tolist() == [1, 2, 3]


BAD = {
    "no tolerance": (["--simplify", "0"], "--simplify"),
    "negative": (["--simplify", "-2"], "--simplify"),
    "a word": (["--simplify", "much"], "much"),
    "not finite": (["--simplify", "inf"], "--simplify"),
    "more than the raster": (["--simplify", "5000"], "5000 metres"),
    "connectedness": (["--connectedness", "6"], "--connectedness"),
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


@pytest.mark.parametrize("options", [[], ["--simplify", "1", "--smooth"], ["--dissolve"]])
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
