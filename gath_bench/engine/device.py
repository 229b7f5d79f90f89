"""Device names and determinism settings."""

from __future__ import annotations

import os
from typing import Any

from gath_bench.errors import UsageError


def resolve_device(name: str) -> str:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:i`` -> ``"cpu"`` or ``"cuda:i"``.

    Without an index, each rank of ``torchrun`` on one machine takes its own GPU.

    Raises:
        UsageError: not a device name, or the device does not exist.
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
        raise UsageError("no CUDA device is available: use --device cpu, and see `gath-bench doctor`.")
    count = torch.cuda.device_count()
    number = int(index) if index else int(os.environ.get("LOCAL_RANK", "0")) % count
    if number >= count:
        raise UsageError(f"cuda:{number} does not exist: this machine has {count} CUDA device(s).")
    return f"cuda:{number}"


def make_deterministic() -> dict[str, Any]:
    """Make torch use deterministic kernels.

    Returns:
        The settings, for the manifest."""
    import torch

    # Without it cuBLAS may sum in a different order from call to call. It is read when CUDA starts.
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
