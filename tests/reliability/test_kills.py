"""Many kills at random moments: nothing is lost, nothing is there twice, and the values are the same bit by bit.

100 kills over ``run``, 20 over ``train`` and 10 over ``label`` take long; the ordinary suite has fewer, in
`tests/engine/test_resume.py`, `tests/evaluation/test_labelling.py` and `tests/reliability/test_process.py`::

    python -m pytest -m slow tests/reliability/test_kills.py

``GATH_BENCH_KILLS=3`` runs the first three of each.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from toy.running import TESTS, command, environment, measure, toy_suite, values, write_suite

from gath_bench.results import Run, load

pytestmark = pytest.mark.slow

#: How many kills of ``run``, ``train`` and ``label``.
RUNS, TRAININGS, LABELLINGS = (
    min(count, int(os.environ.get("GATH_BENCH_KILLS", count))) for count in (100, 20, 10)
)
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


@pytest.mark.parametrize("number", range(RUNS))
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


#: Runs the work that follows; kills this process after KILL_AFTER seconds of it, and prints the seconds of the work.
TIMED = """
import os, signal, sys, threading, time

def work(call):
    if "KILL_AFTER" in os.environ:
        kill = threading.Timer(float(os.environ["KILL_AFTER"]), os.kill, (os.getpid(), signal.SIGKILL))
        kill.daemon = True
        kill.start()
    begun = time.monotonic()
    call()
    print("seconds", time.monotonic() - begun, flush=True)
"""
TRAINING = f"""{TIMED}
sys.path.insert(0, {str(TESTS / "gath")!r})
from pathlib import Path
from conftest import ToyContext
from gath.config import read_config
from gath.training.loop import train
from gath.training.run import TrainingRun

config = read_config("tiny", ("data.name=toy-faces", "checkpoint_every=1", "generator.steps=12"))
work(lambda: train(TrainingRun(config, ToyContext(), Path(sys.argv[1]))))
"""
LABELLING = f"""{TIMED}
from pathlib import Path
from toy.running import toys
from gath_bench.evaluation import labelling

labelling.FLUSH_SECONDS = -1.0
work(lambda: labelling.label(
    "toy[n=200,delay=0.02]", "toy-estimator", output=Path(sys.argv[1]), device="cpu", plugins=toys()
))
"""


def work(program: str, path: Path, kill_after: float | None = None) -> float | None:
    """Run a program; returns the seconds of its work, or None if it was killed."""
    limits = {} if kill_after is None else {"KILL_AFTER": str(kill_after)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], env=environment(**limits), capture_output=True, text=True
    )
    if kill_after is not None and done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    return float(done.stdout.split("seconds")[-1])


@pytest.fixture(scope="module")
def whole_training(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    folder = tmp_path_factory.mktemp("training") / "run"
    seconds = work(TRAINING, folder)
    assert seconds is not None
    return folder, seconds


def trained_state(folder: Path) -> tuple[Any, ...]:
    """Weights, optimizers, log and shipped file of a training."""
    from gath.release.weights_file import load_weights
    from gath.training.checkpoint import load_state

    state = load_state(folder / "checkpoint.pt")
    del state["seconds"], state["origin"]  # the origin lists the commands that resumed it
    weights = load_weights(folder / "gath-warp.safetensors")[0]
    return state, weights, (folder / "log.jsonl").read_text()


def equal(a: Any, b: Any) -> bool:
    """Equality of nested states, bit by bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


@pytest.mark.parametrize("number", range(TRAININGS))
def test_a_training_that_is_killed_at_a_random_moment_ends_with_the_same_weights(
    tmp_path: Path, whole_training: tuple[Path, float], number: int
) -> None:
    whole, seconds = whole_training
    folder = tmp_path / "run"
    work(TRAINING, folder, random.Random(number).uniform(0, seconds))
    work(TRAINING, folder)
    assert equal(trained_state(folder), trained_state(whole))
    assert not list(folder.rglob("*.part"))


@pytest.fixture(scope="module")
def whole_labels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    path = tmp_path_factory.mktemp("labels") / "labels.parquet"
    seconds = work(LABELLING, path)
    assert seconds is not None
    return path, seconds


@pytest.mark.parametrize("number", range(LABELLINGS))
def test_a_labelling_that_is_killed_at_a_random_moment_loses_nothing(
    tmp_path: Path, whole_labels: tuple[Path, float], number: int
) -> None:
    whole, seconds = whole_labels
    path = tmp_path / "labels.parquet"
    work(LABELLING, path, random.Random(number).uniform(0, seconds))
    work(LABELLING, path)
    assert path.read_bytes() == whole.read_bytes()
    assert [item.name for item in tmp_path.iterdir()] == ["labels.parquet"]
