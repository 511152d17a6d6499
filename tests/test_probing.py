import json

import numpy as np
import pytest
import torch
from tiny_store import make_store

from geoarseg.cli.main import run_command
from geoarseg.config import load_settings
from geoarseg.datasets.store import open_store
from geoarseg.errors import InputError, SettingsError
from geoarseg.models import untrained_on_store, write_model
from geoarseg.probing import build_probe, probe_store, split_crops

TINY = ["train.objective=ac", "network.width=8", "network.blocks=1", "train.crop_px=32", "device=cpu"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return open_store(make_store(tmp_path_factory.mktemp("store") / "data", classes=3, crops=16))


@pytest.fixture(scope="module")
def predictor(store):
    return untrained_on_store(store, settings=load_settings(overrides=[*TINY, "classes=3"]))


def test_the_probes_have_the_shapes_of_the_paper():
    assert [tuple(p.shape) for p in build_probe("linear", 5, 3).parameters()] == [(3, 5, 1, 1), (3,)]
    shapes = [tuple(p.shape) for p in build_probe("non-linear", 5, 3).parameters()]
    assert shapes == [(256, 5, 1, 1), (256,), (3, 256, 1, 1), (3,)]


def test_the_split_is_four_fifths_of_the_labelled_crops_and_follows_the_seed(store):
    train, test = split_crops(store, seed=0)
    assert (len(train), len(test)) == (13, 3)
    assert sorted([*train, *test]) == np.flatnonzero(store.labelled).tolist()
    np.testing.assert_array_equal(split_crops(store, seed=0)[1], test)
    assert any(not np.array_equal(split_crops(store, seed=seed)[1], test) for seed in (1, 2, 3))


def test_probes_read_easy_classes_and_leave_the_model_as_it_is(store, predictor):
    before = {name: value.clone() for name, value in predictor.network.state_dict().items()}
    state = torch.get_rng_state()
    linear, other = probe_store(predictor, store, epochs=50)
    assert linear.accuracy > 0.5
    assert other.accuracy > 0.6
    assert linear.scored_pixels == 3 * 30 * 32  # value 0 is not scored
    assert all(torch.equal(before[name], value) for name, value in predictor.network.state_dict().items())
    assert all(parameter.grad is None for parameter in predictor.network.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_probes_repeat(store, predictor):
    assert probe_store(predictor, store, epochs=2) == probe_store(predictor, store, epochs=2)


def test_batches_do_not_change_the_score(store, predictor, monkeypatch):
    expected = probe_store(predictor, store, kinds=["linear"], epochs=2)
    monkeypatch.setattr("geoarseg.probing._FEATURES_AT_ONCE", 1)
    (score,) = probe_store(predictor, store, kinds=["linear"], epochs=2)
    assert score.accuracy == pytest.approx(expected[0].accuracy, abs=0.01)


def test_what_cannot_be_probed(store, predictor, tmp_path):
    with pytest.raises(SettingsError, match="1 pass"):
        probe_store(predictor, store, epochs=0)
    with pytest.raises(SettingsError, match="nothing"):
        probe_store(predictor, store, kinds=[])
    with pytest.raises(InputError, match="2 or more"):
        probe_store(predictor, open_store(make_store(tmp_path / "one", crops=1)))


def test_the_command(store, predictor, tmp_path, capsys):
    write_model(predictor, tmp_path / "m.safetensors")
    arguments = ["probe", "-m", str(tmp_path / "m.safetensors"), "--data", str(store.folder), "--epochs", "1"]
    arguments += ["--device", "cpu", "--quiet"]
    assert run_command([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [probe["kind"] for probe in result["probes"]] == ["linear", "non-linear"]
    assert run_command([*arguments, "--kind", "linear"]) == 0
    assert "linear" in capsys.readouterr().out
    assert run_command([*arguments[:3], "--data", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert "prepare" in error
