"""Training data of the bundled detector: a pool of portraits with landmarks, and batches made from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_bench.contracts import CommandContext, DatasetAdapter, LandmarkStream, fingerprint
from gath_bench.errors import UsageError
from gath_bench.faces import MIRROR
from gath_estimators.detectors import augment
from gath_estimators.detectors.augment import chance, uniform
from gath_estimators.detectors.frames import Frames, fit_frames, mean_shape, to_grid
from gath_estimators.detectors.networks import CROP, SIZE_UNIT, STRIDE

#: Side of the rendered portraits, and of the canvases of the proposal network, in pixels.
RENDER, CANVAS = 160, 128
#: Face sizes, in pixels of its input, that the proposal network has to find.
SMALLEST, LARGEST = 18.0, 52.0
#: Number of procedural backgrounds.
TEXTURES = 1024
_BATCH = 128


@dataclass(frozen=True)
class Pool:
    """N portraits.

    Attributes:
        images: uint8 (N, 3, RENDER, RENDER).
        landmarks: float32 (N, 68, 2), in pixels.
        shape: (68, 2), their mean shape.
        fingerprint: of the data set.
    """

    images: Tensor
    landmarks: Tensor
    shape: Tensor
    fingerprint: str

    @cached_property
    def textures(self) -> augment.TextureBank:
        """Backgrounds, drawn on first use from torch's global generator."""
        return augment.TextureBank(TEXTURES, RENDER)

    def __len__(self) -> int:
        return len(self.images)


def render_pool(
    context: CommandContext, dataset: str, count: int, seed: int, progress: Callable[[int], None]
) -> Pool:
    """The first ``count`` portraits (rounded up to whole batches) of a data set's landmark stream.

    Raises:
        UsageError: the data set has no such stream.
    """
    adapter = context.make("dataset", f"{dataset}[resolution={RENDER}]")
    if not (isinstance(adapter, DatasetAdapter) and isinstance(adapter, LandmarkStream)):
        raise UsageError(
            f"the data set {dataset!r} has no stream for face detectors (LandmarkStream.landmarked)."
        )
    images, landmarks = [], []
    for batch in islice(adapter.landmarked(batch_size=_BATCH, seed=seed), math.ceil(count / _BATCH)):
        images.append((batch.images * 255).round().byte())
        landmarks.append(batch.landmarks)
        progress(len(batch.images))
    points = torch.cat(landmarks)
    return Pool(torch.cat(images), points, mean_shape(points), fingerprint(adapter.fingerprint))


@dataclass(frozen=True)
class LandmarkBatch:
    """Crops (B, 3, CROP, CROP); landmarks (B, 68, 2) in [-1, 1] of the crop; the face size in crop units (B,);
    and whether the crop shows a face (B,): landmarks of other crops are meaningless."""

    crops: Tensor
    points: Tensor
    size: Tensor
    face: Tensor

    def mirrored(self) -> LandmarkBatch:
        """The same crops with left and right exchanged."""
        points = self.points[:, list(MIRROR)] * self.points.new_tensor([-1.0, 1.0])
        return LandmarkBatch(self.crops.flip(-1), points, self.size, self.face)


