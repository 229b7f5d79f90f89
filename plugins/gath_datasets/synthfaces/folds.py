"""Wrinkles and folds: those of the AUs (forehead 1 and 2, frown 4, nose 9, crow's feet 6, nasolabial fold 9, 10
and 12, lids 7) and those that age leaves behind at the same places."""

from __future__ import annotations

import math

import torch

from gath_datasets.synthfaces.eyes import _c
from gath_datasets.synthfaces.maths import bell, col, ramp
from gath_datasets.synthfaces.sketch import Sketch, pair, window


def fold_face(sketch: Sketch) -> None:
    """Add relief and occlusion of all folds, before the shading."""
    _forehead(sketch)
    _frown(sketch)
    _nose(sketch)
    _crow(sketch)
    _nasolabial(sketch)
    _under_eye(sketch)


def _forehead(sketch: Sketch) -> None:
    """Horizontal lines: 1 in the middle, 2 over the outer brows, age across."""
    face, s = sketch.face, sketch.face.subject
    box = window(sketch.grid, -0.300, 0.300, -0.420, -0.150)
    c = face.move
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
    mottle = box.of(sketch.noise[:, 0])
    phase = (box.of(sketch.skin_y) + 0.16 * x * x + 0.006 * mottle) * (2 * math.pi / 0.060)
    wave = torch.cos(phase)
    amount = strength * bell(box.y, -0.285, 0.085)
    box.of(sketch.relief).add_(0.0026 * amount * wave)
    groove = (0.5 - 0.5 * wave) ** 4
    box.of(sketch.shadow).mul_(1 - (0.20 * amount * groove).clamp(0, 0.5))


def _frown(sketch: Sketch) -> None:
    """Two upright furrows between the brows: 4, and a trace with age."""
    s = sketch.face.subject
    box = pair(sketch.grid, 0.0, 0.090, -0.240, -0.020)
    depth = _c(sketch.face.move["furrow"] + 0.30 * (s["age"][:, None] - 0.35).clamp(min=0))
    lean = 0.034 + 0.10 * (box.y + _c(s["brow_y"])).clamp(-0.05, 0.05)
    line = bell(box.x, lean, 0.0085) * bell(box.y, -_c(s["brow_y"]) - 0.002, 0.052)
    relief = box.of(sketch.relief)
    box.put(sketch.relief, relief - 0.009 * depth * line)
    box.put(sketch.shadow, box.of(sketch.shadow) * (1 - 0.30 * depth * line))


def _nose(sketch: Sketch) -> None:
    """Fine wrinkles along the sides and across the root of the nose: 9."""
    box = pair(sketch.grid, 0.0, 0.110, -0.060, 0.150)
    depth = _c(sketch.face.move["nose_wrinkle"])
    wave = torch.sin((box.y + 0.45 * box.x) * (2 * math.pi / 0.030))
    where = depth * bell(box.x, 0.030, 0.040) * bell(box.y, 0.030, 0.060)
    box.put(sketch.relief, box.of(sketch.relief) + 0.0036 * where * wave)
    box.put(sketch.shadow, box.of(sketch.shadow) * (1 - 0.26 * where * (0.5 - 0.5 * wave) ** 2))


def _crow(sketch: Sketch) -> None:
    """Lines that fan out from the outer corners of the eyes: 6 and age."""
    s = sketch.face.subject
    box = pair(sketch.grid, 0.230, 0.380, -0.100, 0.130)
    corner = _c(s["eye_x"] + s["eye_width"])
    x, y = box.x - corner + 0.030, box.y - 0.004
    fan = torch.sin(y / (x.clamp(min=0.012) + 0.020) * 9.5 + 0.4)
    depth = _c(
        sketch.face.move["crow"] * (0.5 + 0.5 * s["age"][:, None])
        + 0.40 * (s["age"][:, None] - 0.3).clamp(min=0)
    )
    where = depth * bell(box.x, corner + 0.042, 0.034) * bell(y, 0.0, 0.052)
    box.put(sketch.relief, box.of(sketch.relief) + 0.0020 * where * fan)
    box.put(sketch.shadow, box.of(sketch.shadow) * (1 - 0.24 * where * (0.5 - 0.5 * fan) ** 3))


def _nasolabial(sketch: Sketch) -> None:
    """The fold from the wing of the nose to the corner of the mouth: 9, 10, 12, and age."""
    face, s = sketch.face, sketch.face.subject
    box = pair(sketch.grid, 0.060, 0.300, 0.190, 0.560)
    top_x, top_y = _c(face.nose_width) + 0.012, _c(face.nose_y) - 0.030
    end_x, end_y = _c(face.mouth_width) + 0.036, _c(face.corner_y) + 0.018
    t = (box.y - top_y) / (end_y - top_y)
    bow = 0.020 * _c(face.move["smile"])
    path = top_x + (end_x - top_x) * t.clamp(0, 1.3) ** 1.1 + bow * (t * (1 - t) * 4).clamp(min=0)
    depth = _c(0.10 + 0.42 * s["age"][:, None] + 0.75 * face.move["fold"]).clamp(max=1.15)
    off = box.x - path
    where = depth * ramp(t, -0.12, 0.15) * ramp(t, 1.20, 0.72)
    # A step in height: the cheek bulges over the lip.
    bulge = torch.tanh(off * 38) * bell(off, 0.0, 0.060)
    box.put(sketch.relief, box.of(sketch.relief) + 0.0085 * where * bulge)
    line = bell(off, -0.003, 0.0135)
    box.put(sketch.shadow, box.of(sketch.shadow) * (1 - 0.17 * where * line))


def _under_eye(sketch: Sketch) -> None:
    """The furrow below the lower lid: 6 and 7 deepen it, age keeps it."""
    s = sketch.face.subject
    box = pair(sketch.grid, 0.060, 0.300, 0.020, 0.150)
    move = sketch.face.move
    depth = _c(0.20 * s["bags"][:, None] + 0.50 * move["crow"] + 0.22 * move["lid_tighten"])
    bend = (box.x - _c(s["eye_x"])) / _c(s["eye_width"])
    line = bell(box.y, 0.072 - 0.022 * bend * bend - 0.010 * _c(move["crow"]), 0.0105) * ramp(
        bend.abs(), 1.25, 0.5
    )
    box.put(sketch.relief, box.of(sketch.relief) - 0.0030 * depth * line)
    box.put(sketch.shadow, box.of(sketch.shadow) * (1 - 0.16 * depth * line))
