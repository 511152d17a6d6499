"""Training: two views of the same crops, and what they know of each other, step after step."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from geoarseg.errors import TrainingError
from geoarseg.network.device import mixed_precision
from geoarseg.network.masked import masked_weights_kept
from geoarseg.network.model import Network, build_network
from geoarseg.network.orderings import orderings_by_name
from geoarseg.progress import Progress, Stage
from geoarseg.raster.statistics import BandStatistics
from geoarseg.settings import Settings, TrainSettings
from geoarseg.training.clusters import set_clusters_of_features
from geoarseg.training.feed import Feed, ReadingSampler
from geoarseg.training.interrupts import Deferred
from geoarseg.training.objective import Objective
from geoarseg.training.processes import OneProcess
from geoarseg.training.state import Best, Sampler, TrainingState, fingerprint, load_state, save_state
from geoarseg.training.transformations import Colours
from geoarseg.training.views import draw_pair

ALIVE_SHARE = 0.001
"""A cluster that takes less than this share of the pixels counts as dead."""
CURVE_POINTS = 200
"""Points of a training's loss curve at most."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves behind."""

    network: Network
    """The trained network, on the CPU, in evaluation mode; the best one where it was evaluated."""
    steps: int
    """Steps done."""
    seconds: float
    """Time they took, over all sittings."""
    loss: float
    """Mean loss of the last tenth of the steps, in nats."""
    losses: tuple[float, ...]
    """The loss of each step, in nats."""
    scores: tuple[tuple[int, float], ...] = ()
    """(step, score) of each evaluation."""
    best_step: int | None = None
    """The step after which the network was taken; None = the last."""
    fingerprint: str = ""
    """Names the training, as its state on the disk does."""

    def summary(self) -> dict[str, object]:
        """The figures as JSON types."""
        figures: dict[str, object] = {
            "steps": self.steps,
            "seconds": round(self.seconds, 2),
            "loss": round(self.loss, 6),
            "loss_curve": loss_curve(self.losses),
            "fingerprint": self.fingerprint,
        }
        if self.scores:
            figures |= {"scores": [[step, round(score, 6)] for step, score in self.scores], "best_step": self.best_step}
        return figures


@dataclass(frozen=True)
class Keeping:
    """What a training writes and asks for on its way, beside its result."""

    state_path: Path | None = None
    """Where the state is kept, so that an interrupted training goes on; it is continued from there if it is there."""
    evaluate: Callable[[Network], float] | None = None
    """Scores a network, higher is better; the best one is kept."""
    log: Callable[[int, dict[str, object]], None] | None = None
    """Told each step's number and figures."""
    data: str = ""
    """Names the data, so that a state of other data is not continued."""


