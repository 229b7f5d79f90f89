"""``gath-bench perf`` as a user calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from gath_perf.commands import perf as perf_group
from gath_perf.records import read_records

from gath_bench.errors import UsageError

HERE = Path(__file__).resolve().parent


def perf(storage: Path, *words: str, work: float = 1.0) -> subprocess.CompletedProcess[str]:
    """Call the command in its own process, with the worker model doing ``work`` times its usual work."""
    environment = os.environ | {"GATH_TEST_WORK": str(work), "PYTHONPATH": str(HERE), "COLUMNS": "160"}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "gath_bench",
            "--plugin",
            "worker_plugin",
            "perf",
            *words,
            "--storage",
            str(storage),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def measure(storage: Path, work: float = 1.0, rounds: int = 24) -> None:
    done = perf(storage, "run", "-m", "worker", "--batch", "1", "--rounds", str(rounds), work=work)
    assert done.returncode == 0, done.stdout + done.stderr


def test_run_compare_history(tmp_path: Path) -> None:
    measure(tmp_path)
    measure(tmp_path, work=3.0)
    compared = perf(tmp_path, "compare", "--fail", "10%")
    assert compared.returncode == 1, compared.stdout
    assert "model/worker/batch-1/128px" in compared.stdout
    assert "slower" in compared.stdout
    # In the reverse order it is faster, and passes.
    assert perf(tmp_path, "compare", "0002", "0001", "--fail", "10%").returncode == 0
    history = perf(tmp_path, "history")
    assert "0001_run" in history.stdout
    assert "0002_run" in history.stdout


def test_history_shows_names_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    storage = HERE.parents[1] / "results" / "perf"
    shown = CliRunner().invoke(perf_group, ["history", "--storage", str(storage)], catch_exceptions=False)
    lines = shown.output.splitlines()
    assert max(map(len, lines)) <= 80
    for record in read_records([storage]):
        assert any(line.startswith(f"{record.name}  commit {record.commit}") for line in lines)
        for name in record.readings:
            assert any(line.split()[0] == name for line in lines)


def test_what_cannot_be_tracked_is_one_sentence(tmp_path: Path) -> None:
    done = perf(tmp_path, "run", "-m", "oracle")
    assert done.returncode == 2
    assert "oracle cannot be tracked" in done.stderr
    assert "Traceback" not in done.stderr
    done = perf(tmp_path, "run", "-M", "throughput")
    assert done.returncode == 2
    assert "track the model with -m" in done.stderr
    assert perf(tmp_path, "compare", "--fail", "much").returncode == 2
    done = perf(tmp_path, "run", "-M", "fid")
    assert done.returncode == 2
    assert "fid cannot be tracked: it has one value over all images" in done.stderr
    for words in (("compare",), ("history",)):
        empty = perf(tmp_path, *words)
        assert empty.returncode == 2
        assert "there is no record in" in empty.stderr


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--size", "0"), "--size 0 is too small"),
        (("--name", ""), "is not the name of a record"),
        (("--name", "../x"), "is not the name of a record"),
    ],
)
def test_options_without_a_meaning_are_refused(words: tuple[str, ...], part: str) -> None:
    refused = CliRunner().invoke(perf_group, ["run", *words])
    assert isinstance(refused.exception, UsageError)
    assert part in str(refused.exception)


def test_a_metric_is_tracked_on_real_samples(tmp_path: Path) -> None:
    done = perf(
        tmp_path, "run", "-M", "ssim", "-d", "synthfaces[resolution=64]", "--batch", "2", "--rounds", "24"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = read_records([tmp_path])
    reading = record.readings["metric/ssim/batch-2/64px/synthfaces[resolution=64]"]
    assert reading.images == 2
    assert reading.key.startswith("ssim@")
    assert len(reading.milliseconds) == 24
    assert {len(times) for times in reading.references.values()} == {24}
    assert {"torch", "cuda", "gpu", "cpu_flags", "threads"} <= set(record.machine)


@pytest.mark.slow
def test_thirty_percent_fails_and_unchanged_passes_ten_times(tmp_path: Path) -> None:
    measure(tmp_path, rounds=1000)
    for _ in range(10):
        measure(tmp_path, rounds=1000)
        unchanged = perf(tmp_path, "compare", "0001", "-1", "--fail", "10%")
        assert unchanged.returncode == 0, unchanged.stdout
    measure(tmp_path, work=1.3, rounds=1000)
    slowed = perf(tmp_path, "compare", "0001", "-1", "--fail", "10%")
    assert slowed.returncode == 1, slowed.stdout
