"""`geoarseg evaluate` in both forms, and what it says to bad input."""

from __future__ import annotations

import json

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine

from geoarseg.cli.main import run_command
from geoarseg.datasets.crops import Crops
from geoarseg.datasets.prepare import prepare_store
from geoarseg.network.checkpoint import ModelCard, save_model
from geoarseg.network.model import build_network
from geoarseg.settings import NetworkSettings

UTM = Affine(10, 0, 366_000, 0, -10, 5_810_000)


class Source:
    """Two sources of three crops each, as the datasets give them."""

    name, class_names, band_names, crop_px, unit = "tiny", ("one", "two"), ("red", "nir"), 12, "file"
    sources, padded, request = ("0.bin", "1.bin"), False, {"dataset": "tiny"}

    def __init__(self, folder):
        self.folder = folder
        for name in self.sources:
            (folder / name).write_text(name)

    def files(self, number):
        return [self.folder / self.sources[number]]

    def read(self, number):
        rng = np.random.default_rng(number)
        labels = rng.integers(1, 3, (3, 12, 12), dtype=np.uint8)
        images = (labels[:, None] * 90 + rng.integers(0, 40, (3, 2, 12, 12))).astype(np.uint8)
        return Crops(images, labels, True, np.zeros((3, 2), np.int32), None, {})


@pytest.fixture
def places(make_raster, tmp_path):
    """Paths by name: a map, labels of all kinds, a model, a dataset, and what is none of them."""
    folder = tmp_path / "in"
    folder.mkdir()
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 4, (30, 40)).astype(np.uint8)
    classes = np.array([0, 3, 1, 2], np.uint8)[np.where(rng.random(labels.shape) < 0.9, labels, 1)]
    rows, cols = np.divmod(rng.choice(1200, 150, replace=False), 40)
    x, y = UTM * (cols + 0.5, rows + 0.5)
    points = geopandas.GeoDataFrame({"class": labels[rows, cols]}, geometry=shapely.points(x, y), crs="EPSG:32633")
    points.to_file(folder / "points.gpkg")
    points.rename(columns={"class": "kind"}).to_file(folder / "odd.gpkg")
    settings = NetworkSettings(width=8, blocks=1)
    card = ModelCard(
        version="0", network=settings, clusters=3, bands=(1, 2), band_names=("red", "nir"),
        centre=(130.0, 130.0), scale=(50.0, 50.0), legend=(),
    )  # fmt: skip
    save_model(folder / "m.safetensors", build_network(settings, bands=2, classes=3, seed=0), card)
    bare = card.model_copy(update={"bands": (1,), "band_names": ("red",), "centre": (1.0,), "scale": (1.0,)})
    save_model(folder / "bare.safetensors", build_network(settings, bands=1, classes=3, seed=0), bare)
    prepare_store(Source(folder), folder / "data")
    (folder / "text.tif").write_text("this is no raster")
    (folder / "file").write_text("a file")
    make_raster(rng.integers(1, 4, (1, 30, 40)).astype(np.uint8), folder / "whole.tif", transform=UTM)
    (folder / "cut.tif").write_bytes((folder / "whole.tif").read_bytes()[:-600])
    return {
        "map": str(make_raster(classes[None], folder / "map.tif", transform=UTM, nodata=0)),
        "labels": str(make_raster(labels[None], folder / "labels.tif", transform=UTM)),
        "away": str(make_raster(labels[None], folder / "away.tif", transform=UTM * Affine.translation(999, 0))),
        "empty": str(make_raster(0 * labels[None], folder / "empty.tif", transform=UTM)),
        **{name: str(folder / name) for name in ("data", "file")},
        **{name: str(folder / f"{name}.gpkg") for name in ("points", "odd")},
        **{name: str(folder / f"{name}.tif") for name in ("text", "missing", "cut")},
        **{name: str(folder / f"{name}.safetensors") for name in ("m", "bare")},
        "out": str(tmp_path / "out"),
    }


def run(text, places):
    return run_command(["evaluate", *text.format_map(places).split()])


