"""Fixtures of the metrics' tests; what they are made of is in ``helpers``."""

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
    """For metrics that ask for no evaluator."""
    return TableEvaluations()


@pytest.fixture(params=[blur, noise, warp], ids=lambda spoil: spoil.__name__)
def spoil(request: pytest.FixtureRequest) -> Callable[[Tensor, float], Tensor]:
    """A way to spoil pictures, (images, level) -> images."""
    chosen: Callable[[Tensor, float], Tensor] = request.param
    return chosen
