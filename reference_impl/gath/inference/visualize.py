"""Image sheets of any model of the benchmark: one expression, or every AU alone at five intensities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gath_bench.au import DEFAULT_SPACE, SPACES, AUSpace
from gath_bench.contracts import Animated, AnimationModel, DatasetAdapter, Sample
from gath_bench.errors import UsageError
from gath_bench.images import read_image, resize, to_8bit

#: Intensities of the columns of the AU grid.
INTENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)


def tile(rows: list[Tensor]) -> Tensor:
    """Image rows (n, 3, R, R) -> one image (3, rows * R, n * R)."""
    return torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)


def space_of(model: AnimationModel) -> AUSpace:
    """The AU space of a model; openface17 for a model that takes any."""
    return SPACES[model.info.au_space or DEFAULT_SPACE]


def expression(model: AnimationModel, text: str | None) -> Tensor:
    """(K,) coefficients from ``AU12=0.8,AU06=0.5``, each in [0, 1].

    Raises:
        UsageError: a name is unknown, or a value is outside [0, 1].
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
                f"cannot parse {part!r}: write a coefficient in [0, 1] for each AU, as in AU12=0.8,AU06=0.5."
            )
        values[space.index(label.strip())] = value
    return values


def load_portraits(paths: Sequence[Path], side: int) -> Tensor:
    """Image files as (B, 3, side, side); images that are not square are cropped to their centre.

    Raises:
        Unavailable: a file is missing or not an image.
    """
    return torch.stack([to_8bit(resize(_square(read_image(path)), side)) for path in paths])


def portraits_of_test_split(dataset: DatasetAdapter, count: int) -> Tensor:
    """Portraits of the test split (B, 3, R, R), one per person; its people are in no training stream."""
    split, protocol = "test", "sweep" if "sweep" in dataset.info.protocols else dataset.info.protocols[0]
    first: dict[str, Sample] = {}
    for sample in dataset.samples(split, protocol, 0):
        first.setdefault(sample.subject, sample)
    return dataset.load(list(first.values())[:count]).source


def expression_sheet(model: AnimationModel, portraits: Tensor, aus: Tensor, device: str) -> Tensor:
    """Each portrait beside itself with these AUs: (3, B * R, 2 R)."""
    images = _animate(model, portraits, aus.expand(len(portraits), -1), device)
    return tile([torch.stack(pair) for pair in zip(resize(portraits, images.shape[-1]), images, strict=True)])


def au_grid(model: AnimationModel, portraits: Tensor, device: str) -> Tensor:
    """An image row per AU: the AU alone at five intensities, for each portrait, with labels: (3, H, W)."""
    labels = space_of(model).labels
    count = len(labels)
    rows = []
    for index in range(count):
        targets = torch.zeros(len(INTENSITIES), count)
        targets[:, index] = torch.tensor(INTENSITIES)
        repeated = portraits.repeat_interleave(len(INTENSITIES), 0)
        rows.append(_animate(model, repeated, targets.repeat(len(portraits), 1), device))
    columns = [f"{value:g}" for value in INTENSITIES] * len(portraits)
    return _add_labels(tile(rows), labels, columns)


def _add_labels(image: Tensor, rows: Sequence[str], columns: Sequence[str]) -> Tensor:
    """Add the name of each image row on its left and of each image column above it."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    side, font = image.shape[2] // len(columns), ImageFont.load_default(size=18)
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    left = max(round(measure.textlength(name, font)) for name in rows) + 16
    top = 28
    sheet = Image.new("RGB", (left + image.shape[2], top + image.shape[1]), "white")
    pixels = (image * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    sheet.paste(Image.fromarray(pixels), (left, top))
    draw = ImageDraw.Draw(sheet)
    for i, name in enumerate(rows):
        draw.text((left - 8, top + (i + 0.5) * side), name, "black", font, anchor="rm")
    for i, name in enumerate(columns):
        draw.text((left + (i + 0.5) * side, top / 2), name, "black", font, anchor="mm")
    return torch.from_numpy(np.array(sheet)).permute(2, 0, 1).float() / 255


def save_image(image: Tensor, path: Path) -> None:
    """Write an image (3, H, W) in [0, 1]; the suffix of the file decides the format.

    Raises:
        UsageError: the suffix is not that of PNG, JPEG or WebP, or the file cannot be written.
    """
    from PIL import Image

    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise UsageError(f"the suffix of {path} is not supported: name a .png, .jpg or .webp file.")
    pixels = (image * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    try:
        Image.fromarray(pixels).save(path, quality=88)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error}.") from error


def _animate(model: AnimationModel, portraits: Tensor, aus: Tensor, device: str) -> Tensor:
    with torch.inference_mode():
        output = model.animate(portraits.to(device), aus.to(device))
    images = output.images if isinstance(output, Animated) else output
    return images.float().clamp(0, 1).cpu()


def _square(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[:, top : top + side, left : left + side]
