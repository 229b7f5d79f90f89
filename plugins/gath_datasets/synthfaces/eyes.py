"""Eyes: lids as two curves over an eyeball with sclera, iris and pupil, lashes, crease and make-up.

Local coordinates: u runs from the inner corner (-1) to the outer (1) in half eye widths, v down in the same unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gath_datasets.synthfaces.canvas import Canvas, MirroredWindow, mirrored_window
from gath_datasets.synthfaces.layout import Face
from gath_datasets.synthfaces.maths import bell, over, per_side, per_side_rgb, ramp, step
from gath_datasets.synthfaces.scene import Scenes
from gath_datasets.synthfaces.shading import Light

#: The region that contains an eye with its crease and lashes: x and y ranges, face units.
BOX = (0.055, 0.300, -0.125, 0.115)


@dataclass(frozen=True)
class Lids:
    """The opening of the eyes; ``upper`` and ``lower`` are v of the lid margins at u, (B, 2, h, w) or broadcast."""

    u: Tensor
    v: Tensor
    upper: Tensor
    lower: Tensor
    height: Tensor


def opening(face: Face) -> tuple[Tensor, Tensor]:
    """Heights of the upper and lower lid above and below the corners' line, in half eye widths, (B, 2) each.

    AU05 raises the upper lid; AU07 lowers it and raises the lower lid; AU06 raises the lower lid; AU45 closes the eye.
    """
    s, c = face.subject, face.controls
    low = s["eye_low"][:, None] * (1 - 0.80 * c["lid_low_raise"].clamp(max=1.05))
    up = s["eye_open"][:, None] * (1 + 0.42 * c["lid_raise"] - 0.30 * c["lid_tighten"]) - 0.020 * c["crow"]
    closed = c["lid_close"].clamp(0, 1)
    return up * (1 - closed) - 0.72 * low * closed, low


def profile_upper(u: Tensor) -> Tensor:
    """Profile of the upper lid at u: steep at the inner corner, highest just inside the middle."""
    t = u + 0.10 * (1 - u * u)
    q = (1 - t * t).clamp(min=0)
    return 0.5 * q + 0.5 * q.sqrt()


def profile_lower(u: Tensor) -> Tensor:
    """Profile of the lower lid at u: flatter, lowest towards the outer corner."""
    t = u - 0.10 * (1 - u * u)
    q = (1 - t * t).clamp(min=0)
    return 0.75 * q + 0.25 * q.sqrt()


def lids(face: Face, box: MirroredWindow) -> Lids:
    """The lid curves over the eye boxes."""
    s = face.subject
    up, low = opening(face)
    u = (box.x - per_side(face.eye_x)) / per_side(s["eye_width"])
    v = (box.y - per_side(face.eye_y)) / per_side(s["eye_width"]) + per_side(s["eye_tilt"]) * u
    return Lids(u, v, -per_side(up) * profile_upper(u), per_side(low) * profile_lower(u), per_side(up + low))


def render_eyes(canvas: Canvas, scenes: Scenes, lights: Light) -> None:
    """Render both eyes over the shaded skin; fills the ``eyes`` mask."""
    face, s = canvas.face, canvas.face.subject
    box = mirrored_window(canvas.grid, *BOX)
    eye = lids(face, box)
    u, v = eye.u, eye.v
    pixel = canvas.grid.dy / per_side(s["eye_width"])
    gap = torch.minimum(v - eye.upper, eye.lower - v)
    within = ramp(u.abs(), 1.0, 0.93)
    mask = step(gap, 0.8 * pixel) * within * ramp(eye.lower - eye.upper, 0.02, 0.09)
    skin = box.of(canvas.colour)
    light = box.of(canvas.light[:, None])[:, :, 0]

    ball = _eyeball(face, scenes, lights, u, v, pixel)
    # Shadow of the lids on the eyeball.
    shade = 1 - 0.52 * bell(v, eye.upper, 0.17) - 0.14 * bell(v, eye.lower, 0.09)
    even = 0.30 + 0.62 * light
    ball *= (shade * even)[:, :, None]
    ball += (_glint(scenes, u, v) * (1 - 0.5 * bell(v, eye.upper, 0.08)))[:, :, None]

    lid_open = eye.height.clamp(min=0)
    # The crease above the upper lid follows the lid and flattens as the eye closes.
    arch = ((1 - (u * 0.90 + 0.04) ** 2).clamp(min=0)).sqrt()
    rest = per_side(s["eye_open"])
    fold = (
        -(rest * 0.55 + 0.45 * (-eye.upper / (profile_upper(u) + 1e-3)).clamp(0, 1.2) + per_side(s["crease"]))
        * arch
    )
    crease = bell(v, fold, 0.055 + 0.3 * pixel) * ramp(u.abs(), 1.10, 0.75)
    hood = bell(v, fold - 0.02, 0.12) * ramp(u, -0.5, 0.6) * per_side(s["hooded"]) * ramp(u, 1.25, 0.9)
    under = bell(v, eye.lower + 0.30, 0.13) * ramp(u.abs(), 1.05, 0.35)
    squeeze = per_side(face.controls["lid_low_raise"])
    skin *= (1 - 0.30 * crease - 0.20 * hood - under * (0.05 + 0.24 * squeeze))[:, :, None]
    ridge = bell(v, eye.lower + 0.12, 0.07) * ramp(u.abs(), 1.0, 0.5)
    skin *= (1 + 0.12 * squeeze * ridge)[:, :, None]
    over(skin, ball, mask[:, :, None])

    # Lower rim, lash lines, and lashes at the outer end.
    rim = bell(v, eye.lower - 0.01, 0.045) * ramp(u.abs(), 1.0, 0.85) * ramp(lid_open, 0.02, 0.12)
    skin[:, :, 0] += 0.10 * rim * light
    dark = (0.25 * per_side_rgb(s["brow_colour"]) ** 2 * 0.7 + 0.002).expand_as(skin)
    wide = 0.048 + 0.35 * pixel
    lash = bell(v, eye.upper - 0.02, wide) * ramp(u.abs(), 1.06, 0.92) * ramp(u, -1.02, -0.55)
    wing = bell(v, -0.26 * (u - 0.70).clamp(min=0) - 0.02 + eye.upper, 0.050 + 0.3 * pixel)
    wing = wing * ramp(u, 0.55, 0.85) * ramp(u, 1.24, 1.02)
    strength = (per_side(s["lashes"]) + 0.25 * per_side(s["liner"])).clamp(0, 1)
    over(skin, dark, (strength * lash).clamp(0, 1)[:, :, None])
    over(
        skin,
        dark,
        (strength * wing * (0.15 + 0.6 * per_side(s["lashes"]) ** 2 + 0.3 * per_side(s["liner"]))).clamp(
            0, 1
        )[:, :, None],
    )
    low = bell(v, eye.lower + 0.045, 0.045 + 0.2 * pixel) * ramp(u.abs(), 1.05, 0.80)
    over(
        skin,
        dark,
        ((0.16 + 0.22 * per_side(s["lashes"]) + 0.35 * per_side(s["liner"])) * low).clamp(0, 1)[:, :, None],
    )
    box.put(canvas.colour, skin)
    box.put(canvas.eyes, mask)


def _eyeball(face: Face, scenes: Scenes, lights: Light, u: Tensor, v: Tensor, pixel: Tensor) -> Tensor:
    """Sclera, iris and pupil, linear albedo (B, 2, 3, h, w)."""
    s = face.subject
    side = torch.tensor([-1.0, 1.0], device=u.device)[None, :, None, None]
    gx = u - side * per_side(scenes["gaze_x"]) * 0.85 + 0.02
    gy = v + 0.09 + per_side(scenes["gaze_y"]) * 0.60
    radius = torch.sqrt(gx * gx + gy * gy + 1e-6)
    size = per_side(s["iris"])
    ratio = radius / size
    fibres = torch.sin(gx * 31 / size) * torch.sin(gy * 29 / size + 1.7)
    tone = (
        (0.80 + 0.16 * fibres)
        * (1 + 0.55 * ramp(gy / size, -0.2, 0.8))
        * (1 + 0.30 * ramp(ratio, 0.75, 0.45))
    )
    tone = tone * (1 - 0.72 * ramp(ratio, 0.78, 1.0)) * (1 - 0.95 * step(0.42 * size - radius, pixel))
    iris = (per_side_rgb(s["eye_colour"]) ** 2 * 1.25) * tone[:, :, None]
    veins = 0.84 - 0.13 * ramp(u.abs(), 0.45, 1.0)
    white = torch.tensor([0.80, 0.75, 0.71], device=u.device)[None, None, :, None, None] * veins[:, :, None]
    corner = ramp(u, -0.80, -0.98)
    white = white * (
        1 - corner[:, :, None] * torch.tensor([0.12, 0.50, 0.50], device=u.device)[None, None, :, None, None]
    )
    return over(white.expand_as(iris).clone(), iris, step(size - radius, 1.1 * pixel)[:, :, None])


def _glint(scenes: Scenes, u: Tensor, v: Tensor) -> Tensor:
    """Reflection of the key light on the cornea, and a faint second one below."""
    side = torch.tensor([-1.0, 1.0], device=u.device)[None, :, None, None]
    x = (
        u * side
        - per_side(scenes["gaze_x"]) * 0.6
        - 0.13 * per_side(scenes["light_azimuth"]).clamp(-1, 1) * 1.6
    )
    y = v + 0.22 + per_side(scenes["gaze_y"]) * 0.4
    return 0.75 * bell(x, 0.0, 0.085) * bell(y, 0.0, 0.085) + 0.05 * bell(x, -0.10, 0.14) * bell(
        y, 0.30, 0.10
    )
