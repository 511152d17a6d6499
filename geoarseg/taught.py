"""A network that was taught by the consensus of mixtures, and its map with a guided filter.

The consensus is the strongest method without a network. A network that learns its classes under random orderings maps
with one pass what took six mixtures, and its map is as good or better (`benchmarks/quality.md`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from geoarseg.clustering.fitting import CONSENSUS_BLOCKS, fit_consensus
from geoarseg.inference.predictor import Predictor, one_thread
from geoarseg.models import untrained_model
from geoarseg.progress import Progress
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.scene import Scene
from geoarseg.raster.statistics import random_blocks
from geoarseg.settings import Settings
from geoarseg.training.numbering import number_by_share
from geoarseg.training.teaching import Lesson, teach_network


def taught_model(scene: Scene, *, settings: Settings, smoothing_px: int, progress: Progress | None = None) -> Predictor:
    """Teach a network the classes of a consensus of mixtures; they are numbered by size.

    Args:
        scene: the image.
        settings: classes, seed, device, network and training count.
        smoothing_px: radius of the guided filter over the mixtures' probabilities; 0 for none.
        progress: hears of it all.

    Raises:
        InputError: no crop of the scene holds enough valid pixels.
        TrainingError: the training broke down.
    """
    progress = progress or Progress()
    blank = untrained_model([scene], settings=settings, progress=progress)
    statistics, network = blank.statistics, blank.network
    rng = np.random.default_rng(settings.seed)
    blocks = random_blocks([scene], rng=rng, max_blocks=CONSENSUS_BLOCKS, progress=progress)
    images = [(statistics.normalise(image, valid), valid) for image, valid in blocks]
    teacher = fit_consensus(
        images, classes=settings.classes, seed=settings.seed, smoothing_px=smoothing_px, progress=progress
    )
    lessons = [Lesson(image, teacher.memberships(image, valid)) for image, valid in images]
    loss = teach_network(network, lessons, settings=settings, progress=progress)
    sampler = CropSampler(
        [scene], crop_px=settings.train.crop_px, seed=settings.seed, stride_px=settings.network.stride_px
    )
    shares = number_by_share(network, sampler, statistics)
    training = {"taught_by": "consensus", "loss": round(loss, 6), "shares": [round(float(s), 5) for s in shares]}
    return Predictor(network, blank.card.model_copy(update={"training": training}), device=settings.device)


@dataclass(frozen=True, eq=False)
class NetworkModel:
    """A trained network as a clustering of images, so that it can be smoothed and mapped as the free methods are."""

    predictor: Predictor
    """The network; windows must start on multiples of its `stride_px`."""

    @property
    def classes(self) -> int:
        """Number of clusters."""
        return self.predictor.classes

    @property
    def reach_px(self) -> int:
        """How far from a pixel its clusters depend on the image."""
        return self.predictor.halo_px

    def memberships(self, image: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (class, y, x) of a normalised image (band, y, x); 0 where invalid (y, x)."""
        batch = torch.from_numpy(np.asarray(image, np.float32)[None]).to(self.predictor.device)
        with torch.inference_mode(), one_thread():
            found: NDArray[np.float32] = self.predictor.network(batch)[0].float().cpu().numpy()
        return found * valid
