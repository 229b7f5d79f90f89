"""The two networks of the bundled detector: a dense proposal network and a landmark network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gath_bench.contracts import LANDMARKS

#: Side of the crops that the landmark network takes, in pixels.
CROP = 96
#: Pixels of the input per cell of the proposal map.
STRIDE = 8
#: The proposal network predicts ``log2(face size / SIZE_UNIT)``, in pixels of its input.
SIZE_UNIT = 32.0


def _conv(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """``relu(x + norm(conv(relu(norm(conv(x))))))``."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = _conv(width, width, dilation=dilation)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, dilation, dilation, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class ProposalNetwork(nn.Module):
    """A fully convolutional network: image -> for each cell of `STRIDE` pixels, whether a face is centred there.

    It answers for faces of about 20 to 48 pixels; an image pyramid covers the other sizes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(3, 16, 2),
            _conv(16, 32, 2),
            Residual(32),
            _conv(32, 64, 2),
            Residual(64),
            Residual(64, dilation=2),
            Residual(64),
        )
        self.head = nn.Conv2d(64, 6, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1], H and W multiples of `STRIDE` -> (B, 6, H / STRIDE, W / STRIDE).

        Channels: logit; offset (x, y) of the centre from the cell's centre, in cells; ``log2(size / SIZE_UNIT)``;
        sine and cosine of the roll angle (not normalised).
        """
        answer: Tensor = self.head(self.body(images * 2 - 1))
        return answer


class LandmarkNetwork(nn.Module):
    """Crop -> 68 landmarks, and a logit that says whether the crop shows a face.

    Each cell of a coarse map votes for each landmark: a landmark is the mean over the cells of the cell's position plus
    a predicted offset, weighted by a softmax. A cell sees mostly its own neighbourhood, so that an unusual face shape
    shifts the landmarks less towards the mean shape than regression from the whole crop does.
    Source: Sun et al., Integral Human Pose Regression, ECCV 2018 (expectation over a heatmap, without offsets).

    Attributes:
        shape: the mean landmark shape, (68, 2): centred, largest extent 1. It defines the frame of a face.
    """

    shape: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            _conv(3, 16, 2),
            _conv(16, 32, 2),
            Residual(32),
            _conv(32, 64, 2),
            Residual(64),
            Residual(64),
        )
        self.coarse = nn.Sequential(_conv(64, 160, 2), Residual(160), Residual(160))
        self.join = nn.Sequential(_conv(64 + 160, 128), Residual(128))
        self.votes = nn.Conv2d(128, 3 * LANDMARKS, 1)
        self.face = nn.Linear(160, 1)
        self.register_buffer("shape", torch.zeros(LANDMARKS, 2))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, CROP, CROP) in [0, 1] -> landmarks (B, 68, 2) in [-1, 1] of the crop, logits (B,)."""
        fine = self.fine(crops * 2 - 1)
        coarse = self.coarse(fine)
        joined = self.join(torch.cat([fine, F.interpolate(coarse, scale_factor=2.0, mode="nearest")], 1))
        logits, offsets = self.votes(joined).float().split([LANDMARKS, 2 * LANDMARKS], 1)
        weights = logits.flatten(2).softmax(-1)
        offsets = offsets.unflatten(1, (LANDMARKS, 2)).flatten(3).movedim(2, 3)
        side = fine.shape[-1]
        line = (torch.arange(side, device=crops.device) + 0.5) / side * 2 - 1
        cells = torch.stack([line.expand(side, -1), line[:, None].expand(-1, side)], -1).flatten(0, 1)
        points = (weights[..., None] * (cells + offsets)).sum(2)
        return points, self.face(coarse.mean((2, 3)))[:, 0]
