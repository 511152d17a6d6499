"""Training by autoregressive clustering: two orderings of the same crops, and their mutual information."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from geoarseg.config import Settings, TrainSettings
from geoarseg.errors import TrainingError
from geoarseg.network.device import choose_device, mixed_precision
from geoarseg.network.masked import masked_weights_kept
from geoarseg.network.model import Network, build_network
from geoarseg.network.mutual_information import mutual_information_loss
from geoarseg.network.orderings import orderings_by_name
from geoarseg.progress import Progress, Stage
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.statistics import BandStatistics
from geoarseg.training.views import draw_pair

ALIVE_SHARE = 0.001
"""A cluster that takes less than this share of the pixels counts as dead."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves behind."""

    network: Network
    """The trained network, on the CPU, in evaluation mode."""
    steps: int
    """Steps done."""
    seconds: float
    """Time they took."""
    loss: float
    """Mean loss of the last tenth of the steps, in nats."""
    losses: tuple[float, ...]
    """The loss of each step, in nats."""

    def summary(self) -> dict[str, object]:
        """The figures as JSON types."""
        return {"steps": self.steps, "seconds": round(self.seconds, 2), "loss": round(self.loss, 6)}


def train_network(
    sampler: CropSampler, statistics: BandStatistics, *, settings: Settings, progress: Progress | None = None
) -> TrainingResult:
    """Train a network on crops of the user's own images.

    Args:
        sampler: draws crops (n, band, y, x) with their validity.
        statistics: normalise them.
        settings: the run's settings; the seed, device, network, train and classes are used.
        progress: told each step's loss and cluster shares.

    Raises:
        TrainingError: the loss is no longer a finite number.
    """
    progress, train = progress or Progress(), settings.train
    device = choose_device(settings.device)
    network = build_network(settings.network, bands=statistics.band_count, classes=settings.classes, seed=settings.seed)
    network = network.to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=train.learning_rate)
    orderings = orderings_by_name(train.orderings)
    rng = np.random.default_rng([settings.seed, 1])
    torch.manual_seed(settings.seed)  # dropout
    losses: list[float] = []
    shares = torch.full((settings.classes,), 1 / settings.classes)
    started = time.monotonic()
    with progress.stage("train", total=train.steps) as stage:
        for step in range(train.steps):
            fraction = _fraction_done(train, step, time.monotonic() - started)
            if fraction >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(train, fraction)
            crops, valid = _draw(sampler, statistics, train.batch, device)
            views = draw_pair(orderings, rng)
            with mixed_precision(device):
                size = (crops.shape[-2], crops.shape[-1])
                features = network.features(crops)
                p, q = (network.log_probabilities(features, size, view).exp() for view in views)
            loss = mutual_information_loss(
                p,
                q,
                max_shift_px=min(train.max_shift_px, min(size) - 1),
                marginal_weight=train.marginal_weight,
                valid=valid,
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            with masked_weights_kept(network, views):
                optimizer.step()
            losses.append(_finite(loss.item(), step))
            shares = 0.9 * shares + 0.1 * _shares(p.detach(), valid)
            _report(stage, losses, shares)
    seconds = time.monotonic() - started
    tail = losses[-max(1, len(losses) // 10) :]
    return TrainingResult(network.cpu().eval(), len(losses), seconds, float(np.mean(tail)), tuple(losses))


def learning_rate(train: TrainSettings, fraction: float) -> float:
    """The learning rate after a `fraction` of the training: a rise over 30 % of it, then a cosine to nearly zero."""
    if train.schedule == "constant":
        return train.learning_rate
    rise = 0.3
    if fraction < rise:
        return train.learning_rate * (0.04 + 0.96 * (1 - math.cos(math.pi * fraction / rise)) / 2)
    return train.learning_rate * max((1 + math.cos(math.pi * (fraction - rise) / (1 - rise))) / 2, 1e-4)


def _fraction_done(train: TrainSettings, step: int, elapsed_s: float) -> float:
    """How much of the training is over, by steps or by time, whichever is further on."""
    by_time = elapsed_s / train.time_limit_s if train.time_limit_s else 0.0
    return max(step / train.steps, by_time if step else 0.0)


def _draw(sampler: CropSampler, statistics: BandStatistics, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    images, valid = sampler.draw(count)
    crops = torch.from_numpy(statistics.normalise(images, valid))
    return crops.to(device, memory_format=torch.channels_last), torch.from_numpy(valid).to(device)


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        raise TrainingError(
            f"The loss is {loss} at step {step + 1}.", "Lower the rate: --set train.learning_rate=1e-4."
        )
    return loss


def _shares(p: Tensor, valid: Tensor) -> Tensor:
    """The share of the valid pixels that each cluster wins, (K,)."""
    winners = p.argmax(1)[valid]
    return (torch.bincount(winners, minlength=p.shape[1]) / max(len(winners), 1)).cpu()


def _report(stage: Stage, losses: list[float], shares: Tensor) -> None:
    recent = float(np.mean(losses[-20:]))
    stage.advance(
        1,
        f"loss {recent:.3f}",
        loss=round(losses[-1], 5),
        shares=[round(float(share), 4) for share in shares],
    )
