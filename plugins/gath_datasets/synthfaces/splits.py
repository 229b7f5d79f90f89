"""Populations of subjects, disjoint by construction: every subject's seed names its population.

A subject's seed is one 63-bit number: population (high bits), then the user's seed, then the index. Two subjects
of different populations, seeds or indices can therefore never be the same.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from gath_bench.errors import UsageError

#: The order is part of every seed: append, never insert.
Population = Literal["stills", "frames", "evaluators", "val", "test", "clips"]
POPULATIONS: tuple[Population, ...] = get_args(Population)
INDEX_BITS, SEED_BITS = 32, 26
#: User seeds are below this.
MAX_SEED = 1 << SEED_BITS

#: Evaluated splits and how many subjects each has.
SPLIT_SUBJECTS = {"val": 64, "test": 256}


def subject_seeds(population: str, seed: int, indices: Tensor) -> Tensor:
    """The seeds of subjects; indices int64 (B,) in [0, 2**32) -> int64 (B,).

    >>> subject_seeds("test", 0, torch.tensor([0, 1])).tolist()
    [1441151880758558720, 1441151880758558721]

    Raises:
        UsageError: the seed or the population is out of range.
    """
    if population not in POPULATIONS:
        raise UsageError(f"synthfaces has no population {population!r}: it has {', '.join(POPULATIONS)}.")
    if not 0 <= seed < MAX_SEED:
        raise UsageError(f"a synthfaces seed must lie between 0 and {MAX_SEED - 1}, not {seed}.")
    code = POPULATIONS.index(population)
    base = ((code + 1) << (INDEX_BITS + SEED_BITS)) | (seed << INDEX_BITS)
    return torch.as_tensor(indices, dtype=torch.int64) + base


def population_of(seed: int) -> str:
    """The population that a subject's seed names."""
    return POPULATIONS[(seed >> (INDEX_BITS + SEED_BITS)) - 1]
