"""Numbering the clusters by size, so that class 1 is the largest and dead clusters come last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from geoarseg.network.checkpoint import reorder_classes
from geoarseg.network.model import Network
from geoarseg.raster.statistics import BandStatistics
from geoarseg.training.state import Sampler


def number_by_share(
    network: Network, sampler: Sampler, statistics: BandStatistics, *, crops: int = 64
) -> npt.NDArray[np.float64]:
    """Renumber the network's clusters by the share of pixels they win without a mask, the largest first.

    Returns:
        The shares in the new order, (K,), summing to 1; estimated on so many crops.
    """
    shares = class_shares(network, range(1, network.classes + 1), sampler, statistics, crops=crops)
    order = np.argsort(-shares, kind="stable")
    reorder_classes(network, order.tolist())
    return shares[order]


def class_shares(
    network: Network, class_of: Sequence[int], sampler: Sampler, statistics: BandStatistics, *, crops: int = 64
) -> npt.NDArray[np.float64]:
    """Share of the pixels that each class wins without a mask, (class,), summing to 1.

    Args:
        network: its probabilities are added up to those of classes.
        class_of: the class of each of its clusters, counted from 1.
        sampler: draws crops with their validity.
        statistics: normalise them.
        crops: how many are looked at.
    """
    classes = max(class_of)
    member = torch.nn.functional.one_hot(torch.tensor(class_of) - 1, classes).float()  # (cluster, class)
    counts = np.zeros(classes, dtype=np.int64)
    for _ in range(-(-crops // 8)):
        images, valid = sampler.draw(8)
        with torch.inference_mode():
            found = network(torch.from_numpy(statistics.normalise(images, valid)))
            winners = torch.einsum("nkyx,kc->ncyx", found, member).argmax(1).numpy()
        counts += np.bincount(winners[valid], minlength=classes)
    shares: npt.NDArray[np.float64] = counts / max(counts.sum(), 1)
    return shares


def by_share(class_of: Sequence[int], shares: Sequence[float] | npt.NDArray[np.floating]) -> tuple[int, ...]:
    """The classes of clusters, counted from 1, renumbered so that the one with the largest of the shares is 1."""
    order = np.argsort(-np.asarray(shares), kind="stable")
    rank = np.argsort(order) + 1
    return tuple(int(rank[number - 1]) for number in class_of)
