"""Output of a training: progress with the time left on standard error; values and sample images in the run folder."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from torch import Tensor

from gath.durations import format_duration
from gath_bench.files import write_text
from gath_bench.images import write_png

#: File and folder names in a run folder.
LOG = "log.jsonl"
SAMPLES = "samples"
#: Seconds between two progress lines where standard error is not a terminal.
_LINE_EVERY = 15.0
#: Decay of the moving average of the seconds per step.
_DECAY = 0.9


class TrainingLogger:
    """Progress, log and sample images.

    Args:
        folder: the run folder.
        enabled: False on all ranks but the first; every method then does nothing.
    """

    def __init__(self, folder: Path, enabled: bool) -> None:
        self.folder, self.enabled = folder, enabled
        self._bar: Any = None
        self._task: Any = None
        self._name, self._last, self._printed = "", (0, time.monotonic()), 0.0
        self._per_step: float | None = None
        self._tensorboard: Any = _open_tensorboard(folder) if enabled else None

    def message(self, text: str) -> None:
        """Print one line on standard error."""
        if self.enabled:
            if self._bar is None:
                click.echo(text, err=True)
            else:  # without markup: names of models contain brackets
                self._bar.console.print(text, markup=False, highlight=False)

    def progress(self, name: str, done: int, total: int, details: str = "") -> None:
        """Show that ``done`` of ``total`` steps of a stage, or images of a stream, are finished."""
        if not self.enabled:
            return
        now = time.monotonic()
        if name != self._name or done < self._last[0]:
            self._start_bar(name, total)
            self._last, self._per_step, self._printed = (done, now), None, now
        elif done > self._last[0]:
            per_step = (now - self._last[1]) / (done - self._last[0])
            previous = per_step if self._per_step is None else self._per_step
            self._per_step = _DECAY * previous + (1 - _DECAY) * per_step
            self._last = (done, now)
        left = "" if self._per_step is None else f"{format_duration(self._per_step * (total - done))} left"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, details=f"{left}  {details}")
            if done >= total:
                self._stop_bar()
        elif done >= total or now - self._printed >= _LINE_EVERY:
            self._printed = now
            click.echo(f"{name}: {done}/{total}  {left}  {details}".rstrip(), err=True)

    def log(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Append a line to ``log.jsonl``, and to TensorBoard's scalars where it is installed."""
        if not self.enabled:
            return
        record = {"stage": stage, "step": step, **{name: _round(value) for name, value in values.items()}}
        with (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        if self._tensorboard is not None:
            for name, value in values.items():
                self._tensorboard.add_scalar(f"{stage}/{name}", value, step)

    def sample(self, stage: str, step: int, image: Tensor) -> None:
        """Write a sample image (3, H, W) in [0, 1] of this step."""
        if not self.enabled:
            return
        (self.folder / SAMPLES).mkdir(exist_ok=True)
        write_png(self.folder / SAMPLES / f"{stage}-{step:06d}.png", image)
        if self._tensorboard is not None:
            self._tensorboard.add_image(stage, image, step)

    def close(self) -> None:
        """Restore the terminal and close TensorBoard."""
        self._stop_bar()
        if self._tensorboard is not None:
            self._tensorboard.close()

    def _start_bar(self, name: str, total: int) -> None:
        self._stop_bar()
        self._name = name
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            columns = (
                TextColumn("{task.description:<10}"),
                BarColumn(20),
                MofNCompleteColumn(),
                TextColumn("{task.fields[details]}"),
            )
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task(name, total=total, details="")

    def _stop_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar, self._name = None, ""


def discard_log_from(folder: Path, stage: str, step: int) -> None:
    """Remove the log lines of a stage from a step on: a resumed training writes them again."""
    path = folder / LOG
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            record = json.loads(line)
        except ValueError:  # the line was being written when the process ended
            break
        if record["stage"] == stage and record["step"] >= step:
            break
        kept.append(line)
    write_text(path, "".join(kept))


def describe_values(values: Mapping[str, float]) -> str:
    """Names and values as text.

    >>> describe_values({"mae": 0.0771, "pcc": 0.8149})
    'mae 0.077, pcc 0.815'
    """
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def _round(value: float) -> float:
    return float(f"{value:.6g}")


def _open_tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
