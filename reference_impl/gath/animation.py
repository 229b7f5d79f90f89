"""The trained generator as a model of the suite: a portrait and target AUs in, the portrait with them out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from gath import checkpoint
from gath.config import Config, ModelName, parse_config
from gath.networks.build import build_estimator, build_generator
from gath.networks.encoders import AUEstimator
from gath.networks.generator import Generator
from gath_bench.contracts import ModelInfo, file_hash, fingerprint
from gath_bench.errors import Unavailable, UsageError

Precision = Literal["fp32", "bf16", "fp16"]
_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Trained:
    """What a weights file holds.

    Attributes:
        generator, estimator: G, and the E by which it sees what a portrait shows already.
        config: of the training.
        trained_against: keys of the E and C that taught G.
        hash: SHA-256 (hex) of the file; empty for networks that are being trained.
    """

    generator: Generator
    estimator: AUEstimator
    config: Config
    trained_against: tuple[str, ...] = ()
    hash: str = ""


def read_weights(path: Path) -> Trained:
    """The networks of a weights file, ready for inference.

    Raises:
        UsageError: no such file, or it is damaged or of another kind.
    """
    tensors, about = checkpoint.load_weights(path)
    if not {"generator", "estimator"} <= set(tensors) or "config" not in about:
        raise UsageError(
            f"{path} holds no generator: give a file that `gath-bench train` wrote, such as gath.safetensors."
        )
    config = parse_config(about["config"], f"the configuration in {path}")
    generator = build_generator(config)
    estimator = build_estimator(config)
    try:
        generator.load_state_dict(tensors["generator"])
        estimator.load_state_dict(tensors["estimator"])
    except RuntimeError as error:
        raise UsageError(f"the networks in {path} do not fit its own configuration: {error}.") from error
    for network in (generator, estimator):
        network.eval().requires_grad_(False)
    return Trained(generator, estimator, config, tuple(about.get("trained_against", ())), file_hash(path))


def packaged(name: str) -> Path:
    """The weights of that name in this package, whole.

    Raises:
        Unavailable: there are none, or the file is not the one that was packed.
    """
    folder = Path(str(files("gath") / "weights"))
    path, listed = folder / f"{name}.safetensors", folder / "weights.json"
    mend = f"train them with `gath-bench train --model {name}` and name the file: '{name}[weights=FILE]'"
    try:
        wanted = json.loads(listed.read_text(encoding="utf-8"))[path.name]
        found = file_hash(path)
    except (OSError, KeyError, ValueError):
        raise Unavailable(f"this package holds no weights of {name}; {mend}") from None
    if found != wanted:
        raise Unavailable(
            f"{path.name} is damaged (SHA-256 {found[:8]}..., packed as {wanted[:8]}...): install gath-bench again, "
            f"or {mend}"
        )
    return path


class Gath:
    """A trained generator.

    Args:
        name: the packaged weights to take where ``weights`` names none.
        weights: a weights file that ``gath-bench train`` wrote.
        precision: of the computation; images come back in float32 all the same.
        compiled: ``torch.compile`` the generator.
        trained: networks that are at hand, instead of a file.

    Raises:
        UsageError: ``weights`` is no such file.
    """

    def __init__(
        self,
        name: ModelName,
        weights: Path | None = None,
        precision: Precision = "fp32",
        compiled: bool = False,
        trained: Trained | None = None,
    ) -> None:
        self.name, self.precision, self.compiled, self.device = name, precision, compiled, "cpu"
        self._trained = trained or (None if weights is None else read_weights(weights))
        self._paint: Callable[..., Any] | None = None

    @property
    def trained(self) -> Trained:
        """The networks.

        Raises:
            Unavailable: the package holds no weights, or damaged ones.
        """
        if self._trained is None:
            try:
                self._trained = read_weights(packaged(self.name))
            except UsageError as error:
                raise Unavailable(str(error)) from error
        return self._trained

    @property
    def info(self) -> ModelInfo:
        """Empty while the weights are missing: `to` then says so, and every value is NA with that reason."""
        try:
            trained = self.trained
        except Unavailable:
            return ModelInfo()
        config = trained.config
        return ModelInfo(
            fingerprint=fingerprint(trained.hash, config.model_dump_json()), au_space=config.au_space,
            resolution=config.resolution, trained_against=trained.trained_against, precision=self.precision,
        )  # fmt: skip

    def to(self, device: str) -> Gath:
        """The model on a device.

        Raises:
            Unavailable: the weights are missing or damaged.
        """
        trained, self.device = self.trained, device
        trained.generator.to(device, _TYPES[self.precision])
        trained.estimator.to(device, _TYPES[self.precision])
        self._paint = torch.compile(trained.generator) if self.compiled else trained.generator
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: object) -> Tensor:
        """Paint: float32 (B, 3, R, R) in [0, 1] and (B, K) -> float32 (B, 3, R, R) in [0, 1]."""
        if self._paint is None:
            self.to(str(portraits.device))
        assert self._paint is not None
        kind = _TYPES[self.precision]
        with torch.no_grad():
            source = portraits.to(kind).contiguous(memory_format=torch.channels_last)
            own = self.trained.estimator(source).clamp(0, 1).to(kind)
            painted: Tensor = self._paint(source, target_aus.to(kind), own).image
        return painted.float().clamp(0, 1).contiguous()


class DirectModel(Gath):
    """``gath``: direct pixel synthesis, the paper's."""

    def __init__(
        self, *, weights: Path | None = None, precision: Precision = "fp32", compiled: bool = False
    ) -> None:
        super().__init__("gath", weights, precision, compiled)


class WarpModel(Gath):
    """``gath-warp``: flow, occlusion mask and colour residual, this project's extension."""

    def __init__(
        self, *, weights: Path | None = None, precision: Precision = "fp32", compiled: bool = False
    ) -> None:
        super().__init__("gath-warp", weights, precision, compiled)
