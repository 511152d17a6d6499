import numpy as np
import pytest
import torch

from geoarseg.config import validate_settings
from geoarseg.errors import InputError, TrainingError
from geoarseg.progress import Progress
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.statistics import BandStatistics, estimate_statistics
from geoarseg.raster.window import Window
from geoarseg.settings import Settings, TrainSettings
from geoarseg.training import objective
from geoarseg.training.loop import CURVE_POINTS, learning_rate, loss_curve, train_network
from geoarseg.training.numbering import number_by_share


def settings(**train) -> Settings:
    return validate_settings(
        {
            "classes": 3,
            "device": "cpu",
            "network": {"width": 8, "blocks": 1},
            "train": {"objective": "ac", "steps": 6, "batch": 4, "crop_px": 32, **train},
        }
    )


def stripes() -> MemoryScene:
    """Three materials in stripes of 20 pixels, with noise."""
    rng = np.random.default_rng(0)
    material = np.arange(96)[None, :] // 20 % 3
    image = np.stack([material * 60, 120 - material * 50, (material == 1) * 90]).astype(np.float32)
    image = np.broadcast_to(image, (3, 96, 96)) + rng.normal(0, 4, (3, 96, 96)).astype(np.float32)
    return MemoryScene(image.astype(np.float32))


def train(options, scene=None):
    scene = scene or stripes()
    statistics = estimate_statistics([scene], seed=0)
    sampler = CropSampler([scene], crop_px=options.train.crop_px, seed=0, stride_px=2)
    return train_network(sampler, statistics, settings=options), sampler, statistics


def test_the_same_seed_gives_the_same_weights():
    first, second = (train(settings())[0] for _ in range(2))
    assert first.losses == second.losses
    for a, b in zip(first.network.state_dict().values(), second.network.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_training_finds_the_three_materials():
    result, sampler, statistics = train(settings(steps=120, learning_rate=3e-3))
    shares = number_by_share(result.network, sampler, statistics, crops=16)
    assert (np.diff(shares) <= 0).all()
    assert shares.sum() == pytest.approx(1)
    image, valid = stripes().read(Window(0, 0, 96, 96))
    with torch.inference_mode():
        map_ = result.network(torch.from_numpy(statistics.normalise(image[None], valid[None]))).argmax(1)[0].numpy()
    material = np.broadcast_to(np.arange(96)[None, :] // 20 % 3, (96, 96))
    counts = np.array([[((map_ == k) & (material == m)).sum() for m in range(3)] for k in range(3)])
    assert counts.max(0).sum() / counts.sum() > 0.85
    assert len(set(counts.argmax(0))) == 3


def test_the_course_of_the_learning_rate():
    one_cycle = TrainSettings(learning_rate=1.0)
    rates = [learning_rate(one_cycle, f) for f in np.linspace(0, 1, 101)]
    assert max(rates) == rates[30] == 1.0
    assert rates[0] < 0.05
    assert rates[-1] < 0.001
    assert learning_rate(TrainSettings(learning_rate=0.5, schedule="constant"), 0.7) == 0.5


@pytest.mark.parametrize("steps", [0, 1, 7, CURVE_POINTS, CURVE_POINTS + 1, 12_345])
def test_a_loss_curve_is_short_and_keeps_the_mean(steps):
    losses = np.random.default_rng(0).normal(-1, 0.3, steps)
    curve = loss_curve(losses.tolist())
    assert len(curve["step"]) == len(curve["loss"]) == min(steps, CURVE_POINTS)
    assert curve["step"] == sorted(set(curve["step"]))
    if steps:
        assert curve["step"][-1] == steps
        sizes = np.diff([0, *curve["step"]])
        assert sizes @ curve["loss"] / steps == pytest.approx(losses.mean(), abs=1e-4)


def test_the_time_limit_ends_the_training():
    result, *_ = train(settings(steps=100_000, time_limit_s=1.0))
    assert 1 <= result.steps < 100_000


def test_a_loss_that_is_not_finite_is_said_plainly(monkeypatch):
    monkeypatch.setattr(objective, "mutual_information_loss", lambda p, q, **_: p.sum() * float("nan"))
    with pytest.raises(TrainingError, match="loss is nan at step 1"):
        train(settings())


def test_a_mask_that_leaves_no_crop_is_said_plainly():
    empty = MemoryScene(np.ones((3, 64, 64), np.float32), np.zeros((64, 64), bool))
    with pytest.raises(InputError):
        CropSampler([empty], crop_px=32, seed=0).draw(1)


def test_a_constant_image_trains_without_error():
    flat = MemoryScene(np.full((2, 64, 64), 7, np.float32))
    result, *_ = train(settings(), flat)
    assert np.isfinite(result.loss)


def test_progress_hears_loss_and_shares():
    heard = []

    class Ear(Progress):
        def on_change(self, stage):
            heard.append((stage.done, dict(stage.values)))

    scene = stripes()
    sampler = CropSampler([scene], crop_px=32, seed=0, stride_px=2)
    train_network(sampler, BandStatistics((0.0,) * 3, (50.0,) * 3), settings=settings(), progress=Ear())
    assert [done for done, _ in heard] == [1, 2, 3, 4, 5, 6]
    assert sum(heard[-1][1]["shares"]) == pytest.approx(1, abs=0.01)
