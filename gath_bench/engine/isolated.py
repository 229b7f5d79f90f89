"""Runs the engine inside another program without changing that program's random numbers or settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gath_bench.component_calls import settings_restored


@contextmanager
def isolated() -> Iterator[None]:
    """Restore the global random generators and the settings of the process on exit.

    ``make_deterministic`` and the per-batch seeds change them. A training that evaluates between two steps
    continues as if nothing had been evaluated.
    """
    import random

    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda_states = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        with settings_restored():
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if cuda_states:
            torch.cuda.set_rng_state_all(cuda_states)
