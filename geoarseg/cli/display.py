"""How progress looks: bars on a terminal, JSON lines for programs, warnings only when quiet. All on standard error."""

from __future__ import annotations

import json
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from geoarseg.progress import Progress, Stage

if TYPE_CHECKING:
    from rich.progress import TaskID

_JSON_INTERVAL_S = 0.25


class QuietProgress(Progress):
    """Says nothing but warnings."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def warning(self, text: str) -> None:
        """Print the warning."""
        sys.stderr.write(f"Warning: {text}\n")


class JsonProgress(QuietProgress):
    """One JSON object a line: {"event", "stage", "done", "total", "message", ...}."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 0.0

    def _write(self, **fields: object) -> None:
        sys.stderr.write(json.dumps(fields, ensure_ascii=False) + "\n")
        sys.stderr.flush()

    def _stage(self, event: str, stage: Stage) -> None:
        left = stage.remaining_s
        self._write(
            event=event,
            stage=stage.name,
            done=round(stage.done, 3),
            total=stage.total and round(stage.total, 3),
            unit=stage.unit,
            message=stage.message,
            rate=round(stage.rate, 3),
            remaining_s=None if left is None else round(left, 1),
            **stage.values,
        )

    def on_start(self, stage: Stage) -> None:
        """Write a `start`."""
        self._stage("start", stage)

    def on_change(self, stage: Stage) -> None:
        """Write a `progress`, at most four times a second."""
        now = time.monotonic()
        if now - self._last >= _JSON_INTERVAL_S:
            self._last = now
            self._stage("progress", stage)

    def on_end(self, stage: Stage) -> None:
        """Write an `end`."""
        self._stage("end", stage)

    def message(self, text: str) -> None:
        """Write a `message`."""
        self._write(event="message", stage=None, done=None, total=None, message=text)

    def warning(self, text: str) -> None:
        """Write a `warning`."""
        self._write(event="warning", stage=None, done=None, total=None, message=text)


class BarProgress(QuietProgress):
    """A bar a stage, with rate, time left, the loss and the clusters' shares."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console  # slow to import
        from rich.progress import (
            BarColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import (
            Progress as Bars,
        )

        self._bars = Bars(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )
        self._tasks: dict[int, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *details: Any) -> None:
        self._bars.stop()

    def on_start(self, stage: Stage) -> None:
        """Add a bar."""
        self._tasks[id(stage)] = self._bars.add_task(stage.name, total=stage.total, rate="", note="")

    def on_change(self, stage: Stage) -> None:
        """Move the bar."""
        shares = stage.values.get("shares")
        note = stage.message
        if isinstance(shares, list):
            note += "  clusters " + " ".join(f"{100 * share:.0f}" for share in shares[:12]) + " %"
        rate = f"{stage.rate:.1f} {stage.unit}/s"
        self._bars.update(self._tasks[id(stage)], completed=stage.done, rate=rate, note=note)

    def on_end(self, stage: Stage) -> None:
        """Leave the bar as it is."""
        self._bars.stop_task(self._tasks.pop(id(stage)))

    def message(self, text: str) -> None:
        """Print above the bars."""
        self._bars.console.print(text, markup=False)

    def warning(self, text: str) -> None:
        """Print above the bars."""
        self._bars.console.print(f"Warning: {text}", markup=False, style="yellow")


class LineProgress(QuietProgress):
    """One line when a stage ends: for logs and pipes, where bars make no sense."""

    def on_end(self, stage: Stage) -> None:
        """Print the stage and its time."""
        note = f", {stage.message}" if stage.message else ""
        sys.stderr.write(f"{stage.name}: {stage.elapsed_s:.1f} s{note}\n")

    def message(self, text: str) -> None:
        """Print the line."""
        sys.stderr.write(f"{text}\n")


def choose_display(*, quiet: bool, log_json: bool) -> QuietProgress:
    """The display for these wishes and this terminal."""
    if log_json:
        return JsonProgress()
    if quiet:
        return QuietProgress()
    return BarProgress() if sys.stderr.isatty() else LineProgress()
