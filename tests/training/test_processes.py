"""Two real processes on the CPU do what one does with the whole batch. The followers run in fresh interpreters."""

import multiprocessing
import os
import signal
import time
from functools import partial
from unittest import mock

import numpy as np
import pytest
import torch

from geoarseg.config import validate_settings
from geoarseg.errors import SettingsError, TrainingError
from geoarseg.network.masked import masked_weights_kept
from geoarseg.network.model import build_network
from geoarseg.network.orderings import ALL_ORDERINGS
from geoarseg.progress import Progress
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.statistics import BandStatistics
from geoarseg.settings import NetworkSettings, TrainSettings
from geoarseg.training import launch
from geoarseg.training.launch import processes_for
from geoarseg.training.loop import Keeping, train_network
from geoarseg.training.objective import Objective
from geoarseg.training.processes import OneProcess

pytest.importorskip("lightning_fabric")

CASES = {
    "each": ({}, {}),
    "summed": ({}, {"displacements": "summed", "max_shift_px": 2}),
    "auxiliary": ({"auxiliary_classes": 7}, {"auxiliary_weight": 0.5}),
    "turned": ({}, {"second_view": "rotation"}),
}
FIRST_VIEWS = (ALL_ORDERINGS[0], ALL_ORDERINGS[3])  # together they use all weights, so Adam has momentum for all
VIEWS = (ALL_ORDERINGS[0], ALL_ORDERINGS[0])  # both mask the cells behind the current one


@pytest.fixture(autouse=True)
def _leaves_nothing():
    """Neither processes, nor a process group, nor variables of the environment stay behind."""
    before = dict(os.environ)
    yield
    assert multiprocessing.active_children() == []
    assert not torch.distributed.is_initialized()
    added = {name for name in os.environ if os.environ[name] != before.get(name)}
    assert added <= {"PYTEST_CURRENT_TEST", "PYTORCH_NVML_BASED_CUDA_CHECK"}


