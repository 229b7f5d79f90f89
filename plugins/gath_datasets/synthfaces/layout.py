"""Positions of the facial features under an expression, in the canonical frame.

The canonical frame is the unrolled front of the head: x runs along the surface, positive to the right of the image,
y runs down, the eye line is y = 0, and the unit is about 185 mm (hairline to chin). Values per side are in the order
(left of the image, right of the image).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gath_datasets.synthfaces.expression import controls
from gath_datasets.synthfaces.subject import Subjects

#: How far the chin drops with AU26 at 1, in face units (about 22 mm).
JAW_DROP = 0.118


@dataclass(frozen=True)
class Face:
    """One person with one expression.

    Attributes:
        subject: the person.
        controls: shape controls, name -> (B, 2).
        chin_y: y of the chin with the jaw dropped, (B,).
        jaw: the jaw's drop, (B,), face units.
        eye_x, eye_y: centres of the eyes, (B, 2), x as distance from the mid-line.
        nose_y: y of the nose's base, (B,).
        nose_width: half width over the wings, (B, 2).
        mouth_y: y of the mouth's middle where the lips meet, (B,).
        mouth_width: half width of the mouth, (B, 2).
        corner_y: y of the mouth's corners, (B, 2).
    """

    subject: Subjects
    controls: dict[str, Tensor]
    chin_y: Tensor
    jaw: Tensor
    eye_x: Tensor
    eye_y: Tensor
    nose_y: Tensor
    nose_width: Tensor
    mouth_y: Tensor
    mouth_width: Tensor
    corner_y: Tensor

    def __len__(self) -> int:
        return len(self.subject)

    def mean(self, control: str) -> Tensor:
        """A control averaged over the sides, (B,)."""
        sides = self.controls[control]
        return (sides[:, 0] + sides[:, 1]) * 0.5


def place_features(subject: Subjects, aus: Tensor) -> Face:
    """Positions of the features for AU coefficients (B, 17), or (B, 2, 17) per side."""
    s, c = subject, controls(aus)

    def mean(name: str) -> Tensor:
        return (c[name][:, 0] + c[name][:, 1]) * 0.5

    jaw = JAW_DROP * mean("jaw")
    two = torch.tensor([-0.5, 0.5], device=aus.device)
    mouth_y = (
        s["mouth_y"] + 0.16 * jaw - 0.008 * mean("chin") - 0.004 * mean("smile") - 0.25 * mean("lip_raise")
    )
    return Face(
        subject=s,
        controls=c,
        chin_y=s["chin_y"] + jaw - 0.012 * mean("chin"),
        jaw=jaw,
        eye_x=s["eye_x"][:, None].expand(-1, 2),
        eye_y=s["skew_eyes"][:, None] * two,
        nose_y=s["nose_y"] - 0.35 * mean("nose_up"),
        nose_width=s["nose_width"][:, None] + c["nose_wide"],
        mouth_y=mouth_y,
        mouth_width=s["mouth_width"][:, None] + c["corner_out"],
        corner_y=mouth_y[:, None] + s["corner"][:, None] - c["corner_up"] + s["skew_mouth"][:, None] * two,
    )
