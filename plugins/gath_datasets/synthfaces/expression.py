"""Action units to shape controls: which parts each AU of ``openface17`` moves and by how much.

Controls are linear in the AUs: half an AU gives half its motion, and AUs add up. The few non-linear limits (a closed
eye cannot squint further) are in the modules that render the features. Displacements are in face units (1 = about
185 mm); other controls are fractions of the AU at full strength.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gath_datasets.synthfaces import AU_LABELS

#: control -> {AU: weight}. FACS: Ekman, Friesen & Hager, Facial Action Coding System, 2002.
CONTROLS: dict[str, dict[str, float]] = {
    # brow and forehead: frontalis medialis (1), lateralis (2), corrugator (4)
    "brow_inner": {"AU01": 0.051, "AU02": 0.004, "AU04": -0.050, "AU09": -0.018},
    "brow_outer": {"AU02": 0.045, "AU04": -0.030, "AU06": -0.005},
    "brow_middle": {"AU01": 0.012, "AU02": 0.020, "AU04": -0.040, "AU05": 0.004, "AU09": -0.008},
    "brow_knit": {"AU04": 0.026, "AU01": 0.004},
    "furrow": {"AU04": 1.0, "AU09": 0.35},
    "forehead_inner": {"AU01": 1.0},
    "forehead_outer": {"AU02": 1.0},
    # lids: levator (5), orbicularis pars orbitalis (6) and palpebralis (7), blink (45)
    "lid_raise": {"AU05": 1.0},
    "lid_tighten": {"AU07": 1.0},
    "lid_close": {"AU45": 1.0},
    "lid_low_raise": {"AU07": 0.50, "AU06": 0.40, "AU09": 0.22, "AU12": 0.10},
    "cheek": {"AU06": 0.030, "AU12": 0.016, "AU09": 0.008, "AU10": 0.006},
    "cheek_bulge": {"AU06": 0.75, "AU12": 0.55},
    "crow": {"AU06": 1.0, "AU12": 0.15},
    # nose and upper lip: levator labii alaeque nasi (9), levator labii (10)
    "nose_wrinkle": {"AU09": 1.0},
    "nose_up": {"AU09": 0.036, "AU10": 0.007},
    "nose_wide": {"AU09": 0.010, "AU10": 0.004, "AU12": 0.006},
    "lip_raise": {"AU10": 0.042, "AU09": 0.016},
    "fold": {"AU12": 0.60, "AU10": 0.55, "AU09": 0.60, "AU06": 0.25, "AU14": 0.15, "AU20": 0.15},
    # mouth corners: zygomaticus (12), buccinator (14), triangularis (15), risorius (20)
    "corner_out": {
        "AU12": 0.036,
        "AU14": 0.016,
        "AU20": 0.050,
        "AU15": 0.045,
        "AU23": -0.030,
        "AU26": -0.022,
        "AU17": -0.008,
    },
    "corner_up": {
        "AU12": 0.052,
        "AU15": -0.035,
        "AU14": 0.006,
        "AU20": -0.004,
        "AU26": -0.044,
        "AU23": -0.010,
    },
    "dimple": {"AU14": 1.0, "AU12": 0.15},
    "depress": {"AU15": 0.2},
    "stretch": {"AU20": 1.0, "AU12": 0.65},
    "tight": {"AU23": 1.0},
    "part": {"AU25": 1.0},
    "jaw": {"AU26": 1.0},
    "smile": {"AU12": 1.0},
    # chin: mentalis (17)
    "chin": {"AU17": 1.0},
}


def weights(device: torch.device | str = "cpu") -> Tensor:
    """`CONTROLS` as a matrix, float32 (17, number of controls)."""
    rows = [[row.get(label, 0.0) for row in CONTROLS.values()] for label in AU_LABELS]
    return torch.tensor(rows, dtype=torch.float32, device=device)


def controls(aus: Tensor) -> dict[str, Tensor]:
    """Shape controls of AU coefficients.

    Args:
        aus: float32 (B, 17) in [0, 1], or (B, 2, 17) with the left side of the image first.

    Returns:
        Control name -> float32 (B, 2), the left side of the image first.
    """
    if aus.dim() == 2:
        aus = aus[:, None].expand(-1, 2, -1)
    # Not a matrix product: its bits would depend on the batch size.
    moved = (aus[..., None] * weights(aus.device)).sum(-2)
    return {name: moved[..., i] for i, name in enumerate(CONTROLS)}
