"""Who is drawn: disjoint populations, and people that depend on nothing but their seed."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
import torch
from gath_datasets.synthfaces.rand import Draws
from gath_datasets.synthfaces.scene import MAX_YAW, draw_scenes
from gath_datasets.synthfaces.splits import MAX_SEED, POPULATIONS, population_of, subject_seeds
from gath_datasets.synthfaces.subject import attributes, draw_subjects

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
def test_a_seed_names_its_population(population: str) -> None:
    assert {population_of(int(s)) for s in subject_seeds(population, 12, ENDS)} == {population}


def test_user_seeds_do_not_overlap() -> None:
    assert int(subject_seeds("test", 0, ENDS)[-1]) < int(subject_seeds("test", 1, ENDS)[0])


@pytest.mark.parametrize(("population", "seed"), [("train", 0), ("test", -1), ("test", MAX_SEED)])
def test_unknown_populations_and_seeds_are_refused(population: str, seed: int) -> None:
    with pytest.raises(UsageError):
        subject_seeds(population, seed, ENDS)


def test_a_person_does_not_depend_on_the_batch() -> None:
    seeds = subject_seeds("val", 3, torch.arange(40))
    many = draw_subjects(seeds)
    for i in (0, 17, 39):
        one = draw_subjects(seeds[i : i + 1])
        assert all(torch.equal(one[name][0], many[name][i]) for name in many.values)


def test_uniform_numbers_are_uniform_and_names_independent() -> None:
    d = Draws(torch.arange(20000))
    a, b = d.uniform("a"), d.uniform("b")
    assert abs(a.mean() - 0.5) < 0.01
    assert abs(a.var() - 1 / 12) < 0.005
    assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < 0.03


def test_attributes_agree_with_each_other() -> None:
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


def test_scenes_stay_within_their_pose_and_are_independent_of_subjects() -> None:
    seeds = subject_seeds("val", 6, torch.arange(2000))
    scenes, people = draw_scenes(seeds), draw_subjects(seeds)
    assert scenes["yaw"].abs().max() <= MAX_YAW
    together = torch.corrcoef(
        torch.stack([scenes["yaw"], scenes["light_contrast"], people["melanin"], people["age"]])
    )
    assert together[:2, 2:].abs().max() < 0.08
    assert len(scenes["background"].unique()) == 5
    assert (scenes["noise"] == 0).all()
    assert (draw_scenes(seeds, randomise=1.0)["noise"] > 0).any()
