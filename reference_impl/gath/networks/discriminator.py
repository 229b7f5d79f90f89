"""The discriminator D: logits per patch for realism, and one logit per image for agreement with AUs."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


@dataclass(frozen=True)
class Judgement:
    """The output of D.

    Attributes:
        patches: (B, 1, 8, 8) logits of realism, one per patch. They are not averaged before the loss: with an
            average, one patch of large magnitude dominates, and D can collapse to a constant.
        face: (B, 128) features, which `Discriminator.match` compares with AUs.
    """

    patches: Tensor
    face: Tensor


class Discriminator(nn.Module):
    """Strided convolutions to 8 x 8, patch logits, and a projection head for AUs (Miyato & Koyama, ICLR 2018).

    Args:
        aus: K.
        resolution: side of the images, 8 times a power of two.
        width: channels after the first strided convolution; they double with each, up to four times ``width``.
        patch: side of the squares of pixels that are one input position each.
        spectral: spectral normalisation of every convolution (Miyato et al., ICLR 2018).
    """

    def __init__(
        self, aus: int, resolution: int, width: int, patch: int = 1, *, spectral: bool = False
    ) -> None:
        super().__init__()
        self.patch = patch
        levels = (resolution // patch // 8).bit_length() - 1
        widths = [3 * patch**2] + [width * min(2**level, 4) for level in range(levels)]
        top = widths[-1]

        def conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
            made = nn.Conv2d(inputs, outputs, kernel, stride, 1)
            nn.init.kaiming_normal_(
                made.weight, a=0.2
            )  # torch's default shrinks the signal from layer to layer
            return spectral_norm(made) if spectral else made

        self.down = nn.ModuleList(conv(widths[i], widths[i + 1], 4, 2) for i in range(levels))
        self.patches = nn.Sequential(conv(top, top, 3, 1), nn.LeakyReLU(0.2), nn.Conv2d(top, 1, 1))
        # The AU head sees the whole face: a patch of the forehead says nothing about a smile.
        self.face = nn.Sequential(
            conv(top, top, 4, 2), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(top * 16, 128)
        )
        self.aus = nn.Sequential(nn.Linear(aus, 128), nn.SiLU(), nn.Linear(128, 128))
        self.bias = nn.Linear(128, 1)

    def forward(self, images: Tensor) -> Judgement:
        """Images (B, 3, H, W) in [0, 1]."""
        features = F.pixel_unshuffle(images * 2 - 1, self.patch)
        for down in self.down:
            features = F.leaky_relu(down(features), 0.2)
        return Judgement(self.patches(features).float(), self.face(features).float())

    def match(self, face: Tensor, aus: Tensor) -> Tensor:
        """(B,) logits of: the image is real and shows these AUs. ``face`` is (B, 128), ``aus`` (B, K)."""
        agreement: Tensor = (face * self.aus(aus).float()).sum(1) / face.shape[1] ** 0.5
        logits: Tensor = agreement + self.bias(face)[:, 0].float()
        return logits


def set_trainable(module: nn.Module, trainable: bool) -> None:
    """Switch the computation of a network's own gradients; those that it already has are kept."""
    for parameter in module.parameters():
        parameter.requires_grad_(trainable)
