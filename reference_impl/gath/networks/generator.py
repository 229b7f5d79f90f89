"""G: a portrait and AUs in, the same person with that expression out. Two painters on one U-shaped body.

``DirectGenerator`` is the paper's: it puts every pixel itself. ``WarpGenerator`` is this project's extension: it
moves the portrait's own pixels along a flow and adds light only where a mask lets it, so that what the AUs do not
touch is kept by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Least and greatest pixel value that a logit is taken of: a half step of 8 bits from either end.
_EDGE = 0.5 / 255


@dataclass(frozen=True)
class Painted:
    """What a generator gives.

    Attributes:
        image: (B, 3, H, W) in [0, 1].
        flow: (B, 2, H, W), where each pixel comes from, as a share of the side: x to the right, y down. Warp only.
        mask: (B, 1, H, W) in [0, 1], where colour is added. Warp only.
        residual: (B, 3, H, W) in [-1, 1], the colour added under the mask. Warp only.
    """

    image: Tensor
    flow: Tensor | None = None
    mask: Tensor | None = None
    residual: Tensor | None = None


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, 3, stride, 1)
    nn.init.kaiming_normal_(conv.weight, a=0.2)
    nn.init.zeros_(conv.bias) if conv.bias is not None else None
    return conv


def _head(inputs: int, outputs: int, bias: float = 0.0) -> nn.Conv2d:
    """A convolution that answers ``bias`` everywhere until it is trained."""
    conv = nn.Conv2d(inputs, outputs, 3, 1, 1)
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.constant_(conv.bias, bias)
    return conv


class Film(nn.Module):
    """Feature-wise scale and shift by the condition (Perez et al., FiLM, AAAI 2018)."""

    def __init__(self, condition: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(condition, 2 * channels)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.linear(condition)[:, :, None, None].chunk(2, dim=1)
        formed: Tensor = features * (1 + scale) + shift
        return formed


class _Block(nn.Module):
    """x + conv(act(film(conv(x)))); the second convolution starts small, so that depth costs no stability."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.first, self.second = _conv(channels, channels), _conv(channels, channels)
        self.film = Film(condition, channels)
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        hidden = F.leaky_relu(self.film(self.first(features), condition), 0.2)
        changed: Tensor = features + self.second(hidden)
        return changed


