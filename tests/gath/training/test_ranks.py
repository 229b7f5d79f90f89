"""Training with two processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

from gath_bench.distributed import Ranks


def test_two_gloo_ranks_train_and_agree(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--standalone",
        str(Path(__file__).parent / "two_ranks.py"),
        str(tmp_path / "run"),
    ]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == ["estimator: equal", "classifier: equal", "generator: equal"]
    assert (tmp_path / "run" / "gath-warp.safetensors").exists()


def test_a_single_process_averages_nothing() -> None:
    network = torch.nn.Linear(2, 2)
    network(torch.ones(1, 2)).sum().backward()
    before = [weight.grad.clone() for weight in network.parameters() if weight.grad is not None]
    Ranks().average_gradients(network)
    assert all(torch.equal(a, b.grad) for a, b in zip(before, network.parameters(), strict=True))  # type: ignore[arg-type]
    assert Ranks().any(True, "cpu")
    assert not Ranks().any(False, "cpu")
