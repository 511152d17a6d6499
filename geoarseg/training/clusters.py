"""Clusters for a network that was trained for features: PCA whitening and K-means, put into its decoder (ARL)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from geoarseg.clustering.whitening import fit_linear_clusters
from geoarseg.network.model import Network
from geoarseg.raster.statistics import BandStatistics
from geoarseg.training.state import Sampler

_PIXELS = 40_000
_CROPS_AT_ONCE = 8
_CROPS = 64


def set_clusters_of_features(network: Network, sampler: Sampler, statistics: BandStatistics, *, seed: int) -> None:
    """Set d so that it gives the cluster of each feature vector.

    Whitening and K-means with a fixed result are one linear map, so the network maps rasters as any other does.

    Args:
        network: on the CPU, in evaluation mode; its d is written.
        sampler: draws the crops whose features are clustered.
        statistics: normalise them.
        seed: makes the sample and the starts of K-means repeatable.
    """
    features = sample_features(network, sampler, statistics, seed=seed)
    weight, bias = fit_linear_clusters(features, classes=network.classes, seed=seed)
    with torch.no_grad():
        network.d.weight.copy_(torch.from_numpy(weight).float()[:, :, None, None])
        assert network.d.bias is not None
        network.d.bias.copy_(torch.from_numpy(bias).float())


def sample_features(
    network: Network, sampler: Sampler, statistics: BandStatistics, *, seed: int
) -> NDArray[np.float32]:
    """Features (pixel, feature) of up to 40,000 valid pixels of random crops, as the unmasked network sees them."""
    rng = np.random.default_rng([seed, 2])
    found = []
    for _ in range(_CROPS // _CROPS_AT_ONCE):
        images, valid = sampler.draw(_CROPS_AT_ONCE)
        with torch.inference_mode():
            features = network.dense_features(torch.from_numpy(statistics.normalise(images, valid)))
        pixels = features.permute(0, 2, 3, 1).numpy()[valid]
        wanted = _PIXELS * _CROPS_AT_ONCE // _CROPS
        if len(pixels) > wanted:
            pixels = pixels[rng.choice(len(pixels), wanted, replace=False)]
        found.append(np.ascontiguousarray(pixels))
    return np.concatenate(found)
