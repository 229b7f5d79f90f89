"""The generators: a portrait and AUs in, the same person with that expression out. Both use one U-shaped network.

``DirectGenerator`` follows the paper: it generates every pixel. ``WarpGenerator`` is this project's extension: it
moves the portrait's own pixels along a flow and adds colour under a mask, so that regions which the AUs do not affect
stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Pixel values are clipped to [_EDGE, 1 - _EDGE] before the logit: half a step of 8 bits.
_EDGE = 0.5 / 255


@dataclass(frozen=True)
class Generated:
    """The output of a generator.

    Attributes:
        image: (B, 3, H, W) in [0, 1].
        flow: (B, 2, H, W), the offset of the position that each pixel is sampled from, as a share of the side: x to
            the right, y down. ``WarpGenerator`` only.
        mask: (B, 1, H, W) in [0, 1], where colour is added. ``WarpGenerator`` only.
        residual: (B, 3, H, W) in [-1, 1], the colour added under the mask. ``WarpGenerator`` only.
        opacity: (B, 1, H, W) in [0, 1], how much of the warped portrait its local mean replaces. ``WarpGenerator``
            with ``replace`` only.
        added: (B, 3, H, W), so that image = (1 - opacity) * warped portrait + added, before clipping.
            ``WarpGenerator`` only.
    """

    image: Tensor
    flow: Tensor | None = None
    mask: Tensor | None = None
    residual: Tensor | None = None
    opacity: Tensor | None = None
    added: Tensor | None = None


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, 3, stride, 1)
    nn.init.kaiming_normal_(conv.weight, a=0.2)
    nn.init.zeros_(conv.bias) if conv.bias is not None else None
    return conv


def _head(inputs: int, outputs: int, bias: float = 0.0) -> nn.Conv2d:
    """A convolution whose output is ``bias`` everywhere at initialisation."""
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
        conditioned: Tensor = features * (1 + scale) + shift
        return conditioned


class _Block(nn.Module):
    """x + conv(act(film(conv(x)))); the second convolution is initialised small, which keeps deep networks stable."""

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
    """Upsample by 2: project, repeat each position, add the encoder's features, and condition again."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(inputs, outputs, 1)
        self.conv, self.film = _conv(outputs, outputs), Film(condition, outputs)

    def forward(self, features: Tensor, skip: Tensor, condition: Tensor) -> Tensor:
        features = F.interpolate(self.project(features), scale_factor=2.0, mode="nearest") + skip
        return F.leaky_relu(self.film(self.conv(features), condition), 0.2)


