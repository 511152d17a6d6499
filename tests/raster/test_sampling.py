import json

import numpy as np
import pytest

from geoarseg.errors import InputError, SettingsError
from geoarseg.raster import sampling
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.scene import open_scene


@pytest.fixture(params=["held", "read"])
def memory(request, monkeypatch):
    """Both ways to get at pixels: held in memory, or read by window."""
    if request.param == "read":
        monkeypatch.setattr(sampling, "_MEMORY_BYTES", 0)


@pytest.mark.usefixtures("memory")
def test_crops_are_cut_from_the_scene_as_they_are(make_raster, position_image):
    image = position_image(2, 50, 70)
    sampler = CropSampler([open_scene(make_raster(image))], crop_px=16, seed=0)
    images, valid = sampler.draw(20)
    assert images.shape == (20, 2, 16, 16)
    assert images.dtype == np.float32
    assert valid.all()
    for crop in images:
        row, col = np.argwhere(image[0] == crop[0, 0, 0])[0]
        np.testing.assert_array_equal(crop, image[:, row : row + 16, col : col + 16])


@pytest.mark.usefixtures("memory")
def test_repeatable_and_resumable(position_image):
    def sampler():
        return CropSampler([MemoryScene(position_image(1, 60, 60))], crop_px=16, seed=5)

    first, second = sampler(), sampler()
    first.draw(7)
    state = json.loads(json.dumps(first.state()))
    second.restore(state)
    np.testing.assert_array_equal(first.draw(5)[0], second.draw(5)[0])
    assert not np.array_equal(sampler().draw(5)[0], first.draw(5)[0])


def test_every_pixel_is_drawn_and_borders_are_not_starved():
    image = np.arange(64 * 64.0).reshape(1, 64, 64)
    images, _ = CropSampler([MemoryScene(image)], crop_px=16, seed=0).draw(3000)
    counts = np.bincount(images.astype(int).ravel(), minlength=64 * 64).reshape(64, 64)
    assert counts.min() > 0
    assert counts[0, 0] > counts[32, 32] / 10
    assert counts[0].mean() > counts[32].mean() / 4


def test_scenes_are_chosen_by_area():
    scenes = [MemoryScene(np.full((1, 32, 32 * n), float(n))) for n in (1, 4)]
    images, _ = CropSampler(scenes, crop_px=16, seed=0).draw(1000)
    assert (images[:, 0, 0, 0] == 4).mean() == pytest.approx(0.8, abs=0.05)


def test_crops_hold_enough_valid_pixels():
    mask = np.zeros((64, 64), bool)
    mask[:, :24] = True
    sampler = CropSampler([MemoryScene(np.ones((1, 64, 64)), mask)], crop_px=16, seed=0, min_valid=0.75)
    images, valid = sampler.draw(50)
    assert (valid.mean(axis=(1, 2)) >= 0.75).all()
    assert (images[:, 0] == valid).all()


@pytest.mark.usefixtures("memory")
def test_sparse_scenes_are_searched():
    mask = np.zeros((1500, 1500), bool)
    mask[700:740, 900:940] = True
    sampler = CropSampler([MemoryScene(np.ones((1, 1500, 1500), "uint8"), mask)], crop_px=32, seed=0)
    _, valid = sampler.draw(20)
    assert (valid.mean(axis=(1, 2)) >= 0.5).all()


def test_the_demand_falls_where_nothing_meets_it():
    mask = np.zeros((256, 256), bool)
    mask[::16, ::16] = True  # one pixel in 256
    sampler = CropSampler([MemoryScene(np.ones((1, 256, 256)), mask)], crop_px=32, seed=0)
    _, valid = sampler.draw(5)
    assert valid.any(axis=(1, 2)).all()
    mask[:] = False
    mask[200, 13] = True
    sampler = CropSampler([MemoryScene(np.ones((1, 256, 256)), mask)], crop_px=16, seed=0)
    _, valid = sampler.draw(5)
    assert (valid.sum(axis=(1, 2)) == 1).all()


def test_no_valid_pixel_at_all():
    scene = MemoryScene(np.ones((1, 100, 100)), np.zeros((100, 100), bool))
    with pytest.raises(InputError, match="No crop of 16 x 16 pixels holds enough valid pixels") as caught:
        CropSampler([scene], crop_px=16, seed=0).draw(1)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("height", "width", "crop", "stride", "effective"),
    [
        (100, 100, 64, 1, 64),
        (50, 90, 64, 1, 50),
        (50, 90, 64, 8, 64),
        (90, 75, 80, 8, 72),
        (10, 40, 64, 2, 16),
    ],
)
def test_crops_shrink_to_small_scenes(height, width, crop, stride, effective):
    image = np.ones((1, height, width))
    sampler = CropSampler([MemoryScene(image)], crop_px=crop, seed=0, stride_px=stride)
    assert sampler.crop_px == effective
    images, valid = sampler.draw(4)
    assert images.shape == (4, 1, effective, effective)
    np.testing.assert_array_equal(images[:, 0], valid)
    assert valid.sum() == 4 * min(height, effective) * min(width, effective)


def test_settings_are_checked():
    scene = MemoryScene(np.ones((1, 64, 64)))
    with pytest.raises(SettingsError, match="next valid value is 24"):
        CropSampler([scene], crop_px=20, seed=0, stride_px=8)
    with pytest.raises(SettingsError, match="between 0 and 1"):
        CropSampler([scene], crop_px=16, seed=0, min_valid=50)
    with pytest.raises(InputError):
        CropSampler([], crop_px=16, seed=0)
