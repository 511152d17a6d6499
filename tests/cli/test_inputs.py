"""What an IMAGE may be, through the commands that take one."""

import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from file_server import serving

from geoarseg.cli.main import run_command

TINY = ["-k", "3", "--steps", "2", "--device", "cpu", "--set", "network.width=8", "--set", "network.blocks=1"]
TINY += ["--set", "train.objective=ac", "--set", "train.batch=2", "--set", "train.crop_px=32", "--quiet"]


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(1, 255, (3, 60, 70)).astype(np.uint8)


@pytest.fixture
def tiles(make_raster, noise, tmp_path):
    """Two tiles side by side in a folder."""
    (tmp_path / "tiles").mkdir()
    for number in range(2):
        transform = Affine(1, 0, 100 + 70 * number, 0, -1, 200)
        make_raster(noise, tmp_path / "tiles" / f"{number}.tif", transform=transform)
    return tmp_path / "tiles"


def run(*arguments):
    return run_command([str(argument) for argument in arguments])


def test_the_map_of_an_address_is_that_of_the_file(tiles, tmp_path):
    model, maps = tmp_path / "m.safetensors", []
    with serving(**{"a.tif": (tiles / "0.tif").read_bytes()}) as server:
        assert run("train", server.url("a.tif"), "-o", model, *TINY) == 0
        for number, image in enumerate((server.url("a.tif"), tiles / "0.tif")):
            out = tmp_path / f"{number}.tif"
            assert run("segment", image, "-m", model, "-o", out, "--quiet", "--device", "cpu") == 0
            with rasterio.open(out) as dataset:
                maps.append(dataset.read(1))
    np.testing.assert_array_equal(*maps)


def test_a_folder_is_a_mosaic_or_many_images(tiles, tmp_path, capsys):
    assert run("info", tiles, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["size"] == "140 x 60 pixels"
    assert facts["files"] == 2
    assert run("run", f"{tiles}/*.tif", "--per-image", "-o", tiles, *TINY) == 0
    assert {path.parent.name for path in tiles.rglob("classes.tif")} == {"0", "1"}
    model, out = tiles / "model.safetensors", tmp_path / "each"
    assert run("segment", tiles, "--per-image", "-m", model, "-o", out, "--quiet", "--device", "cpu") == 0
    assert sorted(path.name for path in out.glob("*.tif")) == ["0.tif", "1.tif"]
    assert run("info", tiles / "0" / "classes.tif") == 0  # its own outputs by their name


def test_labels_are_counted_by_the_images_that_a_folder_stands_for(tiles, tmp_path, capsys):
    common = ["train", tiles, "-o", tmp_path / "m.safetensors", *TINY]
    assert run(*common, "--labels", tiles / "0.tif") == 2
    assert "There are 1 --labels for 2 images" in capsys.readouterr().err


@pytest.mark.parametrize(
    "image", ["none/*.tif", "empty", "none.tif", "none.json", "empty.json", "http://[x/a.tif", "http://[x/a.json"]
)
@pytest.mark.parametrize("command", ["info", "train", "run", "segment", "compare"])
def test_what_is_not_there_is_one_line(tiles, tmp_path, capsys, monkeypatch, command, image):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.json").write_text('{"type": "Feature", "assets": {}}')
    if command == "segment" and not (tmp_path / "m").exists():
        assert run("train", tiles, "-o", "m.safetensors", *TINY) == 0
    options = {
        "info": [],
        "train": ["-o", "x.safetensors", *TINY],
        "run": ["-o", "out", *TINY],
        "segment": ["-m", "m.safetensors", "-o", "x.tif", "--device", "cpu"],
        "compare": ["--labels", tiles / "0.tif", "-o", "out", *TINY],
    }
    capsys.readouterr()
    assert run(command, image, *options[command]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert image in error
    assert not list(tmp_path.glob("x.*"))
