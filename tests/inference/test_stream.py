import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_model import assembled, random_scene, tiny_predictor

from geoarseg.errors import InputError
from geoarseg.inference.stream import segment_tiles, segment_windows
from geoarseg.inference.work import plan
from geoarseg.raster.window import Window
from geoarseg.settings import SegmentSettings


def segment(image, model, window_px):
    results = segment_windows(image, model, window_px=window_px)
    return assembled(results, image.height, image.width)[0]


def equal_but_for_ties(image, model, tiled, whole):
    """Whether classes differ at most where the two best ones are as good as equal."""
    differ = tiled != whole
    if differ.any():
        pixels, valid = image.read(Window(0, 0, image.height, image.width))
        p = np.sort(model(pixels[None], valid[None])[0], axis=0)
        return (p[-1] - p[-2])[differ].max() < 1e-3 and differ.mean() <= 1e-3
    return True


@settings(max_examples=25)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    window_px=st.integers(16, 70),
    stride_px=st.sampled_from([1, 2, 4]),
    holes=st.sampled_from([0.0, 0.1, 0.97]),
    seed=st.integers(0, 50),
)
def test_tiled_equals_whole(height, width, window_px, stride_px, holes, seed):
    image, model = random_scene(height, width, seed, holes), tiny_predictor(stride_px)
    assert equal_but_for_ties(image, model, segment(image, model, window_px), segment(image, model, 1024))


@settings(max_examples=15)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    window_px=st.integers(16, 70),
    attention=st.booleans(),
    threads=st.integers(1, 4),
    batch=st.integers(1, 5),
)
def test_threads_and_batches_give_the_same_bytes(height, width, window_px, attention, threads, batch):
    options = {"attention": True, "attention_width": 8, "crop_px": 16} if attention else {}
    image, model = random_scene(height, width), tiny_predictor(**options)
    job = plan(image, model, window_px=window_px, probabilities="percent")
    results = []
    for choice in ({"threads": 1, "batch": 1}, {"threads": threads, "batch": batch}):
        done = segment_tiles(job, job.tiles, SegmentSettings(**choice))
        results.append(assembled(done, height, width))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=15)
@given(data=st.data(), height=st.integers(5, 80), width=st.integers(5, 80), stride_px=st.sampled_from([1, 2, 4]))
def test_a_part_has_the_classes_of_the_whole(data, height, width, stride_px):
    row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    rows, cols = data.draw(st.integers(1, height - row)), data.draw(st.integers(1, width - col))
    region = Window(row, col, rows, cols)
    image, model = random_scene(height, width), tiny_predictor(stride_px)
    job = plan(image, model, window_px=32, region=region)
    part, _, _ = assembled(segment_tiles(job, job.tiles, SegmentSettings(window_px=32)), height, width)
    assert (np.delete(part.ravel(), np.arange(part.size).reshape(part.shape)[region.slices].ravel()) == 99).all()
    whole = segment(image, model, 1024)
    part = np.where(part == 99, whole, part)
    assert equal_but_for_ties(image, model, part, whole)


def test_without_the_halo_the_tests_above_would_fail():
    image, model = random_scene(90, 90, holes=0), tiny_predictor(2, blocks=3)
    whole = segment(image, model, 1024)
    model.halo_px = 0
    assert (segment(image, model, 32) != whole).mean() > 1e-3


def test_nodata_gets_no_class_and_everything_else_does():
    image = random_scene(40, 50)
    job = plan(image, tiny_predictor(), window_px=16, probabilities="percent")
    classes, confidence, percent = assembled(segment_tiles(job, job.tiles, SegmentSettings()), 40, 50)
    _, valid = image.read(Window(0, 0, 40, 50))
    np.testing.assert_array_equal(classes == 0, ~valid)
    np.testing.assert_array_equal(confidence == 255, ~valid)
    np.testing.assert_array_equal(percent == 255, np.broadcast_to(~valid, percent.shape))
    assert classes.max() <= 5
    assert confidence[valid].max() <= 100
    assert confidence[valid].min() >= 20  # the best of five


def test_classes_confidence_and_percent_are_those_of_the_probabilities():
    image, model = random_scene(30, 40), tiny_predictor()
    pixels, valid = image.read(Window(0, 0, 30, 40))
    p = model(pixels[None], valid[None])[0]
    percent, exact = (model.classify(pixels[None], valid[None], probabilities=form) for form in ("percent", "exact"))
    np.testing.assert_array_equal(percent.classes[0], np.where(valid, p.argmax(0) + 1, 0))
    np.testing.assert_array_equal(percent.confidence[0], np.where(valid, np.rint(p.max(0) * 100), 255))
    np.testing.assert_array_equal(percent.probabilities[0], np.where(valid, np.rint(p * 100), 255))
    np.testing.assert_array_equal(exact.probabilities[0], np.where(valid, p, np.nan))
    assert model.classify(pixels[None], valid[None]).probabilities is None


def test_another_number_of_bands_is_refused():
    with pytest.raises(InputError, match="takes 4 bands but the image has 3"):
        next(segment_windows(random_scene(20, 20), tiny_predictor(bands=4)))


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
    image, model = random_scene(130, 101), tiny_predictor(**options)
    whole = segment(image, model, 1024)
    assert equal_but_for_ties(image, model, segment(image, model, 40), whole)
    assert len(np.unique(whole)) > 2
