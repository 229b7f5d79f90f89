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
    """A row for each AU of the space, and in it, for each portrait, the AU alone at five intensities."""
    count = len(space_of(model))
    rows = []
    for index in range(count):
        asked = torch.zeros(len(INTENSITIES), count)
        asked[:, index] = torch.tensor(INTENSITIES)
        repeated = portraits.repeat_interleave(len(INTENSITIES), 0)
        rows.append(_animate(model, repeated, asked.repeat(len(portraits), 1), device))
    return tile(rows)


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
