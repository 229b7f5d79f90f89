"""The ImageNet trunks of LPIPS: AlexNet, VGG16 and SqueezeNet 1.1. The weights of torchvision are not downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gath_bench.contracts import NO_WEIGHTS, EvaluatorInfo, Features, file_hash, fingerprint
from gath_bench.errors import Unavailable

#: Mean and scale of ImageNet's colours for images in [-1, 1], as in the lpips package.
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)


@dataclass(frozen=True)
class Architecture:
    """A network of torchvision and the layers that LPIPS uses.

    Attributes:
        builder: its name in ``torchvision.models``.
        file: file name of its weights in the folder of torch checkpoints.
        ends: per layer of the distance, the index in ``features`` one past its last module.
    """

    builder: str
    file: str
    ends: tuple[int, ...]


ALEX = Architecture("alexnet", "alexnet-owt-7be5be79.pth", (2, 5, 8, 10, 12))
VGG = Architecture("vgg16", "vgg16-397923af.pth", (4, 9, 16, 23, 30))
SQUEEZE = Architecture("squeezenet1_1", "squeezenet1_1-b8a52dc0.pth", (2, 5, 8, 10, 11, 12, 13))


def scale_colours(images: Tensor) -> Tensor:
    """Images (B, 3, H, W) in [0, 1], normalised as the lpips package does; the same shape."""
    shift = images.new_tensor(_SHIFT)[:, None, None]
    scale = images.new_tensor(_SCALE)[:, None, None]
    return (2 * images - 1 - shift) / scale


def feature_maps(layers: nn.Module, ends: Sequence[int], images: Tensor) -> tuple[Tensor, ...]:
    """Outputs of a stack of layers after each of the ends, for images in [0, 1].

    Args:
        layers: the modules in order (a ``Sequential``).
        ends: ascending; each is the index one past the last module of a layer.
        images: float32 (B, 3, H, W).

    Returns:
        One (B, C, h, w) per end.
    """
    maps, x = [], scale_colours(images)
    for number, layer in enumerate(list(layers.children())[: ends[-1]], start=1):
        x = layer(x)
        if number in ends:
            maps.append(x)
    return tuple(maps)


def build_layers(architecture: Architecture, state: dict[str, Any]) -> nn.Module:
    """The convolutional part of a network, with the weights of a full checkpoint."""
    from torchvision import models

    with torch.device(
        "meta"
    ):  # the values come from the checkpoint; random initialisation would take seconds
        layers: nn.Module = getattr(models, architecture.builder)(weights=None).features
    wanted = {
        name.removeprefix("features."): value for name, value in state.items() if name.startswith("features.")
    }
    layers.load_state_dict(wanted, assign=True)
    return layers.eval().requires_grad_(False)


class ImageNetTrunk:
    """A perceptual trunk (implements the ``PerceptualTrunk`` contract)."""

    architecture: Architecture

    def __init__(self) -> None:
        self._device = "cpu"
        self._layers: nn.Module | None = None

    @property
    def path(self) -> Path:
        """The weights file of torchvision in ``$TORCH_HOME/hub/checkpoints``."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.architecture.file

    @cached_property
    def info(self) -> EvaluatorInfo:
        """Domains and fingerprint, which covers the weights and the layers used."""
        ends = "+".join(map(str, self.architecture.ends))
        known = self.path.is_file()
        return EvaluatorInfo(
            fingerprint(self.architecture.builder, ends, file_hash(self.path)) if known else NO_WEIGHTS,
            frozenset({"photo", "synthetic"}),
        )

    def to(self, device: str) -> ImageNetTrunk:
        """Move the network to a device; returns the trunk itself."""
        self._device = device
        if self._layers is not None:
            self._layers = self._layers.to(device)
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        """Feature maps of images in [0, 1].

        Raises:
            Unavailable: the weights are missing or damaged; the message names the file and a command that downloads it.
        """
        if self._layers is None:
            self._layers = self._load().to(self._device)
        return Features(feature_maps(self._layers, self.architecture.ends, images.to(self._device)))

    def _load(self) -> nn.Module:
        name, builder = self.architecture.file, self.architecture.builder
        command = f"python -c \"from torchvision.models import {builder} as m; m(weights='IMAGENET1K_V1')\""
        if not self.path.is_file():
            raise Unavailable(
                f"needs $TORCH_HOME/hub/checkpoints/{name} (~/.cache/torch by default): {command}"
            )
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            return build_layers(self.architecture, state)
        except Exception as error:  # a damaged file can make the unpickler raise almost anything
            raise Unavailable(
                f"{name} is damaged ({type(error).__name__}): delete it, then {command}"
            ) from error


class AlexTrunk(ImageNetTrunk):
    """The perceptual trunk ``alex``."""

    architecture = ALEX


class VGGTrunk(ImageNetTrunk):
    """The perceptual trunk ``vgg``."""

    architecture = VGG


class SqueezeTrunk(ImageNetTrunk):
    """The perceptual trunk ``squeeze``."""

    architecture = SQUEEZE
