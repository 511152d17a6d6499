"""The state of a training on disk, from which it goes on bit for bit.

A file holds tensors and a JSON text only and is read with `weights_only=True`, so it can execute nothing. Its
fingerprint names all that the training depends on; a state of another training is never continued.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from geoarseg.raster.atomic import whole_file

_FORMAT = 1
_UNREADABLE = (
    OSError,
    RuntimeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)
Weights = dict[str, Tensor]


class Sampler(Protocol):
    """Draws crops, with what the objective asks of them: where they are data, or what a teacher says."""

    @property
    def crop_px(self) -> int:
        """Side of the crops."""

    def draw(self, count: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
        """Images (count, band, y, x), and valid (count, y, x) or shares (count, cluster, y, x)."""

    def state(self) -> dict[str, Any]:
        """JSON types only."""

    def restore(self, state: dict[str, Any]) -> None:
        """Continue as the sampler did that gave this state."""


@dataclass(frozen=True)
class Best:
    """The best network of a training so far, by its evaluation."""

    step: int
    score: float
    weights: Weights


@dataclass
class TrainingState:
    """What changes from step to step beside the weights."""

    step: int = 0
    """Steps done."""
    seconds: float = 0.0
    """Time they took, over all sittings."""
    losses: list[float] = field(default_factory=list)
    """The loss of each step, in nats."""
    scores: list[tuple[int, float]] = field(default_factory=list)
    """(step, score) of each evaluation."""
    shares: list[float] = field(default_factory=list)
    """Running mean of the clusters' shares."""
    best: Best | None = None


def fingerprint(**parts: object) -> str:
    """A short text that differs when any of the parts, of JSON types, does."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def save_state(
    path: Path,
    state: TrainingState,
    *,
    fingerprint: str,
    modules: Mapping[str, torch.nn.Module],
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    sampler: Sampler,
) -> None:
    """Write the state, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    text = json.dumps(
        {
            "format": _FORMAT,
            "fingerprint": fingerprint,
            "step": state.step,
            "seconds": state.seconds,
            "losses": state.losses,
            "scores": state.scores,
            "shares": state.shares,
            "rng": rng.bit_generator.state,
            "sampler": sampler.state(),
            "best": None if state.best is None else [state.best.step, state.best.score],
        }
    )
    tensors = {
        "modules": {name: module.state_dict() for name, module in modules.items()},
        "optimizer": optimizer.state_dict(),
        "chance": torch.get_rng_state(),
        "chance_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "best": {} if state.best is None else state.best.weights,
    }
    with whole_file(path, overwrite=True) as unfinished:
        torch.save({"text": text, **tensors}, unfinished)


def fingerprint_of_state(path: Path) -> str | None:
    """Names the training that a state belongs to; None when there is none, or it is damaged."""
    try:
        found = _read(path)[1].get("fingerprint")
    except _UNREADABLE:
        return None
    return found if isinstance(found, str) else None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tensors of a state, and its text; raises one of `_UNREADABLE`."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    return stored, json.loads(stored["text"])


def load_state(
    path: Path,
    *,
    fingerprint: str,
    modules: Mapping[str, torch.nn.Module],
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    sampler: Sampler,
) -> TrainingState | None:
    """Put a training back into the state of a file; None, and nothing changed, when the file is of no use.

    That is so when it is not there, is damaged, or belongs to another training.
    """
    try:
        stored, text = _read(path)
    except _UNREADABLE:
        return None
    if text.get("format") != _FORMAT or text.get("fingerprint") != fingerprint:
        return None
    for name, module in modules.items():
        module.load_state_dict(stored["modules"][name])
    optimizer.load_state_dict(stored["optimizer"])
    torch.set_rng_state(stored["chance"])
    if torch.cuda.is_available() and len(stored["chance_cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(stored["chance_cuda"])
    rng.bit_generator.state = text["rng"]
    sampler.restore(text["sampler"])
    best = None if text["best"] is None else Best(text["best"][0], text["best"][1], stored["best"])
    scores = [(int(step), float(score)) for step, score in text["scores"]]
    return TrainingState(text["step"], text["seconds"], text["losses"], scores, text["shares"], best)
