"""`geoarseg legend -k` keeps a cut as a model, and `geoarseg segment -k` makes a map of one."""

from dataclasses import asdict

import numpy as np
import pytest
from tiny_model import CLASSES, random_pixels, tiny_predictor

from geoarseg.cli.main import run_command
from geoarseg.clustering.merging import merge_tree
from geoarseg.inference.predictor import Predictor
from geoarseg.models import write_model
from geoarseg.network.checkpoint import load_card
from geoarseg.raster.spectra import Spectrum
from geoarseg.raster.style import read_legend

QUIET = ["--quiet"]
CPU = ["--device", "cpu", "--set", "segment.window_px=64", *QUIET]
JOINT = [
    [0.30, 0.02, 0.01, 0.01, 0.01],
    [0.02, 0.03, 0.00, 0.02, 0.00],
    [0.01, 0.00, 0.20, 0.00, 0.04],
    [0.01, 0.02, 0.00, 0.02, 0.00],
    [0.01, 0.00, 0.04, 0.00, 0.20],
]
"""How often five clusters meet: two large ones, two small ones, and a large one apart."""


def with_tree():
    """A model of five clusters that merge, and are three classes."""
    predictor, tree = tiny_predictor(), merge_tree(np.array(JOINT))
    spectra = [Spectrum((mean, 40.0, 200.0 - mean), 0.2, 0.5) for mean in (10.0, 100.0, 90.0, 150.0, 20.0)]
    changes = {
        "class_of": (1, 3, 2, 3, 2),
        "legend": predictor.card.legend[:3],
        "merges": tree.merges,
        "information": tree.information,
        "cluster_shares": tree.shares,
        "joint": tuple(map(tuple, JOINT)),
        "alpha": 1.0,
        "spectra": tuple(asdict(spectrum) | {"mean": list(spectrum.mean)} for spectrum in spectra),
        "band_roles": ("red", "green", "blue"),
        "training": {"shares": [0.5, 0.3, 0.2], "dead": [], "steps": 7},
    }
    return predictor.with_card(type(predictor.card)(**(predictor.card.model_dump() | changes)))


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.safetensors"
    write_model(with_tree(), path)
    return path


@pytest.fixture
def image(make_raster, tmp_path):
    pixels, valid = random_pixels(70, 90)
    return str(make_raster(np.where(valid, pixels, 0).astype("uint8"), tmp_path / "image.tif", nodata=0))


def segment(image, model, out, *options):
    assert run_command(["segment", image, "-m", str(model), "-o", str(out), *options, *CPU]) == 0
    return out.read_bytes()


@pytest.mark.parametrize("cut", [["-k", "4"], ["-k", "2", "--alpha", "0"], ["--alpha", "0.5"], ["-k", "auto"]])
def test_a_kept_cut_makes_the_same_map(cut, image, model, tmp_path):
    before, kept = model.read_bytes(), tmp_path / "kept.safetensors"
    assert run_command(["legend", str(model), *cut, "-o", str(kept), *QUIET]) == 0
    assert model.read_bytes() == before
    assert segment(image, kept, tmp_path / "kept.tif") == segment(image, model, tmp_path / "cut.tif", *cut)
    assert read_legend(tmp_path / "kept.tif").rows() == load_card(kept).legend
    assert segment(image, model, tmp_path / "own.tif") != (tmp_path / "kept.tif").read_bytes()


def test_weights_stay_and_the_card_knows_its_classes(model, tmp_path):
    before = Predictor.from_file(model, device="cpu")
    assert run_command(["legend", str(model), "-k", "4", "--alpha", "0.25", *QUIET]) == 0, "in its own place"
    after = Predictor.from_file(model, device="cpu")
    for name, value in before.network.state_dict().items():
        assert value.equal(after.network.state_dict()[name]), name
    card = after.card
    assert sorted(set(card.class_of)) == [row["value"] for row in card.legend] == [1, 2, 3, 4]
    assert card.alpha == 0.25
    assert card.spectra == before.card.spectra
    shares = np.bincount(card.class_of, weights=card.cluster_shares)[1:]
    assert card.training == {"shares": pytest.approx(shares, abs=1e-5), "dead": [], "steps": 7}


