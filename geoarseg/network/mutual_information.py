"""The AC loss: minus the mutual information of two views' cluster maps over small displacements (equations 3 to 6).

For a displacement u in {-T .. T}^2 the joint distribution of the clusters is::

    P_u[k, k'] = sum over n, l of p[n, k, l] q[n, k', l + u]

over pairs of valid pixels inside the maps, made to sum to 1 and symmetrised. The loss is the mean over u of
``-sum P_u (log P_u - lambda log P_u(k) - lambda log P_u(k'))``; or, as IIC also has it, that of the sum of all P_u. All
displacements together are a cross-correlation, so for a large T they are computed by FFT, at a cost that does not grow
with T. The joints of several processes add up before they are normalised, so that their loss is that of one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

FFT_FROM_SHIFT_PX = 3
"""From this T on the FFT is faster than shifted products (`benchmarks/mutual_information.py`)."""
_BLOCK_SHIFTS = 12
"""Transforms are so many T long: blocks of 10 T and what reaches beyond them."""
_LEAST_BLOCK_PX = 64
_SMALLEST = 1e-12
"""Probabilities are kept above this before the logarithm."""


def mutual_information_loss(
    p: Tensor,
    q: Tensor,
    *,
    max_shift_px: int = 0,
    marginal_weight: float = 1.0,
    valid: Tensor | None = None,
    displacements: Literal["each", "summed"] = "each",
    sum_over_processes: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Minus the mutual information of two maps of cluster probabilities.

    Args:
        p: probabilities of the first view, (N, K, y, x), summing to 1 over K.
        q: those of the second view, the same shape.
        max_shift_px: T, the largest displacement in pixels.
        marginal_weight: lambda, the weight of the two marginal entropies; 1 gives the mutual information.
        valid: (N, y, x) of bool, the pixels that take part; all when None.
        displacements: `each` gives the mean of their losses, `summed` the loss of the sum of their joints.
        sum_over_processes: sums the joints (displacement, K, K) over all processes, and its gradient likewise.

    Returns:
        A scalar in nats, in [-log K, 0] for `marginal_weight` 1; 0 when no valid pair is left.

    Raises:
        ValueError: the shapes differ, or T does not fit into the maps.
    """
    if p.shape != q.shape or p.ndim != 4:
        raise ValueError(f"p and q must both be (N, K, y, x), not {tuple(p.shape)} and {tuple(q.shape)}")
    if not 0 <= max_shift_px < min(p.shape[-2:]):
        raise ValueError(f"a displacement of {max_shift_px} does not fit maps of {tuple(p.shape[-2:])}")
    with torch.autocast(p.device.type, enabled=False):
        joint = joint_counts(p, q, max_shift_px=max_shift_px, valid=valid)
        if sum_over_processes is not None:
            joint = sum_over_processes(joint)
        if displacements == "summed":
            joint = joint.sum(0, keepdim=True)
        return loss_of_joint(joint, marginal_weight)


def loss_of_joint(joint: Tensor, marginal_weight: float = 1.0) -> Tensor:
    """The loss of unnormalised joint distributions (displacement, K, K), the mean over those that hold any pair."""
    mass = joint.sum((1, 2))
    joint = joint[mass > 0] / mass[mass > 0][:, None, None]
    if len(joint) == 0:
        return mass.sum() * 0.0
    joint = (joint + joint.transpose(1, 2)) / 2
    marginal = joint.sum(2)  # symmetric: the same for both views
    entropy = -(joint * joint.clamp_min(_SMALLEST).log()).sum((1, 2))
    marginal_entropy = -(marginal * marginal.clamp_min(_SMALLEST).log()).sum(1)
    return (entropy - 2 * marginal_weight * marginal_entropy).mean()


