"""Where batches are loaded: ahead in a thread, or in turn with the model if loading itself uses several threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy.running import toy_suite, toys, values
from toy.toy_plugin import ToyDataset, ToySample

from gath_bench.contracts import Batch
from gath_bench.engine import RunOptions, execute
from gath_bench.registry import Registry
from gath_bench.results import load
from gath_bench.suite import make_plan


def work(seconds: float) -> None:
    """Processor time of this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Busy(ToyDataset):
    """Works for a while in the loading thread and in others."""

    helpers = 0

    def __init__(self) -> None:
        super().__init__(n=12)
        self.threads: list[threading.Thread] = []

    def load(self, samples: Sequence[ToySample]) -> Batch:
        self.threads.append(threading.current_thread())
        others = [threading.Thread(target=work, args=(0.05,)) for _ in range(self.helpers)]
        for thread in others:
            thread.start()
        work(0.05)
        for thread in others:
            thread.join()
        return super().load(samples)


def loaded(folder: Path, helpers: int) -> tuple[list[bool], dict[Any, Any]]:
    """Which batches the main thread loaded, and the values."""
    dataset = Busy()
    dataset.helpers = helpers
    plan = make_plan(toy_suite(("toy-edit",)), Registry.of(toys()))
    cells = tuple(replace(cell, dataset=replace(cell.dataset, instance=dataset)) for cell in plan.cells)
    outcome = execute(replace(plan, cells=cells), None, RunOptions(device="cpu", output=folder))
    assert not outcome.failed
    return [thread is threading.main_thread() for thread in dataset.threads], values(load(folder))


def test_a_data_set_that_uses_several_threads_is_loaded_in_turn(tmp_path: Path) -> None:
    ahead, one = loaded(tmp_path / "one", 0)
    in_turn, several = loaded(tmp_path / "several", 2)
    assert ahead == [False, False, False]
    assert in_turn == [
        False,
        True,
        True,
    ]  # the first batch decides, in a thread, so that one that hangs is stopped
    assert one == several


@pytest.mark.parametrize("helpers", [0, 2])
def test_a_hanging_data_set_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helpers: int) -> None:
    monkeypatch.setattr("gath_bench.engine.time_limit.GRACE_SECONDS", 0.0)

    class Hanging(Busy):
        def load(self, samples: Sequence[ToySample]) -> Batch:
            if len(self.threads) == 2:
                time.sleep(60)
            return super().load(samples)

    dataset = Hanging()
    dataset.helpers = helpers
    plan = make_plan(toy_suite(), Registry.of(toys()))
    cells = tuple(replace(cell, dataset=replace(cell.dataset, instance=dataset)) for cell in plan.cells)
    options = RunOptions(device="cpu", output=tmp_path / "run", timeout=1.0)
    began = time.monotonic()
    assert execute(replace(plan, cells=cells), None, options).timed_out
    assert time.monotonic() - began < 50