def test_a_kept_cut_can_be_cut_again(image, model, tmp_path):
    kept = tmp_path / "kept.safetensors"
    assert run_command(["legend", str(model), "-k", "4", "--alpha", "0", "-o", str(kept), *QUIET]) == 0
    again = segment(image, kept, tmp_path / "again.tif", "-k", "2")
    assert again == segment(image, model, tmp_path / "cut.tif", "-k", "2", "--alpha", "0")


def test_names_and_merges_are_those_of_the_new_classes(model, capsys):
    edit = ["--merge", "5=1", "--rename", "4=quay", "--colour", "1=#010203"]
    assert run_command(["legend", str(model), *edit]) == 2, "there are three classes as yet"
    assert "no class 4" in capsys.readouterr().err
    assert run_command(["legend", str(model), "-k", "5", *edit]) == 0
    assert "4 quay" in capsys.readouterr().out
    card = load_card(model)
    assert sorted(card.class_of) == [1, 1, 2, 3, 4]
    assert [row["value"] for row in card.legend] == [1, 2, 3, 4]
    assert card.legend[3]["name"] == "quay"
    assert card.legend[0]["colour"] == "#010203"


def test_a_renamed_copy(model, tmp_path):
    copy = tmp_path / "sub" / "copy.safetensors"
    assert run_command(["legend", str(model), "--rename", "1=roof", "-o", str(copy), *QUIET]) == 0
    assert load_card(copy).legend[0]["name"] == "roof"
    assert load_card(copy).class_of == load_card(model).class_of
    assert load_card(model).legend[0]["name"] == "class 1"


WRONG = {
    "a map": (["{image}", "-k", "4"], "image.tif is none. Make its map anew: geoarseg segment -k"),
    "too many": (["{model}", "-k", "6"], "has 5 clusters: 6 classes cannot be made of them. Ask for 2 to 5."),
    "too few": (["{model}", "-k", "0"], "0 classes cannot be made"),
    "no number": (["{model}", "-k", "many"], "neither a number of classes nor auto"),
    "alpha": (["{model}", "--alpha", "2"], "--alpha"),
    "no tree": (["{plain}", "-k", "4"], "has 5 classes and no tree"),
    "no tree, auto": (["{plain}", "-k", "auto"], "has 5 classes and no tree"),
    "no joint": (["{blind}", "-k", "auto"], "how often its clusters meet. Give -k a number."),
    "another alpha": (["{blind}", "--alpha", "0"], "how often its clusters meet. Leave out --alpha."),
    "two to one": (["{model}", "{plain}", "-k", "5", "-o", "{out}"], "but there are 2 FILES"),
    "a map's name": (["{model}", "-k", "4", "-o", "{tif}"], "Let it end in .safetensors"),
    "there already": (["{model}", "-k", "4", "-o", "{plain}"], "exists. Pass --overwrite"),
    "class gone": (["{model}", "-k", "2", "--rename", "3=x"], "no class 3"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_gets_one_line_and_changes_nothing(case, image, model, tmp_path, capsys):
    card = with_tree().card
    blind = tmp_path / "blind.safetensors"
    write_model(with_tree().with_card(card.model_copy(update={"joint": ()})), blind)
    write_model(tiny_predictor(), tmp_path / "plain.safetensors")
    places = {name: str(tmp_path / f"{name}.safetensors") for name in ("model", "plain", "blind", "out")}
    places |= {"image": image, "tif": str(tmp_path / "new.tif")}
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    words, text = WRONG[case]
    assert run_command(["legend", *(word.format(**places) for word in words)]) == 2
    error = capsys.readouterr().err
    assert text in error
    assert len(error.splitlines()) == 1, error
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_overwrite(model, tmp_path):
    other = tmp_path / "other.safetensors"
    write_model(tiny_predictor(), other)
    assert run_command(["legend", str(model), "-k", "2", "-o", str(other), "--overwrite", *QUIET]) == 0
    assert load_card(other).classes == 2
    assert load_card(model).classes == 3
    assert load_card(model).clusters == CLASSES
