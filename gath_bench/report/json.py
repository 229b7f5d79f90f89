"""The JSON object of ``gath-bench run --json``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gath_bench.analysis.summarise import Row
from gath_bench.results.manifest import MANIFEST

SCHEMA = 1


def as_json(path: Path, rows: Sequence[Row]) -> dict[str, Any]:
    """One object: where the run is, and its rows. A missing value is null, never NaN or Infinity."""
    return {
        "schema": SCHEMA,
        "run": path.as_posix(),
        "manifest": (path / MANIFEST).as_posix(),
        "rows": [{name: _plain(value) for name, value in asdict(row).items()} for row in rows],
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
