"""Devices and determinism."""

from __future__ import annotations

from typing import Any

from gath_bench.errors import UsageError


def resolve_device(name: str) -> str:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:i`` -> ``"cpu"`` or ``"cuda:i"``.

    Raises:
        UsageError: not a device name, or no such device here.
    """
    import torch

    if name == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return "cpu"
    kind, _, index = name.partition(":")
    if kind != "cuda" or (index and not index.isdigit()):
        raise UsageError(f"{name!r} is not a device: write auto, cpu, cuda or cuda:0.")
    if not torch.cuda.is_available():
        raise UsageError("there is no CUDA device here: use --device cpu, and see `gath-bench doctor`.")
    number = int(index or 0)
    if number >= torch.cuda.device_count():
        raise UsageError(f"there is no device cuda:{number}: this machine has {torch.cuda.device_count()}.")
    return f"cuda:{number}"


def make_deterministic() -> dict[str, Any]:
    """Ask torch for repeatable kernels, and say what was asked for the manifest."""
    import torch

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