def joint_counts(
    p: Tensor, q: Tensor, *, max_shift_px: int, valid: Tensor | None = None, use_fft: bool | None = None
) -> Tensor:
    """Sums of products of the two maps for every displacement, before normalisation.

    Args:
        p: (N, K, y, x).
        q: (N, K, y, x).
        max_shift_px: T.
        valid: (N, y, x) of bool, or None.
        use_fft: which of the two ways computes it; by T when None. Both give the same.

    Returns:
        (displacement, K, K), displacements row by row from (-T, -T) to (T, T); float32, or float64 for float64 input.
    """
    if p.dtype != torch.float64:
        p, q = p.float(), q.float()
    if valid is not None and not valid.all():
        weight = valid[:, None].to(p.dtype)
        p, q = p * weight, q * weight
    if max_shift_px >= FFT_FROM_SHIFT_PX if use_fft is None else use_fft:
        return _joint_by_fft(p, q, max_shift_px)
    return _joint_by_shifts(p, q, max_shift_px)


def _joint_by_shifts(p: Tensor, q: Tensor, t: int) -> Tensor:
    """One matrix product for each displacement; with zeros around the maps it is an offset in memory, not a copy."""
    width = p.shape[-1] + 2 * t
    flat_p, flat_q = (F.pad(maps, (t, t, t, t)).transpose(0, 1).flatten(1) for maps in (p, q))  # (K, N y x)
    length = flat_p.shape[1]
    joints = []
    for dy in range(-t, t + 1):
        for dx in range(-t, t + 1):
            offset = dy * width + dx
            here, there = max(-offset, 0), max(offset, 0)
            size = length - abs(offset)
            joints.append(flat_p[:, here : here + size] @ flat_q[:, there : there + size].T)
    return torch.stack(joints)


def _joint_by_fft(p: Tensor, q: Tensor, t: int) -> Tensor:
    """Correlate block by block: few frequencies, and one matrix product each over all blocks of all maps.

    Blocks of p have L x L pixels and those of q reach T further on each side, M = L + 2T in all, so that a transform of
    length M holds every displacement without wrapping around.
    """
    classes, (height, width) = p.shape[1], p.shape[-2:]
    side = _fast_length(min(max(_BLOCK_SHIFTS * t, _LEAST_BLOCK_PX), max(height, width) + 2 * t))
    block = side - 2 * t
    down, right = -height % block, -width % block
    p_blocks = F.pad(p, (0, right, 0, down)).unfold(2, block, block).unfold(3, block, block)
    q_blocks = F.pad(q, (t, t + right, t, t + down)).unfold(2, side, block).unfold(3, side, block)
    spectrum_p, spectrum_q = (
        torch.fft.rfft2(blocks, s=(side, side)).permute(4, 5, 1, 0, 2, 3).flatten(3).flatten(0, 1)
        for blocks in (p_blocks, q_blocks)
    )  # (frequency, K, block)
    cross = spectrum_p.conj() @ spectrum_q.transpose(1, 2)  # (frequency, K, K)
    # Only (2T + 1)^2 values of the inverse are wanted: two small matrix products in place of a whole transform.
    half = side // 2 + 1
    back_y, back_x = (_inverse_kernel(t, side, count, p) for count in (side, half))
    twice = torch.full((half,), 2.0, dtype=p.dtype, device=p.device)  # rfft keeps one of two conjugates
    twice[0] = 1.0
    if side % 2 == 0:
        twice[-1] = 1.0
    rows = (back_y @ cross.reshape(side, -1)).reshape(-1, half, classes**2)  # (2T+1, half, K K)
    joint: Tensor = ((back_x * twice) @ rows).real / side**2  # (2T+1, 2T+1, K K)
    return joint.reshape(-1, classes, classes).clamp_min(0.0)


def _inverse_kernel(t: int, length: int, frequencies: int, like: Tensor) -> Tensor:
    """exp(2 pi i lag frequency / length), (lag, frequency), for the lags 0 .. 2T; the phase is kept small."""
    lags, steps = (torch.arange(count, dtype=like.dtype, device=like.device) for count in (2 * t + 1, frequencies))
    phase = torch.remainder(lags[:, None] * steps, length) * (2 * torch.pi / length)
    return torch.complex(phase.cos(), phase.sin())


def _fast_length(length: int) -> int:
    """The next length that has only the factors 2, 3 and 5, which FFTs are fast for."""
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1
