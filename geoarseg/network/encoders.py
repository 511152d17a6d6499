"""The forms of h, the part of the network that sees freely (table 1a); it alone has batch normalisation.

Every form maps (N, band, y, x) to (N, width, y / stride, x / stride) and says how far it sees: `radius_px` is the
distance in input pixels, along rows or columns, from the pixel at a cell's upper left to the farthest that it depends
on.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geoarseg.settings import NetworkSettings

_STRIDES = {1: (1, 1), 2: (2, 1), 4: (2, 2)}


class Rearranged(nn.PixelUnshuffle):
    """h of F1: no weights; the pixels of a cell become its channels."""

    def __init__(self, bands: int, stride_px: int) -> None:
        super().__init__(stride_px)
        self.width = bands * stride_px**2
        self.radius_px = stride_px - 1


class Stem(nn.Sequential):
    """h of F2: two 3 x 3 convolutions."""

    def __init__(self, bands: int, width: int, stride_px: int) -> None:
        strides = _STRIDES[stride_px]
        layers: list[nn.Module] = []
        for channels, stride in zip((bands, width), strides, strict=True):
            layers += [
                nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
        super().__init__(*layers)
        self.width = width
        self.radius_px = 1 + strides[0]


class BasicBlock(nn.Module):
    """A residual block of two 3 x 3 convolutions (He et al. 2016), each with its stride and dilation."""

    def __init__(
        self, channels: int, width: int, strides: tuple[int, int] = (1, 1), dilations: tuple[int, int] = (1, 1)
    ) -> None:
        super().__init__()
        (first, second), (near, far) = strides, dilations
        self.conv1 = nn.Conv2d(channels, width, 3, stride=first, padding=near, dilation=near, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=second, padding=far, dilation=far, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        stride = first * second
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )
        self.radius = near + first * far
        """How far it sees, in cells of its input."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, channel, y, x) to (N, width, y / stride, x / stride)."""
        hidden = F.relu(self.norm1(self.conv1(x)))
        change: Tensor = self.norm2(self.conv2(hidden))
        return F.relu(change + self.shortcut(x))


class Residual(nn.Sequential):
    """h of F3 (one block) and F4 (all of them): residual blocks, the first of which reduces the resolution."""

    def __init__(self, bands: int, width: int, stride_px: int, blocks: int) -> None:
        first = BasicBlock(bands, width, _STRIDES[stride_px])
        further = [BasicBlock(width, width) for _ in range(blocks - 1)]
        super().__init__(first, *further)
        self.width = width
        self.radius_px = first.radius + stride_px * sum(block.radius for block in further)


class ResNet18(nn.Module):
    """h of F5: ResNet-18 (He et al. 2016, table 1) for any number of bands, without its classifier.

    Its five halvings of the resolution are taken in order until the stride is reached; each further one becomes a
    dilation of the layers behind it (Yu and Koltun 2016), so that they see as far as in the original.

    Args:
        bands: input bands.
        width: channels of the first layer, 64 in the original; the output has eight times as many.
        stride_px: input pixels per output cell, a power of two up to 32.
    """

    def __init__(self, bands: int, width: int, stride_px: int) -> None:
        super().__init__()
        self._stride_px, self._jump, self._dilation, self.radius_px = stride_px, 1, 1, 0
        stride, _ = self._halve()
        self.conv1 = nn.Conv2d(bands, width, 7, stride=stride, padding=3, bias=False)
        self.radius_px += 3
        self._jump *= stride
        self.norm1 = nn.BatchNorm2d(width)
        before = self._dilation
        stride, _ = self._halve()
        self.pool = nn.MaxPool2d(3, stride=stride, dilation=before)
        self._pool_padding = (before,) * 4
        self.radius_px += before * self._jump
        self._jump *= stride
        blocks: list[nn.Module] = []
        channels = width
        for level in range(4):
            blocks += [self._first_of(level, channels, width << level), self._further(width << level)]
            channels = width << level
        self.blocks = nn.Sequential(*blocks)
        self.width = channels

    def _halve(self) -> tuple[int, int]:
        """The stride of the next halving, and the dilation before it; what the stride leaves out dilates the rest."""
        before = self._dilation
        if self._jump < self._stride_px:
            return 2, before
        self._dilation *= 2
        return 1, before

    def _first_of(self, level: int, channels: int, width: int) -> BasicBlock:
        stride, before = self._halve() if level else (1, self._dilation)
        block = BasicBlock(channels, width, (stride, 1), (before, self._dilation))
        self.radius_px += before * self._jump
        self._jump *= stride
        self.radius_px += self._dilation * self._jump
        return block

    def _further(self, width: int) -> BasicBlock:
        self.radius_px += 2 * self._dilation * self._jump
        return BasicBlock(width, width, dilations=(self._dilation, self._dilation))

    def forward(self, x: Tensor) -> Tensor:
        """(N, band, y, x) to (N, 8 width, y / stride, x / stride)."""
        hidden = F.relu(self.norm1(self.conv1(x)))
        # Zeros never win against what ReLU gives; torch's own padding does not reach far enough for a dilation.
        features: Tensor = self.blocks(self.pool(F.pad(hidden, self._pool_padding)))
        return features


Encoder = Rearranged | Stem | Residual | ResNet18


def build_encoder(settings: NetworkSettings, bands: int) -> Encoder:
    """The h of the form that the settings name."""
    if settings.form == "F1":
        return Rearranged(bands, settings.stride_px)
    if settings.form == "F2":
        return Stem(bands, settings.width, settings.stride_px)
    if settings.form == "F5":
        return ResNet18(bands, settings.width, settings.stride_px)
    return Residual(bands, settings.width, settings.stride_px, 1 if settings.form == "F3" else settings.blocks)


def calibrate_normalisation(model: nn.Module, images: Tensor) -> None:
    """Let the batch normalisations of an untrained model learn the means and variances of images, and nothing else.

    Args:
        model: called with `images`; its weights stay as they are.
        images: normalised images (N, band, y, x).
    """
    was_training = model.training
    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)
