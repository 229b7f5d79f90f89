"""Subjects are functions of their seed, with consistent attributes."""

from __future__ import annotations

from collections import Counter

import torch
from gath_datasets.synthfaces.splits import subject_seeds
from gath_datasets.synthfaces.subject import attributes, draw_subjects


def test_a_subject_does_not_depend_on_the_batch() -> None:
    seeds = subject_seeds("val", 3, torch.arange(40))
    many = draw_subjects(seeds)
    for i in (0, 17, 39):
        one = draw_subjects(seeds[i : i + 1])
        assert all(torch.equal(one[name][0], many[name][i]) for name in many.values)


def test_attributes_are_consistent() -> None:
    people = draw_subjects(subject_seeds("val", 5, torch.arange(1500)))
    rows = attributes(people)
    assert not any(r["beard"] != "none" and r["presentation"] == "feminine" for r in rows)
    young, old = ([r["hair"] == "grey" for r in rows if r["age"] == age] for age in ("20-34", "65-80"))
    assert sum(young) / len(young) < 0.05
    assert sum(old) / len(old) > 0.6
    count = {key: Counter(r[key] for r in rows) for key in rows[0]}
    assert len(count["skin"]) == 6
    assert min(count["skin"].values()) > 0.10 * len(rows)
    assert len(count["hairstyle"]) >= 9
    assert max(count["hairstyle"].values()) < 0.30 * len(rows)
    for minority in ("glasses", "head cover"):
        assert 0.5 < count[minority]["none"] / len(rows) < 0.95
