"""Motion of the skin with expression: a displacement field over the canonical grid.

The skin at a point p of the expressive face has the neutral position p - displacement(p). The field is a sum of
separable Gaussians at the insertions of the muscles, plus a ramp for the jaw.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gath_datasets.synthfaces.fields import Bumps
from gath_datasets.synthfaces.geometry import Grid
from gath_datasets.synthfaces.layout import Face
from gath_datasets.synthfaces.maths import bell, col, ramp


def displacement(face: Face, grid: Grid) -> tuple[Tensor, Tensor]:
    """Horizontal and downward displacement of the skin, (B, H, W) each, in face units."""
    s, c = face.subject, face.controls
    outward = torch.tensor([-1.0, 1.0], device=s.seeds.device)
    up = Bumps(s.seeds)
    brow_y = -s["brow_y"][:, None]
    up.pair(c["brow_inner"], 0.078, brow_y - 0.6 * c["brow_inner"], 0.072, 0.080)
    up.pair(c["brow_middle"], 0.160, brow_y - 0.5 * c["brow_inner"], 0.062, 0.080)
    up.pair(c["brow_outer"], 0.245, brow_y - 0.6 * c["brow_outer"], 0.082, 0.085)
    up.pair(c["cheek"], 0.215, 0.150, 0.100, 0.075)
    up.pair(c["corner_up"], face.mouth_width + 0.012, face.corner_y, 0.070, 0.075)
    up.add(face.mean("lip_raise"), 0.0, face.mouth_y - 0.045, 0.120, 0.045)
    up.add(face.mean("nose_up"), 0.0, s["nose_y"] - 0.030, 0.100, 0.060)
    up.add(0.022 * face.mean("chin"), 0.0, face.chin_y - 0.090, 0.110, 0.070)
    down = -up.evaluate(grid.x, grid.y)
    lip = col(face.mouth_y)
    drop = col(face.jaw) * ramp(grid.y[None, :, None], lip - 0.035, lip + 0.085)
    down += drop * bell(grid.x[None, None, :], 0.0, 0.55)
    out = Bumps(s.seeds)
    out.pair(-outward * c["brow_knit"], 0.085, brow_y, 0.075, 0.085)
    out.pair(outward * c["corner_out"], face.mouth_width + 0.012, face.corner_y, 0.080, 0.080)
    return out.evaluate(grid.x, grid.y), down
