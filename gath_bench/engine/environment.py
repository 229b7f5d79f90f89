"""The machine and software versions that a manifest records."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from gath_bench.git import source_state
from gath_bench.perf import describe_machine
from gath_bench.version import __version__

#: Packages whose version can change a value.
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
        "source": asdict(source_state(__file__)),
    }
