"""One process or several that train the same network, behind one face."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from geoarseg.training.objective import Objective, StepLoss

Step = Callable[..., StepLoss]


class OneProcess:
    """The usual case: this process trains alone.

    Attributes:
        rank: number of this process, from 0; process 0 reports, evaluates and saves.
        count: number of processes.
    """

    rank, count = 0, 1

    def sum(self, values: Tensor) -> Tensor:
        """Sum over all processes, also of the gradient."""
        return values

    def prepare(self, objective: Objective, optimizer: torch.optim.Optimizer) -> tuple[Step, torch.optim.Optimizer]:
        """Make a step's loss, and the optimizer, work across the processes."""
        return objective, optimizer

    def backward(self, loss: Tensor) -> None:
        """Gradients of a loss, the same in all processes afterwards."""
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def agree(self, value: float) -> float:
        """The value that process 0 has."""
        return value