def landmark_batch(pool: Pool, count: int) -> LandmarkBatch:
    """Crops around faces: half of them as a proposal would give them, half as a first pass would."""
    index = torch.randint(len(pool), (count,))
    images, points = pool.images[index].float() / 255, pool.landmarks[index]
    true = fit_frames(points, pool.shape)

    fine = (torch.rand(count) < 0.5).float()
    coarse = 1 - fine
    turn = (torch.rand(count) * 2 - 1) * (0.45 * coarse + 0.12 * fine)
    scale = 1.65 * torch.exp((torch.rand(count) * 2 - 1) * (0.22 * coarse + 0.08 * fine))
    shift = (torch.rand(count, 2) * 2 - 1) * (0.18 * coarse + 0.05 * fine)[:, None]

    # Crops without a face: beside it, a piece of it, far too small, turned by more than 75 degrees.
    kind = torch.rand(count)
    away = torch.sign(torch.randn(count, 2)) * (0.75 + torch.rand(count, 2))
    away[torch.arange(count), torch.randint(2, (count,))] *= (torch.rand(count) < 0.5).float()
    shift = torch.where((kind < 0.09)[:, None], away, shift)
    scale = torch.where((kind >= 0.09) & (kind < 0.14), 0.35 + 0.35 * torch.rand(count), scale)
    turned = (kind >= 0.14) & (kind < 0.18)
    turn = torch.where(turned, 1.3 + (2 * math.pi - 2.6) * torch.rand(count), turn)
    face = kind >= 0.24

    angle = torch.atan2(true.sine, true.cosine) + turn
    s, c = torch.sin(angle), torch.cos(angle)
    centre = true.centre + true.size[:, None] * shift
    frames = Frames(centre, true.size * scale / 2, s, c)
    # Crop coordinates u in [-1, 1] -> stretch (u + bend(u)) -> frame -> image.
    stretch = torch.eye(2) + 0.16 * (torch.rand(count, 2, 2) * 2 - 1)
    cells = int(torch.randint(3, 7, ()))
    bend = augment.smooth_noise(count, 2, CROP, cells) * uniform(count, 0, 0.09)
    axis = (torch.arange(CROP) + 0.5) / CROP * 2 - 1
    plane = torch.stack([axis.expand(CROP, -1), axis[:, None].expand(-1, CROP)], -1)
    moved = (plane + bend.permute(0, 2, 3, 1)).reshape(count, -1, 2) @ stretch.mT
    grid = to_grid(frames.to_image(moved), RENDER, RENDER).view(count, CROP, CROP, 2)
    crops = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    wanted = frames.from_image(points) @ torch.linalg.inv(stretch).mT
    found = wanted
    for _ in range(8):
        found = (
            wanted
            - F.grid_sample(bend, found[:, :, None], padding_mode="border", align_corners=False)[..., 0].mT
        )
    size = 2 / scale

    # Another background outside an ellipse around the face.
    middle = found.mean(1)
    dx = (axis[None, None, :] - middle[:, 0, None, None]) / (size * (0.6 + 0.5 * torch.rand(count)))[
        :, None, None
    ]
    dy = (axis[None, :, None] - middle[:, 1, None, None]) / (size * (0.7 + 0.5 * torch.rand(count)))[
        :, None, None
    ]
    inside = ((1 - (dx * dx + dy * dy).sqrt()) * torch.exp(uniform(count, 1.0, 3.5))[:, 0] + 0.5).clamp(0, 1)
    keep = torch.maximum(inside[:, None], 1 - chance(count, 0.5))
    keep = torch.maximum(keep, (~face).float()[:, None, None, None])
    crops = crops * keep + pool.textures.draw(count, CROP) * (1 - keep)

    crops = _without_face(pool, crops, (kind >= 0.18) & (kind < 0.21), (kind >= 0.21) & (kind < 0.24))
    crops = augment.degrade(augment.occlude(crops, 0.3))
    return LandmarkBatch(crops, found, size, face)


def _without_face(pool: Pool, crops: Tensor, shuffled: Tensor, texture: Tensor) -> Tensor:
    """Replace some crops by shuffled patches, others by textures."""
    crops = crops.clone()
    side = crops.shape[-1]
    for i in shuffled.nonzero().flatten().tolist():
        cells = 2 + int(torch.randint(3, ()))
        patch = side // cells
        order = torch.randperm(cells * cells)
        tiles = crops[i, :, : patch * cells, : patch * cells].reshape(3, cells, patch, cells, patch)
        tiles = tiles.permute(1, 3, 0, 2, 4).reshape(cells * cells, 3, patch, patch)[order]
        tiles = tiles.view(cells, cells, 3, patch, patch).permute(2, 0, 3, 1, 4)
        crops[i, :, : patch * cells, : patch * cells] = tiles.reshape(3, patch * cells, patch * cells)
    count = int(texture.sum())
    if count:
        crops[texture] = pool.textures.draw(count, side)
    return crops


@dataclass(frozen=True)
class ProposalBatch:
    """Canvases (B, 3, CANVAS, CANVAS) and what the network should answer.

    Attributes:
        target: (B, h, w), 1 at the centre of a face, else 0.
        weight: (B, h, w), 0 where either answer is right.
        boxes: (B, 5, h, w), the regression targets where ``target`` is 1.
    """

    images: Tensor
    target: Tensor
    weight: Tensor
    boxes: Tensor


#: Face sizes of each third of a batch, in canvas pixels, and by how much its portraits are reduced beforehand.
_THIRDS = ((13.0, 26.0, 4), (22.0, 46.0, 2), (36.0, 120.0, 1))


def proposal_batch(pool: Pool, count: int) -> ProposalBatch:
    """Canvases of textures with no, one or two faces of random position, size and roll."""
    third = count // len(_THIRDS)
    cells = CANVAS // STRIDE
    canvas = pool.textures.draw(third * len(_THIRDS), CANVAS)
    target = torch.zeros(len(canvas), cells, cells)
    weight = torch.ones_like(target)
    boxes = torch.zeros(len(canvas), 5, cells, cells)
    axis = torch.arange(cells) * STRIDE + (STRIDE - 1) / 2
    for number, (low, high, reduction) in enumerate(_THIRDS):
        rows = slice(number * third, (number + 1) * third)
        earlier: Frames | None = None
        for share in (0.85, 0.35):
            wanted = _draw_frames(third, low, high)
            shown = torch.rand(third) < share
            if earlier is not None:
                gap = (wanted.centre - earlier.centre).norm(dim=1)
                shown &= gap > 0.95 * (wanted.size + earlier.size)
            upright = wanted.cosine > 0.55
            canvas[rows] = _paste(pool, canvas[rows], wanted, shown, reduction)
            _label(target[rows], weight[rows], boxes[rows], axis, wanted, shown & upright)
            # A face that was not shown may lie anywhere.
            earlier = Frames(
                torch.where(shown[:, None], wanted.centre, -1e4), wanted.size, wanted.sine, wanted.cosine
            )
    images = augment.degrade(augment.occlude(canvas, 0.3, 0.3))
    return ProposalBatch(images, target, weight, boxes)


