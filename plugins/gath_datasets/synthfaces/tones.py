"""Colours of skin, hair and eyes as display (sRGB-like) values in [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor

#: Skin from Fitzpatrick I to VI, evenly spaced in the melanin parameter.
SKIN = (
    (0.945, 0.800, 0.735),
    (0.915, 0.745, 0.650),
    (0.850, 0.660, 0.540),
    (0.740, 0.535, 0.410),
    (0.585, 0.418, 0.312),
    (0.468, 0.330, 0.252),
    (0.368, 0.262, 0.206),
)
#: Hair from black to light blond.
HAIR = (
    (0.070, 0.060, 0.058),
    (0.155, 0.110, 0.085),
    (0.270, 0.180, 0.125),
    (0.420, 0.300, 0.190),
    (0.600, 0.465, 0.300),
    (0.780, 0.660, 0.470),
)
GREY_HAIR = (0.665, 0.655, 0.640)
RED_HAIR = (0.520, 0.240, 0.110)
#: Irises from dark brown over hazel and green to blue and grey.
IRIS = (
    (0.130, 0.075, 0.045),
    (0.260, 0.150, 0.080),
    (0.380, 0.270, 0.130),
    (0.330, 0.380, 0.250),
    (0.300, 0.430, 0.540),
    (0.450, 0.520, 0.570),
)


def ramp(colours: tuple[tuple[float, float, float], ...], t: Tensor) -> Tensor:
    """Linear interpolation along a list of colours; t (B,) in [0, 1] -> (B, 3)."""
    table = torch.tensor(colours, dtype=t.dtype, device=t.device)
    position = t.clamp(0, 1) * (len(colours) - 1)
    low = position.floor().clamp(max=len(colours) - 2)
    index = low.long()
    return table[index] + (table[index + 1] - table[index]) * (position - low)[:, None]


def hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """HSV to RGB; all (B,), hue in turns -> (B, 3)."""
    offsets = torch.tensor([5.0, 3.0, 1.0], dtype=hue.dtype, device=hue.device)
    k = (offsets + hue[:, None] * 6) % 6
    return value[:, None] * (1 - saturation[:, None] * torch.minimum(k, 4 - k).clamp(0, 1))


def blend(a: Tensor, b: Tensor | tuple[float, float, float], t: Tensor) -> Tensor:
    """Linear interpolation from a (B, 3) to b by t (B,)."""
    other = torch.as_tensor(b, dtype=a.dtype, device=a.device)
    return a + (other - a) * t[:, None]
