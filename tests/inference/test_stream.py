import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoarseg.errors import InputError
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.stream import segment_windows
from geoarseg.network.checkpoint import ModelCard
from geoarseg.network.model import build_network
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.window import Window
from geoarseg.settings import NetworkSettings


def predictor(stride_px=2, bands=3, blocks=1, crop_px=64, **options):
    network = NetworkSettings(width=8, blocks=blocks, stride_px=stride_px, **options)
    card = ModelCard(
        version="0",
        network=network,
        classes=5,
        bands=tuple(range(1, bands + 1)),
        band_names=("b",) * bands,
        centre=(100.0,) * bands,
        scale=(40.0,) * bands,
        legend=(),
        crop_px=crop_px,
    )
    built = build_network(network, bands=bands, classes=5, seed=3, crop_px=crop_px)
    return Predictor(built, card, device="cpu")


def scene(height, width, seed=0, holes=True):
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) > (0.1 if holes else -1)
    return MemoryScene(rng.integers(0, 255, (3, height, width)).astype(np.float32), mask)


def segment(image, model, window_px):
    classes = np.full((image.height, image.width), 99, np.uint8)
    confidence = np.full((image.height, image.width), 99, np.uint8)
    for done in segment_windows(image, model, window_px=window_px):
        classes[done.window.slices] = done.classes
        confidence[done.window.slices] = done.confidence
    return classes, confidence


@settings(max_examples=25)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    window_px=st.integers(16, 70),
    stride_px=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 50),
)
def test_tiled_equals_whole(height, width, window_px, stride_px, seed):
    image, model = scene(height, width, seed), predictor(stride_px)
    whole, _ = segment(image, model, 1024)
    tiled, _ = segment(image, model, window_px)
    differ = tiled != whole
    if differ.any():  # only where the two best classes are as good as equal
        everything = image.read(next(iter(segment_windows(image, model, window_px=1024))).window)
        p = np.sort(model(everything[0][None], everything[1][None])[0], axis=0)
        assert (p[-1] - p[-2])[differ].max() < 1e-3
        assert differ.mean() <= 1e-5


def test_without_the_halo_the_test_above_would_fail():
    image, model = scene(90, 90, holes=False), predictor(2, blocks=3)
    whole, _ = segment(image, model, 1024)
    model.halo_px = 0
    tiled, _ = segment(image, model, 32)
    assert (tiled != whole).mean() > 1e-3


def test_nodata_gets_no_class_and_everything_else_does():
    image = scene(40, 50)
    classes, confidence = segment(image, predictor(), 16)
    _, valid = image.read(next(iter(segment_windows(image, predictor(), window_px=1024))).window)
    np.testing.assert_array_equal(classes == 0, ~valid)
    np.testing.assert_array_equal(confidence == 255, ~valid)
    assert classes.max() <= 5
    assert confidence[valid].max() <= 100
    assert confidence[valid].min() >= 20  # the best of five


def test_classes_and_confidence_are_those_of_the_probabilities():
    image, model = scene(30, 40), predictor()
    pixels, valid = image.read(Window(0, 0, 30, 40))
    classes, confidence = model.classify(pixels[None], valid[None])
    p = model(pixels[None], valid[None])[0]
    np.testing.assert_array_equal(classes[0], np.where(valid, p.argmax(0) + 1, 0))
    np.testing.assert_array_equal(confidence[0], np.where(valid, np.rint(p.max(0) * 100), 255))


def test_another_number_of_bands_is_refused():
    with pytest.raises(InputError, match="takes 4 bands but the image has 3"):
        next(segment_windows(scene(20, 20), predictor(bands=4)))


@pytest.mark.parametrize(
    "options",
    [
        {"attention": True, "attention_width": 8, "crop_px": 16},
        {"form": "F1", "stride_px": 1},
        {"form": "F3", "blocks": 2, "stride_px": 4},
        {"form": "F4", "kernel_px": 5},
        {"form": "F5", "stride_px": 8},
    ],
    ids=lambda o: "-".join(str(value) for value in o.values()),
)
def test_tiled_equals_whole_for_every_form(options):
    image, model = scene(130, 101), predictor(**options)
    whole, _ = segment(image, model, 1024)
    tiled, _ = segment(image, model, 40)
    assert (tiled != whole).mean() < 1e-3  # only where two classes are as good as equal
    assert len(np.unique(whole)) > 2
