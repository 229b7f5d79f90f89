"""Scenes: background, light, pose, gaze and camera, as a function of the seed of the scene."""

from __future__ import annotations

import torch
from torch import Tensor

from gath_datasets.synthfaces import tones
from gath_datasets.synthfaces.parameters import ParameterBatch
from gath_datasets.synthfaces.rand import Draws

BACKGROUNDS = ("indoor", "outdoor", "textured", "gradient", "bokeh")

#: Maximum head pose in radians.
MAX_YAW, MAX_PITCH, MAX_ROLL = 0.5, 0.22, 0.16


class Scenes(ParameterBatch):
    """B scenes."""

    def with_values(self, **values: float) -> Scenes:
        """The same scenes with some parameters set, for example ``with_values(yaw=0.0, pitch=0.0)``."""
        new = {name: torch.full_like(self.values[name], value) for name, value in values.items()}
        return Scenes(self.seeds, {**self.values, **new})


def draw_scenes(seeds: Tensor, *, randomise: float = 0.0) -> Scenes:
    """Sample scenes from seeds int64 (B,).

    Args:
        randomise: strength in [0, 1] of camera noise, blur, colour cast and exposure (domain randomisation).
    """
    d = Draws(seeds.cpu())
    n, u = d.normal, d.uniform
    v: dict[str, Tensor] = {}

    # --- pose in radians: yaw > 0 turns the face to the right of the image, pitch > 0 up, roll > 0 clockwise
    v["yaw"] = n("yaw", 0, 0.22).clamp(-MAX_YAW, MAX_YAW)
    v["pitch"] = n("pitch", 0, 0.085).clamp(-MAX_PITCH, MAX_PITCH)
    v["roll"] = n("roll", 0, 0.060).clamp(-MAX_ROLL, MAX_ROLL)
    v["shift_x"], v["shift_y"] = n("shift x", 0, 0.012), n("shift y", 0, 0.012)
    # --- gaze in radians, relative to the head
    v["gaze_x"], v["gaze_y"] = n("gaze x", 0, 0.13), n("gaze y", 0, 0.07)

    # --- key light: azimuth (> 0 from the right of the image), elevation, strength, warmth; fill; rim
    v["light_azimuth"] = n("light azimuth", 0, 0.50)
    v["light_height"] = 0.50 + n("light height", 0, 0.17)
    v["light_contrast"] = u("light contrast", 0.40, 1.0)
    v["light_warmth"] = n("light warmth", 0, 0.45)
    v["exposure"] = 1.0 + n("exposure", 0, 0.055) + randomise * n("exposure jitter", 0, 0.12)

    # --- background
    v["background"] = d.choice("background", (0.27, 0.27, 0.17, 0.15, 0.14))
    hue = u("wall hue")
    v["wall"] = tones.hsv(hue, u("wall depth", 0.03, 0.30), u("wall value", 0.30, 0.85))
    v["wall_2"] = tones.hsv(
        (hue + n("second hue", 0, 0.14)) % 1.0, u("second depth", 0.05, 0.45), u("second value", 0.15, 0.8)
    )
    v["wall_3"] = tones.hsv(u("third hue"), u("third depth", 0.1, 0.55), u("third value", 0.2, 0.95))
    for name in ("place_a", "place_b", "place_c", "place_d", "place_e", "place_f"):
        v[name] = u(name)

    # --- camera
    v["noise"] = randomise * u("noise", 0.0, 0.035)
    v["blur"] = randomise * u("blur", 0.0, 0.9)
    cast = torch.stack([n("cast red", 0, 0.06), n("cast green", 0, 0.04), n("cast blue", 0, 0.06)], -1)
    v["cast"] = 1 + randomise * cast
    v["grain_x"], v["grain_y"] = u("grain x"), u("grain y")

    return Scenes.of(seeds, v)
