"""What the sliders show is what the command then makes: `info`, `segment` and the plugin's reading of them together."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import torch
from click.testing import CliRunner

from geoarseg.clustering.merging import merge_tree
from geoarseg.models import write_model
from geoarseg.recut import ALPHAS
from tests.tiny_model import CLASSES, random_pixels, tiny_predictor

CLUSTERS = CLASSES


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """An image of 96 x 80 pixels with holes."""
    pixels, valid = random_pixels(80, 96, seed=1)
    path = tmp_path_factory.mktemp("an image") / "image.tif"
    profile = {"driver": "GTiff", "height": 80, "width": 96, "count": 3, "dtype": "uint8", "nodata": 0}
    with rasterio.open(path, "w", **profile, transform=rasterio.Affine(1, 0, 0, 0, -1, 80)) as dataset:
        dataset.write((pixels * valid).astype("uint8"))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model that knows how its clusters meet, and is sure of the cluster of each pixel."""
    joint = np.random.default_rng(5).random((CLUSTERS, CLUSTERS)) + 2 * np.eye(CLUSTERS)
    joint = (joint + joint.T) / (joint + joint.T).sum()
    tree = merge_tree(joint)
    predictor = tiny_predictor()
    with torch.no_grad():
        predictor.network.d.weight *= 1e4
    changes = {"merges": tree.merges, "information": tree.information, "cluster_shares": tree.shares, "alpha": 1.0}
    card = predictor.card.model_copy(update=changes | {"joint": tuple(map(tuple, joint.tolist()))})
    path = tmp_path_factory.mktemp("a model") / "model.safetensors"
    write_model(predictor.with_card(card), path)
    return path


def call(*words):
    from geoarseg.cli.main import cli

    done = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def classes_of(image, model, out, classes, alpha):
    call("segment", image, "-m", model, "-o", out, "-k", classes, "--alpha", alpha, "--device", "cpu", "-q")
    with rasterio.open(out) as dataset:
        return dataset.read(1)


def test_a_map_of_the_sliders_has_its_model_beside_it(image, model, tmp_path):
    from geoarseg_qgis.dock.cuts import Cuts
    from geoarseg_qgis.dock.origin import Origin, cut_arguments

    folder = tmp_path / "3 classes"
    folder.mkdir()
    origin = Origin(tmp_path, (str(image),))
    origin.model.write_bytes(model.read_bytes())
    for words in cut_arguments(origin, 3, 0.25, folder, "cpu"):
        call(*words)
    kept = folder / "model.safetensors"
    now = Cuts.from_json(call("info", kept, "--json")).first
    assert (now.classes, now.alpha) == (3, 0.25)
    again = classes_of(image, model, tmp_path / "again.tif", 3, 0.25)
    with rasterio.open(folder / "classes.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(1), again)
    assert (folder / "classes.tif").read_bytes() == (tmp_path / "again.tif").read_bytes()


def test_the_colours_tried_are_those_of_the_map_that_is_made(image, model, tmp_path):
    from geoarseg_qgis.dock.cuts import Cuts

    cuts = Cuts.from_json(call("info", model, "--json"))
    assert cuts.clusters == CLUSTERS
    assert cuts.alphas == ALPHAS
    clusters = classes_of(image, model, tmp_path / "clusters.tif", CLUSTERS, 1.0)
    seen = set()
    for classes in range(2, CLUSTERS + 1):
        for alpha in (0.0, 1.0):
            cut = cuts.at(classes, alpha)
            shown = np.zeros_like(clusters)
            for number, row in enumerate(cuts.rows(cut, {}), 1):
                shown[np.isin(clusters, row.values)] = number
            made = classes_of(image, model, tmp_path / f"{classes}-{alpha}.tif", classes, alpha)
            np.testing.assert_array_equal(shown, made)
            seen.add(cut.class_of)
    assert len(seen) > CLUSTERS - 1  # alpha makes a difference
