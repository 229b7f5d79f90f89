"""Fixtures: one thread, cleared call counters, and torch settings restored after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from toy.toy_plugin import CALLS, HOOK_CALLS


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    CALLS.clear()
    HOOK_CALLS.clear()
    before = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(before)
