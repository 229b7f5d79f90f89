"""The planned samples of the evaluation sets."""

from __future__ import annotations

import pytest
import torch
from gath_datasets.synthfaces import AU_LABELS
from gath_datasets.synthfaces.samples import ACTIVE, plan, random_aus
from gath_datasets.synthfaces.splits import population_of

from gath_bench.errors import UsageError


def test_the_test_split_is_large_and_its_ids_unique() -> None:
    for protocol in ("same-subject", "cross-subject", "cross-scene"):
        samples = plan("test", protocol)
        assert len({s.subject for s in samples}) >= 200
        assert len({s.sample_id for s in samples}) == len(samples)
        assert {population_of(s.subject_seed) for s in samples} == {"test"}
    assert plan("test", "same-subject")[3].sample_id == "test-s0-00003-000"
    assert {s.subject for s in plan("test", "same-subject", 1)}.isdisjoint(
        s.subject for s in plan("test", "same-subject", 0)
    )


def test_aus_are_active_as_stated() -> None:
    aus = random_aus(torch.arange(4000))
    active = aus > 0
    assert abs(active.float().mean() - ACTIVE) < 0.01
    assert abs(aus[active].mean() - 0.5) < 0.01
    assert (random_aus(torch.arange(400), neutral=1.0) == 0).all()


def test_a_sweep_moves_one_au_at_a_time() -> None:
    samples = plan("val", "sweep", subjects=2)
    assert len(samples) == 2 * 17 * 5
    for s in samples:
        moved = [au for au, value in zip(AU_LABELS, s.target_aus, strict=True) if value > 0]
        assert moved in ([], [s.swept_au])
        assert not any(s.source_aus)


@pytest.mark.parametrize(("split", "protocol"), [("train", "same-subject"), ("test", "same")])
def test_unknown_splits_and_protocols_are_refused(split: str, protocol: str) -> None:
    with pytest.raises(UsageError, match="synthfaces has no"):
        plan(split, protocol)
