"""Weights files of users: where they are looked for, and what is said when one is missing.

The search order is: an explicit path (a component's parameter ``weights``), the folder that ``GATH_BENCH_WEIGHTS``
names, the cache folder that ``gath-bench weights get`` and ``add`` write to, and the folders of other packages that
the `WeightsSpec` names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gath_bench.contracts.specs import WeightsSpec
from gath_bench.errors import UsageError

#: Environment variable that names a folder of weights.
VARIABLE = "GATH_BENCH_WEIGHTS"


def cache_folder() -> Path:
    """The folder that ``gath-bench weights`` writes to: ``$XDG_CACHE_HOME/gath-bench/weights`` on Linux."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = os.environ.get("XDG_CACHE_HOME") or "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "gath-bench" / "weights"


def find_weights(spec: WeightsSpec, given: Path | None = None) -> Path | None:
    """The first file that the search order finds; None if there is none.

    Args:
        spec: the weights.
        given: an explicit path. It is the only place that is then looked at.

    Raises:
        UsageError: there is no file at the explicit path.
    """
    if given is not None:
        if not given.is_file():
            raise UsageError(f"there is no weights file {given}: give the path of {spec.files[0]}.")
        return given
    for folder in _folders(spec):
        for name in spec.files:
            path = folder / name
            if path.is_file() and all((folder / other).is_file() for other in spec.beside):
                return path
    return None


def missing_weights(spec: WeightsSpec) -> str:
    """What to do about missing weights, as the end of a sentence: ``needs ...``.

    >>> missing_weights(WeightsSpec("net", ("net.pth",), "a network", "MIT", url="https://example.org/net.pth"))
    'needs net.pth: run `gath-bench weights get net`, or set GATH_BENCH_WEIGHTS to its folder'
    """
    how = f"get {spec.name}" if spec.url else f"add {spec.name} FILE"
    return f"needs {spec.files[0]}: run `gath-bench weights {how}`, or set {VARIABLE} to its folder"


def _folders(spec: WeightsSpec) -> Iterator[Path]:
    given = os.environ.get(VARIABLE)
    if given:
        yield Path(given).expanduser()
    yield cache_folder()
    for folder in spec.folders:
        expanded = os.path.expandvars(folder)
        if "$" not in expanded:  # a variable that is not set names no folder
            yield Path(expanded).expanduser()
