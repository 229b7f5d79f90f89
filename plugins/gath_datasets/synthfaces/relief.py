"""Relief and soft shadows of the face as sums of Gaussians."""

from __future__ import annotations

import torch
from torch import Tensor

from gath_datasets.synthfaces.fields import Bumps
from gath_datasets.synthfaces.geometry import Grid
from gath_datasets.synthfaces.layout import Face


def relief(face: Face, grid: Grid) -> Tensor:
    """Height above the head's rings, (B, H, W), face units."""
    s, c = face.subject, face.controls
    nose_y, mouth_y, chin_y = s["nose_y"], face.mouth_y, face.chin_y
    b = Bumps(s.seeds)
    # brow ridge, sockets, eyeballs under the lids
    b.pair(0.016 * s["ridge"], 0.165, -0.085, 0.115, 0.042)
    b.add(0.008 * s["ridge"], 0.0, -0.095, 0.060, 0.055)
    b.pair(-0.042, face.eye_x - 0.006, -0.012, 0.088, 0.056)
    b.pair(-0.020, 0.072, -0.012, 0.030, 0.048)
    b.pair(0.027, face.eye_x, face.eye_y, 0.070, 0.052)
    # nose: bridge, tip, wings
    rise = face.nose_y - s["nose_y"]
    b.add(0.019 * s["bridge"], 0.0, nose_y * 0.25, s["bridge_width"] * 0.95, 0.105)
    b.add(0.032 * s["bridge"], 0.0, nose_y * 0.66, s["bridge_width"] * 1.05, 0.085)
    b.add(0.040 * s["tip"], 0.0, nose_y - 0.050 + rise, s["tip_width"], 0.045)
    b.pair(0.026, face.nose_width * 0.70, (nose_y - 0.028 + rise)[:, None], 0.030, 0.030)
    # cheeks: bone, hollow, and the part that AU06 and AU12 raise
    b.pair(0.026 * s["cheek"], 0.245, 0.125, 0.100, 0.070)
    b.pair(-0.016 * s["hollow"], 0.255, 0.330, 0.070, 0.110)
    b.pair(0.034 * c["cheek_bulge"], 0.195, 0.175 - c["cheek"], 0.080, 0.060)
    # muzzle, chin, the groove between
    b.add(0.026, 0.0, mouth_y, 0.150, 0.095)
    b.add(0.026 * s["chin"], 0.0, chin_y - 0.085, 0.085, 0.060)
    b.add(0.018 * face.mean("chin"), 0.0, chin_y - 0.110, 0.070, 0.045)
    b.add(-0.015, 0.0, mouth_y + s["lip_lower"] + 0.026 + 0.7 * face.jaw, 0.095, 0.024)
    b.add(-0.006, 0.0, mouth_y - 0.070, 0.014, 0.040)
    # temples, forehead, jowls, bags
    b.pair(-0.012, 0.345, -0.150, 0.060, 0.120)
    b.add(0.010, 0.0, -0.280, 0.210, 0.110)
    b.pair(0.014 * s["age"], 0.205, 0.455, 0.055, 0.060)
    b.pair(0.0045 * s["bags"], s["eye_x"] - 0.006, 0.074, 0.060, 0.018)
    # AU14 and AU15 indent the skin beside and below the mouth corners
    b.pair(-0.011 * c["dimple"], face.mouth_width + 0.024, face.corner_y, 0.018, 0.030)
    b.pair(0.009 * c["dimple"], face.mouth_width + 0.064, face.corner_y, 0.030, 0.050)
    b.pair(-0.012 * c["depress"], face.mouth_width + 0.004, face.corner_y + 0.038, 0.022, 0.034)
    # AU04 and AU09 bunch the inner ends of the brows
    b.pair(0.012 * c["furrow"], 0.066, -s["brow_y"] + 0.020, 0.034, 0.034)
    return b.evaluate(grid.x, grid.y)


def shadow(face: Face, grid: Grid, light_azimuth: Tensor) -> Tensor:
    """Approximate ambient occlusion, factor (B, H, W) in [0.12, 1]."""
    s, c = face.subject, face.controls
    nose_y, mouth_y = face.nose_y, face.mouth_y
    b = Bumps(s.seeds)
    b.pair(0.22, 0.084, -0.022, 0.030, 0.052)
    b.pair(0.13 + 0.07 * s["hooded"], s["eye_x"], -0.062, 0.095, 0.030)
    b.pair(0.07 + 0.09 * s["bags"], s["eye_x"] - 0.012, 0.066, 0.060, 0.026)
    b.add(0.34, 0.0, nose_y + 0.010, s["nose_width"] * 0.86, 0.017)
    b.add(0.10, 0.0, nose_y + 0.030, s["nose_width"] * 1.1, 0.035)
    b.pair(0.13, face.nose_width * 1.06, (nose_y - 0.028)[:, None], 0.014, 0.028)
    b.pair(0.06, 0.056, nose_y * 0.55, 0.022, 0.090)
    below = mouth_y + s["lip_lower"] + 0.014 + 0.9 * face.jaw + 0.055 * face.mean("part")
    b.add(0.17, 0.0, below, 0.075, 0.016)
    b.pair(0.16, face.mouth_width + 0.006, face.corner_y, 0.016, 0.014)
    b.pair(0.26 * c["dimple"], face.mouth_width + 0.022, face.corner_y, 0.012, 0.022)
    b.pair(0.20 * c["depress"], face.mouth_width + 0.000, face.corner_y + 0.034, 0.013, 0.030)
    b.pair(0.06 * s["hollow"].clamp(min=0), 0.275, 0.330, 0.070, 0.110)
    b.add(0.16 * face.mean("chin"), 0.0, below + 0.004, 0.090, 0.016)
    # The nose's cast shadow falls away from the key light.
    toward_light = torch.stack([light_azimuth, -light_azimuth], -1).clamp(min=0)
    b.pair(0.30 * toward_light, 0.070, nose_y * 0.78, 0.042, 0.075)
    return (1 - b.evaluate(grid.x, grid.y)).clamp_(0.12, 1)
