"""What a manifest records of the machine and the code."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gath_bench
from gath_bench.perf import describe_machine
from gath_bench.version import __version__

#: Packages whose version can move a number.
_PACKAGES = ("torch", "torchvision", "lpips", "numpy", "scikit-image", "pillow", "pyarrow", "pandas")


def describe_environment(device: str) -> dict[str, Any]:
    """Versions, commit and hardware, without user names, host names or paths."""
    packages = {"gath-bench": __version__}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "missing"
    return {
        "machine": describe_machine(device),
        "platform": platform.platform(),
        "packages": packages,
        "source": _commit(),
    }


def _commit() -> dict[str, Any]:
    """The commit of the source tree this package is imported from, and whether that tree is changed."""
    folder = Path(gath_bench.__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return {"commit": None, "dirty": None}
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=10
    ).stdout.strip()
