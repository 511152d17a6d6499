"""A run that was killed goes on behind what it had finished."""

import numpy as np
import pytest
from told import Told

from geoarseg.config import load_settings
from geoarseg.earlier import earlier_model
from geoarseg.errors import OutputError
from geoarseg.pipeline import OUTPUT_NAMES, run
from geoarseg.raster.legend import LegendEdit
from geoarseg.raster.scene import open_scene
from geoarseg.relabel import relabel_files

TINY = [
    "device=cpu",
    "classes=3",
    "network.width=8",
    "network.blocks=1",
    "train.objective=ac",
    "train.steps=3",
    "train.batch=2",
]
LATER = ("summary.json", "preview.png", "report.html", "classes.gpkg")


@pytest.fixture
def image(make_raster, tmp_path):
    (tmp_path / "in").mkdir()
    data = np.random.default_rng(0).integers(1, 255, (3, 60, 70)).astype(np.uint8)
    return make_raster(data, tmp_path / "in" / "image.tif")


def run_again(image, out, *settings, **options):
    told = Told()
    run([str(image)], out, settings=load_settings(overrides=[*TINY, *settings]), progress=told, **options)
    return told.stages


@pytest.mark.parametrize(
    ("lost", "done"),
    [
        (LATER[:1], ["vectorize", "preview"]),
        (LATER, ["vectorize", "preview"]),
        ((*LATER, "classes.tif"), ["segment", "write", "vectorize", "preview"]),
        ((*LATER, "classes.tif", "confidence.tif"), ["segment", "write", "vectorize", "preview"]),
    ],
)
def test_what_is_finished_is_not_done_again(image, tmp_path, lost, done):
    out = tmp_path / "out"
    run_again(image, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for name in lost:
        (out / name).unlink()
    for name in (*OUTPUT_NAMES, "confidence.tif"):  # as a kill leaves them, also of what is not made again
        (out / f".{name}.tmp-0123abcd").mkdir()
        (out / f".{name}.tmp-0123abcd" / name).write_bytes(b"half")
    assert run_again(image, out) == done
    assert {path.name for path in out.iterdir()} == set(before)
    for name in ("model.safetensors", "classes.tif", "confidence.tif", "preview.png"):
        assert (out / name).read_bytes() == before[name], name


@pytest.mark.parametrize("change", ["train.steps=4", "seed=1", "network.kernel_px=5"])
def test_a_model_of_other_settings_is_not_continued(image, tmp_path, change):
    out = tmp_path / "out"
    run_again(image, out)
    (out / "summary.json").unlink()
    with pytest.raises(OutputError, match=r"model\.safetensors exists"):
        run_again(image, out, change)
    assert run_again(image, out, change, overwrite=True)[:2] == ["statistics", "train"]


def test_a_model_whose_classes_are_others_by_now_is_not_continued(image, tmp_path):
    out = tmp_path / "out"
    run_again(image, out)
    (out / "summary.json").unlink()
    relabel_files([out / "model.safetensors"], LegendEdit(merges={3: 1}))
    with pytest.raises(OutputError, match=r"model\.safetensors exists"):
        run_again(image, out)


def test_a_model_of_a_given_number_is_none_of_a_suggested_one(image, tmp_path):
    out, scenes, settings = tmp_path / "out", [open_scene([str(image)])], load_settings(overrides=TINY)
    run_again(image, out)
    assert earlier_model(out / "model.safetensors", scenes, settings=settings) is not None
    auto = settings.model_copy(update={"auto_classes": True})
    assert earlier_model(out / "model.safetensors", scenes, settings=auto) is None


def test_a_model_of_other_images_is_not_continued(image, make_raster, tmp_path):
    out = tmp_path / "out"
    run_again(image, out)
    (out / "summary.json").unlink()
    other = make_raster(np.random.default_rng(1).integers(1, 99, (3, 60, 70)).astype(np.uint8))
    with pytest.raises(OutputError, match=r"model\.safetensors exists"):
        run_again(other, out)


def test_another_map_in_the_folder_is_not_replaced(image, tmp_path):
    out = tmp_path / "out"
    run_again(image, out)
    (out / "summary.json").unlink()
    before = (out / "classes.tif").read_bytes()
    with pytest.raises(OutputError, match=r"classes\.tif exists"):
        run_again(image, out, "segment.window_px=32")
    assert (out / "classes.tif").read_bytes() == before


def test_a_finished_run_is_not_replaced(image, tmp_path):
    run_again(image, tmp_path / "out")
    with pytest.raises(OutputError, match="--overwrite"):
        run_again(image, tmp_path / "out")


def test_only_unfinished_images_are_mapped(image, make_raster, tmp_path):
    data = np.random.default_rng(2).integers(1, 255, (3, 50, 40)).astype(np.uint8)
    images = [str(image), str(make_raster(data, tmp_path / "in" / "second.tif"))]
    settings = load_settings(overrides=TINY)
    run(images, tmp_path / "out", settings=settings, per_image=True)
    (tmp_path / "out" / "second" / "summary.json").unlink()
    (result,) = run(images, tmp_path / "out", settings=settings, per_image=True)
    assert result.folder.name == "second"
    assert sum(result.maps.pixels) == 50 * 40
