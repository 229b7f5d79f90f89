"""The Inception network of FID and KID, as ``torch-fidelity`` implements it. Its weights are not downloaded."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from gath_bench.contracts import NO_WEIGHTS, EvaluatorInfo, Features, file_hash, fingerprint
from gath_bench.errors import Unavailable
from gath_bench.images import resize, to_8bit
from gath_bench.weights import find_weights, missing_weights
from gath_metrics.known_weights import INCEPTION_V3

Resizer = Literal["tf1-bilinear", "bicubic"]
#: The component name that ``fid`` and ``kid`` use: the resizer is a part of their key.
INCEPTION = "inception[resizer=tf1-bilinear]"
_SIZE = 299


class InceptionTrunk:
    """Features of the last pooling layer, 2048 numbers per image (implements the ``PerceptualTrunk`` contract).

    Args:
        resizer: from the evaluation resolution to 299 pixels: ``tf1-bilinear`` is TensorFlow 1's, without
            antialiasing, as published FID values use; ``bicubic`` is antialiased.
        weights: path of the weights file of torch-fidelity; by default the search order of `gath_bench.weights`.
    """

    def __init__(self, *, resizer: Resizer = "tf1-bilinear", weights: Path | None = None) -> None:
        self.resizer = resizer
        self.path = find_weights(INCEPTION_V3, weights)
        self._device = "cpu"
        self._network: Any = None

    @cached_property
    def info(self) -> EvaluatorInfo:
        """Domains and fingerprint."""
        known = (
            NO_WEIGHTS if self.path is None else fingerprint("inception", self.resizer, file_hash(self.path))
        )
        return EvaluatorInfo(known, frozenset({"photo", "synthetic", "mesh"}))

    def to(self, device: str) -> InceptionTrunk:
        """Move the network to a device; returns the trunk itself."""
        self._device = device
        if self._network is not None:
            self._network = self._network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        """Features (B, 2048) of images in [0, 1], which are rounded to 8 bits.

        Raises:
            Unavailable: the weights are missing or damaged.
        """
        if self._network is None:
            self._network = self._load().to(self._device)
        images = images.to(self._device)
        if self.resizer == "bicubic":
            images = to_8bit(resize(images, _SIZE))
        levels = images.mul(255).round().clamp(0, 255).to(torch.uint8)
        (features,) = self._network(levels)
        return Features(features)

    def _load(self) -> Any:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        if self.path is None:
            raise Unavailable(missing_weights(INCEPTION_V3))
        # The package unpickles the file, which can run code: its content has to be the published one.
        if not file_hash(self.path).startswith(INCEPTION_V3.sha256 or ""):
            raise Unavailable(
                f"{self.path.name} is damaged (SHA-256 mismatch): delete it, then "
                f"`gath-bench weights get {INCEPTION_V3.name}`"
            )
        return FeatureExtractorInceptionV3(
            "inception", ["2048"], feature_extractor_weights_path=str(self.path)
        )
