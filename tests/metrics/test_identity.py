"""identity: cosines, and values that need a calibrated encoder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gath_metrics.identity import Identity, cosine, normalised
from hypothesis import given
from hypothesis import strategies as st
from metrics.helpers import TableEvaluations, make_batch
from scipy.spatial import distance

from gath_bench.contracts import Features
from gath_bench.errors import Unavailable

SIDES = ("generated", "source", "target")


CALIBRATION = {"impostor_mean": 0.1, "threshold": 0.6}


def embeddings(count=4, size=16, seed=0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def measure(sides, *, batch=None, calibration=CALIBRATION):
    batch = batch or make_batch()
    answers = {("identity_encoder", side): value for side, value in sides.items()}
    evaluations = TableEvaluations(answers, calibration=calibration)
    return {item.name: item for item in Identity().measure(batch.source, batch, evaluations)}


def near(a, weight, seed=9):
    return a + weight * embeddings(*a.shape, seed=seed)


@given(seed=st.integers(0, 999), scale=st.floats(1e-3, 1e3))
def test_cosine_equals_scipy_and_ignores_length(seed, scale):
    a, b = embeddings(seed=seed), embeddings(seed=seed + 1000)
    expected = [1 - distance.cosine(x, y) for x, y in zip(a.double(), b.double(), strict=True)]
    np.testing.assert_allclose(cosine(a, b), expected, atol=1e-12)
    np.testing.assert_allclose(cosine(a * scale, b), expected, atol=1e-6)


def test_copy_source_has_similarity_one():
    source = embeddings()
    values = measure({"generated": source, "source": source, "target": near(source, 0.2)})
    torch.testing.assert_close(values["identity.source"].values, torch.ones(4).double())


def test_normalised_similarity_is_one_for_the_oracle_and_near_zero_for_impostors():
    source = embeddings(size=4096)
    target, impostor = near(source, 0.3), near(0.1 * source, 1.0, seed=5)
    oracle = measure({"generated": target, "source": source, "target": target})
    torch.testing.assert_close(oracle["identity.normalised"].values, torch.ones(4).double())
    other = measure({"generated": impostor, "source": source, "target": target})
    assert other["identity.normalised"].values.abs().max() < 0.1


def test_all_values_fall_with_similarity():
    source = embeddings()
    target = near(source, 0.1, seed=3)
    levels = [
        measure({"generated": near(source, weight), "source": source, "target": target})
        for weight in (0.1, 0.5, 1.0, 2.0)
    ]
    for name in ("identity.source", "identity.target", "identity.normalised"):
        values = torch.stack([step[name].values for step in levels])
        assert (values.diff(dim=0) < 0).all()


def test_verified_is_the_threshold_on_the_source():
    source = torch.eye(4)
    generated = torch.stack([source[0], source[0] + 2 * source[1], source[2] + source[3], source[3]])
    values = measure({"generated": generated, "source": source, "target": source})
    assert values["identity.verified"].values.tolist() == [1.0, 1.0, 1.0, 1.0]
    values = measure({"generated": generated.roll(1, 0), "source": source, "target": source})
    assert values["identity.verified"].values.tolist() == [0.0, 0.0, 0.0, 1.0]


def test_without_a_target_two_values_are_na():
    source = embeddings()
    values = measure({"generated": source, "source": source}, batch=replace(make_batch(), target=None))
    for name in ("identity.target", "identity.normalised"):
        assert dict(values[name].missing) == dict.fromkeys(range(4), "no target image")
    assert not values["identity.source"].missing


def test_without_a_calibration_two_values_are_na():
    source = embeddings()
    values = measure(dict.fromkeys(SIDES, source), calibration={})
    for name in ("identity.normalised", "identity.verified"):
        assert set(values[name].missing) == {0, 1, 2, 3}
        assert "the encoder" in values[name].missing[0]


def test_an_undetected_face_is_na_in_all_values_that_need_it():
    source = embeddings()
    sides = {
        "generated": Features(source, {0: "no face"}),
        "source": source,
        "target": Features(source, {1: "no face"}),
    }
    values = measure(sides)
    missing = {name: set(item.missing) for name, item in values.items()}
    assert missing == {
        "identity.source": {0},
        "identity.target": {0, 1},
        "identity.normalised": {0, 1},
        "identity.verified": {0},
    }


def test_a_pair_that_the_encoder_cannot_discriminate_is_na():
    value = normalised(torch.tensor([0.5]), torch.tensor([0.19]), 0.1)
    assert value.isnan().all()
    source = torch.eye(4)
    values = measure({"generated": source, "source": source, "target": source.roll(1, 0)})
    assert values["identity.normalised"].missing[0] == (
        "the encoder does not discriminate source and target from impostors"
    )


def test_an_encoder_outside_its_domain_is_na():
    with pytest.raises(Unavailable, match="not valid here"):
        measure(dict.fromkeys(SIDES, "not valid here: made for photos"))
