"""Which device computes, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from geoarseg.errors import DeviceError


def choose_device(name: str) -> torch.device:
    """The device of this name; `auto` takes a GPU where there is one.

    Raises:
        DeviceError: the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"There is no device {name} here.", "Use --device cpu.")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("There is no device mps here.", "Use --device cpu.")
    return device


def mixed_precision(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 where it pays, that is on CUDA; nothing elsewhere."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()
