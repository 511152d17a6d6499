"""A trained model as a callable on image windows, without orderings: all weights, no masks."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from geoarseg.inference.smoothing import reach_px, smooth
from geoarseg.network.checkpoint import ModelCard, load_model, model_bytes
from geoarseg.network.device import choose_device, mixed_precision
from geoarseg.network.model import Network
from geoarseg.raster.legend import NODATA_CLASS
from geoarseg.raster.statistics import BandStatistics
from geoarseg.raster.window import next_multiple

NODATA_CONFIDENCE = 255
"""The value that means "no data" where values are percent."""

Probabilities = Literal["none", "percent", "exact"]
"""What is wanted of the probabilities of all classes: nothing, uint8 percent, or float32."""


@dataclass(frozen=True)
class Classified:
    """What the network finds in a batch of windows."""

    classes: npt.NDArray[np.uint8]
    """(N, y, x), 1..K, 0 where there is no data."""
    confidence: npt.NDArray[np.uint8]
    """(N, y, x), the probability of the class in percent, 255 where there is no data."""
    probabilities: npt.NDArray[Any] | None
    """(N, class, y, x), uint8 percent with 255 or float32 with NaN where there is no data; None = not wanted."""


class Predictor:
    """Pixel values in, probabilities or classes out. Can be pickled: it travels as the bytes of its model file.

    Attributes:
        stride_px: windows must start on multiples of this many pixels for the result not to depend on them.
        halo_px: and must be read with at least so many pixels around.
        classes: K, the highest value of the map.

    Args:
        network: a trained network.
        card: its card.
        device: `auto`, `cpu`, `cuda` ...
    """

    def __init__(self, network: Network, card: ModelCard, *, device: str = "auto") -> None:
        self.device = choose_device(device)
        self.network = network.to(self.device).eval()
        self.card = card
        self.statistics = BandStatistics(card.centre, card.scale)
        self.stride_px, self.classes = network.alignment_px, card.classes
        self.halo_px = halo_of(network, card)
        self._asked_device = device

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, device: str = "auto") -> Predictor:
        """Load a model file.

        Raises:
            ModelFileError: it cannot be used.
            SettingsError: the device is not there.
        """
        network, card = load_model(path)
        return cls(network, card, device=device)

    def with_card(self, card: ModelCard) -> Predictor:
        """The same network with another card, on the device that was asked for."""
        return Predictor(self.network, card, device=self._asked_device)

    def __call__(self, images: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        """Probabilities (N, class, y, x), float32, of pixel values (N, band, y, x) with validity (N, y, x)."""
        with torch.inference_mode():
            probabilities: npt.NDArray[np.float32] = self._probabilities(images, valid).cpu().numpy()
        return probabilities

    def classify(
        self,
        images: npt.NDArray[np.float32],
        valid: npt.NDArray[np.bool_],
        *,
        probabilities: Probabilities = "none",
    ) -> Classified:
        """The classes of a batch of windows, in one pass of the network.

        Args:
            images: pixel values (N, band, y, x).
            valid: where they are data, (N, y, x).
            probabilities: what is wanted beside classes and confidence.
        """
        shares: npt.NDArray[Any] | None = None
        with torch.inference_mode():
            found = self._probabilities(images, valid)
            highest, best = found.max(1)  # on the device: two bytes a pixel leave it, and K more if they are wanted
            classes, percent = (best.to(torch.uint8).add_(1).cpu().numpy(), _percent(highest).cpu().numpy())
            if probabilities != "none":
                shares = (_percent(found) if probabilities == "percent" else found).cpu().numpy()
                shares = np.where(valid[:, None], shares, no_probability(probabilities))
        return Classified(
            np.where(valid, classes, np.uint8(NODATA_CLASS)),
            np.where(valid, percent, np.uint8(NODATA_CONFIDENCE)),
            shares,
        )

    @cached_property
    def digest(self) -> str:
        """Tells models apart: equal for equal weights and cards."""
        return hashlib.sha256(model_bytes(self.network, self.card)).hexdigest()

    def _probabilities(self, images: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> torch.Tensor:
        normalised = torch.from_numpy(self.statistics.normalise(images, valid)).to(
            self.device, memory_format=torch.channels_last
        )
        radius_px, stride_px = self.card.smoothing_px, self.network.stride_px
        with mixed_precision(self.device):
            clusters = self.network.cells(normalised) if radius_px else self.network(normalised)
        classes = self._in_classes(clusters)
        if radius_px:
            has_data = torch.from_numpy(valid).to(self.device)
            classes = smooth(classes, normalised, has_data, radius_px=radius_px, stride_px=stride_px)
        return classes

    def _in_classes(self, clusters: torch.Tensor) -> torch.Tensor:
        """Probabilities (N, class, y, x), those of each class's clusters (N, cluster, y, x) added up."""
        if self.card.class_of == tuple(range(1, clusters.shape[1] + 1)):
            return clusters
        classes = clusters.new_zeros(len(clusters), self.classes, *clusters.shape[2:])
        for cluster, number in enumerate(self.card.class_of):  # one after the other: the same sum everywhere
            classes[:, number - 1] += clusters[:, cluster]
        return classes

    def __reduce__(self) -> tuple[object, tuple[bytes, str]]:
        return _restored, (model_bytes(self.network, self.card), self._asked_device)

    def __dask_tokenize__(self) -> tuple[str, str]:
        return self.digest, self._asked_device


def halo_of(network: Network, card: ModelCard) -> int:
    """How far from a pixel its class depends on the image, by the network and the filter behind it, in pixels.

    A multiple of the network's alignment.
    """
    return network.halo_px + next_multiple(reach_px(card.smoothing_px, network.stride_px), network.alignment_px)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one core in this thread.

    Windows are computed side by side instead, each on one core: faster than one after the other on all cores, and the
    sums are added up in the same order however many cores there are, so that the same bytes come out.
    """
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def no_probability(probabilities: Probabilities) -> np.uint8 | np.float32:
    """The value of pixels without data, in the type of the values."""
    return np.uint8(NODATA_CONFIDENCE) if probabilities == "percent" else np.float32(np.nan)


def _percent(share: torch.Tensor) -> torch.Tensor:
    return (share * 100).round_().to(torch.uint8)


@lru_cache(maxsize=4)  # one process of a cluster gets the same model with each graph
def _restored(content: bytes, device: str) -> Predictor:
    with tempfile.TemporaryDirectory(prefix="geoarseg-") as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(content)
        return Predictor.from_file(path, device=device)
