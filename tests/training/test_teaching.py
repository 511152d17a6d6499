import numpy as np
import pytest

from geoarseg.clustering import fitting
from geoarseg.clustering.recipe import COARSE, FINE, recipe_for
from geoarseg.config import validate_settings
from geoarseg.raster.statistics import BandStatistics
from geoarseg.training.teaching import Lesson, LessonSampler, find_teacher


def lesson(shape=(50, 30)):
    """The pixels tell their place; few of them are valid."""
    valid = np.zeros(shape, bool)
    valid[shape[0] - 9 : shape[0] - 6, 3:5] = True
    position = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return Lesson(position, np.stack([position[0] * valid, valid.astype(np.float32)]))


def test_crops_hold_valid_pixels_and_lie_on_their_shares():
    images, shares = LessonSampler([lesson()], crop_px=16, seed=0).draw(20)
    assert images.shape == (20, 2, 16, 16)
    assert shares.shape == (20, 2, 16, 16)
    assert shares.any(axis=(1, 2, 3)).all()
    seen = shares[:, 1] > 0
    assert (images[:, 0][seen] == shares[:, 0][seen]).all()


def test_small_lessons_are_padded_by_what_is_not_valid():
    images, shares = LessonSampler([lesson((12, 20))], crop_px=32, seed=0).draw(3)
    assert images.shape == (3, 2, 32, 32)
    assert not shares[:, :, 12:].any()
    assert shares.any(axis=(1, 2, 3)).all()


def test_draws_repeat_and_go_on():
    sampler, twin = (LessonSampler([lesson(), lesson((60, 44))], crop_px=16, seed=4) for _ in range(2))
    np.testing.assert_array_equal(sampler.draw(5)[0], twin.draw(5)[0])
    state = sampler.state()
    expected = sampler.draw(4)
    other = LessonSampler([lesson(), lesson((60, 44))], crop_px=16, seed=9)
    other.restore(state)
    for found, wanted in zip(other.draw(4), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("recipe", [FINE, COARSE], ids=["fine", "coarse"])
def test_the_teacher_knows_the_fields(monkeypatch, recipe):
    """Three colours in squares, of which the tree cut at three makes three classes."""
    monkeypatch.setattr(fitting, "_MEMBER_PIXELS", 2_000)
    rng = np.random.default_rng(0)
    truth = np.kron(rng.integers(0, 3, (6, 6)), np.ones((16, 16), int))
    image = np.stack([truth * 50.0, 100 - truth * 40.0]) + rng.normal(0, 4, (2, 96, 96))
    valid = rng.random((96, 96)) > 0.05
    settings = validate_settings({"classes": 3})
    teacher = find_teacher(
        [(image.astype(np.float32), valid)], BandStatistics((50, 60), (40, 33)), settings=settings, recipe=recipe
    )
    (found,) = teacher.lessons
    assert found.shares.shape == (12, 96, 96)
    np.testing.assert_allclose(found.shares.sum(0), valid, atol=1e-2)
    class_of = teacher.tree.cut(3, least_share=0.01)
    classes = np.stack([found.shares[class_of == number].sum(0) for number in range(3)]).argmax(0)
    counts = np.zeros((3, 3), int)
    np.add.at(counts, (classes[valid], truth[valid]), 1)
    assert counts.max(axis=1).sum() > 0.9 * valid.sum()
    assert len(set(counts.argmax(axis=1).tolist())) == 3


def test_the_size_of_a_pixel_chooses_the_recipe():
    assert [recipe_for(size) for size in (None, 0.05, 9.9, 10.0, 30.0)] == [FINE, FINE, FINE, COARSE, COARSE]
