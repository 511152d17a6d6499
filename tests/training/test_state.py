"""Training that is cut off goes on bit for bit."""

import os
import signal

import numpy as np
import pytest
import torch
from told import Told

from geoarseg.config import validate_settings
from geoarseg.progress import Progress
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.statistics import estimate_statistics
from geoarseg.training import state as state_module
from geoarseg.training.loop import Keeping, train_network


def settings(**train):
    network = {"width": 8, "blocks": 2, "dropout": 0.2, "attention": True, "attention_width": 4, "auxiliary_classes": 6}
    tree = {
        "objective": "ac",
        "steps": 20,
        "batch": 4,
        "crop_px": 32,
        "orderings": "all",
        "second_view": "all",
        **train,
    }
    return validate_settings({"classes": 3, "device": "cpu", "network": network, "train": tree})


@pytest.fixture(scope="module")
def scene():
    return MemoryScene(np.random.default_rng(0).normal(0, 1, (3, 80, 70)).astype(np.float32))


def train(scene, options, *, path=None, progress=None, **keeping):
    sampler = CropSampler([scene], crop_px=32, seed=0, stride_px=2)
    return train_network(
        sampler,
        estimate_statistics([scene], seed=0),
        settings=options,
        keeping=Keeping(state_path=path, **keeping),
        progress=progress,
    )


def weights_equal(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


class SignalAt(Progress):
    """Sends the signal of Ctrl-C from outside while the steps run."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_change(self, stage):
        if stage.name == "train" and stage.done == self.step:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_ends_the_step_first(scene, tmp_path):
    path = tmp_path / "model.state"
    with pytest.raises(KeyboardInterrupt):
        train(scene, settings(), path=path, progress=SignalAt(4))
    assert train(scene, settings(), path=path).losses == train(scene, settings()).losses
    with pytest.raises(KeyboardInterrupt):  # Python's own handler is back
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("objective", ["ac", "arl"])
def test_20_steps_equal_10_and_10_bit_for_bit(scene, tmp_path, objective):
    options = settings(objective=objective, evaluate_every=5)
    score = {"evaluate": lambda network: -network.d.weight.detach().square().sum().item()}
    whole = train(scene, options, **score)
    path = tmp_path / "model.state"
    with pytest.raises(KeyboardInterrupt):
        train(scene, options, path=path, progress=Told(10, stage="train"), **score)
    assert path.is_file()
    resumed = Told()
    parts = train(scene, options, path=path, progress=resumed, **score)
    assert any("behind step 10" in text for text in resumed.texts)
    assert parts.losses == whole.losses
    assert parts.scores == whole.scores
    assert parts.best_step == whole.best_step
    assert weights_equal(parts.network, whole.network)


def test_the_state_is_also_saved_by_time(scene, tmp_path):
    options = settings(checkpoint_every_s=0, steps=3)
    path = tmp_path / "model.state"
    train(scene, options, path=path)
    again = Told()
    assert train(scene, options, path=path, progress=again).steps == 3
    assert any("behind step 3" in text for text in again.texts)


@pytest.mark.parametrize("damage", ["other settings", "cut", "foreign", "empty"])
def test_a_state_of_no_use_is_said_and_not_continued(scene, tmp_path, damage):
    path = tmp_path / "model.state"
    with pytest.raises(KeyboardInterrupt):
        train(scene, settings(), path=path, progress=Told(2, stage="train"))
    options = settings(steps=4)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-2000])
    elif damage == "foreign":
        torch.save({"weights": torch.zeros(3)}, path)
    elif damage == "empty":
        path.write_bytes(b"")
    again = Told()
    assert train(scene, options, path=path, progress=again).losses == train(scene, options).losses
    assert any("starts afresh" in text for text in again.warnings)


def test_a_state_file_can_execute_nothing(scene, tmp_path, monkeypatch):
    class Hostile:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    path = tmp_path / "model.state"
    torch.save({"text": Hostile()}, path)
    train(scene, settings(steps=1), path=path)


def test_the_best_network_is_kept(scene):
    scores = iter([0.3, 0.9, 0.1])
    seen = []

    def score(network):
        seen.append(network)
        return next(scores)

    result = train(scene, settings(steps=12, evaluate_every=5), evaluate=score)
    assert result.scores == ((5, 0.3), (10, 0.9), (12, 0.1))
    assert result.best_step == 10
    assert weights_equal(result.network, seen[1])


def test_the_fingerprint_sees_every_part():
    one = state_module.fingerprint(a=1, b=[2])
    assert one == state_module.fingerprint(b=[2], a=1)
    assert one != state_module.fingerprint(a=1, b=[3])


@pytest.mark.parametrize("objective", ["ac", "arl"])
def test_readers_change_nothing(scene, tmp_path, objective):
    options = settings(objective=objective, evaluate_every=5, steps=12)
    score = {"evaluate": lambda network: -network.d.weight.detach().square().sum().item()}
    alone, fed = (options.model_copy(update={"readers": readers}) for readers in (0, 3))
    whole = train(scene, alone, **score)
    path = tmp_path / "model.state"
    with pytest.raises(KeyboardInterrupt):
        train(scene, alone, path=path, progress=Told(4, stage="train"), **score)
    resumed = Told(7, stage="train")
    with pytest.raises(KeyboardInterrupt):
        train(scene, fed, path=path, progress=resumed, **score)
    assert any("behind step 4" in text for text in resumed.texts)
    parts = train(scene, alone, path=path, **score)
    assert parts.losses == whole.losses
    assert parts.scores == whole.scores
    assert weights_equal(parts.network, whole.network)