def two_steps(processes, case):
    """Loss, gradients and weights of the second step of float64 on this process's part of 4 crops."""
    network, train = CASES[case]
    settings = NetworkSettings(form="F1", width=8, blocks=2, **network)
    net = build_network(settings, bands=3, classes=4, crop_px=16)
    objective = Objective(
        net, TrainSettings(objective="ac", batch=4, **train), sum_over_processes=processes.sum
    ).double()
    optimizer = torch.optim.Adam(objective.parameters(), lr=0.01)
    step, optimizer = processes.prepare(objective, optimizer)
    generator = torch.Generator().manual_seed(5)
    images = torch.randn(4, 3, 16, 16, generator=generator, dtype=torch.float64)
    valid = torch.rand(4, 16, 16, generator=generator) > 0.2
    valid[0, :12] = False  # the parts have unequally many valid pixels
    mine = slice(processes.rank * 4 // processes.count, (processes.rank + 1) * 4 // processes.count)
    for views in (FIRST_VIEWS, VIEWS):
        before = {name: weight.clone() for name, weight in net.state_dict().items()}
        with mock.patch.object(torch.Tensor, "float", torch.Tensor.double):  # the network gives its maps as float32
            result = step(images[mine], valid[mine], views, Repeated(processes.count))
        optimizer.zero_grad()
        processes.backward(result.loss)
        with masked_weights_kept(net, views):
            optimizer.step()
    gradients = {name: weight.grad for name, weight in objective.named_parameters()}
    return result.loss.item(), gradients, before, net.state_dict()


class Repeated:
    """Chance that gives both halves of a whole batch what it gives to each part."""

    def __init__(self, processes):
        self.rng, self.repeats = np.random.default_rng(0), 2 // processes

    def integers(self, *args, size, **options):
        return np.tile(self.rng.integers(*args, size=size // self.repeats, **options), self.repeats)


def two_steps_of_all(processes):
    return {case: two_steps(processes, case) for case in CASES}


@pytest.fixture(scope="module")
def of_two():
    """What each case gives in the first of two processes."""
    with processes_for([two_steps_of_all], device="cpu") as processes:
        return two_steps_of_all(processes)


@pytest.mark.parametrize("case", CASES)
def test_two_processes_have_loss_and_gradient_of_the_whole_batch(case, of_two):
    loss, gradients, _, weights = two_steps(OneProcess(), case)
    its_loss, its_gradients, before, its_weights = of_two[case]
    assert its_loss == pytest.approx(loss, abs=1e-11)
    for name, gradient in gradients.items():
        torch.testing.assert_close(its_gradients[name], gradient, atol=1e-11, rtol=1e-9)
        assert gradient.abs().sum() > 0
    for name, weight in weights.items():
        torch.testing.assert_close(its_weights[name], weight, atol=1e-9, rtol=0)
    name = "g_ar.blocks.0.first.weight"
    kept = (its_weights[name] == before[name]).flatten(0, 1).all(0)
    assert kept.sum() == 1, "masked weights stay as they are"


def settings(**train):
    network = {"width": 8, "blocks": 2, "dropout": 0.2, "auxiliary_classes": 6}
    tree = {
        "objective": "ac",
        "steps": 20,
        "batch": 4,
        "crop_px": 32,
        "orderings": "all",
        "second_view": "all",
        **train,
    }
    return validate_settings({"classes": 3, "device": "cpu", "devices": 2, "network": network, "train": tree})


def train(processes, options, *, path=None, weights=None, progress=None, sampler=CropSampler, **keeping):
    """Train on noise; `weights` is a file for the weights that this process ends with."""
    scene = MemoryScene(np.random.default_rng(0).normal(0, 1, (3, 80, 70)).astype(np.float32))
    result = train_network(
        sampler([scene], crop_px=32, seed=processes.rank, stride_px=2),
        BandStatistics((0.0,) * 3, (1.0,) * 3),
        settings=options,
        keeping=Keeping(state_path=path, **keeping),
        processes=processes,
        progress=progress,
    )
    if weights is not None:
        torch.save(result.network.state_dict(), f"{weights}.{processes.rank}")
    return result


def train_both(options, *, sampler=CropSampler, path=None, weights=None, **mine):
    follower = partial(train, options=options, path=path, weights=weights, sampler=sampler)
    with processes_for([follower], device="cpu") as processes:
        return train(processes, options, path=path, weights=weights, sampler=sampler, **mine)


class StopAt(Progress):
    """Presses Ctrl-C when a step is done."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_change(self, stage):
        if stage.done == self.step:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["ac", "arl"])
def test_20_steps_equal_10_and_10_and_both_end_alike(tmp_path, objective):
    options, path = settings(objective=objective), tmp_path / "model.state"
    whole = train_both(options, weights=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_both(options, path=path, progress=StopAt(10))
    parts = train_both(options, path=path, weights=tmp_path / "parts")
    assert parts.losses == whole.losses
    assert np.isfinite(whole.losses).all()
    ends = {(name, rank): torch.load(tmp_path / f"{name}.{rank}") for name in ("whole", "parts") for rank in (0, 1)}
    for name, weight in ends["whole", 0].items():
        assert torch.equal(weight, ends["parts", 0][name]), name
        assert torch.equal(ends["whole", 1][name], ends["parts", 1][name]), name
        # On the CPU each has its own means of batch normalisation; after ARL each clusters crops of its own.
        if not ("running" in name or (objective == "arl" and name.startswith("d."))):
            assert torch.equal(weight, ends["whole", 1][name]), name


def test_a_time_limit_ends_both_at_the_same_step(tmp_path):
    result = train_both(settings(steps=100_000, time_limit_s=1.5), weights=tmp_path / "w")
    assert 1 <= result.steps < 100_000
    first, second = (torch.load(tmp_path / f"w.{rank}") for rank in (0, 1))
    assert torch.equal(first["g_ar.blocks.0.first.weight"], second["g_ar.blocks.0.first.weight"])


class Dying(CropSampler):
    """Its process is killed when process 1 draws for the third time."""

    drawn = 0

    def draw(self, count, **options):
        self.drawn += 1
        if self.drawn == 3 and multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().draw(count, **options)


class Failing(Dying):
    """As `Dying`, by an error."""

    def draw(self, count, **options):
        if self.drawn == 2 and multiprocessing.parent_process() is not None:
            raise ValueError("no more crops")
        self.drawn += 1
        return CropSampler.draw(self, count, **options)


@pytest.mark.parametrize(
    ("sampler", "words"), [(Dying, r"Process 1 .*exit code -9"), (Failing, "Process 1 .* no more crops")]
)
def test_the_death_of_one_ends_all_with_its_reason(sampler, words):
    started = time.monotonic()
    with pytest.raises(TrainingError, match=words):
        train_both(settings(steps=100_000), sampler=sampler)
    assert time.monotonic() - started < 60


def test_one_that_dies_before_it_joins_is_no_hang():
    with pytest.raises(TrainingError, match=r"Process 1 .*exit code 7"), processes_for([Unreadable()], device="cpu"):
        pass


class Unreadable:
    """Cannot be unpickled."""

    def __call__(self, processes):
        raise AssertionError

    def __reduce__(self):
        return os._exit, (7,)


def test_an_error_of_process_0_is_its_own(tmp_path):
    with pytest.raises(ZeroDivisionError):
        train_both(settings(), progress=None, log=lambda step, figures: 1 // 0)


def test_what_cannot_be_is_refused_at_once(monkeypatch):
    with pytest.raises(SettingsError, match=r"train.batch \(4\) must be a multiple of devices \(3\)"):
        validate_settings({"devices": 3, "train": {"batch": 4}})
    launch.check_processes(2, "cpu")
    monkeypatch.setattr(launch.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(launch.torch.cuda, "device_count", lambda: 1)
    with pytest.raises(SettingsError, match="1 GPUs here, not 2"):
        launch.check_processes(2, "cuda")
    with pytest.raises(SettingsError, match="cannot be cuda:0"):
        launch.check_processes(2, "cuda:0")
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"pip install 'geoarseg\[distributed\]'"):
        launch.check_processes(2, "cpu")
