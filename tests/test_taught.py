import numpy as np
import pytest

from geoarseg.clustering import fitting
from geoarseg.clustering.image_model import Smoothed
from geoarseg.config import validate_settings
from geoarseg.evaluation import baselines
from geoarseg.evaluation.baselines import map_scene
from geoarseg.evaluation.scores import score_maps
from geoarseg.inference.predictor import Predictor
from geoarseg.models import write_model
from geoarseg.raster.scene import open_scene
from geoarseg.taught import NetworkModel, taught_model

SMALL = {
    "device": "cpu",
    "classes": 3,
    "network": {"width": 16, "blocks": 1},
    "train": {"batch": 4, "crop_px": 32},
}


@pytest.fixture
def scene(make_raster, monkeypatch):
    """Fields of three colours, of unequal size, with a hole; the scene and its labels."""
    monkeypatch.setattr(fitting, "_MEMBER_PIXELS", 2_000)
    rng = np.random.default_rng(0)
    labels = np.kron(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1], size=(7, 8)), np.ones((16, 16), int)).astype(np.uint8)
    values = np.array([[0, 60, 120, 180], [0, 120, 60, 180]])[:, labels] + rng.normal(0, 12, (2, *labels.shape))
    image = values.clip(1, 255).astype(np.uint8)
    image[:, 20:30, 40:60], labels[20:30, 40:60] = 0, 0
    return open_scene(make_raster(image, dtype="uint8", nodata=0)), labels


def whole(model, scene, predictor):
    out = np.zeros((scene.height, scene.width), np.uint8)
    for window, classes in map_scene(scene, predictor.statistics, model, alignment_px=predictor.stride_px):
        out[window.slices] = classes
    return out


def test_a_taught_network_maps_the_fields(scene, tmp_path, monkeypatch):
    source, labels = scene
    predictor = taught_model(source, settings=validate_settings(SMALL), smoothing_px=2)
    model = Smoothed(NetworkModel(predictor), 2)
    found = whole(model, source, predictor)
    assert score_maps(found, labels).accuracy > 0.9
    assert np.array_equal(found > 0, labels > 0), "nodata stays nodata"
    assert predictor.card.training["taught_by"] == "consensus"
    assert sorted(predictor.card.training["shares"], reverse=True) == predictor.card.training["shares"]

    monkeypatch.setattr(baselines, "_BLOCK_PX", 48)
    assert np.array_equal(whole(model, source, predictor), found), "windows do not matter"

    write_model(predictor, tmp_path / "model.safetensors")
    again = Predictor.from_file(tmp_path / "model.safetensors", device="cpu")
    assert np.array_equal(whole(Smoothed(NetworkModel(again), 2), source, again), found)


def test_a_network_gives_probabilities_where_there_is_data(scene):
    source, _ = scene
    predictor = taught_model(source, settings=validate_settings(SMALL), smoothing_px=0)
    rng = np.random.default_rng(1)
    valid = rng.random((20, 18)) > 0.5
    shares = NetworkModel(predictor).memberships(rng.normal(size=(2, 20, 18)), valid)
    assert shares.shape == (3, 20, 18)
    np.testing.assert_allclose(shares.sum(0), valid, atol=1e-5)
