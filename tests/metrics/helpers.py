"""Small images with a known edit, degradations, and evaluators with given features."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_bench.contracts import Batch, Features
from gath_bench.contracts.evaluator import Role
from gath_bench.contracts.metric import Side
from gath_bench.errors import Unavailable
from gath_bench.images import to_8bit

AUS = 17


def shapes(count: int, side: int | tuple[int, int], seed: int) -> Tensor:
    """Images with large shapes and some detail, 8-bit (B, 3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    size = (side, side) if isinstance(side, int) else side
    coarse = torch.rand(count, 3, 5, 5, generator=generator)
    fine = torch.rand(count, 3, *(length // 2 + 1 for length in size), generator=generator)
    shapes = F.interpolate(coarse, size=size, mode="bicubic", align_corners=False)
    detail = F.interpolate(fine, size=size, mode="bilinear", align_corners=False)
    return to_8bit(0.8 * shapes + 0.2 * detail)


def disc(count: int, side: int, radius: float) -> Tensor:
    """A centred disc as a mask (B, 1, H, W); the radius is in half sides."""
    axis = torch.linspace(-1, 1, side)
    inside = (axis[:, None] ** 2 + axis[None] ** 2) < radius**2
    return inside.float().expand(count, 1, side, side).clone()


def make_batch(count: int = 4, side: int = 48, seed: int = 0) -> Batch:
    """A batch whose target differs from its source inside a disc, within a larger face mask."""
    source = shapes(count, side, seed)
    edit = disc(count, side, 0.4)
    return Batch(
        sample_id=tuple(f"sample-{number}" for number in range(count)),
        subject=tuple(f"subject-{number % 3}" for number in range(count)),
        source=source,
        target_aus=torch.rand(count, AUS, generator=torch.Generator().manual_seed(seed)),
        au_space="openface17",
        target=to_8bit(source * (1 - edit) + shapes(count, side, seed + 1) * edit),
        face_mask=disc(count, side, 0.7),
    )


def blur(images: Tensor, level: float) -> Tensor:
    """Gaussian blur; the level is the standard deviation in pixels."""
    offsets = torch.arange(-9, 10, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / level) ** 2)
    kernel = kernel / kernel.sum()
    flat = F.pad(images.flatten(0, 1)[:, None], (9, 9, 9, 9), mode="reflect")
    rows = F.conv2d(flat, kernel[None, None, None])
    return to_8bit(F.conv2d(rows, kernel[None, None, :, None]).reshape(images.shape))


def noise(images: Tensor, level: float) -> Tensor:
    """Gaussian noise with a fixed pattern; the level is 30 standard deviations."""
    generator = torch.Generator().manual_seed(7)
    drawn = torch.randn(images.shape[1:], generator=generator)
    return to_8bit(images + drawn * level / 30)


def warp(images: Tensor, level: float) -> Tensor:
    """A smooth warp; the level is its amplitude in pixels."""
    height, width = images.shape[-2:]
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    wave = level * 2 / width
    grid = torch.stack([x + wave * torch.sin(3 * y + 1), y + wave * torch.cos(3 * x)], -1)
    return to_8bit(
        F.grid_sample(
            images, grid.expand(len(images), -1, -1, -1), padding_mode="reflection", align_corners=True
        )
    )


class TableEvaluations:
    """Evaluators with given features by role and side; a string is the reason of an `Unavailable`."""

    def __init__(
        self,
        answers: Mapping[tuple[Role, Side], Features | Tensor | str] | None = None,
        space: str = "openface17",
        calibration: Mapping[str, float] | None = None,
    ) -> None:
        self.answers = answers or {}
        self.space = space
        self.known = calibration or {}

    def features(self, role: Role, side: Side) -> Features:
        answer = self.answers[role, side]
        if isinstance(answer, str):
            raise Unavailable(answer)
        return answer if isinstance(answer, Features) else Features(answer)

    def au_space(self, role: Role = "au_estimator") -> str:
        return self.space

    def calibration(self, role: Role) -> Mapping[str, float]:
        return self.known
