"""E and C: the two teachers. E reads AUs off a face, C tells people apart; G is trained against both."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gath.config import Window


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(),
    )


class Trunk(nn.Module):
    """Strided convolutions, until the whole image would have 8 x 8 places; then 128 numbers.

    It ends in a fully connected layer and not in an average: where something is seen decides which AU it is. There
    is one convolution a side: many cheap steps teach more in an hour of a CPU than fewer dear ones.

    Args:
        resolution: side of the images, 8 times a power of two.
        width: channels after the first step down; they double, up to four times.
        window: what it looks at (top, left, side), in pixels: a network that need not look for the face learns it
            sooner.
    """

    def __init__(self, resolution: int, width: int, window: Window, outputs: int = 128) -> None:
        super().__init__()
        self.window = window
        levels = (resolution // 8).bit_length() - 1
        widths = [width * min(2**level, 4) for level in range(levels)]
        layers = [_conv(3, widths[0], 5, 2)]
        layers += [_conv(widths[level - 1], widths[level], 3, 2) for level in range(1, levels)]
        self.layers = nn.Sequential(*layers)
        places = widths[-1] * (window[2] >> levels) ** 2
        self.flat = nn.Sequential(nn.Linear(places, outputs, bias=False), nn.BatchNorm1d(outputs))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, outputs)."""
        top, left, side = self.window
        seen = images[..., top : top + side, left : left + side]
        flat: Tensor = self.flat(self.layers(seen * 4 - 2).flatten(1))
        return flat


class AUEstimator(nn.Module):
    """E: (B, 3, H, W) in [0, 1] -> (B, K), about [0, 1] and not clipped, so that a gradient always comes back."""

    def __init__(self, aus: int, resolution: int, width: int, window: Window) -> None:
        super().__init__()
        self.trunk = Trunk(resolution, width, window)
        self.head = nn.Linear(128, aus)

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = self.head(F.silu(self.trunk(images)))
        return answer.float()


class IdentityClassifier(nn.Module):
    """C: (B, 3, H, W) in [0, 1] -> unit embeddings (B, D), and cosine logits over the identities it was taught."""

    def __init__(
        self, identities: int, resolution: int, width: int, window: Window, embedding: int = 128
    ) -> None:
        super().__init__()
        self.trunk = Trunk(resolution, width, window, embedding)
        self.people = nn.Parameter(torch.randn(identities, embedding))

    def forward(self, images: Tensor) -> Tensor:
        return F.normalize(self.trunk(images).float(), dim=1)

    def cosines(self, embeddings: Tensor) -> Tensor:
        """(B, D) unit embeddings -> (B, identities) in [-1, 1]."""
        return embeddings @ F.normalize(self.people, dim=1).T
