import numpy as np
import pytest
from affine import Affine
from told import Told

from geoarseg import compare as module
from geoarseg.clustering import fitting
from geoarseg.compare import DEFAULT_METHODS, METHODS, compare, settings_of
from geoarseg.config import validate_settings
from geoarseg.errors import InputError, OutputError, SettingsError
from geoarseg.settings import Settings

SMALL = {"device": "cpu", "network": {"width": 8, "blocks": 1}, "train": {"steps": 4, "batch": 2, "crop_px": 32}}


@pytest.fixture
def scene(make_raster):
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(1, 4, (4, 4)), np.ones((16, 16), int)).astype(np.uint8)
    values = np.array([[0, 20, 90, 160], [0, 150, 30, 80], [0, 60, 170, 20]])[:, labels]
    image = (values + rng.normal(0, 5, values.shape)).clip(1, 255).astype(np.uint8)
    labels[:3, :7] = 0
    return str(make_raster(image, dtype="uint8")), str(make_raster(labels[None], dtype="uint8")), labels


def run(scene, out, **options):
    return compare([scene[0]], [scene[1]], out, settings=validate_settings(SMALL), seeds=(0, 1), **options)


def test_every_method_is_scored_and_drawn(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "_MEMBER_PIXELS", 1_000)
    result = run(scene, tmp_path / "out", methods=METHODS)
    assert [(t.method, t.seed) for t in result.trials] == [(method, seed) for method in METHODS for seed in (0, 1)]
    assert {"table.csv", "table.md", "maps.png", "labels.tif"} <= {path.name for path in (tmp_path / "out").iterdir()}
    by_method = {trial.method: trial for trial in result.trials}
    assert by_method["kmeans"].one_to_one > 0.99
    assert by_method["mixture-full"].one_to_one > 0.99
    assert "random CNN" in result.table
    assert "consensus of mixtures" in result.table
    assert not list((tmp_path / "out").glob("*.state"))


def test_the_methods_by_default_are_those_a_user_chooses_between():
    assert set(METHODS) - set(DEFAULT_METHODS) == {"mixture-tied", "iic", "arl"}


def test_finished_trials_are_kept(scene, tmp_path, monkeypatch):
    first = run(scene, tmp_path / "out", methods=("kmeans", "ac"))
    monkeypatch.setattr(module, "train_model", lambda *_, **__: pytest.fail("trained again"))
    assert run(scene, tmp_path / "out", methods=("kmeans", "ac")).trials == first.trials
    monkeypatch.undo()
    told = Told()
    with pytest.raises(OutputError, match="exists"):
        run(scene, tmp_path / "out", methods=("ac",), classes=4)
    run(scene, tmp_path / "out", methods=("ac",), classes=4, overwrite=True, progress=told)
    assert told.stages.count("train") == 2, "other arguments, other trials"


def test_a_trial_that_was_cut_off_goes_on(scene, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(scene, tmp_path / "cut", methods=("ac",), progress=Told(2, stage="train"))
    told = Told()
    again = run(scene, tmp_path / "cut", methods=("ac",), progress=told)
    assert any("behind step 2" in text for text in told.texts)
    whole = run(scene, tmp_path / "whole", methods=("ac",))
    assert [t.one_to_one for t in again.trials] == [t.one_to_one for t in whole.trials]


def test_ignored_labels_are_not_scored(scene, tmp_path):
    (trial, _) = run(scene, tmp_path / "out", methods=("kmeans",), ignore=(3,)).trials
    assert set(trial.assignment.values()) == {1, 2}


def test_what_makes_iic_and_arl():
    plain = Settings()
    assert settings_of("taught", plain, 4).train == plain.train
    assert settings_of("taught", plain, 4).seed == 4
    ac = settings_of("ac", plain, 0).train
    assert (ac.objective, ac.total_steps, ac.highest_rate) == ("ac", 400, 3e-4), "an objective has steps of its own"
    iic = settings_of("iic", plain, 0).train
    assert (iic.orderings, iic.second_view, iic.objective) == ((), "all", "ac")
    assert settings_of("arl", plain, 0).train.objective == "arl"


@pytest.mark.parametrize(
    ("options", "words"), [({"methods": ("sift",)}, "no method 'sift'"), ({"methods": ()}, "nothing")]
)
def test_wrong_methods_are_said(scene, tmp_path, options, words):
    with pytest.raises(SettingsError, match=words):
        run(scene, tmp_path / "out", **options)


def test_labels_of_another_place_are_refused(scene, make_raster, tmp_path):
    far = Affine(0.5, 0, 466015.25, 0, -0.5, 5809965.75)
    elsewhere = str(make_raster(np.ones((1, 20, 20), np.uint8), dtype="uint8", transform=far))
    with pytest.raises(InputError):
        compare([scene[0]], [elsewhere], tmp_path / "out", settings=validate_settings(SMALL))
    assert not (tmp_path / "out").exists()


def test_labels_of_another_resolution_and_tiles_of_labels(scene, make_raster, tmp_path):
    image, labels, values = scene
    top_left = Affine(0.5, 0, 366015.25, 0, -0.5, 5809965.75)
    coarse = str(make_raster(values[None, 4::16, 8::16], dtype="uint8", transform=top_left * Affine.scale(16)))
    settings = validate_settings(SMALL)
    (trial,) = compare([image], [coarse], tmp_path / "a", settings=settings, methods=("kmeans",), seeds=(0,)).trials
    assert trial.one_to_one > 0.99
    halves = [
        str(make_raster(values[None, :, part], dtype="uint8", transform=top_left * Affine.translation(part.start, 0)))
        for part in (slice(0, 32), slice(32, 64))
    ]
    (tiled,) = compare([image], halves, tmp_path / "b", settings=settings, methods=("kmeans",), seeds=(0,)).trials
    (whole,) = compare([image], [labels], tmp_path / "c", settings=settings, methods=("kmeans",), seeds=(0,)).trials
    assert tiled.one_to_one == whole.one_to_one
    with pytest.raises(InputError, match="same grid"):
        compare([image], [halves[0], halves[0]], tmp_path / "d", settings=settings, seeds=(0,))
