"""The machine that a reading was taken on. Readings of different machines are not compared."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

_CPUINFO = Path("/proc/cpuinfo")
#: Instruction sets that determine which kernels torch selects.
_FLAGS = ("avx", "avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "fma", "asimd", "sve")


def describe_hardware() -> dict[str, Any]:
    """Processor, its instruction sets, number of cores and operating system; imports nothing heavy."""
    info = _cpuinfo()
    flags = set((info.get("flags") or info.get("Features") or "").split())
    return {
        "cpu": info.get("model name") or platform.processor() or platform.machine(),
        "cpu_flags": [flag for flag in _FLAGS if flag in flags],
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def describe_machine(device: str = "cpu") -> dict[str, Any]:
    """Hardware, threads, versions and, for a CUDA device, the GPU; no host name, user name or path."""
    import torch

    described: dict[str, Any] = {
        "device": device.partition(":")[0],
        **describe_hardware(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": None,
        "gpu": None,
    }
    if device.startswith("cuda"):
        described["cuda"] = torch.version.cuda
        described["gpu"] = torch.cuda.get_device_name(device)
    return described


def _cpuinfo() -> dict[str, str]:
    """The first processor's entries of /proc/cpuinfo; empty where there is no such file."""
    try:
        first = _CPUINFO.read_text(encoding="utf-8").split("\n\n", 1)[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
