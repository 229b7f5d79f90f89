"""Skin colour before shading: melanin, blood, marks, beard and make-up."""

from __future__ import annotations

import torch
from torch import Tensor

from gath_datasets.synthfaces.canvas import Canvas
from gath_datasets.synthfaces.fields import Bumps
from gath_datasets.synthfaces.maths import col, over, ramp, rgb

#: Absorption of linear red, green and blue by blood.
BLOOD = (0.02, 0.30, 0.26)
#: Absorption by pigment (freckles, age spots).
PIGMENT = (0.35, 0.55, 0.70)


def render_skin(canvas: Canvas) -> None:
    """Fill ``colour`` (linear albedo) and ``gloss``."""
    face, grid, s = canvas.face, canvas.grid, canvas.face.subject
    blotches, mottle, pores = canvas.noise.unbind(1)
    pale = 1 - 0.75 * s["melanin"]
    flush = Bumps(s.seeds)
    blush = 0.30 + 0.55 * s["redness"]
    flush.pair(
        (0.60 * blush + 0.5 * s["blusher"])[:, None] + 0.12 * face.controls["cheek_bulge"],
        0.225,
        0.165,
        0.115,
        0.080,
    )
    flush.add(0.45 * blush, 0.0, s["nose_y"] - 0.040, 0.065, 0.055)
    flush.add(0.22 * blush, 0.0, face.chin_y - 0.080, 0.100, 0.060)
    flush.pair(0.28 + 0.12 * s["redness"], s["eye_x"], 0.020, 0.095, 0.060)
    flush.pair(0.25, s["nose_width"] * 0.9, s["nose_y"] - 0.015, 0.025, 0.030)
    blood = flush.evaluate(grid.x, grid.y)
    blood += blotches * (0.055 * col(s["blotch"])) + mottle * (0.045 * col(s["blotch"]))
    blood *= col(pale)
    texture = 1 + mottle * 0.022 + pores * 0.028 + blotches * 0.018
    colour = canvas.colour
    torch.mul(rgb(s["skin_colour"] ** 2), texture[:, None], out=colour)
    for i, loss in enumerate(BLOOD):
        colour[:, i] *= 1 - loss * blood
    _marks(canvas)
    _beard(canvas)
    _eye_shadow(canvas)
    oil = Bumps(s.seeds)
    oil.add(0.55, 0.0, -0.250, 0.180, 0.090)
    oil.add(0.75, 0.0, s["nose_y"] - 0.060, 0.045, 0.080)
    oil.pair(0.40, 0.215, 0.115, 0.075, 0.050)
    oil.add(0.25, 0.0, face.chin_y - 0.080, 0.060, 0.045)
    torch.mul(oil.evaluate(grid.x, grid.y) + 0.35, col(s["shine"]) * (1 + 0.12 * pores), out=canvas.gloss)


def _marks(canvas: Canvas) -> None:
    """Freckles over nose and cheeks, age spots and moles; they move with the skin."""
    s = canvas.face.subject
    pores, mottle = canvas.noise[:, 2], canvas.noise[:, 1]
    where = Bumps(s.seeds)
    where.pair(s["freckles"], 0.140, 0.130, 0.170, 0.110)
    freckles = ramp(pores, 0.9, 1.9) * where.evaluate(canvas.grid.x, canvas.grid.y)
    spots = ramp(mottle, 1.7, 2.4) * col(0.55 * s["spots"])
    moles = ramp(mottle - pores * 0.1, 3.0, 3.3) * col(s["moles"])
    pigment = (0.70 * freckles + spots + 1.1 * moles).clamp_(0, 1.2)
    for i, loss in enumerate(PIGMENT):
        canvas.colour[:, i] *= 1 - loss * pigment


def _beard(canvas: Canvas) -> None:
    """Shaved shadow, stubble and beard, as hair-coloured density on the skin."""
    s = canvas.face.subject
    lip, mouth = s["mouth_y"] - s["lip_upper"], s["mouth_y"]
    x, y = canvas.skin_x, canvas.skin_y
    area = Bumps(s.seeds)
    area.pair(s["beard_lip"] + 0.5 * s["shadow"], 0.055, lip - 0.022, 0.062, 0.026)
    area.pair(0.8 * s["beard_lip"] * s["beard_chin"], 0.135, mouth + 0.020, 0.028, 0.070)
    area.add(s["beard_chin"] + 0.6 * s["shadow"], 0.0, s["chin_y"] - 0.065, 0.110, 0.085)
    shape = area.evaluate(canvas.grid.x, canvas.grid.y)
    # Jaw and cheeks: the region outside an arch from the ear to below the mouth.
    arch = 0.44 - 1.05 * ((x.abs() - 0.06).clamp(min=0))
    cheeks = ramp(y - arch, -0.070, 0.085) * ramp(y, -0.02, 0.10)
    around = (x / 0.150) ** 2 + ((y - col(mouth) - 0.005) / 0.066) ** 2
    shape = torch.maximum(shape, cheeks * col(s["beard_jaw"] + 0.6 * s["shadow"]) * ramp(around, 0.9, 1.6))
    shape *= ramp(around, 0.35, 0.85) * ramp(
        y, col(s["nose_y"]) + 0.002 - 0.6 * (x.abs() - 0.10).clamp(min=0), col(s["nose_y"]) + 0.024
    )
    length = col(s["beard_length"])
    grain = canvas.noise[:, 2] * (0.16 + 0.10 * length) + canvas.noise[:, 1] * 0.10
    density = (shape * (0.92 + grain) * (0.62 + 0.38 * length)).clamp_(0, 0.96)
    over(
        canvas.colour,
        rgb((s["beard_colour"] * 0.85) ** 2) * (1 + 0.16 * canvas.noise[:, 2:]),
        density[:, None],
    )
    canvas.relief += 0.010 * length * density + 0.0025 * length * density * canvas.noise[:, 2]
    canvas.shadow *= 1 - 0.12 * length * density


def _eye_shadow(canvas: Canvas) -> None:
    s = canvas.face.subject
    lids = Bumps(s.seeds)
    lids.pair(0.60 * s["eye_shadow"], s["eye_x"] + 0.010, -0.045, 0.085, 0.034)
    over(
        canvas.colour,
        rgb(s["eye_shadow_colour"] ** 2).expand_as(canvas.colour),
        lids.evaluate(canvas.grid.x, canvas.grid.y)[:, None],
    )


def detail(canvas: Canvas) -> Tensor:
    """Fine relief of the skin, (B, H, W), face units: pores, and unevenness that grows with age."""
    s = canvas.face.subject
    _, mottle, pores = canvas.noise.unbind(1)
    return pores * 0.00016 + mottle * col(0.00012 + 0.00020 * s["age"])
