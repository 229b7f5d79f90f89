"""Contact sheets of rendered portraits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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


@dataclass(frozen=True)
class SheetOptions:
    """What a contact sheet shows.

    Attributes:
        sheet: ``subjects``: one image per subject; ``aus``: per subject a neutral face, then each AU at 1, in two rows;
            ``scenes``: one subject per row, one scene per column.
        rows, columns: images per column and row; ``aus`` has 9 columns and ``rows`` subjects.
        size: side of one image in pixels.
        split: population of the subjects.
        seed: the user's seed.
        expressions: random AUs instead of neutral faces.
        randomise: strength of the camera effects, in [0, 1].
        framing: height of the image in face units; None for the default.
    """

    sheet: Literal["subjects", "aus", "scenes"]
    rows: int
    columns: int
    size: int
    split: str
    seed: int
    expressions: bool
    randomise: float
    framing: float | None


def tile(images: Tensor, columns: int) -> Tensor:
    """(N, 3, H, W) in rows of ``columns`` -> (3, rows H, columns W); missing images are white."""
    n, _, height, width = images.shape
    rows = -(-n // columns)
    sheet = torch.ones(rows * columns, 3, height, width)
    sheet[:n] = images
    grid = sheet.view(rows, columns, 3, height, width).permute(2, 0, 3, 1, 4)
    return grid.reshape(3, rows * height, columns * width)


def save_image(image: Tensor, path: Path) -> None:
    """Write (3, H, W) in [0, 1] in the format of the file name (PNG, JPEG, WebP).

    Raises:
        OSError, ValueError: the file cannot be written, or its format is unknown.
    """
    array = (image * 255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
    Image.fromarray(array).save(path, quality=88)


def render_aus(folder: Path, *, size: int, split: str, seed: int) -> list[Path]:
    """Write one image per AU: a subject with the AU at 0, 0.5 and 1, side by side.

    Args:
        folder: an existing folder; the files are ``AU01.jpg`` and so on.
        size: side of one face in pixels.
        split: population of the subject.
        seed: the user's seed.

    Raises:
        OSError: a file cannot be written.
    """
    strengths = torch.tensor([0.0, 0.5, 1.0])
    subject = subject_seeds(split, seed, torch.zeros(len(strengths), dtype=torch.long))
    scenes = draw_scenes(subject, randomise=0.0).with_values(
        yaw=0.0, pitch=0.0, roll=0.0, gaze_x=0.0, gaze_y=0.0
    )
    paths = []
    for number, label in enumerate(AU_LABELS):
        aus = torch.zeros(len(strengths), len(AU_LABELS))
        aus[:, number] = strengths
        images = render(draw_subjects(subject), scenes, aus, size, framing=CLOSE).image
        paths.append(folder / f"{label}.jpg")
        save_image(tile(images, len(strengths)), paths[-1])
    return paths


def render_sheet(output: Path, options: SheetOptions) -> None:
    """Render a contact sheet and write it to a file.

    Raises:
        OSError, ValueError: as `save_image`.
    """
    rows, columns = options.rows, options.columns
    framing = Framing(options.framing, CLOSE.centre_y) if options.framing else CLOSE
    if options.sheet == "aus":
        columns = 9
        people = torch.arange(rows).repeat_interleave(18)
        aus = torch.cat([torch.zeros(1, len(AU_LABELS)), torch.eye(len(AU_LABELS))]).repeat(rows, 1)
    else:
        count = rows * columns
        people = torch.arange(count)
        if options.sheet == "scenes":
            people = torch.arange(rows).repeat_interleave(columns)
        shots = derive(torch.arange(count), "sheet", options.seed)
        aus = random_aus(shots) if options.expressions else torch.zeros(count, len(AU_LABELS))
    seeds = subject_seeds(options.split, options.seed, people)
    by_position = derive(torch.arange(len(people)), "sheet scene", options.seed)
    scenes = draw_scenes(seeds if options.sheet == "aus" else by_position, randomise=options.randomise)
    if options.sheet == "aus":
        scenes = scenes.with_values(yaw=0.0, pitch=0.0, roll=0.0, gaze_x=0.0, gaze_y=0.0)
    images = render(draw_subjects(seeds), scenes, aus, options.size, framing=framing).image
    save_image(tile(images, columns), output)
