import threading

import numpy as np
import pytest
import torch
from tiny_model import assembled, random_scene, tiny_predictor
from told import Told

from geoarseg.errors import GeoArSegError, InputError
from geoarseg.inference.local import segment_here
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.work import plan
from geoarseg.raster.memory import MemoryScene


class SmallGpu(Predictor):
    """Has memory for so many windows at once."""

    room = 2

    def classify(self, images, valid, **options):
        if len(images) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().classify(images, valid, **options)


def segmented(job, **options):
    return assembled(segment_here(job, job.tiles, **options), job.tiles.height, job.tiles.width)


def test_a_gpu_that_is_too_small_halves_the_batch_and_says_so():
    image, told = random_scene(16, 400), Told()
    expected = segmented(plan(image, tiny_predictor(), window_px=16))
    found = segmented(plan(image, tiny_predictor(kind=SmallGpu), window_px=16), threads=1, batch=8, progress=told)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
    assert [text.rpartition("; ")[2] for text in told.warnings] == ["going on with 4.", "going on with 2."]


def test_a_gpu_with_no_room_for_one_window_is_one_line(monkeypatch):
    monkeypatch.setattr(SmallGpu, "room", 0)
    job = plan(random_scene(40, 40), tiny_predictor(kind=SmallGpu), window_px=32)
    with pytest.raises(GeoArSegError, match=r"not enough for a window of \d+ x \d+ pixels\. Use a smaller one"):
        segmented(job, batch=4)


class CountingScene(MemoryScene):
    """Counts what is read and not yet handed on."""

    def read(self, window):
        with self.lock:
            self.reads.append(window)
        return super().read(window)


def counting_scene(height, width):
    scene = CountingScene(*(lambda s: (s.image, s.mask))(random_scene(height, width)))
    object.__setattr__(scene, "lock", threading.Lock())
    object.__setattr__(scene, "reads", [])
    return scene


def test_nothing_is_read_before_it_is_asked_for_and_little_ahead():
    scene = counting_scene(160, 160)
    job = plan(scene, tiny_predictor(), window_px=16)
    results = segment_here(job, job.tiles, threads=2, batch=1)
    assert scene.reads == []
    for count, _ in enumerate(results, 1):
        assert len(scene.reads) <= count + 2 * (2 + 1) + 1
    assert len(scene.reads) == len(job.tiles) == 100


def test_windows_without_data_do_not_reach_the_network():
    class Counting(Predictor):
        asked = 0

        def classify(self, images, valid, **options):
            type(self).asked += len(images)
            return super().classify(images, valid, **options)

    scene = random_scene(64, 64)
    scene.mask[:, :32] = False
    job = plan(scene, tiny_predictor(kind=Counting), window_px=16)
    classes, confidence, _ = segmented(job, threads=1)
    assert Counting.asked == 8
    assert (classes[:, :32] == 0).all()
    assert (confidence[:, :32] == 255).all()


def test_an_error_of_reading_comes_through_and_ends_the_threads():
    class Broken(MemoryScene):
        def read(self, window):
            if window.row > 20:
                raise InputError("Cannot read it.")
            return super().read(window)

    scene = random_scene(64, 64)
    job = plan(Broken(scene.image, scene.mask), tiny_predictor(), window_px=16)
    with pytest.raises(InputError, match="Cannot read it"):
        segmented(job)
