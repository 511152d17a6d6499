import sys

import numpy as np
import pytest

from geoarseg.config import validate_settings
from geoarseg.errors import OutputError, SettingsError
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.statistics import BandStatistics
from geoarseg.training.logs import tensorboard_log
from geoarseg.training.loop import Keeping, learning_rate, train_network

tensorboard = pytest.importorskip("tensorboard")


def curves(folder):
    """The last of the values that each tag has at a step."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    return {tag: {event.step: event.value for event in events.Scalars(tag)} for tag in events.Tags()["scalars"]}


def test_the_curves_are_those_of_the_training(tmp_path):
    network, train = (
        {"width": 8, "blocks": 1},
        {"objective": "ac", "steps": 6, "batch": 2, "crop_px": 32, "evaluate_every": 4},
    )
    settings = validate_settings({"classes": 3, "device": "cpu", "network": network, "train": train})
    scene = MemoryScene(np.random.default_rng(0).normal(0, 1, (3, 64, 64)).astype(np.float32))
    scores = iter([0.25, 0.5])
    with tensorboard_log(tmp_path / "deep" / "curves") as log:
        result = train_network(
            CropSampler([scene], crop_px=32, seed=0, stride_px=2),
            BandStatistics((0.0,) * 3, (1.0,) * 3),
            settings=settings,
            keeping=Keeping(evaluate=lambda network: next(scores), log=log),
        )
    found = curves(tmp_path / "deep" / "curves")
    assert set(found) == {"loss", "learning_rate", "score", "shares/1", "shares/2", "shares/3"}
    assert list(found["loss"].values()) == pytest.approx(result.losses, abs=1e-4)
    rates = [learning_rate(settings.train, step / 6) for step in range(6)]
    assert list(found["learning_rate"].values()) == pytest.approx(rates, rel=1e-2)
    assert found["score"] == {4: 0.25, 6: 0.5}
    assert sum(found[f"shares/{number}"][6] for number in (1, 2, 3)) == pytest.approx(1, abs=1e-3)


def test_steps_that_are_done_again_replace_those_of_before(tmp_path):
    for first, value in ((1, 7.0), (3, 8.0)):
        with tensorboard_log(tmp_path) as log:
            for step in range(first, 5):
                log(step, {"loss": value})
    assert curves(tmp_path)["loss"] == {1: 7.0, 2: 7.0, 3: 8.0, 4: 8.0}


def test_a_place_that_is_none_is_said_plainly(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"), tensorboard_log(tmp_path / "file"):
        pass


def test_without_tensorboard_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(SettingsError, match=r"pip install 'geoarseg\[tensorboard\]'"), tensorboard_log(tmp_path):
        pass
