"""Pictures made of several: side by side, and a labelled grid of AUs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gath_bench.animation.motion import LEVELS
from gath_bench.animation.portrait import Portrait

if TYPE_CHECKING:
    from PIL import Image

#: Pixels of a grid's cells, at most.
CELL = 192


def beside(images: Sequence[Image.Image]) -> Image.Image:
    """Images in a row, scaled to the height of the first.

    Args:
        images: at least one, RGB.
    """
    from PIL import Image

    height = images[0].height
    scaled = [
        image
        if image.height == height
        else image.resize(
            (max(1, round(image.width * height / image.height)), height), Image.Resampling.LANCZOS
        )
        for image in images
    ]
    row = Image.new("RGB", (sum(image.width for image in scaled), height))
    left = 0
    for image in scaled:
        row.paste(image, (left, 0))
        left += image.width
    return row


def au_grid(portrait: Portrait) -> Image.Image:
    """One row per AU of the model's space: the first face with that AU alone at each of `LEVELS`, with labels."""
    import torch

    labels = portrait.model.space.labels
    rows = []
    for index in range(len(labels)):
        aus = torch.zeros(len(LEVELS), len(labels))
        aus[:, index] = torch.tensor(LEVELS)
        rows.append(list(_faces(portrait, aus)))
    return _labelled(rows, labels, [f"{level:g}" for level in LEVELS])


def _faces(portrait: Portrait, aus: object) -> Iterator[Image.Image]:
    """Frames, cut to the first region and made small."""
    region = portrait.regions[0]
    box = (region.left, region.top, region.right, region.bottom)
    for frame in portrait.frames(aus):  # type: ignore[arg-type]
        face = frame.crop(box)
        face.thumbnail((CELL, CELL))
        yield face


def _labelled(
    rows: Sequence[Sequence[Image.Image]], names: Sequence[str], heads: Sequence[str]
) -> Image.Image:
    """Equal images in rows, with the name of each row on its left and of each column above it."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = rows[0][0].size
    font = ImageFont.load_default(size=18)
    probe = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    left, top = max(round(probe.textlength(name, font)) for name in names) + 16, 28
    sheet = Image.new("RGB", (left + width * len(heads), top + height * len(rows)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, (name, images) in enumerate(zip(names, rows, strict=True)):
        pen.text((left - 8, top + (row + 0.5) * height), name, "black", font, anchor="rm")
        for column, image in enumerate(images):
            sheet.paste(image, (left + column * width, top + row * height))
    for column, head in enumerate(heads):
        pen.text((left + (column + 0.5) * width, top / 2), head, "black", font, anchor="mm")
    return sheet
