"""A model that is out of memory gets smaller batches; a folder that a living process writes is not resumed."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from toy.running import environment, measure, toy_suite, toys, values
from toy.toy_plugin import Edit

from gath_bench.engine import RunOptions, execute
from gath_bench.errors import UsageError
from gath_bench.files import exclusive
from gath_bench.registry import Registry
from gath_bench.results import load
from gath_bench.suite import make_plan


class Large(Edit):
    """Is out of memory above a batch size."""

    fits = 1

    def animate(self, portraits: torch.Tensor, target_aus: torch.Tensor) -> torch.Tensor:
        if len(portraits) > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().animate(portraits, target_aus)


def measured(folder: Path, fits: int) -> tuple[bool, dict[Any, Any], list[str]]:
    """Whether a component failed, the values of ``toy-edit`` if ``fits`` images fit in memory, and the warnings."""
    plugins = toys()
    plan = make_plan(toy_suite(("toy-edit",), limit=6), Registry.of(plugins))
    model = Large()
    model.fits = fits
    cells = [
        replace(cell, model=replace(cell.model, instance=model))
        if cell.model.name.name == "toy-edit"
        else cell
        for cell in plan.cells
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = execute(replace(plan, cells=tuple(cells)), plugins, RunOptions(device="cpu", output=folder))
    texts = [str(item.message) for item in caught if "out of memory" in str(item.message)]
    return outcome.failed, values(load(folder)), texts


@pytest.mark.parametrize("fits", [1, 3])
def test_a_batch_that_does_not_fit_in_memory_is_halved(tmp_path: Path, fits: int) -> None:
    _, whole, no_warnings = measured(tmp_path / "whole", 4)
    assert not no_warnings
    failed, halves, texts = measured(tmp_path / "halves", fits)
    assert not failed
    assert halves == whole
    assert "4 images: it generates 2 and 2 instead" in texts[0]


def test_one_image_that_does_not_fit_in_memory_is_a_failure(tmp_path: Path) -> None:
    failed, found, _ = measured(tmp_path / "run", 0)
    assert failed
    assert any("out of memory" in str(value) for value in found.values())


def test_a_run_that_is_still_going_is_not_resumed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    _, run = measure(toy_suite(limit=4), folder)
    program = (
        "import sys; from pathlib import Path; from gath_bench.files import exclusive\n"
        "with exclusive(Path(sys.argv[1])): print('locked', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    assert owner.stdout is not None
    assert owner.stdin is not None
    with owner.stdin, owner.stdout:
        assert owner.stdout.readline() == b"locked\n"
        with pytest.raises(UsageError, match="in use by another process"):
            measure(toy_suite(limit=4), folder, resume=True)
        owner.kill()
        owner.wait()
    _, again = measure(toy_suite(limit=4), folder, resume=True)  # a dead owner holds no lock
    assert values(again) == values(run)
    with exclusive(folder):
        pass
