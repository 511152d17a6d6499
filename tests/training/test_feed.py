"""Crops that are read ahead are the crops that would be read otherwise."""

import json
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_store import make_store

from geoarseg.datasets.store import StoreSampler, open_store
from geoarseg.errors import InputError
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.sampling import CropSampler
from geoarseg.training.feed import Feed


@pytest.fixture(autouse=True)
def _leaves_no_threads():
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 10
    while set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, "threads stay behind"
        time.sleep(0.01)


class SlowScene(MemoryScene):
    """Reads take unequally long, and can be made to fail or to hang."""

    fail_after, hang, read_so_far, returned = None, None, 0, 0

    def read(self, window):
        object.__setattr__(self, "read_so_far", self.read_so_far + 1)
        if self.fail_after is not None and self.read_so_far > self.fail_after:
            raise InputError("The disk is gone.")
        if self.hang is not None and self.read_so_far > 4:
            self.hang.wait(20)
        time.sleep((window.row * 7 + window.col) % 5 * 2e-4)
        object.__setattr__(self, "returned", self.returned + 1)
        return super().read(window)


def scene(share=0.7, kind=SlowScene):
    rng = np.random.default_rng(0)
    mask = np.kron(rng.random((8, 8)) < share, np.ones((10, 12))).astype(bool)
    mask[0, 0] = True
    return kind(rng.normal(size=(2, 80, 96)).astype(np.float32), mask)


def sampler(image=None, seed=3):
    drawn = CropSampler([image or scene()], crop_px=16, seed=seed)
    drawn.__dict__["_held"] = None  # read by window, as large scenes are
    return drawn


def as_bytes(crops):
    return [part.tobytes() for part in crops]


@settings(max_examples=8)
@given(readers=st.integers(0, 5), count=st.integers(1, 9), share=st.sampled_from([0.0, 0.02, 0.3, 1.0]))
def test_the_crops_do_not_depend_on_the_readers(readers, count, share):
    alone, fed = sampler(scene(share)), sampler(scene(share))
    with Feed(fed, count=count, readers=readers) as feed:
        for _ in range(5):
            assert as_bytes(feed.draw(count)) == as_bytes(alone.draw(count))
            assert feed.state() == alone.state()
    assert fed.state() == alone.state(), "what was read ahead is given back"
    assert as_bytes(fed.draw(3)) == as_bytes(alone.draw(3))


@pytest.mark.parametrize("readers", [1, 3])
def test_other_draws_in_between_find_what_they_would_have_found(readers):
    alone, fed = sampler(), sampler()
    with Feed(fed, count=4, readers=readers) as feed:
        for count in (4, 4, 7, 4, 1, 1, 4, 4):
            assert as_bytes(feed.draw(count)) == as_bytes(alone.draw(count))
            assert feed.state() == alone.state()


def test_a_state_loses_no_crop_and_repeats_none():
    with Feed(sampler(), count=4, readers=2) as feed:
        feed.draw(4)
        state = json.loads(json.dumps(feed.state()))
        expected = [as_bytes(feed.draw(4)) for _ in range(4)]
        time.sleep(0.05)
        feed.restore(state)
        assert [as_bytes(feed.draw(4)) for _ in range(4)] == expected
    with Feed(sampler(), count=4, readers=3) as feed:
        feed.restore(state)
        assert [as_bytes(feed.draw(4)) for _ in range(4)] == expected


def test_crops_of_a_dataset_are_fed_too(tmp_path):
    store = open_store(make_store(tmp_path))
    alone, fed = (StoreSampler(store, seed=1, crop_px=16) for _ in range(2))
    with Feed(fed, count=5, readers=2) as feed:
        for count in (5, 5, 2, 5):
            assert as_bytes(feed.draw(count)) == as_bytes(alone.draw(count))
            assert feed.state() == alone.state()


def test_it_reads_ahead_and_not_without_end():
    image = scene(1.0)
    with Feed(sampler(image), count=4, readers=2) as feed:
        feed.draw(4)
        deadline = time.monotonic() + 10
        while image.read_so_far < 12:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.1)
        assert image.read_so_far == 12, "the batch that was taken, and two that wait"


def test_an_error_of_a_reader_is_raised_where_the_crops_are_drawn():
    image = scene()
    with Feed(sampler(image), count=4, readers=2) as feed:
        feed.draw(4)
        object.__setattr__(image, "fail_after", 0)
        with pytest.raises(InputError, match="The disk is gone"):
            _draw_often(feed)
        state = feed.state()
        object.__setattr__(image, "fail_after", None)
        crops = feed.draw(4)  # the sampler is where it was, and can go on
    alone = sampler()
    alone.restore(state)
    assert as_bytes(crops) == as_bytes(alone.draw(4))


def _draw_often(feed):
    for _ in range(9):
        feed.draw(4)


def test_no_valid_pixel_is_an_error_here_too():
    image = MemoryScene(np.ones((1, 64, 64)), np.zeros((64, 64), bool))
    with Feed(sampler(image), count=2, readers=2) as feed, pytest.raises(InputError, match="No crop of 16 x 16"):
        feed.draw(2)


def test_an_interrupt_does_not_wait_for_reads_that_hang():
    image, hang = scene(1.0), threading.Event()
    object.__setattr__(image, "hang", hang)
    with pytest.raises(KeyboardInterrupt):
        _interrupt(image)
    assert image.read_so_far == 6
    assert image.returned == 4, "two reads still hang"
    hang.set()


def _interrupt(image):
    """Ctrl-C while both readers are at work."""
    with Feed(sampler(image), count=4, readers=2) as feed:
        feed.draw(4)
        while image.read_so_far < 6:
            time.sleep(0.01)
        raise KeyboardInterrupt


def test_without_readers_there_are_no_threads():
    before = threading.active_count()
    with Feed(sampler(), count=4, readers=0) as feed:
        feed.draw(4)
        assert threading.active_count() == before
