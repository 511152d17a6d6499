import numpy as np
import pytest
import torch

from geoarseg.config import validate_settings
from geoarseg.errors import TrainingError
from geoarseg.network.model import build_network
from geoarseg.progress import Progress
from geoarseg.training.teaching import Crops, Lesson, cross_entropy, teach_network

SMALL = {
    "device": "cpu",
    "classes": 3,
    "network": {"width": 12, "blocks": 1},
    "train": {"batch": 4, "crop_px": 16},
}


def lesson(seed=0, shape=(80, 84), holes=True):
    """Three levels in squares of 8, which the teacher knows; some pixels are invalid."""
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.integers(0, 3, (shape[0] // 8 + 1, shape[1] // 8 + 1)), np.ones((8, 8), int))[
        : shape[0], : shape[1]
    ]
    image = np.stack([truth - 1.0, 1.0 - truth]) + rng.normal(0, 0.2, (2, *truth.shape))
    valid = rng.random(truth.shape) > 0.1 if holes else np.ones(truth.shape, bool)
    shares = np.eye(3)[truth].transpose(2, 0, 1) * valid
    return Lesson((image * valid).astype(np.float32), shares.astype(np.float32)), truth, valid


def taught(steps=60, seed=0, lessons=None):
    settings = validate_settings(SMALL | {"seed": seed})
    network = build_network(settings.network, bands=2, classes=3, seed=seed)
    loss = teach_network(network, lessons or [lesson()[0]], settings=settings, steps=steps)
    return network, loss


def test_the_network_learns_what_the_teacher_says():
    """Also where it was not taught, and without a mask."""
    network, loss = taught(steps=100)
    assert loss < 0.5 * np.log(3)
    other, truth, valid = lesson(seed=1)
    with torch.inference_mode():
        found = network(torch.from_numpy(other.image)[None])[0].argmax(0).numpy()
    assert (found == truth)[valid].mean() > 0.85
    assert not network.training


def test_the_seed_decides():
    one, two, other = (taught(steps=3, seed=seed)[0].state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["d.weight"], other["d.weight"])


def test_the_loss_is_the_entropy_of_a_teacher_who_is_understood():
    shares = torch.tensor([0.7, 0.2, 0.1]).reshape(1, 3, 1, 1).expand(2, 3, 4, 5)
    assert cross_entropy(shares.log(), shares).item() == pytest.approx(
        float(-(shares[0, :, 0, 0] * shares[0, :, 0, 0].log()).sum())
    )


def test_invalid_pixels_do_not_count():
    shares = torch.zeros(1, 2, 2, 2)
    shares[0, 0, 0, 0] = 1
    logs = torch.full((1, 2, 2, 2), -9.0)
    logs[0, :, 0, 0] = torch.tensor([-0.5, -1.0])
    assert cross_entropy(logs, shares).item() == pytest.approx(0.5)
    assert cross_entropy(logs, torch.zeros_like(shares)).item() == 0


def test_crops_hold_valid_pixels_and_lie_on_their_shares():
    valid = np.zeros((50, 30), bool)
    valid[41:44, 3:5] = True
    position = np.mgrid[:50, :30].astype(np.float32)
    crops = Crops([Lesson(position, np.stack([position[0] * valid]))], 16)
    images, shares = crops.draw(20, np.random.default_rng(0))
    assert images.shape == (20, 2, 16, 16)
    assert shares.any(axis=(1, 2, 3)).all()
    seen = shares > 0
    assert (images[:, :1][seen] == shares[seen]).all()


def test_small_lessons_make_small_crops_and_slivers_are_left_out():
    crops = Crops([lesson(shape=(8, 40))[0], lesson(shape=(12, 20))[0]], 64)
    assert crops.side_px == 12
    assert crops.draw(5, np.random.default_rng(0))[0].shape == (5, 2, 12, 12)


def test_a_loss_that_is_no_number_ends_it():
    broken = lesson()[0]
    broken.image[0, :] = np.nan
    with pytest.raises(TrainingError, match="step 1"):
        taught(lessons=[broken])


def test_steps_are_reported():
    class Heard(Progress):
        done = 0.0

        def on_change(self, stage):
            if stage.name == "teach":
                self.done = stage.done

    heard = Heard()
    settings = validate_settings(SMALL)
    network = build_network(settings.network, bands=2, classes=3)
    teach_network(network, [lesson()[0]], settings=settings, steps=3, progress=heard)
    assert heard.done == 3
