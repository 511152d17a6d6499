"""A network that learns a consensus of mixtures: from image to map, interrupted, on a dataset, cut elsewhere."""

import json

import numpy as np
import pytest
import rasterio
import torch
from tiny_model import random_pixels, tiny_predictor
from tiny_store import make_store

from geoarseg.cli.main import run_command
from geoarseg.clustering import fitting
from geoarseg.clustering.merging import MergeTree
from geoarseg.config import validate_settings
from geoarseg.datasets.store import open_store
from geoarseg.evaluation.scores import score_maps
from geoarseg.inference.predictor import Classified, Predictor
from geoarseg.mapping import segment_scene
from geoarseg.models import train_model, train_on_store, write_model
from geoarseg.network.checkpoint import load_card
from geoarseg.raster.scene import open_scene
from geoarseg.recut import with_smoothing
from geoarseg.trained import _numbered
from geoarseg.training.teaching import Teacher

SMALL = {
    "device": "cpu",
    "classes": 3,
    "network": {"width": 16, "blocks": 1},
    "train": {"steps": 60, "batch": 4, "crop_px": 32},
}


@pytest.fixture(autouse=True)
def _few_pixels(monkeypatch):
    monkeypatch.setattr(fitting, "_MEMBER_PIXELS", 2_000)


@pytest.fixture
def fields(make_raster):
    """Fields of three colours, of unequal size, with a hole; the image's path and its labels."""
    rng = np.random.default_rng(0)
    labels = np.kron(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1], size=(7, 8)), np.ones((16, 16), int)).astype(np.uint8)
    values = np.array([[0, 60, 120, 180], [0, 120, 60, 180]])[:, labels] + rng.normal(0, 12, (2, *labels.shape))
    image = values.clip(1, 255).astype(np.uint8)
    image[:, 20:30, 40:60], labels[20:30, 40:60] = 0, 0
    return make_raster(image, dtype="uint8", nodata=0), labels


def settings(**train):
    return validate_settings(SMALL | {"train": SMALL["train"] | train})


def mapped(path, predictor, out, window_px=512):
    options = validate_settings(SMALL | {"segment": {"window_px": window_px}})
    segment_scene(open_scene(path), predictor, out, settings=options)
    with rasterio.open(out) as dataset:
        return dataset.read(1)


def test_from_an_image_to_a_smooth_map(fields, tmp_path):
    path, labels = fields
    predictor = train_model([open_scene(path)], settings=settings())
    card = predictor.card
    assert (card.clusters, predictor.classes, card.smoothing_px) == (12, 3, 4)
    assert len(card.merges) == 11
    assert sorted(card.training["shares"], reverse=True) == card.training["shares"]
    found = mapped(path, predictor, tmp_path / "whole.tif")
    assert score_maps(found, labels).accuracy > 0.9
    assert np.array_equal(found > 0, labels > 0), "nodata stays nodata"
    assert np.array_equal(mapped(path, predictor, tmp_path / "windows.tif", 48), found), "windows do not matter"
    rough = mapped(path, with_smoothing(predictor, 0), tmp_path / "rough.tif")
    assert (np.diff(rough) != 0).sum() > (np.diff(found) != 0).sum()

    write_model(predictor, tmp_path / "model.safetensors")
    again = Predictor.from_file(tmp_path / "model.safetensors", device="cpu")
    assert np.array_equal(mapped(path, again, tmp_path / "again.tif"), found)


def test_an_interrupted_training_goes_on_to_the_same_weights(fields, tmp_path):
    scene, state = open_scene(fields[0]), tmp_path / "model.state"

    def stop(step, figures):
        if step == 4:
            raise KeyboardInterrupt

    few = settings(steps=9)
    with pytest.raises(KeyboardInterrupt):
        train_model([scene], settings=few, state_path=state, log=stop)
    assert state.exists()
    steps = []
    resumed = train_model([scene], settings=few, state_path=state, log=lambda step, figures: steps.append(step))
    assert steps == [5, 6, 7, 8, 9]
    whole = train_model([scene], settings=few)
    assert resumed.card.class_of == whole.card.class_of
    for name, weight in whole.network.state_dict().items():
        assert torch.equal(weight, resumed.network.state_dict()[name]), name


