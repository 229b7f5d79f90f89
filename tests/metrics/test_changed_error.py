"""changed-error covers exactly the pixels that the edit should change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gath_metrics.changed_error import ChangedError, changed_error, changed_pixels
from metrics.helpers import make_batch


def test_equals_a_loop_over_pixels():
    batch = make_batch(count=3, side=24)
    generated = make_batch(count=3, side=24, seed=9).source
    expected = []
    for g, s, t in zip(*(x.double().numpy() for x in (generated, batch.source, batch.target)), strict=True):
        errors = [
            abs(g[c, y, x] - t[c, y, x])
            for y in range(24)
            for x in range(24)
            if max(abs(round(255 * s[k, y, x]) - round(255 * t[k, y, x])) for k in range(3)) > 2
            for c in range(3)
        ]
        expected.append(np.mean(errors))
    np.testing.assert_allclose(changed_error(generated, batch.source, batch.target), expected, atol=1e-14)


@pytest.mark.parametrize("level", range(0, 253, 7))
def test_two_steps_are_no_change_and_three_are(level):
    source = torch.full((1, 3, 1, 2), level) / 255
    target = source.clone()
    target[:, 1, 0, 0] = (level + 2) / 255
    target[:, 2, 0, 1] = (level + 3) / 255
    assert changed_pixels(source, target).flatten().tolist() == [False, True]


def test_unchanged_pixels_are_ignored():
    batch = make_batch()
    changed = changed_pixels(batch.source, batch.target)
    degraded = torch.where(changed, batch.target, 1 - batch.target)
    assert changed_error(degraded, batch.source, batch.target).tolist() == [0.0] * len(batch)


def test_half_an_edit_has_half_the_error_of_no_edit():
    batch = make_batch()
    half = (batch.source + batch.target) / 2
    none = changed_error(batch.source, batch.source, batch.target)
    torch.testing.assert_close(changed_error(half, batch.source, batch.target), none / 2)


def test_a_sample_without_changed_pixels_is_na(no_evaluations):
    batch = make_batch()
    target = batch.target.clone()
    target[1] = batch.source[1]
    (measured,) = ChangedError().measure(target, replace(batch, target=target), no_evaluations)
    assert dict(measured.missing) == {1: "source and target do not differ by more than 2/255 at any pixel"}
    assert [number for number in range(4) if torch.isnan(measured.values[number])] == [1]
