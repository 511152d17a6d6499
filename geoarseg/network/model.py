"""The network F = h . g_ar . d (section 3.1), form F2: a stem, autoregressive residual blocks, a decoder.

The stem h sees each pixel's surroundings freely and may reduce the resolution; it alone has batch normalisation, which
in g_ar would let every position see every other. g_ar obeys an ordering in training and is unmasked at inference. The
decoder d maps to K clusters, upsamples to the input's size and gives probabilities.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geoarseg.config import NetworkSettings
from geoarseg.network.masked import MaskedConv2d
from geoarseg.network.orderings import Ordering


class Stem(nn.Sequential):
    """h: 3 x 3 convolutions with batch normalisation; (N, band, y, x) to (N, width, y / stride, x / stride)."""

    def __init__(self, bands: int, width: int, stride_px: int) -> None:
        strides = {1: (1, 1), 2: (2, 1), 4: (2, 2)}[stride_px]
        layers: list[nn.Module] = []
        for channels, stride in zip((bands, width), strides, strict=True):
            layers += [
                nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
        super().__init__(*layers)
        self.radius_px = 1 + strides[0]
        """How far, in input pixels, an output cell sees beyond the pixel at its upper left."""


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(relu(x)))), under an ordering; no batch normalisation."""

    def __init__(self, width: int, kernel_px: int, dropout: float) -> None:
        super().__init__()
        self.first = MaskedConv2d(width, width, kernel_px)
        self.second = MaskedConv2d(width, width, kernel_px)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor, ordering: Ordering | None = None) -> Tensor:
        """(N, channel, y, x) to the same shape."""
        hidden: Tensor = self.first(F.relu(x), ordering)
        change: Tensor = self.second(self.dropout(F.relu(hidden)), ordering)
        return x + change


class Autoregressive(nn.Module):
    """g_ar: residual blocks that all obey the same ordering."""

    def __init__(self, width: int, blocks: int, kernel_px: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(width, kernel_px, dropout) for _ in range(blocks))

    def forward(self, x: Tensor, ordering: Ordering | None = None) -> Tensor:
        """(N, channel, y, x) to the same shape; unmasked when `ordering` is None."""
        for block in self.blocks:
            x = block(x, ordering)
        return x


class Network(nn.Module):
    """F = h . g_ar . d.

    Attributes:
        stride_px: input pixels per cell of g_ar.
        halo_px: an output pixel depends on input pixels at most this far away, along rows or columns, when no ordering
            is given; a multiple of the stride.

    Args:
        settings: widths, depths, kernel size and stride.
        bands: number of input bands.
        classes: number of clusters K.
    """

    def __init__(self, settings: NetworkSettings, bands: int, classes: int) -> None:
        super().__init__()
        self.bands, self.classes, self.stride_px = bands, classes, settings.stride_px
        self.h = Stem(bands, settings.width, settings.stride_px)
        self.g_ar = Autoregressive(settings.width, settings.blocks, settings.kernel_px, settings.dropout)
        self.d = nn.Conv2d(settings.width, classes, 1)
        # Bilinear upsampling takes in the next cell, and a cell's pixels span the stride.
        upsampling = 2 * self.stride_px - 1 if self.stride_px > 1 else 0
        cells = 2 * settings.blocks * (settings.kernel_px // 2)
        radius = cells * self.stride_px + self.h.radius_px + upsampling
        self.halo_px = -(-radius // self.stride_px) * self.stride_px

    def features(self, x: Tensor) -> Tensor:
        """h: (N, band, y, x) to (N, width, y / stride, x / stride), the input padded with zeros to the stride."""
        height, width = x.shape[-2:]
        stride = self.stride_px
        return self.h(F.pad(x, (0, -width % stride, 0, -height % stride)))  # type: ignore[no-any-return]  # nn.Module

    def log_probabilities(self, features: Tensor, size: tuple[int, int], ordering: Ordering | None = None) -> Tensor:
        """g_ar and d: features to log-probabilities (N, K, y, x) at `size`, under an ordering or unmasked."""
        logits = self.d(self.g_ar(features, ordering))
        if self.stride_px > 1:
            logits = F.interpolate(logits, scale_factor=self.stride_px, mode="bilinear", align_corners=False)
        cropped: Tensor = logits[..., : size[0], : size[1]]
        return cropped.float().log_softmax(1)

    def forward(self, x: Tensor, ordering: Ordering | None = None) -> Tensor:
        """Probabilities (N, K, y, x), float32, of normalised images (N, band, y, x)."""
        height, width = x.shape[-2:]
        return self.log_probabilities(self.features(x), (height, width), ordering).exp()


def build_network(settings: NetworkSettings, *, bands: int, classes: int, seed: int = 0) -> Network:
    """A network with fresh weights that depend on `seed` only; the global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(settings, bands, classes)