def test_a_prepared_dataset_teaches_too(tmp_path):
    store = open_store(make_store(tmp_path / "store"))
    predictor = train_on_store(store, settings=settings(steps=3))
    assert predictor.card.clusters == 12
    assert len(predictor.card.training["shares"]) == 3


def test_one_training_every_k(fields, tmp_path, capsys):
    model, image = tmp_path / "model.safetensors", str(fields[0])
    write_model(train_model([open_scene(image)], settings=settings()), model)
    kept = load_card(model)
    for classes in (2, 5, 12):
        out = tmp_path / f"{classes}.tif"
        assert run_command(["segment", image, "-m", str(model), "-o", str(out), "-k", str(classes), "--quiet"]) == 0
        with rasterio.open(out) as dataset:
            values = set(np.unique(dataset.read(1)).tolist())
            assert values <= set(range(classes + 1))
            assert len(values) > 2
    assert load_card(model) == kept
    capsys.readouterr()
    assert run_command(["segment", image, "-m", str(model), "-o", str(tmp_path / "no.tif"), "-k", "13"]) == 2
    assert "12 clusters: 13 classes cannot" in capsys.readouterr().err
    assert run_command(["info", str(model), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["classes"], facts["clusters"], facts["alpha"]) == (3, 12, kept.alpha)
    assert {(cut["classes"], cut["alpha"]) for cut in facts["cuts"]} >= {(2, 0.0), (12, 1.0)}
    here = next(cut for cut in facts["cuts"] if (cut["classes"], cut["alpha"]) == (3, kept.alpha))
    assert sorted(here["class_of"]) == sorted(kept.class_of)
    assert [row["value"] for row in here["legend"]] == [1, 2, 3]
    out, command = tmp_path / "equal.tif", ["segment", image, "-m", str(model), "-o"]
    assert run_command([*command, str(out), "--alpha", "0", "--quiet"]) == 0
    with rasterio.open(out) as dataset:
        assert set(np.unique(dataset.read(1)).tolist()) <= {0, 1, 2, 3}
    assert run_command([*command, str(tmp_path / "no.tif"), "--alpha", "2"]) == 2


def test_the_image_may_suggest_how_many_classes(fields, tmp_path):
    """Made for six classes, three of which are there."""
    path, labels = fields
    suggested = settings().model_copy(update={"classes": 6, "auto_classes": True})
    predictor = train_model([open_scene(path)], settings=suggested)
    assert predictor.card.clusters == 24
    assert predictor.classes == len(predictor.card.legend) == len(predictor.card.training["shares"]) == 3
    assert score_maps(mapped(path, predictor, tmp_path / "map.tif"), labels).accuracy > 0.9


def test_auto_is_an_answer_to_how_many_classes(tmp_path, capsys):
    from geoarseg.cli.options import settings_from

    assert settings_from(classes="auto").auto_classes
    assert settings_from(classes=4, overrides=("auto_classes=true",)).auto_classes is False
    assert run_command(["run", "x.tif", "-o", str(tmp_path), "-k", "few"]) == 2
    assert "neither a number of classes nor auto" in capsys.readouterr().err
    assert run_command(["run", "x.tif", "-o", str(tmp_path), "-k", "auto", "--set", "train.objective=ac"]) == 2
    assert "needs the tree" in capsys.readouterr().err


class RandomCrops:
    """A sampler of crops that have nothing to do with each other."""

    crop_px = 32

    def draw(self, count, *, over=map):
        return tuple(map(np.stack, zip(*(random_pixels(32, 32, seed) for seed in range(count)), strict=True)))


def blind_to_the_first_cluster():
    """A model of which the other clusters win alike."""
    predictor = tiny_predictor()
    last, seen = predictor.network.d, []
    last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].mean(dim=(0, 2, 3))))
    predictor(*RandomCrops().draw(8))
    with torch.no_grad():
        last.bias.copy_(-(last.weight[:, :, 0, 0] @ seen[0]))  # all win alike
        last.bias[0] = -50
    return predictor


