"""The evaluators' networks: two families that see the same face in unlike ways.

Neither is built as the networks of ``gath`` are, and neither shares a weight with them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gath_estimators.data import SIDE

#: Channels of the first stage of the perceptual trunk.
TRUNK_WIDTH = 32


def normalise(images: Tensor) -> Tensor:
    """[0, 1] -> about [-2, 2]."""
    return (images - 0.5) / 0.25


class Plain(nn.Module):
    """Family one: four strided convolutions down to 4 x 4, then all at once.

    On a CPU many cheap steps teach more than few dear ones: with blocks between the strides this network had
    learnt next to nothing in the time in which this one reads the mouth.

    Args:
        outputs: how many numbers it gives.
        width: channels of the first stage.
    """

    def __init__(self, outputs: int, width: int = 48) -> None:
        super().__init__()
        widths = [3, width, 2 * width, 3 * width, 4 * width]
        # The first takes thirds of the side, which leaves 32, 16, 8 and 4.
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
        """The four stages' feature maps: (B, 3, 96, 96) in [0, 1] -> (B, w, 32, 32) ... (B, 4 w, 4, 4)."""
        features, found = normalise(images), []
        for stage in self.stages:
            features = stage(features)
            found.append(features)
        return tuple(found)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, 96, 96) in [0, 1] -> (B, outputs)."""
        answer: Tensor = self.head(self.maps(images)[-1])
        return answer


class Patches(nn.Module):
    """Family two: overlapping patches of 8 x 8, two steps of comparing neighbours, and 6 x 6 places at once.

    Args:
        outputs: how many numbers it gives.
        width: channels of a patch.
    """

    def __init__(self, outputs: int, width: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 8, 4, 2, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(2 * width * (SIDE // 16) ** 2, 256, bias=False),
            nn.BatchNorm1d(256),
            nn.ReLU(),
            nn.Linear(256, outputs),
        )

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, 96, 96) in [0, 1] -> (B, outputs)."""
        answer: Tensor = self.head(self.body(normalise(images)))
        return answer


class AUEnsemble(nn.Module):
    """One network of each family; the answer is their mean, over the picture and its mirror image.

    Action units know no side here, and neither do synthfaces.
    """

    def __init__(self, aus: int) -> None:
        super().__init__()
        self.plain, self.patches = Plain(aus), Patches(aus)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, 96, 96) in [0, 1] -> AU coefficients (B, aus) in [0, 1]."""
        mean = torch.stack(
            [net(x) for net in (self.plain, self.patches) for x in (images, images.flip(-1))]
        ).mean(0)
        return mean.clamp(0, 1)
