"""Two ranks under torchrun write the same table as one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from toy.running import environment, measure, toy_suite, values, write_suite

from gath_bench.analysis import summarise
from gath_bench.distributed import Ranks
from gath_bench.engine.device import resolve_device
from gath_bench.errors import UsageError
from gath_bench.evaluation.run import evaluate
from gath_bench.plugins import load_plugins
from gath_bench.results import load

METRICS = ("toy-l1", "toy-au", "toy-system")


def torchrun(*words: object) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    plugins = ("--no-plugins", "--plugin", "toy.toy_plugin", "--plugin", "toy.hostile")
    program = ["-m", "gath_bench", *plugins, "run", *map(str, words)]
    return subprocess.run(
        [*launcher, *program, "--device", "cpu"],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
    )


def compare(tmp_path: Path, models: tuple[str, ...], code: int) -> None:
    """Measure the same suite by two ranks and by one process."""
    dataset = "toy[n=22,unreadable=7]"
    suite = write_suite(
        tmp_path / "suite.toml",
        models=models,
        metrics=METRICS,
        datasets=f'[[datasets]]\nname = "{dataset}"\n',
    )
    done = torchrun(suite, "--output", tmp_path / "two", "--json")
    assert done.returncode == code, done.stderr
    assert done.stdout.count('"schema": 1') == 1
    _, one = measure(toy_suite(models, METRICS, dataset), tmp_path / "one")
    two = load(tmp_path / "two")
    assert values(two) == values(one)
    assert summarise(two.manifest, two.observations) == summarise(one.manifest, one.observations)
    assert two.observations["batch"].unique().sort().to_pylist() == [-1, 0, 1, 2, 3, 4, 5]
    assert {path.stem[-1] for path in (tmp_path / "two" / "samples").glob("*-[0-9].parquet")} == {"0", "1"}
    assert [cell.status for cell in two.manifest.cells] == [cell.status for cell in one.manifest.cells]


def test_two_ranks_equal_one_process(tmp_path: Path) -> None:
    compare(tmp_path, ("toy-noise", "toy-gaps"), code=0)


@pytest.mark.slow
def test_two_ranks_equal_one_process_when_something_fails(tmp_path: Path) -> None:
    compare(tmp_path, ("toy-failing", "toy-noise"), code=1)


@pytest.mark.slow
def test_ranks_stop_together_at_the_timeout(tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "suite.toml", models=("toy-noise",))
    done = torchrun(suite, "--output", tmp_path / "run", "--timeout", "0")
    assert done.returncode == 0, done.stderr
    assert "--resume" in done.stderr
    assert load(tmp_path / "run").manifest.status == "running"


@pytest.mark.slow
def test_a_run_with_a_dead_rank_ends_and_can_be_resumed(tmp_path: Path) -> None:
    model = "hostile-ending[how=kill,rank=1]"
    suite = write_suite(tmp_path / "suite.toml", models=("toy-noise", model))
    assert torchrun(suite, "--output", tmp_path / "run").returncode != 0
    kept = values(load(tmp_path / "run"))
    assert kept
    plugins = load_plugins(["toy.toy_plugin", "toy.hostile"], entry_point_group=None)
    evaluate(resume=tmp_path / "run", plugins=plugins)  # without ranks
    evaluate(suite=suite, device="cpu", output=tmp_path / "whole", plugins=plugins)
    whole = values(load(tmp_path / "whole"))
    assert kept.items() <= whole.items()
    assert values(load(tmp_path / "run")) == whole


def test_each_batch_belongs_to_one_rank() -> None:
    ranks = [Ranks(rank, 3) for rank in range(3)]
    for batch in range(10):
        assert sum(rank.mine(batch) for rank in ranks) == 1


def test_each_rank_of_a_machine_takes_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert resolve_device("auto") == "cuda:0"
    for rank, device in (("0", "cuda:0"), ("1", "cuda:1"), ("2", "cuda:0")):
        monkeypatch.setenv("LOCAL_RANK", rank)
        assert resolve_device("auto") == resolve_device("cuda") == device
        assert resolve_device("cuda:1") == "cuda:1"
    with pytest.raises(UsageError, match="this machine has 2"):
        resolve_device("cuda:2")
    with pytest.raises(UsageError, match="not a device"):
        resolve_device("cuda:²")