class Body(nn.Module):
    """A U-shaped network: down to 8 x 8, residual blocks there, and up again with additive skips.

    There is no normalisation: it would remove the contrast that has to be reproduced. Pixel coordinates are part of
    the input, since the effect of an AU depends on the position.

    Args:
        aus: K.
        resolution: side of the images, 8 times a power of two.
        width: channels before the first strided convolution; they double with each, up to four times ``width``.
        blocks: residual blocks at 8 x 8.
        patch: side of the squares of pixels that are one input and one output position each (Shi et al., Real-Time
            Single Image Super-Resolution, CVPR 2016): full resolution is expensive on a CPU.
    """

    def __init__(self, aus: int, resolution: int, width: int, blocks: int, patch: int = 1) -> None:
        super().__init__()
        self.patch = patch
        positions = resolution // patch
        levels = (positions // 8).bit_length() - 1
        widths = [width * min(2**level, 4) for level in range(levels + 1)]
        condition = 128
        self.condition = nn.Sequential(nn.Linear(2 * aus, condition), nn.SiLU())
        self.stem = _conv(3 * patch**2 + 2, width)
        self.down = nn.ModuleList(_conv(widths[i], widths[i + 1], 2) for i in range(levels))
        self.middle = nn.ModuleList(_Block(widths[-1], condition) for _ in range(blocks))
        self.up = nn.ModuleList(_Up(widths[i + 1], widths[i], condition) for i in reversed(range(levels)))
        line = (torch.arange(positions) + 0.5) / positions * 2 - 1
        coordinates = torch.stack([line.expand(positions, -1), line[:, None].expand(-1, positions)])
        self.register_buffer("coordinates", coordinates, persistent=False)

    def forward(self, source: Tensor, target_aus: Tensor, source_aus: Tensor) -> list[Tensor]:
        """Features after each upsampling; the last have one position per patch."""
        condition = self.condition(torch.cat([target_aus - source_aus, target_aus], 1))
        coordinates = self.get_buffer("coordinates").expand(source.shape[0], -1, -1, -1)
        features = self.stem(torch.cat([F.pixel_unshuffle(source * 2 - 1, self.patch), coordinates], 1))
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

    def forward(self, source: Tensor, target_aus: Tensor, source_aus: Tensor) -> Generated:
        """Generate images.

        Args:
            source: (B, 3, H, W) in [0, 1].
            target_aus: (B, K) in [0, 1].
            source_aus: (B, K) in [0, 1], the portrait's own, as E estimates them.
        """
        raise NotImplementedError


class DirectGenerator(Generator):
    """Generates every pixel: image = sigmoid(logit(source) + change), or sigmoid(change).

    Args:
        from_source: add to the portrait's pixels, so that the untrained network is the identity; else generate the
            image without them.
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
        self.paint = _head(width, 3 * patch**2)  # the name is part of the weights files
        self.from_source = from_source

    def forward(self, source: Tensor, target_aus: Tensor, source_aus: Tensor) -> Generated:
        features = self.body(source, target_aus, source_aus)[-1]
        logits = F.pixel_shuffle(self.paint(features), self.body.patch).float()
        if self.from_source:
            logits = torch.logit(source.float(), eps=_EDGE) + logits
        return Generated(torch.sigmoid(logits))


class WarpGenerator(Generator):
    """image = (1 - opacity) * warped + opacity * local mean of warped + mask * residual, with the warped portrait.

    The untrained network is almost the identity (without ``replace`` exactly). The local mean covers what an AU hides:
    a closed lid hides the iris. Adding colour alone cannot, unless the colour of the iris is predicted exactly.

    The flow is bounded, and by default computed at half the resolution of the body's finest features: it is smooth. The
    residual is unrestricted in lightness and restricted in colour: shadows and teeth need lightness, while coloured
    paint is the easiest way to fool E.

    Args:
        max_flow: the largest displacement, as a share of the side.
        chroma: strength of the residual's colour relative to its lightness.
        fine: compute the flow at the resolution of the finest features.
        least_flow: in evaluation mode flows are shortened by this length, in pixels, to not less than 0: resampling
            blurs the background, however short the flow. Not in training, since shorter flows would get no gradient.
        replace: predict an opacity; without it, the opacity is 0.
    """

    #: Side of the square of the local mean, as a share of the image's side: as wide as an eye.
    LOCAL = 0.14
    #: Opacities up to this one are 0 in evaluation mode, for the reason given for ``least_flow``.
    LEAST_OPACITY = 0.05

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
        fine: bool = False,
        least_flow: float = 0.0,
        replace: bool = False,
    ) -> None:
        super().__init__()
        self.body = Body(aus, resolution, width, blocks, patch)
        self.fine, self.least_flow = fine, least_flow
        self.flow = _head(width if fine else 2 * width, 2)
        self.mask = _head(width, patch**2, bias=-1.0)
        self.residual = _head(width, 4 * patch**2)
        self.opacity = _head(width, patch**2, bias=-3.0) if replace else None
        self.max_flow, self.chroma = max_flow, chroma

    def forward(self, source: Tensor, target_aus: Tensor, source_aus: Tensor) -> Generated:
        patch, found = self.body.patch, self.body(source, target_aus, source_aus)
        small = torch.tanh(self.flow(found[-1 if self.fine else -2]).float()) * self.max_flow
        flow = F.interpolate(small, size=source.shape[-2:], mode="bilinear", align_corners=False)
        if self.least_flow and not self.training:
            flow = shorten(flow, self.least_flow / source.shape[-1])
        mask = torch.sigmoid(F.pixel_shuffle(self.mask(found[-1]), patch).float())
        residual = torch.tanh(F.pixel_shuffle(self.residual(found[-1]), patch).float())
        light, colour = torch.split(residual, [1, 3], dim=1)
        colour = colour - colour.mean(1, keepdim=True)
        residual = (light + self.chroma * colour) / (1 + self.chroma)
        warped, added = warp(source.float(), flow), mask * residual
        if self.opacity is None:
            return Generated(
                (warped + added).clamp(0, 1), flow, mask, residual, torch.zeros_like(mask), added
            )
        opacity = torch.sigmoid(F.pixel_shuffle(self.opacity(found[-1]), patch).float())
        if not self.training:
            opacity = ((opacity - self.LEAST_OPACITY) / (1 - self.LEAST_OPACITY)).clamp(min=0)
        added = added + opacity * local_mean(warped, round(self.LOCAL * source.shape[-1]) // 2)
        image = ((1 - opacity) * warped + added).clamp(0, 1)
        return Generated(image, flow, mask, residual, opacity, added)


def local_mean(image: Tensor, radius: int) -> Tensor:
    """The image averaged twice over squares of side 2 ``radius`` + 1; outside the image there is nothing to average.

    >>> image = torch.full((1, 3, 8, 8), 0.5)
    >>> bool((local_mean(image, 2) - image).abs().max() < 1e-6)
    True
    """
    with torch.autocast(image.device.type, enabled=False):  # 8 bits of mantissa would leave bands
        rows, columns = (_averaging(size, radius, image) for size in image.shape[-2:])
        averaged: Tensor = rows @ image @ columns.T
    return averaged


def _averaging(size: int, radius: int, like: Tensor) -> Tensor:
    """The matrix (size, size) that averages twice along one axis.

    The mean over a square is separable, and products with a matrix are ten times faster than pooling on a CPU.
    """
    position = torch.arange(size, device=like.device)
    near = ((position[:, None] - position).abs() <= radius).to(like.dtype)
    once = near / near.sum(1, keepdim=True)
    return once @ once


def shorten(flow: Tensor, by: float) -> Tensor:
    """Flows (B, 2, H, W) that are shorter by a length, to not less than 0 (soft thresholding; Donoho, 1995).

    >>> shorten(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1), 1.0).flatten().tolist()
    [2.4000000953674316, 3.200000047683716]
    """
    length = flow.norm(dim=1, keepdim=True).clamp(min=1e-12)
    shorter: Tensor = flow * (1 - by / length).clamp(min=0)
    return shorter


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Sample each pixel bilinearly at its position plus the flow; outside the image, at the nearest edge pixel.

    Args:
        image: (B, 3, H, W).
        flow: (B, 2, H, W), offsets as a share of the side: x to the right, y down.

    >>> image = torch.rand(1, 3, 8, 8)
    >>> same = warp(image, torch.zeros(1, 2, 8, 8))
    >>> bool((same - image).abs().max() < 1e-5)
    True
    """
    height, width = image.shape[-2:]
    xs = (torch.arange(width, device=image.device, dtype=flow.dtype) + 0.5) / width
    ys = (torch.arange(height, device=image.device, dtype=flow.dtype) + 0.5) / height
    x, y = xs[None, None, :] + flow[:, 0], ys[None, :, None] + flow[:, 1]
    # The positions of grid_sample run from -1 at the left edge to 1 at the right edge.
    positions = torch.stack([x, y], -1) * 2 - 1
    return F.grid_sample(image, positions, mode="bilinear", padding_mode="border", align_corners=False)