def train_network(
    sampler: ReadingSampler,
    statistics: BandStatistics,
    *,
    settings: Settings,
    colours: Colours | None = None,
    keeping: Keeping | None = None,
    processes: OneProcess | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train a network on crops of the user's own images.

    Args:
        sampler: draws crops (n, band, y, x) with their validity, or with a teacher's shares.
        statistics: normalise them.
        settings: the run's settings; the seed, device, readers, network, train and classes are used.
        colours: which bands are red, green and blue, if that is known.
        keeping: state, evaluation and log on the way; none of them by default.
        processes: those that train together; this one alone by default.
        progress: told each step's loss and cluster shares.

    Raises:
        TrainingError: the loss is no longer a finite number.
        OutputError: the state cannot be written.
        KeyboardInterrupt: the user stopped it; the state is saved before.
    """
    progress, train = progress or Progress(), settings.train
    keeping, processes = keeping or Keeping(), processes or OneProcess()
    device = processes.device(settings.device)
    feed = Feed(sampler, count=train.batch // processes.count, readers=settings.readers)
    shared = processes.share(feed)
    network = build_network(
        settings.network,
        bands=statistics.band_count,
        classes=settings.clusters,
        seed=settings.seed,
        crop_px=feed.crop_px,
    )
    torch.manual_seed(settings.seed)  # critics, dropout
    objective = Objective(network, train, colours=colours, sum_over_processes=processes.sum).to(device).train()
    trained = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    optimizer: torch.optim.Optimizer = torch.optim.Adam(trained, lr=train.highest_rate)
    step_loss, optimizer = processes.prepare(objective, optimizer)
    orderings = orderings_by_name(train.orderings)
    rng = np.random.default_rng([settings.seed, 1])
    parts = settings.model_dump(mode="json", include={"classes", "bands", "seed", "network", "train"})
    identity = fingerprint(settings=parts, statistics=statistics, data=keeping.data, processes=processes.count)
    kept = {
        "fingerprint": identity,
        "modules": {"objective": objective},
        "optimizer": optimizer,
        "rng": rng,
        "sampler": shared,
    }
    state = TrainingState(shares=[1 / settings.clusters] * settings.clusters)
    if keeping.state_path is not None and keeping.state_path.exists():
        earlier = load_state(keeping.state_path, **kept)  # type: ignore[arg-type]  # mypy sees one type for all
        if earlier is None:
            progress.warning(f"{keeping.state_path} belongs to another training; this one starts afresh.")
        else:
            state = earlier
            progress.message(f"Going on behind step {state.step} of {train.total_steps}.")

    def save() -> None:
        if keeping.state_path is not None and processes.rank == 0:
            save_state(keeping.state_path, state, **kept)  # type: ignore[arg-type]  # as above

    def evaluate(score: Callable[[Network], float]) -> None:
        judged = copy.deepcopy(network).cpu().eval()
        if train.objective == "arl":
            set_clusters_of_features(judged, shared, statistics, seed=settings.seed)
        state.scores.append((state.step, score(judged)))
        if state.best is None or state.scores[-1][1] > state.best.score:
            state.best = Best(*state.scores[-1], judged.state_dict())
        if keeping.log is not None:
            keeping.log(state.step, {"score": state.scores[-1][1]})

    before, saved_at = state.seconds, time.monotonic()
    started = time.monotonic()
    between_steps = True
    with progress.stage("train", total=train.total_steps) as stage, Deferred() as interrupt, feed:
        if state.step:
            stage.skip(state.step)
        try:
            while True:
                interrupt.raise_if_requested()
                between_steps = False
                state.seconds = before + time.monotonic() - started
                fraction = processes.agree(_fraction_done(train, state.step, state.seconds))
                if fraction >= 1:
                    break
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate(train, fraction)
                crops, marks = _draw(shared, statistics, train.batch // processes.count, device)
                views = draw_pair(orderings, rng, train.sampling)
                if train.objective == "consensus":  # one view learns from the teacher
                    views = (views[0], views[0])
                with mixed_precision(device):
                    result = step_loss(crops, marks, views, rng)
                optimizer.zero_grad(set_to_none=True)
                processes.backward(result.loss)
                with masked_weights_kept(network, views):
                    optimizer.step()
                state.losses.append(_finite(result.loss.item(), state.step))
                state.step += 1
                _note_shares(state, result.shares)
                if keeping.evaluate is not None and _is_due(train, state.step):
                    evaluate(keeping.evaluate)
                between_steps = True
                _report(stage, state, keeping, learning_rate(train, fraction))
                if time.monotonic() - saved_at > train.checkpoint_every_s:
                    save()
                    saved_at = time.monotonic()
        except KeyboardInterrupt:
            if state.step and between_steps and keeping.state_path is not None:
                save()
                done = f"step {state.step} of {train.total_steps}"
                progress.message(f"Stopped at {done}; the same command goes on from there.")
            raise
    if keeping.evaluate is not None and (not state.scores or state.scores[-1][0] != state.step):
        evaluate(keeping.evaluate)
    network = network.to("cpu").eval()
    if state.best is not None:
        network.load_state_dict(state.best.weights)
    elif train.objective == "arl":
        set_clusters_of_features(network, shared, statistics, seed=settings.seed)
    tail = state.losses[-max(1, len(state.losses) // 10) :]
    return TrainingResult(
        network,
        state.step,
        state.seconds,
        float(np.mean(tail)),
        tuple(state.losses),
        tuple(state.scores),
        state.best.step if state.best else None,
        identity,
    )


def loss_curve(losses: Sequence[float]) -> dict[str, list[float]]:
    """The losses of all steps as few enough points for a picture: the mean of some steps, at the last one of them."""
    ends = np.linspace(0, len(losses), min(len(losses), CURVE_POINTS) + 1).astype(int)
    means = [float(np.mean(losses[start:stop])) for start, stop in pairwise(ends)]
    return {"step": ends[1:].tolist(), "loss": [round(mean, 5) for mean in means]}


def learning_rate(train: TrainSettings, fraction: float) -> float:
    """The learning rate after a `fraction` of the training: a rise over 30 % of it, then a cosine to nearly zero."""
    if train.schedule == "constant":
        return train.highest_rate
    rise = 0.3
    if fraction < rise:
        return train.highest_rate * (0.04 + 0.96 * (1 - math.cos(math.pi * fraction / rise)) / 2)
    return train.highest_rate * max((1 + math.cos(math.pi * (fraction - rise) / (1 - rise))) / 2, 1e-4)


def _fraction_done(train: TrainSettings, step: int, elapsed_s: float) -> float:
    """How much of the training is over, by steps or by time, whichever is further on."""
    by_time = elapsed_s / train.time_limit_s if train.time_limit_s else 0.0
    return max(step / train.total_steps, by_time if step else 0.0)


def _draw(sampler: Sampler, statistics: BandStatistics, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    images, marks = sampler.draw(count)
    valid = marks
    if marks.ndim == 4:  # a teacher's shares, which are 0 where there is no data
        valid = np.any(marks, axis=1)
    crops = torch.from_numpy(statistics.normalise(images, valid))
    return crops.to(device, memory_format=torch.channels_last), torch.from_numpy(marks).to(device)


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        raise TrainingError(
            f"The loss is {loss} at step {step + 1}.", "Lower the rate: --set train.learning_rate=1e-4."
        )
    return loss


def _is_due(train: TrainSettings, step: int) -> bool:
    return step == train.total_steps or step % train.evaluate_every == 0


def _note_shares(state: TrainingState, shares: Tensor | None) -> None:
    if shares is not None:
        state.shares = [0.9 * old + 0.1 * new for old, new in zip(state.shares, shares.tolist(), strict=True)]


def _report(stage: Stage, state: TrainingState, keeping: Keeping, rate: float) -> None:
    recent = float(np.mean(state.losses[-20:]))
    figures: dict[str, object] = {
        "loss": round(state.losses[-1], 5),
        "shares": [round(share, 4) for share in state.shares],
        "learning_rate": float(f"{rate:.3g}"),
    }
    score = {"score": round(state.scores[-1][1], 5)} if state.scores else {}
    stage.advance(1, f"loss {recent:.3f}", **figures, **score)
    if keeping.log is not None:
        keeping.log(state.step, figures)