class _Up(nn.Module):
    """Twice the side: project, repeat each pixel, add the encoder's features, and look at the condition again."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(inputs, outputs, 1)
        self.conv, self.film = _conv(outputs, outputs), Film(condition, outputs)

    def forward(self, features: Tensor, skip: Tensor, condition: Tensor) -> Tensor:
        features = F.interpolate(self.project(features), scale_factor=2.0, mode="nearest") + skip
        return F.leaky_relu(self.film(self.conv(features), condition), 0.2)


class Body(nn.Module):
    """The U: down to 8 x 8, residual blocks there, and up again with additive skips.

    No normalisation: it would wipe out the contrast that has to be reproduced. The picture is seen together with
    pixel coordinates, since what an AU does depends on where.

    Args:
        aus: K.
        resolution: side of the images, 8 times a power of two.
        width: channels before the first step down; they double at each, up to four times.
        blocks: residual blocks at 8 x 8.
        patch: squares of so many pixels a side come in as one position each, and are painted at once at the end
            (Shi et al., Real-Time Single Image Super-Resolution, CVPR 2016): on a CPU, full resolution is dear.
    """

    def __init__(self, aus: int, resolution: int, width: int, blocks: int, patch: int = 1) -> None:
        super().__init__()
        self.patch = patch
        places = resolution // patch
        levels = (places // 8).bit_length() - 1
        widths = [width * min(2**level, 4) for level in range(levels + 1)]
        condition = 128
        self.condition = nn.Sequential(nn.Linear(2 * aus, condition), nn.SiLU())
        self.stem = _conv(3 * patch**2 + 2, width)
        self.down = nn.ModuleList(_conv(widths[i], widths[i + 1], 2) for i in range(levels))
        self.middle = nn.ModuleList(_Block(widths[-1], condition) for _ in range(blocks))
        self.up = nn.ModuleList(_Up(widths[i + 1], widths[i], condition) for i in reversed(range(levels)))
        line = (torch.arange(places) + 0.5) / places * 2 - 1
        grid = torch.stack([line.expand(places, -1), line[:, None].expand(-1, places)])
        self.register_buffer("place", grid, persistent=False)

    def forward(self, source: Tensor, target_aus: Tensor, source_aus: Tensor) -> list[Tensor]:
        """Features after each step up, the last with a position for each patch."""
        condition = self.condition(torch.cat([target_aus - source_aus, target_aus], 1))
        place = self.get_buffer("place")
        seen = F.pixel_unshuffle(source * 2 - 1, self.patch)
        features = self.stem(torch.cat([seen, place.expand(source.shape[0], -1, -1, -1)], 1))
        skips = []
        for down in self.down:
            skips.append(features)
            features = down(F.leaky_relu(features, 0.2))
        for block in self.middle:
            features = block(features, condition)
        found = []
        for up, skip in zip(self.up, reversed(skips), strict=True):
            features = up(features, skip, condition)
            found.append(features)
        return found


class Generator(nn.Module):
    """The interface of both generators."""

    body: Body

    def forward(self, source: Tensor, target_aus: Tensor, source_aus: Tensor) -> Painted:
        """Paint.

        Args:
            source: (B, 3, H, W) in [0, 1].
            target_aus: (B, K) in [0, 1].
            source_aus: (B, K) in [0, 1], the portrait's own as E sees them.
        """
        raise NotImplementedError


class DirectGenerator(Generator):
    """Every pixel is put directly: image = sigmoid(logit(source) + paint), or sigmoid(paint).

    Args:
        from_source: start from the portrait's pixels (the identity until trained) or from nothing.
    """

    def __init__(
        self,
        aus: int,
        resolution: int,
        width: int,
        blocks: int,
        patch: int = 1,
        *,
        from_source: bool = True,
    ) -> None:
        super().__init__()
        self.body = Body(aus, resolution, width, blocks, patch)
        self.paint = _head(width, 3 * patch**2)
        self.from_source = from_source

    def forward(self, source: Tensor, target_aus: Tensor, source_aus: Tensor) -> Painted:
        features = self.body(source, target_aus, source_aus)[-1]
        paint = F.pixel_shuffle(self.paint(features), self.body.patch).float()
        if self.from_source:
            paint = torch.logit(source.float(), eps=_EDGE) + paint
        return Painted(torch.sigmoid(paint))


class WarpGenerator(Generator):
    """image = warp(source, flow) + mask * residual; the identity until trained.

    The flow is bounded, and comes a step below the body's finest features, so that it is smooth. The residual is full
    in lightness and limited in colour: shadows and teeth need light, coloured paint is how E would be fooled.

    Args:
        max_flow: the farthest that a pixel can move, as a share of the side.
        chroma: strength of the residual's colour against its lightness.
    """

    def __init__(
        self,
        aus: int,
        resolution: int,
        width: int,
        blocks: int,
        patch: int = 1,
        *,
        max_flow: float = 0.15,
        chroma: float = 0.3,
    ) -> None:
        super().__init__()
        self.body = Body(aus, resolution, width, blocks, patch)
        self.flow = _head(2 * width, 2)
        self.mask = _head(width, patch**2, bias=-1.0)
        self.residual = _head(width, 4 * patch**2)
        self.max_flow, self.chroma = max_flow, chroma

    def forward(self, source: Tensor, target_aus: Tensor, source_aus: Tensor) -> Painted:
        patch, found = self.body.patch, self.body(source, target_aus, source_aus)
        small = torch.tanh(self.flow(found[-2]).float()) * self.max_flow
        flow = F.interpolate(small, size=source.shape[-2:], mode="bilinear", align_corners=False)
        mask = torch.sigmoid(F.pixel_shuffle(self.mask(found[-1]), patch).float())
        residual = torch.tanh(F.pixel_shuffle(self.residual(found[-1]), patch).float())
        light, colour = torch.split(residual, [1, 3], dim=1)
        colour = colour - colour.mean(1, keepdim=True)
        residual = (light + self.chroma * colour) / (1 + self.chroma)
        image = (warp(source.float(), flow) + mask * residual).clamp(0, 1)
        return Painted(image, flow, mask, residual)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Fetch each pixel from where the flow says, bilinearly; beyond the edge the edge goes on.

    Args:
        image: (B, 3, H, W).
        flow: (B, 2, H, W), offsets as a share of the side: x to the right, y down.

    >>> picture = torch.rand(1, 3, 8, 8)
    >>> still = warp(picture, torch.zeros(1, 2, 8, 8))
    >>> bool((still - picture).abs().max() < 1e-5)
    True
    """
    height, width = image.shape[-2:]
    xs = (torch.arange(width, device=image.device, dtype=flow.dtype) + 0.5) / width
    ys = (torch.arange(height, device=image.device, dtype=flow.dtype) + 0.5) / height
    x, y = xs[None, None, :] + flow[:, 0], ys[None, :, None] + flow[:, 1]
    # grid_sample counts from -1 at the left edge to 1 at the right one.
    grid = torch.stack([x, y], -1) * 2 - 1
    return F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)
