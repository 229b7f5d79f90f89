"""Validation with independent networks: a small version by default, the full one with ``-m slow``."""

from __future__ import annotations

import pytest
from synthfaces import evaluators, judge

reason = evaluators.missing()
pytestmark = pytest.mark.skipif(reason is not None, reason=str(reason))


def test_faces_are_found() -> None:
    seen = judge.found(count=16, seed=201, sizes=(128,))
    assert seen["neutral at 128"] >= 0.93
    assert seen["random at 128"] >= 0.93


@pytest.mark.slow
def test_faces_are_found_in_every_group() -> None:
    seen = judge.found(count=240, seed=202)
    for size in (128, 256):
        assert seen[f"neutral at {size}"] >= 0.99
        assert seen[f"random at {size}"] >= 0.97
    assert all(rate >= 0.95 for name, rate in seen["groups"].items() if seen["group sizes"][name] >= 20)


@pytest.mark.slow
def test_aus_are_measured() -> None:
    seen = judge.sweeps(count=20, seed=4001)
    for au in ("AU01", "AU04", "AU05", "AU07", "AU12", "AU15", "AU20", "AU45"):
        assert seen["spearman"][au] >= 0.95, au
    for au in ("AU02", "AU06", "AU10", "AU17", "AU23", "AU26", "AU09", "AU14", "AU25"):
        assert seen["spearman"][au] >= 0.90, au
    for au, least in (("AU12", 0.3), ("AU45", 0.4), ("AU26", 0.15), ("AU01", 0.3)):
        assert seen["change"][au] >= least, au


@pytest.mark.slow
def test_people_are_discriminated() -> None:
    assert judge.identity(seed=204)["auc"] >= 0.97
    assert judge.diversity(seed=205)["closest two"] >= 0.05
