"""In ordinary runs each benchmark runs once, as a test; ``--benchmark-enable`` takes readings."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _once_unless_asked(request: pytest.FixtureRequest) -> None:
    """pytest-benchmark's own switch for the whole session, thrown for these tests alone."""
    if "benchmark" in request.fixturenames and not request.config.getoption("benchmark_enable"):
        request.getfixturevalue("benchmark").disabled = True
