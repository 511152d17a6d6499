"""Naming a model by labels, on the command line: a map whose clusters were given other names comes back named."""

import json

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
import torch

from geoarseg.cli.main import run_command
from geoarseg.inference.predictor import Predictor
from geoarseg.models import write_model
from geoarseg.network.checkpoint import load_card
from geoarseg.raster.legend import parse_hex
from geoarseg.raster.scene import open_scene
from geoarseg.raster.style import read_legend
from geoarseg.raster.window import Window
from geoarseg.vector.vectorize import read_polygons
from tests.conftest import TRANSFORM
from tests.tiny_model import CLASSES, tiny_predictor

SIDE = 128
NAMES = ["field", "water", "field", "roof", "water"]
"""What each of the tiny model's clusters is called."""


@pytest.fixture
def image(make_raster, tmp_path):
    """Patches of 16 x 16 pixels of eight colours."""
    rng = np.random.default_rng(4)
    colours = rng.integers(20, 230, (8, 3))
    patches = colours[rng.integers(0, 8, (SIDE // 16, SIDE // 16))].repeat(16, 0).repeat(16, 1)
    return str(make_raster(np.moveaxis(patches, -1, 0).astype(np.uint8), tmp_path / "image.tif", nodata=0))


@pytest.fixture
def model(image, tmp_path):
    """A model whose five clusters are about equally common in the image, and sure of themselves."""
    predictor = tiny_predictor()
    pixels, valid = open_scene(image).read(Window(0, 0, SIDE, SIDE))
    mean = np.log(predictor(pixels[None], valid[None])).mean(axis=(0, 2, 3))
    decoder = predictor.network.d
    with torch.no_grad():
        decoder.bias -= torch.from_numpy(mean)
        decoder.weight *= 200
        decoder.bias *= 200
    write_model(predictor, tmp_path / "model.safetensors")
    return str(tmp_path / "model.safetensors")


@pytest.fixture
def clusters(image, model):
    """Clusters (y, x) from 1."""
    pixels, valid = open_scene(image).read(Window(0, 0, SIDE, SIDE))
    return Predictor.from_file(model, device="cpu").classify(pixels[None], valid[None]).classes[0]


@pytest.fixture
def write_points(tmp_path):
    def write(pixels, names, name="points.gpkg", field="class"):
        """Points in the middles of pixels (row, column)."""
        xy = [TRANSFORM * (col + 0.5, row + 0.5) for row, col in pixels]
        table = {field: names}
        geopandas.GeoDataFrame(table, geometry=shapely.points(xy), crs="EPSG:32633").to_file(tmp_path / name)
        return str(tmp_path / name)

    return write


@pytest.fixture
def points(clusters, write_points):
    """Twelve labels of each cluster that the image has."""
    rng = np.random.default_rng(0)
    chosen = []
    for cluster in np.unique(clusters):
        places = np.argwhere(clusters == cluster)
        chosen += places[rng.choice(len(places), 12)].tolist()
    return write_points(chosen, [NAMES[clusters[row, col] - 1] for row, col in chosen])


def name(*arguments):
    return run_command(["name", "--device", "cpu", "--quiet", *arguments])


def named(path):
    """The name of each pixel of a class raster (y, x)."""
    with rasterio.open(path) as dataset:
        classes = dataset.read(1)
    legend = read_legend(path)
    return np.array([legend.name_of(value) for value in range(256)])[classes]


def test_the_map_comes_back_named(image, model, clusters, points, tmp_path, capsys):
    assert len(np.unique(clusters)) > 2
    out = tmp_path / "named"
    code = name("-m", model, "--labels", points, "--image", image, "-o", str(out), "--json")
    output = capsys.readouterr()
    assert code == 0, output.err
    report = json.loads(output.out)
    wanted = np.array(["", *NAMES])[clusters]
    assert np.mean(named(out / "classes.tif") == wanted) > 0.99
    assert {c["name"]: c["clusters"] for c in report["classes"]}.keys() == set(np.unique(wanted))
    assert report["validation"]["accuracy"] > 0.95
    assert sum(c["share"] for c in report["classes"]) == pytest.approx(1)
    legend = read_legend(out / "classes.tif")
    for row in report["classes"]:
        assert legend.name_of(row["value"]) == row["name"]
        assert legend.colour_of(row["value"]) == parse_hex(row["colour"])
        assert row["share"] == pytest.approx(np.mean(wanted == row["name"]))
    assert json.loads((out / "naming.json").read_text(encoding="utf-8")) == report
    frame = read_polygons(out / "classes.gpkg")
    assert set(frame["name"]) == set(np.unique(wanted))
    assert frame.area.sum() == pytest.approx(SIDE * SIDE * 0.25)
    again = tmp_path / "again.tif"
    assert run_command(["segment", image, "-m", model, "-o", str(again), "--quiet", "--device", "cpu"]) == 0
    np.testing.assert_array_equal(named(again), named(out / "classes.tif"))


def test_a_raster_of_labels_names_as_well(image, model, clusters, make_raster, tmp_path, capsys):
    codes = np.array([0, 10, 20, 10, 30, 20], np.uint8)[clusters]
    codes[:, SIDE // 2 :] = 0
    labels = str(make_raster(codes[None], tmp_path / "codes.tif"))
    assert name("-m", model, "--labels", labels, "--image", image, "-o", str(tmp_path / "o")) == 0
    found = named(tmp_path / "o" / "classes.tif")
    wanted = np.array(["", "class 10", "class 20", "class 10", "class 30", "class 20"])[clusters]
    assert np.mean(found[codes > 0] == wanted[codes > 0]) > 0.99
    assert "On labels that were left out" in capsys.readouterr().out


def test_naming_again_starts_from_the_clusters(image, model, clusters, points, write_points, capsys):
    before = Predictor.from_file(model, device="cpu").card
    assert name("-m", model, "--labels", points, "--image", image) == 0
    assert len(load_card(model).legend) < CLASSES
    two = [np.argwhere(clusters == value)[0].tolist() for value in np.unique(clusters)[:2]]
    other = write_points(two, ["one", "other"], "other.gpkg")
    assert name("-m", model, "--labels", other, "--image", image) == 0
    assert sorted(row["name"] for row in load_card(model).legend) == ["one", "other"]
    assert Predictor.from_file(model, device="cpu").card.centre == before.centre


def test_a_suggested_place_lies_in_a_cluster_without_labels(image, model, clusters, write_points, tmp_path, capsys):
    present = np.unique(clusters)
    places = [np.argwhere(clusters == value)[0].tolist() for value in present[:2]]
    labels, wishes = write_points(places, ["a", "b"]), tmp_path / "wishes.gpkg"
    code = name("-m", model, "--labels", labels, "--image", image, "--suggest", str(wishes), "--json")
    output = capsys.readouterr()
    assert code == 0, output.err
    assert "have no label" in output.err
    assert "accuracy cannot be known" in output.err
    report = json.loads(output.out)
    assert report["validation"] is None
    assert "one place only" in report["why_not"]
    followers = {c["cluster"] for c in report["clusters"] if c["follows"] is not None and c["share"] > 0}
    assert followers == set(present[2:].tolist())
    frame = geopandas.read_file(wishes)
    assert frame["class"].isna().all()
    assert frame.crs.to_epsg() == 32633
    for place, cluster, reason in zip(frame.geometry, frame["cluster"], frame["reason"], strict=True):
        col, row = (int(value) for value in ~TRANSFORM * (place.x, place.y))
        assert clusters[row, col] == cluster
        assert (reason == "no label") == (cluster in followers)
    frame.loc[frame["reason"] == "no label", "class"] = "c"
    frame.to_file(tmp_path / "filled.gpkg")
    assert name("-m", model, "--labels", labels, "--labels", str(tmp_path / "filled.gpkg"), "--image", image) == 0
    assert sorted(row["name"] for row in load_card(model).legend) == ["a", "b", "c"]


def test_clusters_without_labels_may_stay_apart(image, model, clusters, write_points, tmp_path):
    present = np.unique(clusters)
    labels = write_points([np.argwhere(clusters == value)[0].tolist() for value in present[:2]], ["a", "b"])
    out = tmp_path / "o"
    assert name("-m", model, "--labels", labels, "--image", image, "--unlabelled", "apart", "-o", str(out)) == 0
    found = named(out / "classes.tif")
    assert (found[~np.isin(clusters, present[:2])] == "unlabelled").mean() > 0.99
    assert (found[clusters == present[0]] == "a").mean() > 0.99


def test_the_image_is_that_of_the_run(image, model, points, tmp_path, capsys):
    assert name("-m", model, "--labels", points) == 2
    assert "--image" in capsys.readouterr().err
    (tmp_path / "summary.json").write_text(json.dumps({"images": [image]}), encoding="utf-8")
    assert name("-m", model, "--labels", points) == 0


BAD = {
    "field": (["--field", "klass"], "no field klass; its fields are: class"),
    "no labels": (["--labels", "nowhere.gpkg"], "no file nowhere.gpkg"),
    "one class": (["--labels", "{one}"], "All labels are of one class, a."),
    "elsewhere": (["--labels", "{far}"], "do not overlap"),
    "empty": (["--labels", "{empty}"], "has no features"),
    "an image as labels": (["--labels", "{image}"], "labels no pixel"),
    "suggestions": (["--suggest", "places.doc"], "places.doc"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_labels_get_one_line_and_change_nothing(image, model, points, write_points, tmp_path, capsys, case):
    extra, text = BAD[case]
    files = {
        "one": write_points([(1, 1), (9, 9)], ["a", "a"], "one.gpkg"),
        "far": write_points([(9000, 1), (9001, 9)], ["a", "b"], "far.gpkg"),
        "empty": write_points([(1, 1)], ["a"], "empty.gpkg"),
        "image": image,
    }
    geopandas.read_file(files["empty"]).iloc[:0].to_file(files["empty"])
    extra = [argument.format(**files) for argument in extra]
    labels = [] if "--labels" in extra else ["--labels", points]
    before = load_card(model)
    assert name("-m", model, "--image", image, *labels, *extra) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1, errors
    assert text in errors[0]
    assert load_card(model) == before
