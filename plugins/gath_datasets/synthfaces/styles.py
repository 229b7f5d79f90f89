"""Hairstyles, beards, glasses and head covers with their parameters.

Lengths are in face units (1 unit = about 185 mm = hairline to chin); angles in radians around the axis of the head.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class HairStyle:
    """One hairstyle as a shell around the skull.

    Attributes:
        name: its name in histograms.
        top, side: distance of the shell from the skull above and beside it.
        length: y of the lower end of the hair at back and sides (eyes 0, chin about 0.62).
        opening: the angle from the nose at which the side hair begins.
        side_end: the y at which the hair in front of the ear ends.
        fringe: length of the hair below the hairline over the forehead.
        part: x of the parting; its side is sampled per subject.
        wave, curl: strength of waves in the strands and of curls in outline and texture.
        bun: size of a bun on top of the head.
        shortness: 0 for strands, 1 for a shaved head.
        feminine, masculine: sampling weight at either end of the presentation axis.
    """

    name: str
    top: float
    side: float
    length: float
    opening: float
    side_end: float
    fringe: float = 0.0
    part: float = 0.0
    wave: float = 0.0
    curl: float = 0.0
    bun: float = 0.0
    shortness: float = 0.0
    feminine: float = 1.0
    masculine: float = 1.0


HAIR_STYLES = (
    HairStyle("bald", 0.000, 0.000, -0.30, 1.45, -0.10, shortness=1.0, feminine=0.1, masculine=1.1),
    HairStyle("buzz cut", 0.012, 0.008, 0.10, 1.25, 0.10, shortness=0.75, feminine=0.2, masculine=1.2),
    HairStyle("short", 0.060, 0.018, 0.12, 1.20, 0.10, part=0.08, wave=0.2, feminine=0.4, masculine=2.0),
    HairStyle("side part", 0.075, 0.022, 0.12, 1.18, 0.11, fringe=0.03, part=0.17, feminine=0.5, masculine=2.0),
    HairStyle("quiff", 0.115, 0.012, 0.10, 1.22, 0.10, part=0.02, wave=0.3, feminine=0.2, masculine=1.2),
    HairStyle("crop with fringe", 0.060, 0.020, 0.12, 1.18, 0.09, fringe=0.10, feminine=0.5, masculine=1.1),
    HairStyle("short curls", 0.085, 0.045, 0.14, 1.15, 0.12, curl=1.0, feminine=0.7, masculine=1.1),
    HairStyle("pixie", 0.070, 0.030, 0.14, 1.05, 0.15, fringe=0.08, part=0.14, feminine=1.1, masculine=0.1),
    HairStyle("bob", 0.060, 0.075, 0.50, 1.02, 0.60, fringe=0.02, part=0.07, wave=0.15, feminine=1.5, masculine=0.1),
    HairStyle("bob with fringe", 0.060, 0.075, 0.46, 1.00, 0.60, fringe=0.17, wave=0.1, feminine=1.1, masculine=0.0),
    HairStyle("long straight", 0.055, 0.055, 1.40, 1.05, 1.60, part=0.03, feminine=1.8, masculine=0.2),
    HairStyle("long waves", 0.070, 0.095, 1.40, 1.04, 1.60, part=0.09, wave=1.0, feminine=1.8, masculine=0.2),
    HairStyle("long curls", 0.090, 0.140, 0.85, 1.05, 0.95, part=0.05, curl=0.9, feminine=1.2, masculine=0.2),
    HairStyle("afro", 0.170, 0.170, 0.26, 1.12, 0.20, curl=1.4, feminine=0.6, masculine=0.5),
    HairStyle("tied back", 0.030, 0.014, 0.10, 1.27, 0.03, feminine=1.4, masculine=0.1),
    HairStyle("bun on top", 0.035, 0.014, 0.10, 1.27, 0.03, bun=0.15, feminine=1.0, masculine=0.1),
)  # fmt: skip

BEARDS = ("none", "stubble", "moustache", "goatee", "short beard", "full beard")
#: Density over (moustache, chin, jaw and cheeks), and strand length of each beard.
BEARD_DENSITY = (
    (0.00, 0.00, 0.00, 0.0),
    (0.42, 0.42, 0.36, 0.1),
    (1.00, 0.06, 0.05, 0.5),
    (0.85, 0.95, 0.08, 0.5),
    (0.80, 0.85, 0.78, 0.5),
    (0.95, 1.00, 0.96, 1.0),
)

GLASSES = ("none", "round", "oval", "rectangular", "half rim")
#: Half width, half height, corner exponent, rim thickness, strength of the lower rim.
GLASSES_SHAPE = (
    (0.130, 0.105, 2.0, 0.010, 0.0),
    (0.132, 0.120, 2.2, 0.010, 1.0),
    (0.146, 0.098, 2.4, 0.011, 1.0),
    (0.150, 0.090, 4.5, 0.014, 1.0),
    (0.146, 0.092, 3.2, 0.011, 0.0),
)

COVERS = ("none", "beanie", "headscarf", "turban", "headband")
#: Distance from the skull on top and beside, y of the lower edge in front, opening angle, y of the end beside the
#: face, whether hair is visible below it, whether it covers neck and back.
COVER_SHAPE = (
    (0.000, 0.000, -0.70, 1.60, -0.70, 1.0, 0.0),
    (0.075, 0.035, -0.30, 1.50, -0.02, 1.0, 0.0),
    (0.055, 0.060, -0.37, 1.08, 1.60, 0.0, 1.0),
    (0.140, 0.070, -0.34, 1.36, 0.02, 0.0, 0.0),
    (0.030, 0.022, -0.37, 1.60, -0.20, 1.0, 0.0),
)

_PARAMETERS = tuple(f.name for f in fields(HairStyle) if f.name != "name")


def hair_parameters(style: Tensor) -> dict[str, Tensor]:
    """Hairstyle parameters of each subject; style int64 (B,) -> name -> float64 (B,)."""
    rows = [[float(getattr(s, name)) for name in _PARAMETERS] for s in HAIR_STYLES]
    table = torch.tensor(rows, dtype=torch.float64)[style]
    return {name: table[:, i] for i, name in enumerate(_PARAMETERS)}


def table_columns(table: tuple[tuple[float, ...], ...], index: Tensor) -> tuple[Tensor, ...]:
    """Rows of a table by index, as columns; index int64 (B,) -> float64 (B,) each."""
    return torch.tensor(table, dtype=torch.float64)[index].unbind(-1)
