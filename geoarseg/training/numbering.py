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

_AT_ONCE = 8


def number_by_share(
    network: Network, sampler: Sampler, statistics: BandStatistics, *, crops: int = 64
) -> npt.NDArray[np.float64]:
    """Renumber the network's clusters by the share of pixels they win without a mask, the largest first.

    Returns:
        The shares in the new order, (K,), summing to 1; estimated on so many crops.
    """
    counts = np.zeros(network.classes, dtype=np.int64)
    for _ in range(-(-crops // _AT_ONCE)):
        images, valid = sampler.draw(_AT_ONCE)
        with torch.inference_mode():
            winners = network(torch.from_numpy(statistics.normalise(images, valid))).argmax(1).numpy()
        counts += np.bincount(winners[valid], minlength=network.classes)
    shares: npt.NDArray[np.float64] = counts / max(counts.sum(), 1)
    order = np.argsort(-shares, kind="stable")
    reorder_classes(network, order.tolist())
    return shares[order]


def by_share(class_of: Sequence[int], shares: Sequence[float] | npt.NDArray[np.floating]) -> tuple[int, ...]:
    """The classes of clusters, counted from 1, renumbered so that the one with the largest of the shares is 1."""
    order = np.argsort(-np.asarray(shares), kind="stable")
    rank = np.argsort(order) + 1
    return tuple(int(rank[number - 1]) for number in class_of)
