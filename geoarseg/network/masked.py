"""The masked, shifted convolution of figure 3 (c), and the guard that leaves masked weights untouched by a step.

With an ordering, the input is shifted and the kernel masked so that no output sees a pixel that comes later. Without
one (inference) the same weights make an ordinary centred convolution. The mask multiplies the weights inside the call:
the parameters themselves are never written to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geoarseg.network.orderings import Ordering, never_used


class MaskedConv2d(nn.Conv2d):
    """A convolution of F x F that obeys an ordering when one is given.

    Input and output are (N, channel, y, x) of the same height and width.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_px: kernel size F, odd.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_px: int) -> None:
        if kernel_px % 2 == 0:
            raise ValueError(f"the kernel size must be odd, not {kernel_px}")
        super().__init__(in_channels, out_channels, kernel_px, padding=kernel_px // 2)
        self.kernel_px = kernel_px

    def forward(self, x: Tensor, ordering: Ordering | None = None) -> Tensor:
        """Convolve under `ordering`, or without a mask and a shift when it is None."""
        if ordering is None:
            return super().forward(x)
        shifted = F.pad(x, ordering.padding(self.kernel_px))
        mask = ordering.kernel_mask(self.kernel_px)
        weight = self.weight if mask.all() else self.weight * self._mask(ordering)
        return F.conv2d(shifted, weight, self.bias)

    def _mask(self, ordering: Ordering) -> Tensor:
        return torch.as_tensor(
            ordering.kernel_mask(self.kernel_px).copy(), dtype=self.weight.dtype, device=self.weight.device
        )


@contextmanager
def masked_weights_kept(model: nn.Module, orderings: Sequence[Ordering | None]) -> Iterator[None]:
    """Keep the weights that every view of a step masks bit-identical through the optimizer's step in the block.

    Their gradient is zero, but Adam would move them by its momentum; section 3.1: "the masked weights
    remain unchanged".

    Args:
        model: the network, with its `MaskedConv2d` layers anywhere inside.
        orderings: the orderings of the step's views; None stands for a view without a mask.
    """
    kept: list[tuple[Tensor, Tensor, Tensor]] = []
    used = [ordering for ordering in orderings if ordering is not None]
    if len(used) == len(orderings):
        for layer in model.modules():
            if isinstance(layer, MaskedConv2d) and (masked := never_used(used, layer.kernel_px)).any():
                where = torch.from_numpy(masked).to(layer.weight.device)
                kept.append((layer.weight, where, layer.weight.detach()[..., where].clone()))
    yield
    with torch.no_grad():
        for weight, where, values in kept:
            weight[..., where] = values
