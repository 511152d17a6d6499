"""`geoarseg legend` on all that belongs to a map."""

import json

import numpy as np
import pytest
import rasterio

from geoarseg.cli.main import run_command
from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import load_card
from geoarseg.raster.legend import parse_hex
from geoarseg.raster.style import read_legend
from geoarseg.vector.vectorize import read_polygons

TINY = ["-k", "4", "--steps", "3", "--device", "cpu", "--set", "network.width=8", "--set", "network.blocks=1"]
TINY += ["--set", "train.objective=ac", "--set", "train.batch=2", "--set", "train.crop_px=32", "--quiet"]


@pytest.fixture
def image(make_raster):
    rng = np.random.default_rng(0)
    return str(make_raster(rng.integers(1, 255, (3, 70, 90)).astype(np.uint8), nodata=0))


@pytest.fixture
def out(image, tmp_path, capsys):
    assert run_command(["run", image, "-o", str(tmp_path / "out"), *TINY]) == 0, capsys.readouterr().err
    return tmp_path / "out"


def files(out):
    return [str(out / name) for name in ("classes.tif", "classes.gpkg", "model.safetensors")]


def names_of(legend):
    return {entry.value: entry.name for entry in legend}


def test_one_edit_for_map_polygons_and_model(out, image, tmp_path, capsys):
    with rasterio.open(out / "classes.tif") as dataset:
        before = dataset.read(1)
    edit = ["--rename", "3=water = lake", "--colour", "3=#1f78b4", "--merge", "2,4=3", "--rename", "1=roof"]
    assert run_command(["legend", *files(out), *edit]) == 0
    assert "classes.gpkg: 1 roof, 3 water = lake" in capsys.readouterr().out
    wanted = {1: "roof", 3: "water = lake"}
    assert names_of(read_legend(out / "classes.tif")) == wanted
    with rasterio.open(out / "classes.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(1), np.array([0, 1, 3, 3, 3])[before])
    frame = read_polygons(out / "classes.gpkg")
    assert set(zip(frame["class"], frame["name"], strict=True)) <= set(wanted.items())
    card = load_card(out / "model.safetensors")
    assert card.class_of == (1, 3, 3, 3)
    assert {row["value"]: row["name"] for row in card.legend} == wanted
    again = tmp_path / "again.tif"
    assert run_command(["segment", image, "-m", files(out)[2], "-o", str(again), "--quiet", "--device", "cpu"]) == 0
    with rasterio.open(again) as dataset:
        assert set(np.unique(dataset.read(1))) <= {0, 1, 3}
    assert names_of(read_legend(again)) == wanted


def test_probabilities_of_merged_clusters_add_up(out, capsys):
    images, valid = (
        np.random.default_rng(1).integers(1, 255, (2, 3, 20, 24)).astype(np.float32),
        np.ones((2, 20, 24), bool),
    )
    model = out / "model.safetensors"
    apart = Predictor.from_file(model, device="cpu")(images, valid)
    assert run_command(["legend", str(model), "--merge", "2=4", "--quiet"]) == 0
    assert run_command(["legend", str(model), "--merge", "4=1", "--rename", "1=both", "--quiet"]) == 0
    assert load_card(model).class_of == (1, 1, 3, 1)
    joined = Predictor.from_file(model, device="cpu")
    result = joined(images, valid)
    np.testing.assert_allclose(result[:, 0], apart[:, [0, 1, 3]].sum(1), rtol=1e-6)
    assert result.shape[1] == 3
    np.testing.assert_array_equal(result[:, 1], 0)
    np.testing.assert_array_equal(result[:, 2], apart[:, 2])
    assert set(np.unique(joined.classify(images, valid).classes)) <= {1, 3}


def test_a_printed_legend_can_be_given_back(out, tmp_path, capsys):
    assert run_command(["legend", files(out)[0]]) == 0
    rows = json.loads(capsys.readouterr().out)
    rows[1] |= {"name": "Straße", "colour": "#0a0b0c"}
    (tmp_path / "legend.json").write_text(json.dumps(rows), encoding="utf-8")
    assert run_command(["legend", *files(out), "--from", str(tmp_path / "legend.json"), "--quiet"]) == 0
    for file in files(out):
        capsys.readouterr()
        assert run_command(["legend", file]) == 0
        row = json.loads(capsys.readouterr().out)[1]
        assert (row["value"], row["name"], row["colour"]) == (2, "Straße", "#0a0b0c")
    assert parse_hex("#0a0b0c") == (10, 11, 12)


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (["--rename", "9=x"], "no class 9"),
        (["--rename", "water"], "3=water"),
        (["--colour", "3=red"], "#rrggbb"),
        (["--merge", "2"], "2,5=4"),
        (["--merge", "2=3", "--merge", "3=4"], "merged itself"),
        (["--from", "nowhere.json"], "no file nowhere.json"),
    ],
)
def test_wrong_edits_get_one_line_and_change_nothing(out, capsys, edit, text):
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    capsys.readouterr()
    assert run_command(["legend", *files(out), *edit]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert text in errors[0]
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_a_missing_file_stops_the_others(out, capsys):
    before = (out / "classes.tif").read_bytes()
    assert run_command(["legend", files(out)[0], str(out / "none.gpkg"), "--rename", "1=x"]) == 2
    assert "none.gpkg" in capsys.readouterr().err
    assert (out / "classes.tif").read_bytes() == before
