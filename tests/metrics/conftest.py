"""Fixtures for the tests of metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from metrics.helpers import TableEvaluations, blur, noise, warp
from torch import Tensor


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def no_evaluations() -> TableEvaluations:
    """For metrics without evaluators."""
    return TableEvaluations()


@pytest.fixture(params=[blur, noise, warp], ids=lambda degrade: degrade.__name__)
def degrade(request: pytest.FixtureRequest) -> Callable[[Tensor, float], Tensor]:
    """A degradation, (images, level) -> images."""
    chosen: Callable[[Tensor, float], Tensor] = request.param
    return chosen