def test_a_map_against_a_raster(places, tmp_path, capsys):
    assert run("{map} --labels {labels} -o {out} --quiet", places) == 0, capsys.readouterr().err
    printed = capsys.readouterr()
    assert printed.err == ""
    for words in ("accuracy, one-to-one", "mean IoU", "kappa", "NMI", "ARI", "precision", "report.html"):
        assert words in printed.out
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["report.html", "scores.json"]
    tree = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert tree["accuracy"] > 0.9
    assert run("{map} --labels {labels} --json --quiet", places) == 0
    assert json.loads(capsys.readouterr().out) == tree
    assert run("{map} --labels {labels} --identity --quiet --json", places) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] < 0.2
    assert run("{map} --labels {labels} --many-to-one --ignore 1,255 --quiet --json", places) == 0
    assert [c["value"] for c in json.loads(capsys.readouterr().out)["classes"]] == [2, 3]
    assert run("{map} --labels {labels} -o {out}", places) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run("{map} --labels {labels} -o {out} --overwrite", places) == 0


def test_a_map_against_points_and_as_a_sample(places, capsys):
    assert run("{map} --labels {points} --quiet --json", places) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["scored"] == 150
    assert run("{map} --labels {points} --sample -o {out}", places) == 0
    printed = capsys.readouterr()
    assert "user's" in printed.out
    assert "Area in ha" in printed.out
    assert "Warning" in printed.err or "optimistic" in printed.err
    assert run("{map} --labels {odd} --field kind --sample --strata {labels} --quiet --json", places) == 0
    assert json.loads(capsys.readouterr().out)["estimates"]["units"] == 150


def test_a_model_against_a_dataset(places, tmp_path, capsys):
    assert run("--model {m} --data {data} --labelled-images 2 --seed 3 --device cpu -o {out} --quiet", places) == 0
    assert "scored on the others" in capsys.readouterr().out
    tree = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert tree["labelled_crops"] == 6
    assert tree["held_out"]["fitted_on_crops"] == 2
    assert tree["scores"]["scored"] == 4 * 144  # the first draw's other crops
    assert tree["class_names"] == {"1": "one", "2": "two"}
    assert (tmp_path / "out" / "report.html").read_text().count("data:image/png") == 3


# arguments, words of the message
BAD = {
    "nothing": ("", "Give either"),
    "both forms": ("{map} --labels {labels} --model {m} --data {data}", "Give either"),
    "no labels": ("{map}", "--labels is missing"),
    "no data": ("--model {m}", "--data is missing"),
    "an option of the other form": ("{map} --labels {labels} --labelled-images 3", "--labelled-images makes no sense"),
    "and the other way": ("--model {m} --data {data} --sample", "--sample makes no sense"),
    "two matches": ("{map} --labels {labels} --identity --many-to-one", "exclude each other"),
    "strata without sample": ("{map} --labels {labels} --strata {labels}", "--strata needs --sample"),
    "odd list": ("{map} --labels {labels} --ignore none", "'none' is no list"),
    "missing map": ("{missing} --labels {labels}", "no file"),
    "missing labels": ("{map} --labels {missing}", "no file"),
    "a damaged map": ("{cut} --labels {labels}", "damaged"),
    "a map of text": ("{text} --labels {labels}", "cannot read"),
    "text for labels": ("{map} --labels {text}", "cannot read"),
    "labels elsewhere": ("{map} --labels {away}", "do not overlap"),
    "labels of nothing": ("{map} --labels {empty}", "No pixel has both"),
    "all ignored": ("{map} --labels {labels} --ignore 1,2,3", "No pixel has both"),
    "no such field": ("{map} --labels {odd}", "its fields are: kind"),
    "no such layer": ("{map} --labels {odd} --layer x", "no layer x"),
    "sample of pixels": ("{map} --labels {labels} --sample", "no vector layer"),
    "a sample all ignored": ("{map} --labels {points} --sample --ignore 1,2,3", "No unit"),
    "a folder that is a file": ("{map} --labels {labels} -o {file}", "not a folder"),
    "no model": ("--model {text} --data {data}", "safetensors"),
    "no dataset": ("--model {m} --data {file}", "no prepared dataset"),
    "too many crops": ("--model {m} --data {data} --labelled-images 7 --device cpu", "6 crops have labels"),
    "other bands": ("--model {bare} --data {data} --device cpu", "has 2"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line_and_code_2(case, places, tmp_path, capsys):
    text, words = BAD[case]
    code = run(f"{text} --quiet" + ("" if "-o" in text else " -o {out}"), places)
    error = capsys.readouterr().err
    assert code == 2, error
    assert words in error
    assert len(error.splitlines()) == 1, error
    assert not (tmp_path / "out").exists()
