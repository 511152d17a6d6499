import numpy as np
import pytest

from geoarseg.errors import InputError
from geoarseg.evaluation.judging import judge_by_rasters, sample_of
from geoarseg.raster.scene import open_scene


class ByValue:
    """A model whose cluster is the first band's value; it counts the images it sees."""

    classes, halo_px, seen = 3, 24, 0

    def __call__(self, images, valid):
        assert valid.shape == (1, *images.shape[2:])
        self.seen += 1
        return (images[:, :1] == np.arange(1, 4)[:, None, None]).astype(np.float32)


def test_a_map_that_is_right_up_to_names_scores_1_and_a_wrong_pixel_counts(make_raster):
    labels = np.random.default_rng(0).integers(0, 4, (1, 300, 530)).astype(np.uint8)
    image = np.array([1, 3, 1, 2], np.uint8)[labels]  # other numbers than the classes
    paths = make_raster(image), make_raster(labels)
    model = ByValue()
    assert judge_by_rasters([open_scene(paths[0])], [paths[1]], seed=0)(model) == 1
    assert model.seen == 6
    wrong = labels.copy()
    wrong[0, 10:20] = np.where(labels[0, 10:20] > 0, labels[0, 10:20] % 3 + 1, 0)
    score = judge_by_rasters([open_scene(paths[0])], [make_raster(wrong)], seed=0)
    assert score(ByValue()) == pytest.approx(1 - (labels[0, 10:20] > 0).sum() / (labels > 0).sum())


def test_at_most_200_windows_are_looked_at(make_raster, monkeypatch):
    monkeypatch.setattr("geoarseg.evaluation.judging._WINDOW_PX", 4)
    image = make_raster(np.ones((1, 80, 80), np.uint8))
    model = ByValue()
    assert judge_by_rasters([open_scene(image)], [image], seed=0)(model) == 1
    assert model.seen == 200


def test_labels_without_a_label_are_refused(make_raster):
    image, labels = make_raster(np.ones((1, 20, 20), np.uint8)), make_raster(np.zeros((1, 20, 20), np.uint8))
    with pytest.raises(InputError, match="0 all over"):
        judge_by_rasters([open_scene(image)], [labels], seed=0)


def test_the_sample_of_a_dataset_has_labels_and_is_that_of_the_seed():
    labelled = np.random.default_rng(0).random(900) > 0.5
    chosen = sample_of(labelled, seed=1)
    assert len(set(chosen)) == 200
    assert labelled[chosen].all()
    assert chosen == sample_of(labelled, seed=1) != sample_of(labelled, seed=2)
    assert sample_of(labelled[:5], seed=0) == np.flatnonzero(labelled[:5]).tolist()
    with pytest.raises(InputError, match="no labelled crops"):
        sample_of(np.zeros(4, bool), seed=0)
