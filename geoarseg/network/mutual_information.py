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
    if valid is not None:
        weight = valid[:, None].to(p.dtype)
        p, q = p * weight, q * weight
    if max_shift_px >= FFT_FROM_SHIFT_PX if use_fft is None else use_fft:
        return _joint_by_fft(p, q, max_shift_px)
    return _joint_by_shifts(p, q, max_shift_px)


def _joint_by_shifts(p: Tensor, q: Tensor, t: int) -> Tensor:
    classes, (height, width) = p.shape[1], p.shape[-2:]
    padded = F.pad(q, (t, t, t, t)).transpose(0, 1)
    flat = p.transpose(0, 1).reshape(classes, -1)  # (K, N y x)
    joints = []
    for dy in range(2 * t + 1):
        for dx in range(2 * t + 1):
            shifted = padded[:, :, dy : dy + height, dx : dx + width].reshape(classes, -1)
            joints.append(flat @ shifted.T)
    return torch.stack(joints)


def _joint_by_fft(p: Tensor, q: Tensor, t: int) -> Tensor:
    batch, classes, height, width = p.shape
    rows, columns = _fast_length(height + t), _fast_length(width + t)
    spectrum_p = torch.fft.rfft2(p, s=(rows, columns)).reshape(batch, classes, -1)
    spectrum_q = torch.fft.rfft2(q, s=(rows, columns)).reshape(batch, classes, -1)
    cross = torch.einsum("nkf,njf->kjf", spectrum_p.conj(), spectrum_q).reshape(classes, classes, rows, -1)
    # Only (2T + 1)^2 values of the inverse are wanted: two small matrix products in place of a whole transform.
    shifts = torch.arange(-t, t + 1, dtype=p.dtype, device=p.device)
    back_y = _inverse_kernel(shifts, rows, torch.arange(rows, dtype=p.dtype, device=p.device))
    back_x = _inverse_kernel(shifts, columns, torch.arange(cross.shape[-1], dtype=p.dtype, device=p.device))
    twice = torch.full((cross.shape[-1],), 2.0, dtype=p.dtype, device=p.device)  # rfft keeps one of two conjugates
    twice[0] = 1.0
    if columns % 2 == 0:
        twice[-1] = 1.0
    joint = ((back_y @ cross) @ (back_x * twice).T).real / (rows * columns)  # (K, K, 2T+1, 2T+1)
    return joint.permute(2, 3, 0, 1).reshape(-1, classes, classes).clamp_min(0.0)


def _inverse_kernel(shifts: Tensor, length: int, frequencies: Tensor) -> Tensor:
    """exp(2 pi i shift frequency / length), (shift, frequency); the phase is reduced first to stay exact."""
    phase = torch.remainder(shifts[:, None] * frequencies, length) * (2 * torch.pi / length)
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
