"""Brows: tapered curves of hair in skin coordinates, so that they move with the skin."""

from __future__ import annotations

import torch

from gath_datasets.synthfaces.canvas import Canvas, mirrored_window
from gath_datasets.synthfaces.maths import over, per_side, per_side_rgb, ramp
from gath_datasets.synthfaces.noise import STRANDS, sample

#: The region that contains the brows under any expression: x and y ranges, face units.
BOX = (0.010, 0.345, -0.270, -0.020)
#: Distance of the inner end of a brow from the mid-line.
INNER_X = 0.072


def render_brows(canvas: Canvas) -> None:
    """Draw both brows over the shaded skin."""
    s = canvas.face.subject
    box = mirrored_window(canvas.grid, *BOX)
    sides = torch.tensor([-1.0, 1.0], device=canvas.skin_x.device)[None, :, None, None]
    x = box.of(canvas.skin_x) * sides
    y = box.of(canvas.skin_y) - per_side(canvas.face.eye_y)
    along = (x - INNER_X) / per_side(s["brow_length"])  # 0 at the inner end, 1 at the tail
    t = along.clamp(-0.1, 1.1)
    peak = ((t - 0.62) / 0.62) ** 2
    middle = (
        -per_side(s["brow_y"]) - per_side(s["brow_arch"]) * (1 - peak) - per_side(s["brow_tilt"]) * (t - 0.5)
    )
    middle = middle + 0.030 * ramp(t, 0.60, 1.15) * (t - 0.60)
    half = per_side(s["brow_thick"]) * (0.62 + 0.50 * ramp(t, -0.05, 0.22)) * (1 - 0.80 * ramp(t, 0.45, 1.05))
    off = (y - middle) / half
    sheared = (x * 0.75 + (y - middle) * (0.95 - 1.25 * t)).flatten(0, 1)
    hair = sample(slice(STRANDS, STRANDS + 1), sheared + 0.37, (y * 0.5 + 0.2 * x).flatten(0, 1))
    hair = hair[:, 0].view_as(x)
    edge = (off + 0.22 * hair).abs()
    mask = torch.exp(-(edge**3) * 0.9) * ramp(along, -0.04, 0.10) * ramp(along, 1.06, 0.82)
    mask = mask * (per_side(s["brow_density"]) * (0.92 + 0.20 * hair)).clamp(0, 0.97)
    skin = box.of(canvas.colour)
    light = box.of(canvas.light[:, None])
    colour = per_side_rgb(s["brow_colour"] ** 2) * (0.10 + 0.75 * light)
    over(skin, colour.expand_as(skin), mask[:, :, None])
    box.put(canvas.colour, skin)
