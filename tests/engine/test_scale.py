"""Memory and time of a run as the number of samples and of processes grows.

pytest -m slow tests/engine/test_scale.py -s
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import pytest
from toy.running import environment, values, write_suite

from gath_bench.results import load

pytestmark = pytest.mark.slow

PLUGINS = ("--no-plugins", "--plugin", "toy.toy_plugin", "--plugin", "toy.wide")


@dataclass(frozen=True)
class Cost:
    """Seconds of wall time and of processor time, and the highest resident memory in MB."""

    wall: float
    processor: float
    memory: float


def start(folder: Path, samples: int, launcher: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    """Start ``gath-bench run`` with two models and two metrics."""
    suite = write_suite(
        folder.with_suffix(".toml"),
        metrics=("toy-l1", "toy-au"),
        batch_size=64,
        datasets=f'[[datasets]]\nname = "wide[n={samples}]"\n',
    )
    words = [sys.executable, *launcher, "-m", "gath_bench", *PLUGINS, "run", str(suite)]
    words += ["--output", str(folder), "--device", "cpu"]
    return subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def cost_of(process: subprocess.Popen[bytes]) -> Cost:
    """Wait for a process that has just been started."""
    begun = time.monotonic()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    seconds = usage.ru_utime + usage.ru_stime
    return Cost(time.monotonic() - begun, seconds, usage.ru_maxrss / 1024)


def test_memory_hardly_grows_and_time_is_linear(tmp_path: Path) -> None:
    costs = {}
    for samples in (1_000, 10_000, 50_000):
        folder = tmp_path / str(samples)
        costs[samples] = cost = cost_of(start(folder, samples))
        words = [sys.executable, "-m", "gath_bench", *PLUGINS, "report", str(folder)]
        report = cost_of(subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL))
        rows = len(load(folder).unordered)
        size = sum(path.stat().st_size for path in (folder / "samples").iterdir())
        print(
            f"{samples:,} samples: {cost.memory:.0f} MB, {cost.wall:.1f} s, processor {cost.processor:.1f} s;"
        )
        print(f"  {rows:,} observations of {size / rows:.1f} bytes; `report` {report.memory:.0f} MB")
    assert costs[50_000].memory <= 1.2 * costs[1_000].memory
    first = (costs[10_000].processor - costs[1_000].processor) / 9_000
    then = (costs[50_000].processor - costs[10_000].processor) / 40_000
    assert then <= 1.2 * first


def test_one_two_and_four_ranks_give_equal_tables(tmp_path: Path) -> None:
    """Four ranks as two launchers with two processes each, as on two machines."""
    module = ("-m", "torch.distributed.run", "--nproc-per-node", "2")
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = ("--master-addr", "127.0.0.1", "--master-port", str(probe.getsockname()[1]))
    launchers = {
        1: [()],
        2: [(*module, "--standalone")],
        4: [(*module, *place, "--nnodes", "2", "--node-rank", str(node)) for node in range(2)],
    }
    found = {}
    for ranks, machines in launchers.items():
        begun = time.monotonic()
        folder = tmp_path / str(ranks)
        processes = [start(folder, 5_000, launcher) for launcher in machines]
        assert [process.wait(timeout=600) for process in processes] == [0] * len(machines)
        found[ranks] = values(load(folder))
        print(f"{ranks} ranks: {time.monotonic() - begun:.1f} s")
    assert found[1] == found[2] == found[4]
