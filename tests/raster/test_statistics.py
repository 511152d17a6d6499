import numpy as np
import pytest

from geoarseg.errors import InputError
from geoarseg.progress import Progress
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.statistics import BandStatistics, estimate_percentiles, estimate_statistics


def test_median_and_robust_scale_of_a_small_scene():
    rng = np.random.default_rng(0)
    image = rng.normal([[[100]], [[-3]]], [[[20]], [[0.5]]], (2, 300, 300))
    image[:, :5] = 1e6  # clouds
    statistics = estimate_statistics([MemoryScene(image)], seed=1)
    assert statistics.centre == pytest.approx((100, -3), rel=0.02)
    assert statistics.scale == pytest.approx((20, 0.5), rel=0.1)


def test_invalid_pixels_count_nothing():
    image = np.zeros((1, 100, 100))
    image[:, 40:60] = np.arange(20)[:, None]
    mask = np.zeros((100, 100), bool)
    mask[40:60] = True
    statistics = estimate_statistics([MemoryScene(image, mask)], seed=1)
    assert statistics.centre == (9.5,)


def test_fallbacks_of_the_scale():
    image = np.zeros((2, 50, 50))
    image[1, 0, 0] = 10  # nearly constant: no spread, but a deviation
    statistics = estimate_statistics([MemoryScene(image)], seed=1)
    assert statistics.scale[0] == 1.0
    assert statistics.scale[1] == pytest.approx(image[1].std())


def test_repeatable_and_bounded():
    scene = MemoryScene(np.random.default_rng(0).random((1, 2000, 1500)))
    progress = Progress()
    reads = []

    class Counting(MemoryScene):
        def read(self, window):
            reads.append(window)
            return super().read(window)

    counting = Counting(scene.image)
    first = estimate_statistics([counting], seed=3, max_blocks=5, progress=progress)
    assert len(reads) == 5
    assert "statistics" in progress.timings
    assert first == estimate_statistics([scene], seed=3, max_blocks=5)
    assert first != estimate_statistics([scene], seed=4, max_blocks=5)


def test_scenes_count_by_area():
    scenes = [MemoryScene(np.full((1, 256, 256 * n), float(n))) for n in (1, 9)]
    assert estimate_statistics(scenes, seed=0).centre == (9.0,)


def test_one_valid_pixel_is_found_and_none_is_an_error():
    mask = np.zeros((2000, 2000), bool)
    scene = MemoryScene(np.full((1, 2000, 2000), 7, "uint8"), mask)
    with pytest.raises(InputError, match="no valid pixel"):
        estimate_statistics([scene], seed=0, max_blocks=2)
    mask[1999, 1999] = True
    assert estimate_statistics([scene], seed=0, max_blocks=2) == BandStatistics((7.0,), (1.0,))


def test_scenes_of_different_bands_are_refused():
    with pytest.raises(InputError, match="1 and 2"):
        estimate_statistics([MemoryScene(np.ones((n, 9, 9))) for n in (1, 2)], seed=0)


def test_normalise():
    statistics = BandStatistics((10.0, 0.0), (2.0, 1.0))
    image = np.array([[[10, 14, 1000, 3]], [[0, -1, -1000, 3]]], np.float32)
    valid = np.array([[True, True, True, False]])
    out = statistics.normalise(image, valid)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, [[[0, 2, 5, 0]], [[0, -1, -5, 0]]])
    batch = statistics.normalise(image[None].repeat(3, 0), valid[None].repeat(3, 0))
    np.testing.assert_array_equal(batch[1], out)
    with pytest.raises(InputError, match=r"1 bands.*have 2"):
        statistics.normalise(image[:1], valid)


def test_statistics_refuse_a_scale_of_zero():
    with pytest.raises(ValueError, match="positive scale"):
        BandStatistics((1.0,), (0.0,))


def test_percentiles_stretch_a_picture():
    scene = MemoryScene(np.arange(101.0 * 100).reshape(1, 101, 100) // 100)
    ((low, high),) = estimate_percentiles([scene], seed=0)
    assert (low, high) == (2, 98)
