"""A trained model as a callable on image windows, without orderings: all weights, no masks."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt
import torch

from geoarseg.network.checkpoint import ModelCard, load_model
from geoarseg.network.device import choose_device, mixed_precision
from geoarseg.network.model import Network
from geoarseg.raster.statistics import BandStatistics


class Predictor:
    """Pixel values in, probabilities out.

    Attributes:
        stride_px: windows must start on multiples of this many pixels for the result not to depend on them.
        halo_px: and must be read with at least so many pixels around.
        classes: K.

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
        self.stride_px, self.halo_px, self.classes = network.alignment_px, network.halo_px, network.classes

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, device: str = "auto") -> Predictor:
        """Load a model file.

        Raises:
            ModelFileError: it cannot be used.
            SettingsError: the device is not there.
        """
        network, card = load_model(path)
        return cls(network, card, device=device)

    def __call__(self, images: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        """Probabilities (N, class, y, x), float32, of pixel values (N, band, y, x) with validity (N, y, x)."""
        normalised = torch.from_numpy(self.statistics.normalise(images, valid)).to(
            self.device, memory_format=torch.channels_last
        )
        with torch.inference_mode(), mixed_precision(self.device):
            probabilities: npt.NDArray[np.float32] = self.network(normalised).float().cpu().numpy()
        return probabilities
