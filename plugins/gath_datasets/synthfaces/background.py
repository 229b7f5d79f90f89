"""Out-of-focus backgrounds: indoor, outdoor, textured walls, studio gradients, bokeh."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_datasets.synthfaces.maths import bell, col, over, ramp, rgb, step
from gath_datasets.synthfaces.noise import BLOTCHES, sample
from gath_datasets.synthfaces.scene import BACKGROUNDS, Scenes

#: Backgrounds are rendered at 1 / REDUCTION of the image size and upsampled, which blurs them.
REDUCTION = 4
SKY, HAZE, GRASS = (0.62, 0.76, 0.92), (0.90, 0.91, 0.90), (0.33, 0.42, 0.20)


def render_background(scenes: Scenes, size: int) -> Tensor:
    """Render backgrounds: display values (B, 3, size, size)."""
    small = max(16, size // REDUCTION)
    device = scenes.seeds.device
    axis = (torch.arange(small, device=device, dtype=torch.float32) + 0.5) / small * 2 - 1
    x, y = axis[None, None, :], axis[None, :, None]
    position = [col(scenes[f"place_{k}"]) for k in "abcdef"]
    shift_x, shift_y = position[0] + 0.17 * x.expand(1, small, -1), position[1] + 0.17 * y
    clouds = sample(
        slice(BLOTCHES, BLOTCHES + 2),
        (shift_x + 0 * shift_y).contiguous(),
        (shift_y + 0 * shift_x).contiguous(),
    )
    renderers = (_indoor, _outdoor, _textured, _gradient, _bokeh)
    kind = scenes["background"]
    image = torch.zeros(len(scenes), 3, small, small, device=device)
    for index, renderer in enumerate(renderers):
        chosen = kind == index
        if bool(chosen.any()):
            image = torch.where(chosen[:, None, None, None], renderer(scenes, x, y, clouds, position), image)
    image = F.interpolate(image, size=(size, size), mode="bilinear", align_corners=False)
    textured = kind == BACKGROUNDS.index("textured")
    if bool(textured.any()):
        image = image * (1 + (0.10 * textured.float())[:, None, None, None] * _weave(scenes, size))
    return image.clamp_(0, 1)


def _indoor(scenes: Scenes, x: Tensor, y: Tensor, clouds: Tensor, p: list[Tensor]) -> Tensor:
    """A wall with a bright window, a door or shelf, and light that falls off to the side."""
    wall = rgb(scenes["wall"]) * (1.02 + 0.16 * (p[0] - 0.5) * x - 0.10 * y)[:, None]
    soft = 0.05 + 0.20 * p[4]
    left, width = -1.2 + 1.9 * p[1], 0.35 + 0.5 * p[2]
    door = step(width - (x - left).abs(), soft) * step(y + 0.95 - 0.9 * p[3], soft)
    image = over(
        wall + 0 * clouds[:, :1],
        rgb(scenes["wall_2"]).expand(-1, -1, *clouds.shape[2:]),
        (0.85 * door)[:, None],
    )
    pane_x, pane_y = 1.1 - 2.2 * p[3], -0.75 + 0.7 * p[5]
    pane = step(0.22 + 0.3 * p[0] - (x - pane_x).abs(), soft) * step(
        0.25 + 0.25 * p[1] - (y - pane_y).abs(), soft
    )
    glow = 0.75 * rgb(scenes["wall_3"]) + 0.30
    over(image, glow.expand_as(image), (pane * (0.5 + 0.4 * p[2]))[:, None])
    return image * (1 + 0.02 * clouds[:, :1])


def _outdoor(scenes: Scenes, x: Tensor, y: Tensor, clouds: Tensor, p: list[Tensor]) -> Tensor:
    """Sky, haze, leaves, ground and walls."""
    like = clouds[:, :1]
    sky = torch.tensor(SKY, device=like.device)[None, :, None, None] * (0.92 + 0.12 * y)[:, None]
    haze = torch.tensor(HAZE, device=like.device)[None, :, None, None]
    sky = over(
        sky + 0 * like, haze + 0 * sky, (0.35 + 0.45 * p[2] + 0.16 * clouds[:, 0]).clamp(0, 1)[:, None]
    )
    horizon = -0.75 + 1.1 * p[3] + 0.16 * clouds[:, 0] + 0.20 * torch.sin(3.0 * x + 6.3 * p[4])
    land = step(y - horizon, 0.10 + 0.10 * p[1])
    leaf = torch.tensor(GRASS, device=like.device)[None, :, None, None] * 0.75 + 0.25 * rgb(scenes["wall_3"])
    leaf = leaf * (0.85 + 0.22 * clouds[:, 1] + 0.20 * clouds[:, 0] - 0.10 * y)[:, None]
    over(sky, leaf, land[:, None])
    street = step(y - 0.35 - 0.5 * p[5], 0.15)
    return over(sky, rgb(scenes["wall"]) * 0.85 + 0 * sky, (0.7 * street)[:, None])


def _textured(scenes: Scenes, x: Tensor, y: Tensor, clouds: Tensor, p: list[Tensor]) -> Tensor:
    """Plaster, stone or cloth; the fine texture is added at full size."""
    return (
        rgb(scenes["wall"])
        * (1 + 0.09 * clouds[:, 0] + 0.07 * clouds[:, 1] + 0.12 * (p[2] - 0.5) * x - 0.06 * y)[:, None]
    )


def _weave(scenes: Scenes, size: int) -> Tensor:
    axis = (torch.arange(size, device=scenes.seeds.device, dtype=torch.float32) + 0.5) / size
    x = axis[None, None, :] * 0.8 + col(scenes["place_a"])
    y = axis[None, :, None] * 0.8 + col(scenes["place_b"])
    noise = sample(slice(BLOTCHES + 1, BLOTCHES + 3), (x + 0 * y).contiguous(), (y + 0 * x).contiguous())
    return noise.mean(1, keepdim=True) * col(0.3 + scenes["place_c"])[:, None]


def _gradient(scenes: Scenes, x: Tensor, y: Tensor, clouds: Tensor, p: list[Tensor]) -> Tensor:
    """A studio backdrop, lit from behind the head."""
    spot = torch.exp(-(((x - 0.8 * (p[0] - 0.5)) / 1.1) ** 2) - ((y + 0.2) / 1.2) ** 2)
    a, b = rgb(scenes["wall"]), rgb(scenes["wall_2"])
    mixed = b * 0.75 + (a - b * 0.75) * spot[:, None]
    return mixed * (1 + 0.012 * clouds[:, :1])


def _bokeh(scenes: Scenes, x: Tensor, y: Tensor, clouds: Tensor, p: list[Tensor]) -> Tensor:
    """Out-of-focus points of light."""
    image = rgb(scenes["wall_2"]) * (0.42 + 0.10 * clouds[:, 0] - 0.12 * y)[:, None]
    warm, other = rgb(scenes["wall_3"]) * 0.6 + 0.4, rgb(scenes["wall"]) * 0.7 + 0.3
    for i in range(9):
        # Low-discrepancy positions derived from the parameters of the scene.
        cx = ((p[i % 6] + 0.618 * i) % 1.0) * 2.2 - 1.1
        cy = ((p[(i + 2) % 6] + 0.755 * i) % 1.0) * 2.2 - 1.3
        size = 0.08 + 0.13 * ((p[(i + 4) % 6] + 0.377 * i) % 1.0)
        disc = ramp(torch.sqrt((x - cx) ** 2 + (y - cy) ** 2), size, size * 0.72)
        over(image, (warm if i % 2 else other).expand_as(image), (0.45 * disc)[:, None])
    return image + 0.04 * bell(y, 0.9, 0.6)[:, None]
