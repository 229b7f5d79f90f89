"""Properties of metrics with evaluators, on a toy domain and on synthfaces with the bundled evaluators."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from gath_metrics.au_error import AUError
from gath_metrics.changed_error import ChangedError
from gath_metrics.identity import Identity
from gath_metrics.lpips import LPIPS
from metrics.helpers import blur
from metrics.worlds import Scenario, SynthFaces, Toy

from gath_bench.images import to_8bit


@pytest.fixture(scope="module", params=[Toy, SynthFaces], ids=["toy", "bundled"])
def scenario(request):
    return Scenario.of(request.param())


def distance(scenario, images):
    return scenario.measure(LPIPS(trunk=scenario.world.name), images)["lpips"]


def au_error(scenario, images):
    """Mean absolute error over AUs, per image."""
    found = scenario.measure(AUError(estimator=scenario.world.name), images)
    return (found["au-error.measured"] - found["au-error.requested"]).abs().mean(1)


def identity(scenario, images, name="identity.source"):
    return scenario.measure(Identity(encoder=scenario.world.name), images)[name]


def test_oracle_has_zero_distance_and_copy_source_full_similarity(scenario):
    assert distance(scenario, scenario.batch.target).tolist() == [0.0] * len(scenario.batch)
    torch.testing.assert_close(
        identity(scenario, scenario.batch.source), torch.ones(len(scenario.batch)).double()
    )


def test_au_error_of_copy_source_exceeds_that_of_the_oracle(scenario):
    oracle, copy_source = (
        au_error(scenario, images).mean() for images in (scenario.batch.target, scenario.batch.source)
    )
    assert copy_source > 1.5 * oracle


def test_distance_grows_with_degradation(scenario, degrade):
    target = scenario.batch.target
    levels = [target, *(degrade(target, level) for level in (0.7, 1.2, 2.0, 3.0))]
    means = torch.stack([distance(scenario, images).mean() for images in levels])
    assert (means.diff() > 0).all(), means


def test_identity_similarity_falls_with_degradation(scenario, degrade):
    target = scenario.batch.target
    levels = [target, *(degrade(target, level) for level in (2.0, 4.0, 8.0))]
    for name in ("identity.source", "identity.target"):
        means = torch.stack([identity(scenario, images, name).mean() for images in levels])
        assert (means.diff() < 0).all(), (name, means)


def test_au_error_grows_with_missing_intensity(scenario):
    batch, world = scenario.batch, scenario.world
    generated = [
        world.render(scenario.people, batch.target_aus * (1 - off)) for off in (0.0, 0.33, 0.67, 1.0)
    ]
    means = torch.stack([au_error(scenario, images).mean() for images in generated])
    assert (means.diff() > 0).all(), means


def test_another_person_changes_identity_and_not_the_au_error(scenario):
    batch = scenario.batch
    swapped = scenario.world.render(scenario.people.roll(1), batch.target_aus)
    assert identity(scenario, swapped, "identity.normalised").mean() < 0.5
    assert identity(scenario, swapped, "identity.verified").mean() < 0.2
    assert identity(scenario, batch.target, "identity.verified").mean() > 0.8
    oracle, copy_source = au_error(scenario, batch.target).mean(), au_error(scenario, batch.source).mean()
    # The AU error does not depend on the person: it stays at that of the oracle.
    assert abs(au_error(scenario, swapped).mean() - oracle) < 0.15 * (copy_source - oracle)


def test_other_aus_change_the_au_error_and_not_identity(scenario):
    batch = scenario.batch
    other = scenario.world.render(scenario.people, batch.target_aus.roll(1, 0))
    assert abs(identity(scenario, other, "identity.normalised").mean() - 1) < 0.05
    assert au_error(scenario, other).mean() > 1.5 * au_error(scenario, batch.target).mean()


def test_blurred_and_blended_targets_rank_below_the_oracle(scenario):
    batch = scenario.batch
    degraded = (blur(batch.target, 2.0), to_8bit((batch.source + batch.target) / 2))
    for images in degraded:
        assert au_error(scenario, images).mean() > au_error(scenario, batch.target).mean()
        assert distance(scenario, images).mean() > distance(scenario, batch.target).mean()
        wrong = scenario.measure(ChangedError(), images)["changed-error"]
        assert wrong.mean() > scenario.measure(ChangedError(), batch.target)["changed-error"].mean() == 0


@pytest.mark.parametrize("chosen", [[3], [5, 0, 2], list(range(11, -1, -1))], ids=["one", "some", "reversed"])
def test_values_do_not_depend_on_the_batch(scenario, chosen):
    name, batch = scenario.world.name, scenario.batch
    generated = scenario.world.render(scenario.people.roll(2), batch.target_aus)
    part = replace(
        batch,
        sample_id=tuple(batch.sample_id[i] for i in chosen),
        subject=tuple(batch.subject[i] for i in chosen),
        **{
            field: getattr(batch, field)[chosen] for field in ("source", "target", "target_aus", "source_aus")
        },
    )
    for metric in (AUError(estimator=name), Identity(encoder=name), LPIPS(trunk=name)):
        whole, some = scenario.measure(metric, generated), scenario.measure(metric, generated[chosen], part)
        for value in whole:
            torch.testing.assert_close(some[value], whole[value][chosen], rtol=1e-4, atol=2e-6)
