"""The curves of a training for TensorBoard (`pip install 'geoarseg[tensorboard]'`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from geoarseg.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


@contextmanager
def tensorboard_log(folder: Path) -> Iterator[Callable[[int, dict[str, object]], None]]:
    """A log that writes each step's figures into a folder: a number as `loss`, a list as `shares/1`, `shares/2` ...

    A training that goes on adds to what is there; steps that are done again replace those of before.

    Raises:
        SettingsError: TensorBoard is not installed.
        OutputError: the folder cannot be written.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise SettingsError("TensorBoard is not installed.", "pip install 'geoarseg[tensorboard]'") from None
    writer: SummaryWriter | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}).") from error

    def log(step: int, figures: dict[str, object]) -> None:
        nonlocal writer
        if writer is None:  # only now is it known where the training goes on
            writer = SummaryWriter(str(folder), purge_step=step)
        for name, value in figures.items():
            values = {f"{name}/{n}": v for n, v in enumerate(value, 1)} if isinstance(value, list) else {name: value}
            for tag, figure in values.items():
                writer.add_scalar(tag, figure, step)

    try:
        yield log
    finally:
        if writer is not None:
            writer.close()
