"""The evaluators' networks: a strided convolutional network and a patch network.

Their architectures differ from each other and from the networks of ``gath``; no weights are shared. Attribute names
are part of the stored weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gath_estimators.data import SIDE

#: Channels of the first stage of the perceptual trunk.
TRUNK_WIDTH = 32


def normalise(images: Tensor) -> Tensor:
    """[0, 1] -> [-2, 2]."""
    return (images - 0.5) / 0.25


class ConvEncoder(nn.Module):
    """Four strided convolutions down to 4 x 4, then two fully connected layers.

    There are no residual blocks between the strides: within the same training time on a CPU, many cheap steps of this
    network gave lower errors than few expensive steps of a deeper one.

    Args:
        outputs: number of outputs.
        width: channels of the first stage; stage k has k times as many.
    """

    def __init__(self, outputs: int, width: int = 48) -> None:
        super().__init__()
        widths = [3, width, 2 * width, 3 * width, 4 * width]
        # (kernel, stride, padding). The first stage has stride 3, so that sides are 32, 16, 8 and 4.
        shapes = [(5, 3, 1), (3, 2, 1), (3, 2, 1), (3, 2, 1)]
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(widths[i], widths[i + 1], *shapes[i], bias=False),
                nn.BatchNorm2d(widths[i + 1]),
                nn.SiLU(),
            )
            for i in range(4)
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(widths[-1] * (SIDE // 24) ** 2, 256),
            nn.SiLU(),
            nn.Linear(256, outputs),
        )

    def maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of the four stages.

        Args:
            images: (B, 3, 96, 96) in [0, 1].

        Returns:
            (B, w, 32, 32), (B, 2 w, 16, 16), (B, 3 w, 8, 8) and (B, 4 w, 4, 4).
        """
        features, outputs = normalise(images), []
        for stage in self.stages:
            features = stage(features)
            outputs.append(features)
        return tuple(outputs)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, 96, 96) in [0, 1] -> (B, outputs)."""
        result: Tensor = self.head(self.maps(images)[-1])
        return result


class PatchEncoder(nn.Module):
    """Overlapping patches of 8 x 8 pixels, two strided convolutions, and fully connected layers on 6 x 6 positions.

    Args:
        outputs: number of outputs.
        width: channels of a patch embedding.
    """

    def __init__(self, outputs: int, width: int = 64) -> None:
        super().__init__()
        patches = nn.Conv2d(3, width, 8, 4, 2, bias=False)
        first = nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False)
        second = nn.Conv2d(2 * width, 2 * width, 3, 2, 1, bias=False)
        layers = (layer for conv in (patches, first, second) for layer in (conv, _norm_of(conv), nn.ReLU()))
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(2 * width * (SIDE // 16) ** 2, 256, bias=False),
            nn.BatchNorm1d(256),
            nn.ReLU(),
            nn.Linear(256, outputs),
        )

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, 96, 96) in [0, 1] -> (B, outputs)."""
        result: Tensor = self.head(self.body(normalise(images)))
        return result


def _norm_of(conv: nn.Conv2d) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(conv.out_channels)


class AUEnsemble(nn.Module):
    """The mean of a `ConvEncoder` and a `PatchEncoder` over the image and its mirror image.

    AU spaces here have no sides and synthfaces are symmetric in distribution, so mirroring keeps the labels.
    """

    def __init__(self, aus: int) -> None:
        super().__init__()
        self.plain, self.patches = ConvEncoder(aus), PatchEncoder(aus)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, 96, 96) in [0, 1] -> AU coefficients (B, aus) in [0, 1]."""
        mean = torch.stack(
            [net(x) for net in (self.plain, self.patches) for x in (images, images.flip(-1))]
        ).mean(0)
        return mean.clamp(0, 1)
