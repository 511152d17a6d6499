import json

import pytest
import torch
from safetensors.torch import save_file

from geoarseg.errors import ModelFileError
from geoarseg.network.checkpoint import CARD_KEY, ModelCard, load_card, load_model, reorder_classes, save_model
from geoarseg.network.model import build_network
from geoarseg.settings import NetworkSettings

SMALL = NetworkSettings(width=8, blocks=1)


@pytest.fixture
def model():
    network = build_network(SMALL, bands=2, classes=3, seed=5).eval()
    card = ModelCard(
        version="0.0.0",
        network=SMALL,
        clusters=3,
        bands=(1, 2),
        band_names=("red", "nir"),
        centre=(100.0, 200.5),
        scale=(3.0, 0.1),
        legend=({"value": 1, "name": "wäter", "colour": "#0000ff"},),
    )
    return network, card


def test_round_trip(model, tmp_path):
    network, card = model
    save_model(tmp_path / "m.safetensors", network, card)
    loaded, loaded_card = load_model(tmp_path / "m.safetensors")
    assert loaded_card == card == load_card(tmp_path / "m.safetensors")
    x = torch.randn(1, 2, 9, 9)
    assert torch.equal(loaded(x), network(x))


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 64, b"\x80\x04pickle"])
def test_foreign_files_are_refused(content, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(ModelFileError, match="not a safetensors"):
        load_model(tmp_path / "m.safetensors")


def test_missing_cardless_and_wrong_cards(model, tmp_path):
    network, card = model
    path = tmp_path / "m.safetensors"
    with pytest.raises(ModelFileError, match="no model file"):
        load_card(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ModelFileError, match="no model card"):
        load_card(path)
    weights = dict(network.state_dict())
    save_file(
        weights,
        path,
        metadata={CARD_KEY: json.dumps(card.model_dump(mode="json") | {"clusters": 4, "class_of": [1, 2, 3, 4]})},
    )
    with pytest.raises(ModelFileError, match="wrong shape"):
        load_model(path)
    save_file(weights, path, metadata={CARD_KEY: json.dumps(card.model_dump(mode="json") | {"format": 99})})
    with pytest.raises(ModelFileError, match="another version"):
        load_card(path)
    save_file(weights | {"extra": torch.zeros(1)}, path, metadata={CARD_KEY: card.model_dump_json()})
    with pytest.raises(ModelFileError, match="do not belong"):
        load_model(path)


def test_reordering_renames_the_classes(model):
    network, _ = model
    x = torch.randn(1, 2, 8, 8)
    before = network(x)
    reorder_classes(network, [2, 0, 1])
    torch.testing.assert_close(network(x), before[:, [2, 0, 1]])