@pytest.mark.parametrize("smoothing_px", [0, 4])
def test_a_class_that_the_map_lost_gives_way_to_another(smoothing_px):
    """The teacher sees much of cluster 1, which the tree parts from the others last, and the network nothing."""
    predictor = blind_to_the_first_cluster()
    tree = MergeTree(((1, 2), (3, 4), (1, 3), (0, 1)), (0.5, 0.4, 0.3, 0.2, 0.0), (0.4, 0.2, 0.2, 0.1, 0.1))
    teacher = Teacher([], tree, np.full((5, 5), 0.04), 1.0)
    changes = {"class_of": (1, 2, 2, 2, 2), "merges": tree.merges, "smoothing_px": smoothing_px}
    card = predictor.card.model_copy(update=changes)
    two = validate_settings({"classes": 2})
    card, shares = _numbered(card, teacher, predictor, RandomCrops(), two)
    assert card.class_of[1:] in {(1, 1, 2, 2), (2, 2, 1, 1)}
    assert shares[0] >= shares[1] > 0.01
    assert shares.sum() == pytest.approx(1)


def test_there_may_be_too_few_clusters_for_all_classes():
    predictor = blind_to_the_first_cluster()
    tree = MergeTree(((1, 2), (3, 4), (1, 3), (0, 1)), (0.5, 0.4, 0.3, 0.2, 0.0), (0.4, 0.2, 0.2, 0.1, 0.1))
    card = predictor.card.model_copy(update={"merges": tree.merges})
    teacher = Teacher([], tree, np.full((5, 5), 0.04), 1.0)
    card, shares = _numbered(card, teacher, predictor, RandomCrops(), validate_settings({"classes": 5}))
    assert card.class_of[0] == 5
    assert shares[-1] == 0
    assert (shares[:4] > 0.01).all()


class Painted:
    """A model that gives five kinds of pixels these probabilities of five clusters, which classes add up."""

    SHARES = np.array(
        [[4, 3, 3, 0, 0], [2, 8, 0, 0, 0], [2, 0, 8, 0, 0], [0, 0, 0, 9, 1], [0, 0, 0, 1, 9]]
    )  # the first cluster wins the first kind, but not from the second and the third together

    def __init__(self, card):
        self.card, self.classes = card, card.classes

    def with_card(self, card):
        return Painted(card)

    def classify(self, images, valid):
        member = np.eye(self.classes)[np.array(self.card.class_of) - 1]
        kinds = np.arange(valid.size).reshape(valid.shape) % 5
        return Classified((self.SHARES @ member).argmax(axis=1)[kinds] + 1, kinds, None)


def test_a_cluster_that_loses_to_a_class_of_several_does_not_count():
    tree = MergeTree(((1, 2), (3, 4), (0, 1), (0, 3)), (0.5, 0.4, 0.3, 0.2, 0.0), (0.2,) * 5)
    card = tiny_predictor().card.model_copy(update={"merges": tree.merges, "class_of": (1, 2, 2, 3, 3)})
    teacher = Teacher([], tree, np.full((5, 5), 0.04), 1.0)
    card, shares = _numbered(card, teacher, Painted(card), RandomCrops(), validate_settings({"classes": 3}))
    assert card.class_of in {(1, 1, 1, 2, 3), (1, 1, 1, 3, 2)}
    assert shares.tolist() == pytest.approx([0.6, 0.2, 0.2], abs=0.001)
