"""temporal: flicker and jerk of clips whose motion is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from gath_metrics.temporal import Temporal, runs
from metrics.helpers import AUS, TableEvaluations, make_batch

from gath_bench.contracts import Batch, Features

COUNT = 8


def clip_batch(**changes) -> Batch:
    batch = make_batch(COUNT)
    fields = {"clip": ("a",) * COUNT, "frame": tuple(range(COUNT)), "target_aus": torch.zeros(COUNT, AUS)}
    return replace(batch, **{**fields, **changes})


def measured(generated, batch: Batch, aus) -> dict:
    found = Temporal().measure(generated, batch, TableEvaluations({("au_estimator", "generated"): aus}))
    return {item.name: item for item in found}


def test_a_static_background_does_not_flicker_and_a_changing_one_does() -> None:
    batch = clip_batch()
    still = batch.source[:1].repeat(COUNT, 1, 1, 1)
    inside = (batch.face_mask > 0.5).float()
    moving_face = still * (1 - inside) + torch.rand(still.shape) * inside
    flicker = measured(moving_face, batch, torch.zeros(COUNT, AUS))["temporal.flicker"]
    assert flicker.values[1:].tolist() == [0] * (COUNT - 1)
    assert flicker.missing == {0: "no frame before it in its batch"}
    step = torch.tensor([0.0, 0.1] * (COUNT // 2))[:, None, None, None]
    flicker = measured(0.5 + step.expand_as(still), batch, torch.zeros(COUNT, AUS))["temporal.flicker"]
    assert flicker.values[1:].tolist() == pytest.approx([0.1] * (COUNT - 1), abs=1e-6)


def test_jerk_is_the_third_difference_of_measured_aus() -> None:
    time = torch.arange(COUNT).float()
    smooth = (0.01 * time**2)[:, None].expand(COUNT, AUS).clone()
    batch = clip_batch(target_aus=smooth)
    found = measured(batch.source, batch, smooth)
    assert found["temporal.jerk"].values[3:].tolist() == pytest.approx([0] * 5, abs=1e-6)
    assert set(found["temporal.jerk"].missing) == {0, 1, 2}
    shaking = smooth + torch.tensor([0.0, 0.1] * (COUNT // 2))[:, None]
    found = measured(batch.source, batch, shaking)
    expected = [
        abs(shaking[t] - 3 * shaking[t - 1] + 3 * shaking[t - 2] - shaking[t - 3])[0].item()
        for t in range(3, 8)
    ]
    assert found["temporal.jerk"].values[3:].tolist() == pytest.approx(expected, abs=1e-6)
    assert found["temporal.jerk_requested"].values[3:].tolist() == pytest.approx([0] * 5, abs=1e-6)


def test_aus_without_a_request_and_frames_without_a_face_are_left_out() -> None:
    aus = torch.rand(COUNT, AUS)
    requested = torch.zeros(COUNT, AUS)
    requested[:, 1:] = float("nan")
    found = measured(clip_batch().source, clip_batch(target_aus=requested), aus)
    third = (aus[3] - 3 * aus[2] + 3 * aus[1] - aus[0]).abs()[0]
    assert found["temporal.jerk"].values[3] == pytest.approx(float(third), abs=1e-6)
    lost = measured(clip_batch().source, clip_batch(), Features(aus, {4: "no face"}))["temporal.jerk"]
    assert [position for position in range(COUNT) if lost.missing.get(position) == "no face"] == [4, 5, 6, 7]
    nothing = measured(clip_batch().source, clip_batch(), "no such estimator")
    assert nothing["temporal.jerk"].missing[5] == "no such estimator"
    assert nothing["temporal.flicker"].values[1:].isfinite().all()


def test_gaps_and_other_clips_end_a_run() -> None:
    clips, frames = ["a"] * 4 + ["b"] * 4, [0, 5, 10, 20, 0, 5, 10, 15]
    assert runs(clips, frames, 2) == [1, 2, 5, 6, 7]
    assert runs(clips, frames, 4) == [7]
    assert runs(["a", "b"], [0, 0], 2) == []
    batch = clip_batch(clip=tuple(clips), frame=tuple(frames), face_mask=None)
    found = measured(batch.source, batch, torch.zeros(COUNT, AUS))
    assert found["temporal.flicker"].missing[1] == "no face mask"
    assert set(found["temporal.jerk"].missing) == set(range(7))
