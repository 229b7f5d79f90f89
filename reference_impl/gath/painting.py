"""Pictures from any model of the suite: one expression, or every AU alone at five intensities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gath.stages.grid import tile
from gath_bench.au import DEFAULT_SPACE, SPACES, AUSpace
from gath_bench.contracts import Animated, AnimationModel, DatasetAdapter
from gath_bench.errors import UsageError
from gath_bench.images import read_image, resize, to_8bit

#: Intensities of the grid's columns.
INTENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)


def space_of(model: AnimationModel) -> AUSpace:
    """The AU space in which a model is driven; openface17 for one that takes any."""
    return SPACES[model.info.au_space or DEFAULT_SPACE]


def expression(model: AnimationModel, text: str | None) -> Tensor:
    """(K,) coefficients from ``AU12=0.8,AU06=0.5``, each in [0, 1].

    Raises:
        UsageError: unknown names, or values outside [0, 1].
    """
    space = space_of(model)
    values = torch.zeros(len(space))
    for part in (text or "").split(","):
        label, equals, number = part.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not equals or not 0 <= value <= 1:
            raise UsageError(
                f"cannot read {part!r}: write a coefficient in [0, 1] for each AU, as in AU12=0.8,AU06=0.5."
            )
        values[space.index(label.strip())] = value
    return values


def load_portraits(paths: Sequence[Path], side: int) -> Tensor:
    """Image files as (B, 3, side, side); what is not square is cut to its middle.

    Raises:
        Unavailable: a file is missing or no image.
    """
    return torch.stack([to_8bit(resize(_square(read_image(path)), side)) for path in paths])


def unseen(dataset: DatasetAdapter, count: int) -> Tensor:
    """Neutral portraits of the test split (B, 3, R, R): people that no training stream holds."""
    split, protocol = "test", "sweep" if "sweep" in dataset.info.protocols else dataset.info.protocols[0]
    first: dict[str, int] = {}
    samples = dataset.samples(split, protocol, 0)
    for position, sample in enumerate(samples):
        first.setdefault(sample.subject, position)
    return dataset.load([samples[position] for position in list(first.values())[:count]]).source


def paint(model: AnimationModel, portraits: Tensor, aus: Tensor, device: str) -> Tensor:
    """Portraits beside themselves with these AUs: (3, B * R, 2 R)."""
    images = _animate(model, portraits, aus.expand(len(portraits), -1), device)
    return tile([torch.stack(pair) for pair in zip(resize(portraits, images.shape[-1]), images, strict=True)])


def paint_grid(model: AnimationModel, portraits: Tensor, device: str) -> Tensor:
    """A row for each AU of the space, and in it, for each portrait, the AU alone at five intensities; with labels."""
    labels = space_of(model).labels
    count = len(labels)
    rows = []
    for index in range(count):
        asked = torch.zeros(len(INTENSITIES), count)
        asked[:, index] = torch.tensor(INTENSITIES)
        repeated = portraits.repeat_interleave(len(INTENSITIES), 0)
        rows.append(_animate(model, repeated, asked.repeat(len(portraits), 1), device))
    heads = [f"{value:g}" for value in INTENSITIES] * len(portraits)
    return _label(tile(rows), labels, heads)


def _label(picture: Tensor, rows: Sequence[str], columns: Sequence[str]) -> Tensor:
    """A tiled picture with the name of each row to its left and of each column above."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    side, font = picture.shape[2] // len(columns), ImageFont.load_default(size=18)
    probe = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    left = max(round(probe.textlength(name, font)) for name in rows) + 16
    top = 28
    sheet = Image.new("RGB", (left + picture.shape[2], top + picture.shape[1]), "white")
    pixels = (picture * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    sheet.paste(Image.fromarray(pixels), (left, top))
    pen = ImageDraw.Draw(sheet)
    for i, name in enumerate(rows):
        pen.text((left - 8, top + (i + 0.5) * side), name, "black", font, anchor="rm")
    for i, name in enumerate(columns):
        pen.text((left + (i + 0.5) * side, top / 2), name, "black", font, anchor="mm")
    return torch.from_numpy(np.array(sheet)).permute(2, 0, 1).float() / 255


def save(picture: Tensor, path: Path) -> None:
    """Write a picture (3, H, W) in the format that the file's name says.

    Raises:
        UsageError: it is no name of a PNG, JPEG or WebP file, or cannot be written.
    """
    from PIL import Image

    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise UsageError(f"{path} is no picture: name a .png, .jpg or .webp file.")
    pixels = (picture * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    try:
        Image.fromarray(pixels).save(path, quality=88)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error}.") from error


def _animate(model: AnimationModel, portraits: Tensor, aus: Tensor, device: str) -> Tensor:
    with torch.inference_mode():
        made = model.animate(portraits.to(device), aus.to(device))
    images = made.images if isinstance(made, Animated) else made
    return images.float().clamp(0, 1).cpu()


def _square(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[:, top : top + side, left : left + side]
