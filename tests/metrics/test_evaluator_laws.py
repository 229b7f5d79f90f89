"""Laws of the metrics that ask for evaluators, in a toy world and, with the bundled evaluators, on synthfaces."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from gath_metrics.au_error import AUError
from gath_metrics.changed_error import ChangedError
from gath_metrics.identity import Identity
from gath_metrics.lpips import LPIPS
from metrics.helpers import blur
from metrics.worlds import Exhibit, SynthFaces, Toy

from gath_bench.images import to_8bit


@pytest.fixture(scope="module", params=[Toy, SynthFaces], ids=["toy", "bundled"])
def exhibit(request):
    return Exhibit.of(request.param())


def distance(exhibit, images):
    return exhibit.measure(LPIPS(trunk=exhibit.world.name), images)["lpips"]


def au_error(exhibit, images):
    """Mean absolute error over AUs, image by image."""
    found = exhibit.measure(AUError(estimator=exhibit.world.name), images)
    return (found["au-error.measured"] - found["au-error.requested"]).abs().mean(1)


def identity(exhibit, images, name="identity.source"):
    return exhibit.measure(Identity(encoder=exhibit.world.name), images)[name]


def test_the_oracle_has_no_distance_and_the_source_is_itself(exhibit):
    assert distance(exhibit, exhibit.batch.target).tolist() == [0.0] * len(exhibit.batch)
    torch.testing.assert_close(
        identity(exhibit, exhibit.batch.source), torch.ones(len(exhibit.batch)).double()
    )


def test_no_edit_is_far_above_the_floor_of_the_au_error(exhibit):
    floor, none = (
        au_error(exhibit, images).mean() for images in (exhibit.batch.target, exhibit.batch.source)
    )
    assert none > 1.5 * floor


def test_more_damage_is_more_distance(exhibit, spoil):
    target = exhibit.batch.target
    ladder = [target, *(spoil(target, level) for level in (0.7, 1.2, 2.0, 3.0))]
    means = torch.stack([distance(exhibit, images).mean() for images in ladder])
    assert (means.diff() > 0).all(), means


def test_more_damage_is_less_of_the_person(exhibit, spoil):
    target = exhibit.batch.target
    ladder = [target, *(spoil(target, level) for level in (2.0, 4.0, 8.0))]
    for name in ("identity.source", "identity.target"):
        means = torch.stack([identity(exhibit, images, name).mean() for images in ladder])
        assert (means.diff() < 0).all(), (name, means)


def test_aus_further_off_are_a_larger_error(exhibit):
    batch, world = exhibit.batch, exhibit.world
    missed = [world.paint(exhibit.people, batch.target_aus * (1 - off)) for off in (0.0, 0.33, 0.67, 1.0)]
    means = torch.stack([au_error(exhibit, images).mean() for images in missed])
    assert (means.diff() > 0).all(), means


def test_another_person_is_seen_by_identity_and_not_by_the_au_error(exhibit):
    batch = exhibit.batch
    swapped = exhibit.world.paint(exhibit.people.roll(1), batch.target_aus)
    assert identity(exhibit, swapped, "identity.normalised").mean() < 0.5
    assert identity(exhibit, swapped, "identity.verified").mean() < 0.2
    assert identity(exhibit, batch.target, "identity.verified").mean() > 0.8
    floor, none = au_error(exhibit, batch.target).mean(), au_error(exhibit, batch.source).mean()
    # The estimator reads each face as it reads any: the error stays on its floor, far from that of no edit.
    assert abs(au_error(exhibit, swapped).mean() - floor) < 0.15 * (none - floor)


def test_other_aus_are_seen_by_the_au_error_and_not_by_identity(exhibit):
    batch = exhibit.batch
    other = exhibit.world.paint(exhibit.people, batch.target_aus.roll(1, 0))
    assert abs(identity(exhibit, other, "identity.normalised").mean() - 1) < 0.05
    assert au_error(exhibit, other).mean() > 1.5 * au_error(exhibit, batch.target).mean()


def test_a_blurred_and_a_ghosted_oracle_rank_below_the_oracle(exhibit):
    batch = exhibit.batch
    spoiled = (blur(batch.target, 2.0), to_8bit((batch.source + batch.target) / 2))
    for images in spoiled:
        assert au_error(exhibit, images).mean() > au_error(exhibit, batch.target).mean()
        assert distance(exhibit, images).mean() > distance(exhibit, batch.target).mean()
        wrong = exhibit.measure(ChangedError(), images)["changed-error"]
        assert wrong.mean() > exhibit.measure(ChangedError(), batch.target)["changed-error"].mean() == 0


@pytest.mark.parametrize("chosen", [[3], [5, 0, 2], list(range(11, -1, -1))], ids=["one", "some", "reversed"])
def test_neighbours_and_order_do_not_matter(exhibit, chosen):
    name, batch = exhibit.world.name, exhibit.batch
    generated = exhibit.world.paint(exhibit.people.roll(2), batch.target_aus)
    part = replace(
        batch,
        sample_id=tuple(batch.sample_id[i] for i in chosen),
        subject=tuple(batch.subject[i] for i in chosen),
        **{
            field: getattr(batch, field)[chosen] for field in ("source", "target", "target_aus", "source_aus")
        },
    )
    for metric in (AUError(estimator=name), Identity(encoder=name), LPIPS(trunk=name)):
        whole, some = exhibit.measure(metric, generated), exhibit.measure(metric, generated[chosen], part)
        for value in whole:
            torch.testing.assert_close(some[value], whole[value][chosen], rtol=1e-4, atol=2e-6)
