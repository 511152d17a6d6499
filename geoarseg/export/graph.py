"""A model as one graph from pixel values to the probabilities of its classes: what goes into an ONNX file."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from geoarseg.inference.smoothing import smooth
from geoarseg.network.checkpoint import ModelCard
from geoarseg.network.model import Network
from geoarseg.raster.statistics import CLIP

DIVISOR = 255.0
"""What Deepness divides pixel values by, whatever their type."""


class MapGraph(nn.Module):
    """Normalisation, the unmasked network, the sum of the clusters of each class, and the guided filter of its map.

    Args:
        network: a trained network, in evaluation mode.
        card: its card.
        divisor: what the pixel values were divided by; the graph undoes it.
    """

    centre: Tensor
    scale: Tensor
    members: Tensor

    def __init__(self, network: Network, card: ModelCard, *, divisor: float = 1.0) -> None:
        super().__init__()
        self.network, self.divisor, self.smoothing_px = network, divisor, card.smoothing_px
        values = class_values(card)
        members = torch.tensor([[float(owner == value) for owner in card.class_of] for value in values])
        self.is_merged = values != card.class_of
        self.register_buffer("centre", torch.tensor(card.centre, dtype=torch.float32)[:, None, None])
        self.register_buffer("scale", torch.tensor(card.scale, dtype=torch.float32)[:, None, None])
        self.register_buffer("members", members[:, :, None, None])  # (class, cluster, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Probabilities (N, class, y, x) float32 of pixel values (N, band, y, x); NaN in a band means no data."""
        has_data = torch.isfinite(image).all(1, keepdim=True)
        normalised = ((image * self.divisor - self.centre) / self.scale).clamp(-CLIP, CLIP)
        normalised = torch.where(has_data, normalised, torch.zeros_like(normalised))
        if not self.smoothing_px:
            return self._in_classes(self.network(normalised))
        cells, stride_px = self._in_classes(self.network.cells(normalised)), self.network.stride_px
        return smooth(cells, normalised, has_data[:, 0], radius_px=self.smoothing_px, stride_px=stride_px)

    def _in_classes(self, clusters: Tensor) -> Tensor:
        return nn.functional.conv2d(clusters, self.members) if self.is_merged else clusters


def class_values(card: ModelCard) -> tuple[int, ...]:
    """The classes that a map of the model may hold, ascending; merged ones leave gaps."""
    return tuple(sorted(set(card.class_of)))
