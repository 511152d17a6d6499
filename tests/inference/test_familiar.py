import numpy as np
import pytest
import shapely
from tiny_model import random_pixels, tiny_predictor

from geoarseg.inference.area import AreaOfInterest
from geoarseg.inference.familiar import strange_pixels, strange_values
from geoarseg.inference.work import plan
from geoarseg.raster.memory import MemoryScene


@pytest.fixture(scope="module")
def predictor():
    return tiny_predictor()


def look(predictor, pixels, valid=None, **options):
    return strange_values(plan(MemoryScene(pixels, valid), predictor, window_px=32, **options))


@pytest.mark.parametrize(
    ("pixel_m", "trained_m", "strange"),
    [
        (5, 5, False),
        (6, 5, False),
        (4, 5, False),
        (10, 5, True),
        (2.5, 5, True),
        (None, 5, False),
        (5, None, False),
    ],
)
def test_pixels_are_strange_when_they_are_much_larger_or_smaller(predictor, pixel_m, trained_m, strange):
    text = strange_pixels(pixel_m, predictor.card.model_copy(update={"pixel_m": trained_m}))
    assert (text is not None) == strange
    if strange:
        assert f"{pixel_m:g} m" in text
        assert f"{trained_m:g} m" in text


def test_values_of_the_training_are_not_strange(predictor):
    assert look(predictor, *random_pixels(100, 90)) is None


def test_values_in_other_units_are_told_by_band(predictor):
    pixels, valid = random_pixels(100, 90)
    pixels[1] *= 100
    text = look(predictor, pixels, valid)
    assert "band 2" in text
    assert "band 1" not in text
    assert "(then 100)" in text


def test_values_that_hardly_differ_are_told(predictor):
    pixels, valid = random_pixels(100, 90)
    assert "hardly differ" in look(predictor, pixels / 1000, valid)


def test_one_calm_band_is_not_strange(predictor):
    pixels, valid = random_pixels(100, 90)
    pixels[2] = 50
    assert look(predictor, pixels, valid) is None


def test_an_image_without_data_is_not_strange(predictor):
    pixels, _ = random_pixels(100, 90)
    assert look(predictor, pixels * 1000, np.zeros((100, 90), bool)) is None


def test_only_what_is_mapped_is_looked_at(predictor):
    pixels, valid = random_pixels(96, 96)
    pixels[:, :, 32:] *= 1000
    left = AreaOfInterest(np.array([shapely.box(2, 2, 30, 90)]))
    assert look(predictor, pixels, valid) is not None
    assert look(predictor, pixels, valid, area=left) is None