def _draw_frames(count: int, low: float, high: float) -> Frames:
    size = torch.exp(torch.rand(count) * math.log(high / low) + math.log(low))
    turn = (torch.rand(count) * 2 - 1) * 0.7
    turn = torch.where(torch.rand(count) < 0.1, 1.3 + (2 * math.pi - 2.6) * torch.rand(count), turn)
    room = CANVAS / 2 - 0.25 * size[:, None].clamp(max=CANVAS)
    centre = CANVAS / 2 + (torch.rand(count, 2) * 2 - 1) * room
    return Frames(centre, size, torch.sin(turn), torch.cos(turn))


def _paste(pool: Pool, canvas: Tensor, wanted: Frames, shown: Tensor, reduction: int) -> Tensor:
    count = len(canvas)
    index = torch.randint(len(pool), (count,))
    images, points = pool.images[index].float() / 255, pool.landmarks[index]
    if reduction > 1:
        images = F.avg_pool2d(images, reduction)
        points = (points + 0.5) / reduction - 0.5
    side = images.shape[-1]
    source = fit_frames(points, pool.shape)
    axis = torch.arange(CANVAS, dtype=torch.float32)
    plane = torch.stack([axis.expand(CANVAS, -1), axis[:, None].expand(-1, CANVAS)], -1).view(1, -1, 2)
    unit = wanted.from_image(plane.expand(count, -1, -1))
    stretched = unit @ (torch.eye(2) + 0.10 * (torch.rand(count, 2, 2) * 2 - 1)).mT
    grid = to_grid(source.to_image(stretched), side, side).view(count, CANVAS, CANVAS, 2)
    layer = torch.cat([images, torch.ones_like(images[:, :1])], 1)
    layer = F.grid_sample(layer, grid, padding_mode="zeros", align_corners=False)
    radius = (
        unit.view(count, CANVAS, CANVAS, 2)
        / torch.stack([0.6 + 1.2 * torch.rand(count), 0.7 + 1.2 * torch.rand(count)], -1)[:, None, None]
    )
    sharp = torch.exp(uniform(count, 0.7, 3.0))
    inside = ((1 - radius.norm(dim=-1)[:, None]) * sharp + 0.5).clamp(0, 1)
    alpha = layer[:, 3:] * torch.maximum(inside, chance(count, 0.1)) * shown.float()[:, None, None, None]
    faces = layer[:, :3] / layer[:, 3:].clamp(min=1e-3)
    return canvas + (augment.recolour(faces.clamp(0, 1)).clamp(0, 1) - canvas) * alpha


def _label(
    target: Tensor, weight: Tensor, boxes: Tensor, axis: Tensor, wanted: Frames, shown: Tensor
) -> None:
    """Write the labels of one layer in place."""
    dx = wanted.centre[:, 0, None, None] - axis[None, None, :]
    dy = wanted.centre[:, 1, None, None] - axis[None, :, None]
    distance = (dx * dx + dy * dy).sqrt()
    size = wanted.size[:, None, None]
    there = shown[:, None, None]
    in_range = ((size >= SMALLEST) & (size <= LARGEST)) & there
    near = distance <= distance.amin((1, 2), keepdim=True)
    positive = in_range & ((distance < 0.17 * size) | near)
    either = there & (distance < 0.45 * size) & (size < 78) & ~positive
    target[positive] = 1
    weight[either] = 0
    weight[positive] = 1
    zero = torch.zeros_like(dx + dy)
    values = torch.stack(
        [
            dx / STRIDE + zero,
            dy / STRIDE + zero,
            (size / SIZE_UNIT).log2() + zero,
            wanted.sine[:, None, None] + zero,
            wanted.cosine[:, None, None] + zero,
        ],
        1,
    )
    boxes.copy_(torch.where(positive[:, None], values, boxes))


__all__ = [
    "CANVAS",
    "RENDER",
    "LandmarkBatch",
    "Pool",
    "ProposalBatch",
    "landmark_batch",
    "proposal_batch",
    "render_pool",
]
