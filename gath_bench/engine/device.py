"""Devices and determinism."""

from __future__ import annotations

import os
from typing import Any

from gath_bench.errors import UsageError


def resolve_device(name: str) -> str:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:i`` -> ``"cpu"`` or ``"cuda:i"``.

    Without an index, the ranks of ``torchrun`` on one machine take a GPU each.

    Raises:
        UsageError: not a device name, or no such device here.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return "cpu"
    kind, _, index = name.partition(":")
    if kind != "cuda" or (index and not index.isdecimal()):
        raise UsageError(f"{name!r} is not a device: write auto, cpu, cuda or cuda:0.")
    if not torch.cuda.is_available():
        raise UsageError("there is no CUDA device here: use --device cpu, and see `gath-bench doctor`.")
    count = torch.cuda.device_count()
    number = int(index) if index else int(os.environ.get("LOCAL_RANK", "0")) % count
    if number >= count:
        raise UsageError(f"there is no device cuda:{number}: this machine has {count}.")
    return f"cuda:{number}"


def make_deterministic() -> dict[str, Any]:
    """Ask torch for repeatable kernels, and say what was asked for the manifest."""
    import torch

    # Without it cuBLAS may sum in another order from one call to the next; it is read when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return {
        "deterministic_algorithms": True,
        "cudnn_benchmark": False,
        "tf32": False,
        "threads": torch.get_num_threads(),
    }
