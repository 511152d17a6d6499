"""Numbering the clusters by size, so that class 1 is the largest and dead clusters come last."""

from __future__ import annotations

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
    counts = np.zeros(network.classes, dtype=np.int64)
    for _ in range(-(-crops // 8)):
        images, valid = sampler.draw(8)
        with torch.inference_mode():
            winners = network(torch.from_numpy(statistics.normalise(images, valid))).argmax(1).numpy()
        counts += np.bincount(winners[valid], minlength=network.classes)
    order = np.argsort(-counts, kind="stable")
    reorder_classes(network, order.tolist())
    shares: npt.NDArray[np.float64] = counts[order] / max(counts.sum(), 1)
    return shares
