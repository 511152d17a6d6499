"""Models that explain themselves: spectra in the card, suggested names, and what is told of each class."""

import json

import numpy as np
import pytest

from geoarseg.cli.main import run_command
from geoarseg.errors import ModelFileError
from geoarseg.explain import class_descriptions, explain_model
from geoarseg.models import write_model
from geoarseg.network.checkpoint import load_card
from geoarseg.raster.memory import MemoryScene
from tests.tiny_model import random_pixels, tiny_predictor

ROLES = ("red", "green", "blue")


@pytest.fixture
def explained():
    return explain_model(tiny_predictor(), [MemoryScene(*random_pixels(80, 90))], roles=ROLES)


def test_the_card_holds_spectra_and_the_legend_they_suggest(explained, tmp_path):
    path = tmp_path / "model.safetensors"
    write_model(explained, path)
    card = load_card(path)
    assert card == explained.card
    rows = class_descriptions(card)
    assert sum(row["share"] for row in rows) == pytest.approx(1, abs=1e-5)
    assert {row["value"]: row["name"] for row in rows} == {row["value"]: row["name"] for row in card.legend}
    assert [row["suggested"] for row in rows] == sorted(row["suggested"] for row in rows)  # seen ones by brightness
    assert len({row["name"] for row in rows}) == len({row["colour"] for row in card.legend}) == len(rows)
    seen = [row for row in rows if row["share"]]
    assert all("median" in row["evidence"] and 0 < row["confidence"] <= 1 for row in seen)
    assert all(1 < value < 254 for row in seen for value in row["mean"])


def test_the_classes_stay_the_same(explained):
    image, valid = random_pixels(40, 40, seed=5)
    np.testing.assert_array_equal(explained(image[None], valid[None]), tiny_predictor()(image[None], valid[None]))


def test_a_model_that_was_not_measured_tells_nothing(tmp_path, capsys):
    path = tmp_path / "model.safetensors"
    write_model(tiny_predictor(), path)
    assert class_descriptions(load_card(path)) == []
    assert run_command(["info", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["spectra"] == []


def test_info_tells_evidence_also_after_a_merge(explained, tmp_path, capsys):
    path = tmp_path / "model.safetensors"
    write_model(explained, path)
    shares = {row["value"]: row["share"] for row in class_descriptions(explained.card)}
    assert run_command(["legend", str(path), "--merge", "2=4", "--rename", "4=both", "--quiet"]) == 0
    assert run_command(["info", str(path), "--json"]) == 0
    rows = {row["value"]: row for row in json.loads(capsys.readouterr().out)["spectra"]}
    assert sorted(rows) == [1, 3, 4, 5]
    assert rows[4]["name"] == "both"
    assert rows[4]["share"] == pytest.approx(shares[2] + shares[4], abs=1e-5)
    assert run_command(["info", str(path)]) == 0
    assert sum(line.startswith("spectra") for line in capsys.readouterr().out.splitlines()) == 4


def test_damaged_spectra_are_told(explained):
    damaged = [{"mean": None, "share": 1}, *explained.card.spectra[1:]]
    with pytest.raises(ModelFileError, match="spectra"):
        class_descriptions(explained.card.model_copy(update={"spectra": tuple(damaged)}))
