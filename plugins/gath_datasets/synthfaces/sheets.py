"""Contact sheets."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gath_datasets.synthfaces import AU_LABELS
from gath_datasets.synthfaces.geometry import CLOSE, Framing
from gath_datasets.synthfaces.rand import derive
from gath_datasets.synthfaces.render import render
from gath_datasets.synthfaces.samples import random_aus
from gath_datasets.synthfaces.scene import draw_scenes
from gath_datasets.synthfaces.splits import subject_seeds
from gath_datasets.synthfaces.subject import draw_subjects


def tile(images: Tensor, columns: int) -> Tensor:
    """(N, 3, H, W) in rows of ``columns`` -> (3, rows H, columns W); missing places stay white."""
    n, _, height, width = images.shape
    rows = -(-n // columns)
    sheet = torch.ones(rows * columns, 3, height, width)
    sheet[:n] = images
    return (
        sheet.view(rows, columns, 3, height, width)
        .permute(2, 0, 3, 1, 4)
        .reshape(3, rows * height, columns * width)
    )


def save_picture(image: Tensor, path: Path) -> None:
    """Write (3, H, W) in [0, 1] as the file name's format (PNG, JPEG)."""
    array = (image * 255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
    Image.fromarray(array).save(path, quality=88)


def draw_sheet(
    output: Path, sheet: str, rows: int, columns: int, size: int, split: str, seed: int, expressions: bool,
    randomise: float, framing: float | None,
) -> None:  # fmt: skip
    """Draw and save a sheet of subjects, AUs (a neutral face, then each AU at 1, two rows a person) or scenes."""
    frame = Framing(framing, CLOSE.centre_y) if framing else CLOSE
    if sheet == "aus":
        columns = 9
        people = torch.arange(rows).repeat_interleave(18)
        steps = torch.cat([torch.zeros(1, len(AU_LABELS)), torch.eye(len(AU_LABELS))])
        aus = steps.repeat(rows, 1)
    else:
        people = (
            torch.arange(rows * columns)
            if sheet == "subjects"
            else torch.arange(rows).repeat_interleave(columns)
        )
        shots = derive(torch.arange(rows * columns), "sheet", seed)
        aus = random_aus(shots) if expressions else torch.zeros(rows * columns, len(AU_LABELS))
    seeds = subject_seeds(split, seed, people)
    scene_of = seeds if sheet == "aus" else derive(torch.arange(len(people)), "sheet scene", seed)
    scenes = draw_scenes(scene_of, randomise=randomise)
    if sheet == "aus":
        scenes = scenes.posed(yaw=0.0, pitch=0.0, roll=0.0, gaze_x=0.0, gaze_y=0.0)
    images = render(draw_subjects(seeds), scenes, aus, size, framing=frame).image
    save_picture(tile(images, columns), output)
