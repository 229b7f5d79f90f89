"""What the tests of the core share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

#: Runs ``python -m gath_bench``; see the fixture ``program``.
Program = Callable[..., subprocess.CompletedProcess[str]]
#: Writes a distribution with one plugin; see the fixture ``install``.
Installer = Callable[..., Path]

ROOT = Path(__file__).parents[2]
