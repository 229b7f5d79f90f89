"""Populations of subjects, disjoint by construction: the seed of a subject encodes its population.

The seed of a subject is a 63-bit number: population (high bits), user's seed, index. Two subjects of different
populations, seeds or indices therefore always differ.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from gath_bench.errors import UsageError
from gath_datasets.synthfaces import MAX_SEED, SEED_BITS

#: The order is part of every seed: append, never insert.
Population = Literal["stills", "frames", "evaluators", "val", "test", "clips"]
POPULATIONS: tuple[Population, ...] = get_args(Population)
INDEX_BITS = 32

#: Evaluated splits and their numbers of subjects.
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
    """The population that the seed of a subject encodes."""
    return POPULATIONS[(seed >> (INDEX_BITS + SEED_BITS)) - 1]
