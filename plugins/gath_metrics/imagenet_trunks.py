"""The ImageNet trunks of LPIPS: AlexNet, VGG16 and SqueezeNet 1.1, with the user's copy of torchvision's weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gath_bench.contracts import NO_WEIGHTS, EvaluatorInfo, Features, WeightsSpec, file_hash, fingerprint
from gath_bench.errors import Unavailable
from gath_bench.weights import find_weights, missing_weights
from gath_metrics.known_weights import ALEXNET, SQUEEZENET, VGG16

#: Mean and scale of ImageNet's colours for images in [-1, 1], as in the lpips package.
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)


@dataclass(frozen=True)
class Architecture:
    """A network of torchvision and the layers that LPIPS uses.

    Attributes:
        builder: its name in ``torchvision.models``.
        weights: its weights files.
        ends: per layer of the distance, the index in ``features`` one past its last module.
    """

    builder: str
    weights: WeightsSpec
    ends: tuple[int, ...]

    @property
    def file(self) -> str:
        """File name of torchvision's checkpoint."""
        return self.weights.files[0]


ALEX = Architecture("alexnet", ALEXNET, (2, 5, 8, 10, 12))
VGG = Architecture("vgg16", VGG16, (4, 9, 16, 23, 30))
SQUEEZE = Architecture("squeezenet1_1", SQUEEZENET, (2, 5, 8, 10, 11, 12, 13))


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

    def __init__(self, *, weights: Path | None = None) -> None:
        """Args:
        weights: path of the checkpoint (``.pth``), or of its convolutional part as safetensors with the same names; by
            default the search order of `gath_bench.weights`, which ends in the folder of torch.
        """
        self.path = find_weights(self.architecture.weights, weights)
        self._device = "cpu"
        self._layers: nn.Module | None = None

    @cached_property
    def info(self) -> EvaluatorInfo:
        """Domains and fingerprint, which covers the weights and the layers used."""
        ends = "+".join(map(str, self.architecture.ends))
        known = self.path and fingerprint(self.architecture.builder, ends, file_hash(self.path))
        return EvaluatorInfo(
            known or NO_WEIGHTS,
            frozenset({"photo", "synthetic", "mesh"}),
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
            Unavailable: the weights are missing or damaged; the message names the file and the commands that get it.
        """
        if self._layers is None:
            self._layers = self._load().to(self._device)
        return Features(feature_maps(self._layers, self.architecture.ends, images.to(self._device)))

    def _load(self) -> nn.Module:
        weights, builder = self.architecture.weights, self.architecture.builder
        if self.path is None:
            command = (
                f"python -c \"from torchvision.models import {builder} as m; m(weights='IMAGENET1K_V1')\""
            )
            raise Unavailable(f"{missing_weights(weights)}, or download it to torch's own folder: {command}")
        try:
            return build_layers(self.architecture, _read_state(self.path))
        except Exception as error:  # a damaged file can make the unpickler raise almost anything
            raise Unavailable(
                f"{self.path.name} is damaged ({type(error).__name__}): delete it, then "
                f"`gath-bench weights get {weights.name}`"
            ) from error


def _read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file or of a checkpoint; no code of the file is executed."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


class AlexTrunk(ImageNetTrunk):
    """The perceptual trunk ``alex``."""

    architecture = ALEX


class VGGTrunk(ImageNetTrunk):
    """The perceptual trunk ``vgg``."""

    architecture = VGG


class SqueezeTrunk(ImageNetTrunk):
    """The perceptual trunk ``squeeze``."""

    architecture = SQUEEZE
