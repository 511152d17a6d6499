"""`geoarseg run --model`: all outputs of a run, of a model that was trained before."""

import json

import numpy as np
import pytest
import rasterio
from tiny_model import CLASSES, random_pixels, tiny_predictor
from told import Told

from geoarseg.cli.main import run_command
from geoarseg.errors import InputError, OutputError, SettingsError
from geoarseg.models import write_model
from geoarseg.pipeline import OUTPUT_NAMES, run
from geoarseg.settings import Settings

SETTINGS = Settings.model_validate({"device": "cpu"})


@pytest.fixture(scope="module")
def model():
    return tiny_predictor()


@pytest.fixture
def image(make_raster, tmp_path):
    pixels, valid = random_pixels(60, 70)
    return str(make_raster(np.where(valid, pixels, 0).astype("uint8"), tmp_path / "image.tif", nodata=0))


def run_again(image, out, model, **options):
    told = Told()
    results = run([image], out, settings=SETTINGS, model=model, progress=told, **options)
    return told, results


def test_all_outputs_but_no_training(image, model, tmp_path):
    out, path = tmp_path / "out", tmp_path / "model.safetensors"
    write_model(model, path)
    told, (result,) = run_again(image, out, model)
    assert {entry.name for entry in out.iterdir()} >= {*OUTPUT_NAMES, "confidence.tif"}
    assert "train" not in told.stages
    assert (out / "model.safetensors").read_bytes() == path.read_bytes()
    alone = tmp_path / "alone.tif"
    assert run_command(["segment", image, "-m", str(path), "-o", str(alone), "--device", "cpu", "--quiet"]) == 0
    with rasterio.open(alone) as expected, rasterio.open(result.maps.classes) as found:
        np.testing.assert_array_equal(found.read(), expected.read())
    summary = json.loads((out / "summary.json").read_text())
    assert [row["value"] for row in summary["classes"]] == list(range(1, CLASSES + 1))
    assert "evidence" not in summary["classes"][0], "nothing was measured of this model"


def test_it_goes_on_behind_what_is_finished(image, model, tmp_path):
    out = tmp_path / "out"
    run_again(image, out, model)
    with pytest.raises(OutputError, match="exists"):
        run_again(image, out, model)
    before = (out / "classes.tif").read_bytes()
    (out / "summary.json").unlink()
    told, _ = run_again(image, out, model)
    assert told.stages == ["vectorize", "preview"]
    assert (out / "classes.tif").read_bytes() == before
    (out / "summary.json").unlink()
    other = model.with_card(model.card.model_copy(update={"smoothing_px": 4}))
    with pytest.raises(OutputError, match=r"model\.safetensors exists"):
        run_again(image, out, other)
    run_again(image, out, other, overwrite=True)
    assert (out / "summary.json").exists()


def test_one_folder_for_each_image(image, model, make_raster, tmp_path):
    far = random_pixels(40, 40, seed=1)[0] * 1000
    strange = str(make_raster(far.astype("float32"), tmp_path / "strange.tif"))
    told = Told()
    out = tmp_path / "out"
    run([image, strange], out, settings=SETTINGS, model=model, per_image=True, progress=told)
    assert (out / "image" / "report.html").exists()
    assert (out / "strange" / "report.html").exists()
    (warning,) = told.warnings
    assert "strange.tif" in warning


def test_bands_must_be_those_of_the_model(image, make_raster, tmp_path):
    with pytest.raises(SettingsError, match="no band 4"):
        run_again(image, tmp_path / "out", tiny_predictor(bands=4))
    two = SETTINGS.model_copy(update={"bands": (1, 2)})
    with pytest.raises(InputError, match="3 bands"):
        run([image], tmp_path / "out", settings=two, model=tiny_predictor())
    assert not (tmp_path / "out").exists()


def test_the_command(image, model, tmp_path, capsys):
    path, out = tmp_path / "model.safetensors", tmp_path / "out"
    tree = {"merges": ((0, 1), (0, 2), (0, 3), (0, 4)), "information": (0.5, 0.4, 0.3, 0.2, 0.0)}
    shares = {"cluster_shares": (0.3, 0.3, 0.2, 0.1, 0.1), "joint": tuple((0.04,) * 5 for _ in range(5))}
    write_model(model.with_card(model.card.model_copy(update=tree | shares)), path)
    command = ["run", image, "-m", str(path), "-o", str(out), "--device", "cpu", "--quiet"]
    assert run_command([*command, "--steps", "9"]) == 2
    assert "--steps is for a training" in capsys.readouterr().err
    assert not out.exists()
    assert run_command([*command, "-k", "3"]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert [row["value"] for row in summary["classes"]] == [1, 2, 3]
    with rasterio.open(out / "classes.tif") as dataset:
        assert set(np.unique(dataset.read(1)).tolist()) <= {0, 1, 2, 3}
