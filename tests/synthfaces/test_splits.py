"""Populations of subjects."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from gath_datasets.synthfaces.splits import MAX_SEED, POPULATIONS, population_of, subject_seeds

from gath_bench.errors import UsageError

ENDS = torch.tensor([0, 1, 2**32 - 1])


def test_populations_are_disjoint_ranges() -> None:
    ranges = {
        p: (int(subject_seeds(p, 0, ENDS)[0]), int(subject_seeds(p, MAX_SEED - 1, ENDS)[-1]))
        for p in POPULATIONS
    }
    for a, b in combinations(ranges.values(), 2):
        assert a[1] < b[0] or b[1] < a[0]
    assert all(0 <= low < high < 2**63 for low, high in ranges.values())


@pytest.mark.parametrize("population", POPULATIONS)
def test_a_seed_encodes_its_population(population: str) -> None:
    assert {population_of(int(s)) for s in subject_seeds(population, 12, ENDS)} == {population}


def test_user_seeds_do_not_overlap() -> None:
    assert int(subject_seeds("test", 0, ENDS)[-1]) < int(subject_seeds("test", 1, ENDS)[0])


@pytest.mark.parametrize(("population", "seed"), [("train", 0), ("test", -1), ("test", MAX_SEED)])
def test_unknown_populations_and_seeds_are_refused(population: str, seed: int) -> None:
    with pytest.raises(UsageError):
        subject_seeds(population, seed, ENDS)
