"""One process or several that train the same network, behind one face.

Several share a batch of crops. Process r has the joint distribution J_r of its own, and all have the loss L of the sum
J. On the way back the sum's gradient is summed over the n processes as well, so that process r finds
``n dL/dJ dJ_r/dw`` for a weight w; the mean over processes, which is what DDP takes, is ``dL/dJ dJ/dw``, the gradient
of the whole batch in one process.

Process 0 decides: between two steps the others wait in `agree` for its word. `launch.py` starts them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from geoarseg.network.device import choose_device
from geoarseg.training.objective import Objective, StepLoss
from geoarseg.training.state import Sampler

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Step = Callable[..., StepLoss]
_GIVE_STATE = "give the state of your sampler"


class OneProcess:
    """The usual case: this process trains alone.

    Attributes:
        rank: number of this process, from 0; process 0 reports, evaluates and saves.
        count: number of processes.
    """

    rank, count = 0, 1

    def device(self, name: str) -> torch.device:
        """The device that this process computes on, of the name in the settings."""
        return choose_device(name)

    def share(self, sampler: Sampler) -> Sampler:
        """The sampler, with a state that holds those of all processes."""
        return sampler

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


class FabricProcesses(OneProcess):
    """One of several processes, joined by Lightning Fabric."""

    def __init__(self, fabric: Fabric) -> None:
        self.rank, self.count = fabric.global_rank, fabric.world_size
        self._fabric = fabric
        self._sampler: _SharedSampler | None = None

    def device(self, name: str) -> torch.device:
        """The GPU of this process's number, or the CPU."""
        return self._fabric.device

    def share(self, sampler: Sampler) -> Sampler:
        """The sampler, with a state that holds those of all processes; process 0 may ask for it between two steps."""
        self._sampler = _SharedSampler(sampler, self)
        return self._sampler

    def sum(self, values: Tensor) -> Tensor:
        """Sum over all processes, also of the gradient."""
        total: Tensor = _SumOverProcesses.apply(values)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return total

    def prepare(self, objective: Objective, optimizer: torch.optim.Optimizer) -> tuple[Step, torch.optim.Optimizer]:
        """Wrap the loss by DDP; the optimizer needs nothing, as gradients and weights are the same everywhere."""
        if self._fabric.device.type == "cuda":  # torch has none for the CPU, where each normalises by its own crops
            nn.SyncBatchNorm.convert_sync_batchnorm(objective)  # type: ignore[no-untyped-call]  # as above
        if objective.train_settings.objective != "ac" and objective.network.auxiliary is not None:
            objective.network.auxiliary.requires_grad_(False)  # only AC has a use for it, and DDP would wait for it
        module = self._fabric.setup_module(_Tensors(objective))
        torch.manual_seed(torch.initial_seed() + self.rank)  # each drops out channels of its own

        def step(*arguments: Any) -> StepLoss:
            return StepLoss(*module(*arguments))

        return step, optimizer

    def backward(self, loss: Tensor) -> None:
        """Gradients of a loss, the mean over the processes."""
        self._fabric.backward(loss)

    def agree(self, value: float) -> float:
        """The value that process 0 has; until it comes, give it what it asks for."""
        word: float | str = self._fabric.broadcast(value)
        while word == _GIVE_STATE:
            assert self._sampler is not None
            self._sampler.state()
            word = self._fabric.broadcast(value)
        return float(word)

    def gather(self, item: object) -> list[Any]:
        """The items of all processes, in order; all must call this. Process 0 calls the others to it."""
        if self.rank == 0:
            self._fabric.broadcast(_GIVE_STATE)
        items: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(items, item)
        return items


class _SumOverProcesses(torch.autograd.Function):
    """The sum, and the sum of its gradients (torch's own is deprecated, and what it recommends is not public)."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(total)
        return total


class _SharedSampler:
    """A process's own sampler; its state holds the chance of all processes."""

    def __init__(self, sampler: Sampler, processes: FabricProcesses) -> None:
        self._sampler, self._processes = sampler, processes

    @property
    def crop_px(self) -> int:
        return self._sampler.crop_px

    def draw(self, count: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
        return self._sampler.draw(count)

    def state(self) -> dict[str, Any]:
        mine: dict[str, Any] = {"sampler": self._sampler.state(), "chance": torch.get_rng_state().tolist()}
        if torch.cuda.is_available():
            mine["chance_cuda"] = torch.cuda.get_rng_state().tolist()
        return {"processes": self._processes.gather(mine)}

    def restore(self, state: dict[str, Any]) -> None:
        mine = state["processes"][self._processes.rank]
        self._sampler.restore(mine["sampler"])
        torch.set_rng_state(torch.tensor(mine["chance"], dtype=torch.uint8))
        if torch.cuda.is_available() and "chance_cuda" in mine:
            torch.cuda.set_rng_state(torch.tensor(mine["chance_cuda"], dtype=torch.uint8))


class _Tensors(nn.Module):
    """An objective that gives a tuple: Fabric refuses to look for tensors in a frozen dataclass."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.objective = objective

    def forward(self, *arguments: Any) -> tuple[Tensor, Tensor | None]:
        result: StepLoss = self.objective(*arguments)
        return result.loss, result.shares
