"""Wrinkles and folds of AUs and of age.

Forehead: AU01 and AU02; frown: AU04; nose: AU09; crow's feet: AU06; nasolabial fold: AU09, AU10 and AU12; lower lid:
AU06 and AU07. Age adds wrinkles at the same positions.
"""

from __future__ import annotations

import math

import torch

from gath_datasets.synthfaces.canvas import Canvas, mirrored_window, window
from gath_datasets.synthfaces.maths import bell, col, per_side, ramp


def add_folds(canvas: Canvas) -> None:
    """Add relief and occlusion of all folds. Runs before the shading."""
    _forehead(canvas)
    _frown(canvas)
    _nose(canvas)
    _crows_feet(canvas)
    _nasolabial(canvas)
    _under_eye(canvas)


def _forehead(canvas: Canvas) -> None:
    """Horizontal lines: AU01 in the middle, AU02 over the outer brows, age across the forehead."""
    face, s = canvas.face, canvas.face.subject
    box = window(canvas.grid, -0.300, 0.300, -0.420, -0.150)
    c = face.controls
    right = ramp(box.x, -0.05, 0.05)

    def sided(name: str) -> torch.Tensor:
        return col(c[name][:, 0]) + (col(c[name][:, 1]) - col(c[name][:, 0])) * right

    x = box.x
    strength = sided("forehead_inner") * bell(x, 0.0, 0.14) + sided("forehead_outer") * bell(
        x.abs(), 0.22, 0.10
    )
    strength = strength.clamp(max=1.2) * (0.55 + 0.45 * col(s["age"])) + 0.50 * (col(s["age"]) - 0.25).clamp(
        min=0
    ) * bell(x, 0, 0.22)
    mottle = box.of(canvas.noise[:, 0])
    phase = (box.of(canvas.skin_y) + 0.16 * x * x + 0.006 * mottle) * (2 * math.pi / 0.060)
    wave = torch.cos(phase)
    amount = strength * bell(box.y, -0.285, 0.085)
    box.of(canvas.relief).add_(0.0026 * amount * wave)
    groove = (0.5 - 0.5 * wave) ** 4
    box.of(canvas.shadow).mul_(1 - (0.20 * amount * groove).clamp(0, 0.5))


def _frown(canvas: Canvas) -> None:
    """Two vertical furrows between the brows: AU04 and, weaker, age."""
    s = canvas.face.subject
    box = mirrored_window(canvas.grid, 0.0, 0.090, -0.240, -0.020)
    depth = per_side(canvas.face.controls["furrow"] + 0.30 * (s["age"][:, None] - 0.35).clamp(min=0))
    lean = 0.034 + 0.10 * (box.y + per_side(s["brow_y"])).clamp(-0.05, 0.05)
    line = bell(box.x, lean, 0.0085) * bell(box.y, -per_side(s["brow_y"]) - 0.002, 0.052)
    relief = box.of(canvas.relief)
    box.put(canvas.relief, relief - 0.009 * depth * line)
    box.put(canvas.shadow, box.of(canvas.shadow) * (1 - 0.30 * depth * line))


def _nose(canvas: Canvas) -> None:
    """Fine wrinkles along the sides and across the root of the nose: AU09."""
    box = mirrored_window(canvas.grid, 0.0, 0.110, -0.060, 0.150)
    depth = per_side(canvas.face.controls["nose_wrinkle"])
    wave = torch.sin((box.y + 0.45 * box.x) * (2 * math.pi / 0.030))
    where = depth * bell(box.x, 0.030, 0.040) * bell(box.y, 0.030, 0.060)
    box.put(canvas.relief, box.of(canvas.relief) + 0.0036 * where * wave)
    box.put(canvas.shadow, box.of(canvas.shadow) * (1 - 0.26 * where * (0.5 - 0.5 * wave) ** 2))


def _crows_feet(canvas: Canvas) -> None:
    """Lines from the outer corners of the eyes: AU06 and age."""
    s = canvas.face.subject
    box = mirrored_window(canvas.grid, 0.230, 0.380, -0.100, 0.130)
    corner = per_side(s["eye_x"] + s["eye_width"])
    x, y = box.x - corner + 0.030, box.y - 0.004
    fan = torch.sin(y / (x.clamp(min=0.012) + 0.020) * 9.5 + 0.4)
    depth = per_side(
        canvas.face.controls["crow"] * (0.5 + 0.5 * s["age"][:, None])
        + 0.40 * (s["age"][:, None] - 0.3).clamp(min=0)
    )
    where = depth * bell(box.x, corner + 0.042, 0.034) * bell(y, 0.0, 0.052)
    box.put(canvas.relief, box.of(canvas.relief) + 0.0020 * where * fan)
    box.put(canvas.shadow, box.of(canvas.shadow) * (1 - 0.24 * where * (0.5 - 0.5 * fan) ** 3))


def _nasolabial(canvas: Canvas) -> None:
    """The fold from the wing of the nose to the corner of the mouth: AU09, AU10, AU12 and age."""
    face, s = canvas.face, canvas.face.subject
    box = mirrored_window(canvas.grid, 0.060, 0.300, 0.190, 0.560)
    top_x, top_y = per_side(face.nose_width) + 0.012, per_side(face.nose_y) - 0.030
    end_x, end_y = per_side(face.mouth_width) + 0.036, per_side(face.corner_y) + 0.018
    t = (box.y - top_y) / (end_y - top_y)
    bow = 0.020 * per_side(face.controls["smile"])
    path = top_x + (end_x - top_x) * t.clamp(0, 1.3) ** 1.1 + bow * (t * (1 - t) * 4).clamp(min=0)
    depth = per_side(0.10 + 0.42 * s["age"][:, None] + 0.75 * face.controls["fold"]).clamp(max=1.15)
    off = box.x - path
    where = depth * ramp(t, -0.12, 0.15) * ramp(t, 1.20, 0.72)
    # A step in height: the cheek bulges over the lip.
    bulge = torch.tanh(off * 38) * bell(off, 0.0, 0.060)
    box.put(canvas.relief, box.of(canvas.relief) + 0.0085 * where * bulge)
    line = bell(off, -0.003, 0.0135)
    box.put(canvas.shadow, box.of(canvas.shadow) * (1 - 0.17 * where * line))


def _under_eye(canvas: Canvas) -> None:
    """The furrow below the lower lid: AU06, AU07 and age."""
    s = canvas.face.subject
    box = mirrored_window(canvas.grid, 0.060, 0.300, 0.020, 0.150)
    move = canvas.face.controls
    depth = per_side(0.20 * s["bags"][:, None] + 0.50 * move["crow"] + 0.22 * move["lid_tighten"])
    bend = (box.x - per_side(s["eye_x"])) / per_side(s["eye_width"])
    line = bell(box.y, 0.072 - 0.022 * bend * bend - 0.010 * per_side(move["crow"]), 0.0105) * ramp(
        bend.abs(), 1.25, 0.5
    )
    box.put(canvas.relief, box.of(canvas.relief) - 0.0030 * depth * line)
    box.put(canvas.shadow, box.of(canvas.shadow) * (1 - 0.16 * depth * line))
