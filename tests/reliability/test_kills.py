"""Many kills at random moments: nothing is lost, nothing is there twice, and the values are the same bit by bit.

100 kills over ``run`` take long; `tests/engine/test_resume.py` has the kills of the ordinary suite::

    python -m pytest -m slow tests/reliability/test_kills.py
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from toy.running import command, environment, measure, toy_suite, values, write_suite

from gath_bench.results import Run, load

MODELS, METRICS, DATASET = ("toy-noise[delay=0.05]", "toy-edit"), ("toy-l1", "toy-au"), "toy[n=24,delay=0.02]"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, float]:
    """The run that was not killed, and the seconds that a process needs for it."""
    suite = write(tmp_path_factory.mktemp("suite"))
    folder = tmp_path_factory.mktemp("whole") / "run"
    begun = time.monotonic()
    subprocess.run(
        words("run", suite, "--output", folder), env=environment(), check=True, capture_output=True
    )
    seconds = time.monotonic() - begun
    _, run = measure(toy_suite(MODELS, METRICS, DATASET), tmp_path_factory.mktemp("here"))
    assert values(run) == values(load(folder))
    return run, seconds


def write(folder: Path) -> Path:
    datasets = f'[[datasets]]\nname = "{DATASET}"\n'
    return write_suite(folder / "suite.toml", models=MODELS, metrics=METRICS, datasets=datasets)


def words(*given: object) -> list[str]:
    return command(*given, "--device", "cpu", flush_always=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(100))
def test_a_run_that_is_killed_at_a_random_moment_loses_nothing(
    tmp_path: Path, uninterrupted: tuple[Run, float], number: int
) -> None:
    whole, seconds = uninterrupted
    folder, suite = tmp_path / "run", write(tmp_path)
    process = subprocess.Popen(
        words("run", suite, "--output", folder), env=environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(random.Random(number).uniform(0.1, seconds))
    process.send_signal(signal.SIGKILL)
    process.wait()
    given = ("--resume", folder) if (folder / "manifest.json").exists() else (suite, "--output", folder)
    subprocess.run(words("run", *given), env=environment(), check=True, capture_output=True)
    run = load(folder)
    assert values(run) == values(whole)  # it also asserts that no observation is there twice
    assert run.manifest.status == "finished"
    assert not list(folder.rglob("*.part"))
