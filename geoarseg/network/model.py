"""The network F = h . g_ar . d (sections 3.1 and 3.3), in the forms F1 to F5 of table 1a.

h sees each pixel's surroundings freely and may reduce the resolution (`encoders.py`). g_ar obeys an ordering in
training and is unmasked at inference. The decoder d maps to K clusters, upsamples to the input's size and gives
probabilities. A second head of more clusters may be trained along and is left out of model files.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geoarseg.network.attention import MaskedAttention
from geoarseg.network.encoders import build_encoder
from geoarseg.network.masked import MaskedConv2d
from geoarseg.network.orderings import Ordering
from geoarseg.settings import NetworkSettings


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(relu(x)))), under an ordering; no batch normalisation."""

    def __init__(self, width: int, kernel_px: int, dropout: float) -> None:
        super().__init__()
        self.first = MaskedConv2d(width, width, kernel_px)
        self.second = MaskedConv2d(width, width, kernel_px)
        self.dropout = nn.Dropout2d(dropout)
        self.radius = 2 * (kernel_px // 2)

    def forward(self, x: Tensor, ordering: Ordering | None = None) -> Tensor:
        """(N, channel, y, x) to the same shape."""
        hidden: Tensor = self.first(F.relu(x), ordering)
        change: Tensor = self.second(self.dropout(F.relu(hidden)), ordering)
        return x + change


class Autoregressive(nn.Module):
    """g_ar: residual blocks, and attention behind the first, that all obey the same ordering.

    Attributes:
        radius: how far an output cell sees without an ordering, in cells.

    Args:
        width: channels of the input; without blocks, of the output too.
        settings: width, kernel size, dropout and attention.
        blocks: number of residual blocks; 0 makes it the identity.
        crop_cells: side of the training's crops in cells, the window of the attention.
    """

    def __init__(self, width: int, settings: NetworkSettings, blocks: int, crop_cells: int) -> None:
        super().__init__()
        # h of F1 has no weights, so that g_ar itself must reach the width.
        fits = width == settings.width or blocks == 0
        self.entry = None if fits else MaskedConv2d(width, settings.width, settings.kernel_px)
        self.blocks = nn.ModuleList(
            ResidualBlock(settings.width, settings.kernel_px, settings.dropout) for _ in range(blocks)
        )
        self.attention = None
        self.width = settings.width if blocks else width
        self.radius = blocks * 2 * (settings.kernel_px // 2) + (0 if fits else settings.kernel_px // 2)
        if settings.attention:
            self.attention = MaskedAttention(settings.width, settings.attention_width, max(crop_cells // 2 * 2, 2))
            self.radius += self.attention.window_cells

    def forward(self, x: Tensor, ordering: Ordering | None = None) -> Tensor:
        """(N, channel, y, x) to (N, width, y, x); unmasked when `ordering` is None."""
        if self.entry is not None:
            x = self.entry(x, ordering)
        for number, block in enumerate(self.blocks):
            x = block(x, ordering)
            if number == 0 and self.attention is not None:
                x = self.attention(x, ordering)
        return x


class Network(nn.Module):
    """F = h . g_ar . d.

    Attributes:
        stride_px: input pixels per cell of g_ar.
        alignment_px: windows must start on multiples of this for their result not to depend on them: the stride, and
            with attention the distance of its windows.
        halo_px: an output pixel depends on input pixels at most this far away, along rows or columns, when no ordering
            is given; a multiple of the alignment.

    Args:
        settings: form, widths, depths, kernel size and stride.
        bands: number of input bands.
        classes: number of clusters K.
        crop_px: side of the training's crops, which attention needs.
    """

    def __init__(self, settings: NetworkSettings, bands: int, classes: int, crop_px: int = 64) -> None:
        super().__init__()
        self.bands, self.classes, self.stride_px = bands, classes, settings.stride_px
        self.h = build_encoder(settings, bands)
        blocks = {"F3": settings.blocks - 1, "F4": 0, "F5": 0}.get(settings.form, settings.blocks)
        self.g_ar = Autoregressive(self.h.width, settings, blocks, crop_px // self.stride_px)
        self.d = nn.Conv2d(self.g_ar.width, classes, 1)
        self.auxiliary = None
        if settings.auxiliary_classes:
            self.auxiliary = nn.Conv2d(self.g_ar.width, settings.auxiliary_classes, 1)
        attention = self.g_ar.attention
        self.alignment_px = self.stride_px * (attention.window_cells // 2 if attention else 1)
        # Bilinear upsampling takes in the next cell, and a cell's pixels span the stride.
        upsampling = 2 * self.stride_px - 1 if self.stride_px > 1 else 0
        radius = self.g_ar.radius * self.stride_px + self.h.radius_px + upsampling
        self.halo_px = -(-radius // self.alignment_px) * self.alignment_px

    def features(self, x: Tensor) -> Tensor:
        """h: (N, band, y, x) to (N, channel, y / stride, x / stride), the input padded with zeros to the stride."""
        height, width = x.shape[-2:]
        stride = self.stride_px
        return self.h(F.pad(x, (0, -width % stride, 0, -height % stride)))  # type: ignore[no-any-return]  # nn.Module

    def log_probabilities(
        self, features: Tensor, size: tuple[int, int], ordering: Ordering | None = None, *, auxiliary: bool = False
    ) -> list[Tensor]:
        """g_ar and its heads: log-probabilities (N, K, y, x) at `size`, under an ordering or unmasked.

        Args:
            features: what h gave.
            size: height and width of the input.
            ordering: which ordering g_ar obeys.
            auxiliary: also give those of the auxiliary head, if there is one.
        """
        hidden = self.g_ar(features, ordering)
        heads = [self.d, *([self.auxiliary] if auxiliary and self.auxiliary is not None else [])]
        return [self._upsample(head(hidden), size).float().log_softmax(1) for head in heads]

    def dense_features(self, x: Tensor) -> Tensor:
        """Unmasked features of every pixel: (N, band, y, x) to (N, width, y, x), upsampled as the logits are.

        d and the upsampling commute, so `d` of these features gives the logits of the map.
        """
        height, width = x.shape[-2:]
        return self._upsample(self.g_ar(self.features(x)), (height, width))

    def cells(self, x: Tensor) -> Tensor:
        """Unmasked probabilities of cells, float32: (N, band, y, x) to (N, K, y / stride, x / stride), rounded up."""
        logits: Tensor = self.d(self.g_ar(self.features(x)))
        return logits.float().softmax(1)

    def forward(self, x: Tensor, ordering: Ordering | None = None) -> Tensor:
        """Probabilities (N, K, y, x), float32, of normalised images (N, band, y, x)."""
        height, width = x.shape[-2:]
        return self.log_probabilities(self.features(x), (height, width), ordering)[0].exp()

    def _upsample(self, cells: Tensor, size: tuple[int, int]) -> Tensor:
        if self.stride_px > 1:
            cells = F.interpolate(cells, scale_factor=self.stride_px, mode="bilinear", align_corners=False)
        return cells[..., : size[0], : size[1]]


def build_network(settings: NetworkSettings, *, bands: int, classes: int, seed: int = 0, crop_px: int = 64) -> Network:
    """A network with fresh weights that depend on `seed` only; the global random state is left alone.

    Args:
        settings: form, widths, depths, kernel size and stride.
        bands: number of input bands.
        classes: number of clusters K.
        seed: of the weights.
        crop_px: side of the training's crops; attention at inference runs in windows of that size.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(settings, bands, classes, crop_px)
