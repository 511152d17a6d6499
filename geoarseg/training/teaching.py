"""Teaching a network the classes of another clustering, under random orderings.

The network sees crops as in the clustering objective, one random ordering a step, and learns to give each pixel the
probabilities that a teacher gives it (cross-entropy). What the teacher decides by the pixel, the network must tell from
what it may see around it, so that it agrees with the teacher where the teacher is sure of itself and smooths the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geoarseg.errors import TrainingError
from geoarseg.network.device import choose_device
from geoarseg.network.masked import masked_weights_kept
from geoarseg.network.model import Network
from geoarseg.network.orderings import orderings_by_name
from geoarseg.progress import Progress
from geoarseg.settings import Settings
from geoarseg.training.views import draw_pair

TEACHING_STEPS = 120
"""Steps that are enough; the loss falls little after them."""

_RATE = 1e-3  # highest learning rate: there are labels, so it may be higher than that of the clustering


@dataclass(frozen=True, eq=False)
class Lesson:
    """A block of an image and what the teacher says of it."""

    image: NDArray[np.float32]
    """Normalised bands (band, y, x)."""
    shares: NDArray[np.float32]
    """The teacher's probabilities (class, y, x), which sum to 1 at valid pixels and to 0 elsewhere; one is valid."""


def teach_network(
    network: Network,
    lessons: Sequence[Lesson],
    *,
    settings: Settings,
    steps: int = TEACHING_STEPS,
    progress: Progress | None = None,
) -> float:
    """Teach a network in place; afterwards it is on the CPU and in evaluation mode.

    Args:
        network: has as many clusters as the teacher has classes.
        lessons: one or more.
        settings: seed, device, and of the training the orderings, the size of crops and how many are in a step.
        steps: how many.
        progress: told each step's loss.

    Returns:
        Mean cross-entropy of the last tenth of the steps, in nats a pixel.

    Raises:
        TrainingError: the loss is no longer a finite number.
    """
    device, train = choose_device(settings.device), settings.train
    network.to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=max(steps, 2))
    orderings, rng = orderings_by_name(train.orderings), np.random.default_rng([settings.seed, 3])
    crops = Crops(lessons, train.crop_px)
    losses: list[float] = []
    with (progress or Progress()).stage("teach", steps, "step") as stage:
        for _ in range(steps):
            images, shares = (torch.from_numpy(part).to(device) for part in crops.draw(train.batch, rng))
            ordering, _ = draw_pair(orderings, rng)
            loss = cross_entropy(
                network.log_probabilities(network.features(images), (crops.side_px,) * 2, ordering)[0], shares
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            with masked_weights_kept(network, (ordering,)):
                optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                raise TrainingError(f"The loss is {losses[-1]} at step {len(losses)} of the teaching.")
            stage.advance(1, f"loss {np.mean(losses[-20:]):.3f}", loss=round(losses[-1], 5))
    network.to("cpu").eval()
    return float(np.mean(losses[-max(1, len(losses) // 10) :]))


def cross_entropy(log_probabilities: Tensor, shares: Tensor) -> Tensor:
    """Mean over the valid pixels of minus the log-probability of the teacher's classes, in nats.

    Args:
        log_probabilities: (N, K, y, x).
        shares: the teacher's probabilities, the same shape; 0 in all classes where invalid.
    """
    return -(shares * log_probabilities).sum() / shares.sum().clamp_min(1)


class Crops:
    """Random square crops of lessons, each around a valid pixel.

    Attributes:
        side_px: their side; smaller than asked for when no lesson is as large.

    Args:
        lessons: one or more, each with a valid pixel.
        crop_px: the side that is asked for.
    """

    def __init__(self, lessons: Sequence[Lesson], crop_px: int) -> None:
        sides = [min(lesson.image.shape[1:]) for lesson in lessons]
        self.side_px = min(crop_px, max(sides))
        self._lessons = [lesson for lesson, side in zip(lessons, sides, strict=True) if side >= self.side_px]
        self._centres = [np.argwhere(lesson.shares.any(axis=0)) for lesson in self._lessons]
        counts = np.array([len(centres) for centres in self._centres], float)
        self._odds = counts / counts.sum()

    def draw(self, count: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Images (count, band, y, x) and shares (count, class, y, x) of random crops."""
        images, shares = [], []
        for number in rng.choice(len(self._lessons), size=count, p=self._odds):
            lesson, centres = self._lessons[number], self._centres[number]
            centre = centres[rng.integers(len(centres))]
            first = np.clip(centre - self.side_px // 2, 0, np.array(lesson.image.shape[1:]) - self.side_px)
            part = (slice(None), *(slice(start, start + self.side_px) for start in first))
            images.append(lesson.image[part])
            shares.append(lesson.shares[part])
        return np.stack(images), np.stack(shares)
