"""The loss of one training step: two views of the same crops, and what is asked of them (section 3.2).

Or one view and a teacher's word: the network then learns clusters that are known on some blocks, under random
orderings. What the teacher decides by the pixel, the network must tell from what it may see around it, so that it
agrees with the teacher where the teacher is sure of itself and smooths the rest.

`Objective` holds the network and what is trained beside it, so that one forward pass of it is one step's loss; this is
what runs in each process when several train together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from geoarseg.network.infonce import Critic, cells_with_data, info_nce_loss
from geoarseg.network.model import Network
from geoarseg.network.mutual_information import mutual_information_loss
from geoarseg.settings import TrainSettings
from geoarseg.training.transformations import Colours, Geometry, draw_geometry, photometric
from geoarseg.training.views import Pair


@dataclass(frozen=True)
class StepLoss:
    """What one step is worth."""

    loss: Tensor
    """A scalar in nats, to be minimised."""
    shares: Tensor | None
    """Share of the valid pixels that each cluster wins, (K,); None where there are no clusters yet."""


class Objective(nn.Module):
    """The network with its loss.

    Args:
        network: what is trained.
        train: the settings of the training.
        colours: which bands are red, green and blue, if that is known.
        sum_over_processes: see `mutual_information_loss`.
    """

    def __init__(
        self,
        network: Network,
        train: TrainSettings,
        *,
        colours: Colours | None = None,
        sum_over_processes: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.train_settings, self._colours = network, train, colours
        self._sum_over_processes = sum_over_processes
        self.critics: nn.ModuleList | None = None
        if train.objective == "arl":
            network.d.requires_grad_(False)  # K-means sets it afterwards
            self.critics = nn.ModuleList(Critic(network.g_ar.width, train.critic_width) for _ in range(2))

    def forward(self, crops: Tensor, marks: Tensor, views: Pair, rng: np.random.Generator) -> StepLoss:
        """The loss of normalised crops (N, band, y, x).

        Args:
            crops: square.
            marks: the pixels that take part, (N, y, x) of bool; for the objective `consensus` the teacher's
                probabilities (N, cluster, y, x), 0 in all where a pixel does not take part.
            views: the orderings of the two views; of a teacher's pupil the first one counts.
            rng: the source of chance of the transformation and of ARL's places.
        """
        if self.train_settings.objective == "consensus":
            return self._pupil(self.network.features(crops), marks, views)
        valid = marks
        second, geometry = self._second_view(crops, valid, rng)
        features = self.network.features(crops)
        other_features = features if second is crops else self.network.features(second)
        if self.critics is None:
            return self._clustering(features, other_features, geometry, valid, views)
        return self._representation(features, other_features, geometry, valid, views, rng)

    def _pupil(self, features: Tensor, shares: Tensor, views: Pair) -> StepLoss:
        size = (shares.shape[-2], shares.shape[-1])
        (found,) = self.network.log_probabilities(features, size, views[0])
        return StepLoss(cross_entropy(found, shares), winning_shares(found.detach(), shares.any(1)))

    def _second_view(self, crops: Tensor, valid: Tensor, rng: np.random.Generator) -> tuple[Tensor, Geometry]:
        kind, second = self.train_settings.second_view, crops
        if kind in ("photometric", "all"):
            strength = self.train_settings.jitter
            second = photometric(crops, valid, strength=strength, colours=self._colours, rng=rng)
        geometry = draw_geometry(len(crops), kind, rng)
        return geometry.apply(second), geometry

    def _clustering(
        self, features: Tensor, other_features: Tensor, geometry: Geometry, valid: Tensor, views: Pair
    ) -> StepLoss:
        size = (valid.shape[-2], valid.shape[-1])
        first = self.network.log_probabilities(features, size, views[0], auxiliary=True)
        second = self.network.log_probabilities(other_features, size, views[1], auxiliary=True)
        train = self.train_settings
        losses = [
            mutual_information_loss(
                p.exp(),
                geometry.undo(q).exp(),
                max_shift_px=min(train.max_shift_px, min(size) - 1),
                marginal_weight=train.marginal_weight,
                valid=valid,
                displacements=train.displacements,
                sum_over_processes=self._sum_over_processes,
            )
            for p, q in zip(first, second, strict=True)
        ]
        loss = losses[0] if len(losses) == 1 else losses[0] + train.auxiliary_weight * losses[1]
        return StepLoss(loss, winning_shares(first[0].detach(), valid))

    def _representation(
        self,
        features: Tensor,
        other_features: Tensor,
        geometry: Geometry,
        valid: Tensor,
        views: Pair,
        rng: np.random.Generator,
    ) -> StepLoss:
        assert self.critics is not None
        train, stride = self.train_settings, self.network.stride_px
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        first = self.critics[0](self.network.g_ar(features, views[0]))
        second = self.critics[1](geometry.undo(self.network.g_ar(other_features, views[1])))
        loss = info_nce_loss(
            first,
            second,
            positions=train.positions,
            negatives=train.negatives,
            max_shift=train.max_shift_px // stride,
            valid=cells_with_data(valid, stride),
            generator=generator,
        )
        return StepLoss(loss, None)


def cross_entropy(log_probabilities: Tensor, shares: Tensor) -> Tensor:
    """Mean over the valid pixels of minus the log-probability of the teacher's clusters, in nats.

    Args:
        log_probabilities: (N, K, y, x).
        shares: the teacher's probabilities, the same shape; 0 in all clusters where invalid.
    """
    return -(shares * log_probabilities).sum() / shares.sum().clamp_min(1)


def winning_shares(log_probabilities: Tensor, valid: Tensor) -> Tensor:
    """Share of the valid pixels that each cluster wins, (K,), of maps (N, K, y, x) and validity (N, y, x)."""
    winners = log_probabilities.argmax(1)[valid]
    counts = torch.bincount(winners, minlength=log_probabilities.shape[1])
    return (counts / max(len(winners), 1)).cpu()
