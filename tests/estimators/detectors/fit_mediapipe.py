"""Fit the corrections of the detector ``mediapipe`` on procedural faces with known landmarks, and print them.

    GATH_BENCH_WEIGHTS=FOLDER python tests/estimators/detectors/fit_mediapipe.py

MediaPipe's mesh has no points for the jaw line and the brows of the 68 landmarks. The output is, for landmarks 0 to 8
(jaw) and 17 to 21 (left brow), the median of the true position minus that of ``to_ibug``, along and across the line
between the eyes, over the distance of the eyes; both sides of the face are averaged. The present corrections are added
to what is missing.
"""

from __future__ import annotations

import torch
from gath_datasets.synthfaces.rand import derive
from gath_datasets.synthfaces.render import render
from gath_datasets.synthfaces.samples import random_aus
from gath_datasets.synthfaces.scene import draw_scenes
from gath_datasets.synthfaces.splits import subject_seeds
from gath_datasets.synthfaces.subject import draw_subjects
from gath_estimators.detectors import mediapipe
from torch import Tensor

from gath_bench.faces import MIRROR

SUBJECTS = 192
SIZE = 256


def offsets(true: Tensor, found: Tensor) -> Tensor:
    """(68, 2): true minus found landmarks in the frame of the found eyes."""
    eyes = found[42:48].mean(0) - found[36:42].mean(0)
    axes = torch.stack([eyes, torch.stack([-eyes[1], eyes[0]])]) / eyes.square().sum()
    return (true - found) @ axes.T


def main() -> None:
    detector = mediapipe.MediaPipeDetector()
    seeds = subject_seeds("evaluators", 3, torch.arange(SUBJECTS))
    rows = []
    for part in seeds.split(32):
        aus = random_aus(derive(part, "aus"), neutral=0.3)
        made = render(draw_subjects(part), draw_scenes(derive(part, "scene"), randomise=0.3), aus, SIZE)
        for image, true in zip(made.image, made.landmarks, strict=True):
            faces = detector.detect([image])[0]
            if faces:
                rows.append(offsets(true, faces[0].landmarks))
    median = torch.stack(rows).median(0).values
    other = median[list(MIRROR)] * torch.tensor([-1.0, 1.0])
    missing = (median + other) / 2
    present = torch.tensor([*mediapipe._JAW_CORRECTION, *mediapipe._BROW_CORRECTION])
    fitted = present + torch.cat([missing[:9], missing[17:22]])
    print(f"{len(rows)} of {SUBJECTS} faces found")
    for index, (along, across) in zip((*range(9), *range(17, 22)), fitted.tolist(), strict=True):
        print(f"landmark {index:2}: ({along:.3f}, {across:.3f})")


if __name__ == "__main__":
    main()
