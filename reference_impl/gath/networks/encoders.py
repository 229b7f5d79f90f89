"""The AU estimator E and the identity classifier C. Both are trained first and then guide G."""

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
    """Strided convolutions to the scale at which the whole image has 8 x 8 positions, then a fully connected layer.

    The layer is fully connected, not an average, because the position of a feature decides which AU it belongs to.
    There is one convolution per scale: on a CPU, many cheap steps train better than few expensive ones.

    Args:
        resolution: side of the images, 8 times a power of two.
        width: channels after the first convolution; they double with each, up to four times ``width``.
        window: the square that is used (top, left, side), in pixels: a network that need not find the face trains
            faster.
        outputs: D, the number of features.
    """

    def __init__(self, resolution: int, width: int, window: Window, outputs: int = 128) -> None:
        super().__init__()
        self.window = window
        levels = (resolution // 8).bit_length() - 1
        widths = [width * min(2**level, 4) for level in range(levels)]
        layers = [_conv(3, widths[0], 5, 2)]
        layers += [_conv(widths[level - 1], widths[level], 3, 2) for level in range(1, levels)]
        self.layers = nn.Sequential(*layers)
        positions = widths[-1] * (window[2] >> levels) ** 2
        self.flat = nn.Sequential(nn.Linear(positions, outputs, bias=False), nn.BatchNorm1d(outputs))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, outputs)."""
        return self.features(images)[-1]

    def features(self, images: Tensor) -> list[Tensor]:
        """The feature maps of every convolution, (B, C_i, H_i, W_i), and last the output, (B, outputs)."""
        top, left, side = self.window
        features = images[..., top : top + side, left : left + side] * 4 - 2
        found: list[Tensor] = []
        for layer in self.layers:
            features = layer(features)
            found.append(features)
        return [*found, self.flat(features.flatten(1))]


class AUEstimator(nn.Module):
    """E: (B, 3, H, W) in [0, 1] -> (B, K), about in [0, 1]; not clipped, so that the gradient never vanishes."""

    def __init__(self, aus: int, resolution: int, width: int, window: Window) -> None:
        super().__init__()
        self.trunk = Trunk(resolution, width, window)
        self.head = nn.Linear(128, aus)

    def forward(self, images: Tensor) -> Tensor:
        aus: Tensor = self.head(F.silu(self.trunk(images)))
        return aus.float()


class IdentityClassifier(nn.Module):
    """C: (B, 3, H, W) in [0, 1] -> unit embeddings (B, D); `cosines` compares them with the training identities."""

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
