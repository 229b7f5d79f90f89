"""temporal: flicker of the static region and jerk of AU trajectories, on consecutive frames of a clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gath_bench.contracts import Batch, Evaluations, Measured, MetricInfo, RoleRequest, Summary
from gath_bench.errors import Unavailable
from gath_metrics.background_psnr import FACE
from gath_metrics.measured_aus import measured_aus

#: Frames of a third difference.
_FRAMES = 4


def flicker(before: Tensor, after: Tensor, face_mask: Tensor) -> Tensor:
    """Mean absolute difference of consecutive frames outside the face.

    The frames are generated from one still portrait, so that nothing outside the face should change. The measure is
    defined by this project.

    Args:
        before: frames, (B, C, H, W) in [0, 1].
        after: the frames that follow them.
        face_mask: (B, 1, H, W), above 0.5 where the face is in either of them.

    Returns:
        float64 (B,) in [0, 1]; NaN where the mask leaves no background.

    >>> mask = torch.zeros(1, 1, 2, 2)
    >>> mask[..., 0, 0] = 1
    >>> flicker(torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), 0.25), mask).tolist()
    [0.25]
    """
    outside = (face_mask <= FACE).double()
    moved = (after.double() - before.double()).abs().mean(1, keepdim=True) * outside
    return moved.flatten(1).sum(1) / outside.flatten(1).sum(1)


def jerk(aus: Tensor) -> Tensor:
    """Mean absolute third difference of AU trajectories.

    ``mean_k |x_t - 3 x_(t-1) + 3 x_(t-2) - x_(t-3)|``: 0 for a motion of constant acceleration. The unit is AU
    coefficients per frame³ (per ``step`` of the data set, cubed).

    Args:
        aus: (B, 4, K), four consecutive frames; AUs with a NaN are left out.

    Returns:
        float64 (B,); NaN where no AU is known.

    >>> jerk(torch.tensor([[[0.0], [1.0], [4.0], [9.0]], [[0.0], [0.0], [0.0], [1.0]]])).tolist()
    [0.0, 1.0]
    """
    x = aus.double()
    return (x[:, 3] - 3 * x[:, 2] + 3 * x[:, 1] - x[:, 0]).abs().nanmean(1)


def runs(clip: Sequence[str], frame: Sequence[int], length: int) -> list[int]:
    """Positions in a batch that end a run of so many consecutive samples of one clip at equal distances in time.

    The distance is the smallest one between neighbouring samples of the batch, the ``step`` of the data set.

    >>> runs(["a", "a", "a", "b", "b"], [0, 2, 4, 0, 2], 2)
    [1, 2, 4]
    >>> runs(["a", "a", "a"], [0, 2, 6], 3)
    []
    """
    steps = [
        after - before if same == other else 0
        for same, other, before, after in zip(clip, clip[1:], frame, frame[1:], strict=False)
    ]
    step = min((one for one in steps if one > 0), default=0)
    return [
        end
        for end in range(length - 1, len(clip))
        if step and all(one == step for one in steps[end - length + 1 : end])
    ]


class Temporal:
    """The metric ``temporal``, for the frames of clips.

    A value belongs to the last of the frames that it is computed from. The first frames of a clip, and of a batch, have
    no value: batches are measured independently, so that a run can be resumed.
    """

    def __init__(self, *, estimator: str = "synthfaces") -> None:
        """Args:
        estimator: component name of the AU estimator.
        """
        self.info = MetricInfo(
            summaries=(
                Summary("temporal.flicker", "lower", "", 0.0, 1.0),
                Summary("temporal.jerk", "lower", "AU coefficient", 0.0),
                Summary("temporal.jerk_requested", "none", "AU coefficient", 0.0, primary=False),
            ),
            needs=frozenset({"clip", "frame"}),
            roles=(RoleRequest("au_estimator", estimator),),
            display="{:.4f}",
        )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """Flicker of the generated frames; jerk of the measured and of the requested AUs."""
        if batch.clip is None or batch.frame is None:
            raise Unavailable("the samples are not frames of clips")
        return [
            _flicker(generated, batch, runs(batch.clip, batch.frame, 2)),
            *_jerks(batch, runs(batch.clip, batch.frame, _FRAMES), evaluations),
        ]


def _flicker(generated: Tensor, batch: Batch, ends: list[int]) -> Measured:
    name, count = "temporal.flicker", len(batch)
    missing = {at: "no frame before it in its batch" for at in set(range(count)) - set(ends)}
    if batch.face_mask is None:
        return Measured(
            name, [float("nan")] * count, missing=dict.fromkeys(range(count), "no face mask") | missing
        )
    values = generated.new_full((count,), float("nan"), dtype=torch.float64)
    before = [end - 1 for end in ends]
    if ends:
        masks = torch.maximum(batch.face_mask[before], batch.face_mask[ends])
        values[ends] = flicker(generated[before], generated[ends], masks)
    full = {at: "the face mask leaves no background" for at in ends if values[at].isnan()}
    return Measured(name, values, missing=full | missing)


def _jerks(batch: Batch, ends: list[int], evaluations: Evaluations) -> list[Measured]:
    count = len(batch)
    missing = {
        at: f"fewer than {_FRAMES - 1} frames before it in its batch" for at in set(range(count)) - set(ends)
    }
    requested = _jerk_of(batch.target_aus, ends)
    try:
        measured = measured_aus(evaluations, "generated", batch.au_space)
    except Unavailable as reason:
        nothing = torch.full((count,), float("nan"))
        whole = dict.fromkeys(range(count), str(reason))
        return [
            Measured("temporal.jerk", nothing, missing=whole | missing),
            Measured("temporal.jerk_requested", requested, missing=_unknown(requested, ends) | missing),
        ]
    # Only AUs that are measured and requested are compared.
    known = measured.values.isnan() | batch.target_aus.to(measured.values).isnan()
    values = _jerk_of(measured.values.masked_fill(known, float("nan")), ends)
    requested = _jerk_of(batch.target_aus.to(measured.values).masked_fill(known, float("nan")), ends)
    lost = {
        end: measured.missing[at]
        for end in ends
        for at in range(end - _FRAMES + 1, end + 1)
        if at in measured.missing
    }
    return [
        Measured(name, jerks, missing=_unknown(jerks, ends) | lost | missing)
        for name, jerks in (("temporal.jerk", values), ("temporal.jerk_requested", requested))
    ]


def _unknown(values: Tensor, ends: list[int]) -> dict[int, str]:
    return {end: "no AU is both measured and requested" for end in ends if values[end].isnan()}


def _jerk_of(aus: Tensor, ends: list[int]) -> Tensor:
    values = torch.full((len(aus),), float("nan"), dtype=torch.float64, device=aus.device)
    if ends:
        windows = torch.stack([aus[end - _FRAMES + 1 : end + 1] for end in ends])
        values[ends] = jerk(windows)
    return values
