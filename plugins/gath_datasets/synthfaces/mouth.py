"""Mouth: five curves (where the lips meet, inner and outer edges), with teeth, tongue and cavity between.

``s`` runs from -1 to 1 between the corners. AU12 pulls the corners up and out, AU15 down, AU20 out, AU14 in; AU23
tightens and thins the lips, AU10 raises the upper lip, AU17 pushes the lower lip up, AU25 parts the lips, AU26
drops the jaw.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gath_datasets.synthfaces.canvas import Canvas, Window, window
from gath_datasets.synthfaces.layout import Face
from gath_datasets.synthfaces.maths import bell, col, over, ramp, rgb, step

#: The region that contains the mouth under any expression: x and y ranges, face units.
BOX = (-0.240, 0.240, 0.270, 0.660)
TOOTH_WIDTH = 0.034
#: Relative reduction of lip height by AU23 at 1.
TIGHTENED = 0.80
TONGUE = (0.50, 0.16, 0.15)
CAVITY = (0.050, 0.012, 0.010)


@dataclass(frozen=True)
class Curves:
    """The mouth over some x: s in [-1, 1] between the corners; y of each edge, all of one shape (B, ...)."""

    s: Tensor
    meet: Tensor
    upper_in: Tensor
    lower_in: Tensor
    upper_out: Tensor
    lower_out: Tensor


def curves(face: Face, x: Tensor) -> Curves:
    """Mouth curves at x (B or 1, 1, w) -> (B, 1, w)."""
    f = face.subject
    right = ramp(x, -0.06, 0.06)

    def sided(value: Tensor) -> Tensor:
        return col(value[:, 0]) + (col(value[:, 1]) - col(value[:, 0])) * right

    width = sided(face.mouth_width)
    s = x / width
    a = s.abs().clamp(max=1.25)
    q = (1 - s * s).clamp(min=0)
    part, jaw, smile = col(face.mean("part")), col(face.mean("jaw")), col(face.mean("smile"))
    raised, tight, chin = col(face.mean("lip_raise")), col(face.mean("tight")), col(face.mean("chin"))
    stretch, pouch = col(face.mean("stretch")), col(face.mean("depress"))
    corner = sided(face.corner_y) - col(face.mouth_y)
    bowed = q * (1 - bell(s, 0.0, 0.42))
    meet = col(face.mouth_y) + corner * a * a - 0.0035 * bowed - 0.022 * chin * q
    gap_up = (0.007 + 0.007 * smile) * part + 0.55 * raised * (part + jaw + 0.20).clamp(max=1)
    gap_low = (0.054 + 0.008 * smile) * part * (1 - 0.45 * chin) + 0.098 * jaw * (0.55 + 0.45 * part)
    arch = q.sqrt() * (0.45 * jaw) + q * (1 - 0.45 * jaw)
    upper_in = meet - gap_up * q
    lower_in = meet + gap_low * arch
    thin = (1 - TIGHTENED * tight) * (1 - 0.18 * smile - 0.14 * stretch * (1 - smile))
    bow = 1 - col(f["bow"]) * 0.50 * bell(s, 0.0, 0.16)
    top = col(f["lip_upper"]) * thin * (1 + 0.10 * raised / 0.034 - 0.12 * chin) * bow
    bottom = col(f["lip_lower"]) * thin * (1 + 0.20 * chin - 0.10 * pouch)
    lift = 0.62 * raised * q * (0.55 + 0.45 * bell(a, 0.45, 0.4))
    upper_out = (
        upper_in - top * (0.72 * q + 0.28 * q.sqrt()) * (0.62 + 0.38 * bell(s, 0.0, 0.60)) - lift * 0.55
    )
    lower_out = lower_in + bottom * (0.80 * q + 0.20 * q.sqrt()) * (0.66 + 0.34 * bell(s, 0.0, 0.60))
    return Curves(s, meet, upper_in, lower_in, upper_out, lower_out)


def _masks(canvas: Canvas, box: Window) -> tuple[Curves, Tensor, Tensor, Tensor]:
    """Curves, and masks of the upper lip, the lower lip and the opening, (B, h, w)."""
    m = curves(canvas.face, box.x)
    y, soft = box.y, 0.9 * canvas.grid.dy
    ends = ramp(m.s.abs(), 1.0, 0.94)
    upper = step(torch.minimum((y - m.upper_out) * 0.75, m.meet.maximum(m.upper_in) - y), soft) * ends
    lower = step(torch.minimum(y - m.lower_in.minimum(m.meet), (m.lower_out - y) * 0.70), soft) * ends
    inside = (
        step(torch.minimum(y - m.upper_in, m.lower_in - y), 0.8 * soft)
        * ends
        * ramp(m.lower_in - m.upper_in, 0.001, 0.007)
    )
    return m, upper, lower, inside


def shape_lips(canvas: Canvas) -> None:
    """Relief and colour of the lips. Runs before the shading."""
    f = canvas.face.subject
    box = window(canvas.grid, *BOX)
    m, upper, lower, inside = _masks(canvas, box)
    y = box.y
    tight = col(canvas.face.mean("tight"))
    t_up = ((y - m.upper_out) / (m.upper_in - m.upper_out + 0.006)).clamp(0, 1)
    t_low = ((y - m.lower_in) / (m.lower_out - m.lower_in + 0.006)).clamp(0, 1)
    height = box.of(canvas.relief)
    height += upper * (0.012 * t_up * (1 - 0.4 * tight))
    height += lower * (0.058 * t_low * (1 - t_low) * (1 - 0.4 * tight))
    lips = torch.maximum(upper, lower) * (1 - inside)
    base = f["skin_colour"] ** 2
    rose = torch.tensor([0.86, 0.50, 0.49], device=base.device)
    natural = base * (rose + (1 - rose) * 0.30 * f["melanin"][:, None])
    colour = natural + (f["lipstick_colour"] ** 2 - natural) * (0.80 * f["lipstick"])[:, None]
    lines = 1 + 0.05 * box.of(canvas.noise[:, 2]) - 0.20 * upper * (1 - t_up * 0.3)
    over(box.of(canvas.colour), rgb(colour) * lines[:, None], (0.92 * lips)[:, None])
    box.of(canvas.gloss).add_(lips * col(0.35 + 0.8 * f["lipstick"]))


def render_mouth(canvas: Canvas) -> None:
    """Render the line between the lips and the open mouth, after the shading; fills the ``mouth`` mask."""
    face, f = canvas.face, canvas.face.subject
    box = window(canvas.grid, *BOX)
    m, upper, lower, inside = _masks(canvas, box)
    y, dy = box.y, canvas.grid.dy
    colour, light = box.of(canvas.colour), box.of(canvas.light)
    shut = ramp(m.lower_in - m.upper_in, 0.016, 0.0)
    tight = col(face.mean("tight"))
    line = bell(y, (m.upper_in + m.lower_in) * 0.5, 0.0050 + 0.45 * dy) * ramp(m.s.abs(), 1.08, 0.93) * shut
    colour *= (1 - (0.62 + 0.12 * tight) * line)[:, None]
    pinch = bell(y, m.upper_out - 0.006, 0.007) + bell(y, m.lower_out + 0.006, 0.007)
    colour *= (1 - 0.16 * tight * pinch * ramp(m.s.abs(), 1.0, 0.8))[:, None]

    height = (m.lower_in - m.upper_in).clamp(min=1e-3)
    within = torch.tensor(CAVITY, device=y.device)[None, :, None, None] * (0.5 + light)[:, None]
    tongue = (
        ramp(y, m.lower_in - 0.060, m.lower_in - 0.010) * bell(m.s, 0.0, 0.62) * ramp(height, 0.045, 0.10)
    )
    within = over(
        within,
        torch.tensor(TONGUE, device=y.device)[None, :, None, None] * (0.30 + 0.55 * light)[:, None],
        (0.80 * tongue)[:, None],
    )
    # The upper teeth are fixed to the skull: they do not move with the jaw.
    rest = col(f["mouth_y"]) - 0.25 * col(face.mean("lip_raise")) + 0.35 * (m.meet - col(face.mouth_y))
    edge = rest + 0.0185 - 0.020 * m.s * m.s * (1 - 0.4 * col(face.mean("smile")))
    shown = step(edge - y, dy) * ramp(m.s.abs(), 1.02, 0.86)
    seams = 1 - 0.16 * bell(torch.sin(box.x * (3.14159 / TOOTH_WIDTH)), 0.0, 0.14 + 4 * dy)
    dim = (1 - 0.45 * (m.s * m.s)) * (1 - 0.38 * bell(y, m.upper_in, 0.012)) * seams
    ivory = torch.tensor([0.80, 0.755, 0.68], device=y.device)[None, :, None, None] * col(f["teeth"])[:, None]
    over(within, ivory * (dim * (0.16 + 0.72 * light))[:, None], shown[:, None])
    # Lower teeth.
    low = step(y - (m.lower_in - 0.014), dy) * ramp(height, 0.05, 0.09) * ramp(m.s.abs(), 0.80, 0.55)
    over(within, ivory * (0.42 * light)[:, None], (0.55 * low)[:, None])
    within *= (1 - 0.35 * bell(y, m.upper_in, 0.010))[:, None]
    over(colour, within, inside[:, None])
    box.of(canvas.mouth).copy_(torch.maximum(torch.maximum(upper, lower), inside))
