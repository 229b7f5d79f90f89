"""A trained generator as a model of the benchmark: a portrait and target AUs in, the animated portrait out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from gath.config import Config, ModelName, parse_config
from gath.networks.build import build_estimator, build_generator
from gath.networks.encoders import AUEstimator
from gath.networks.generator import Generated, Generator
from gath.release.weights_file import load_weights
from gath_bench.contracts import FaceEdit, ModelInfo, file_hash, fingerprint
from gath_bench.errors import Unavailable, UsageError
from gath_bench.faces import SYNTHFACES

Precision = Literal["fp32", "bf16", "fp16"]
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Trained:
    """The content of a weights file.

    Attributes:
        generator, estimator: G, and the E that estimates the portrait's own AUs for it.
        config: of the training.
        trained_against: keys of the E and C that G was trained against.
        hash: SHA-256 (hex) of the file; empty for networks in training.
        settings: the JSON of the settings that the file states. Settings that were added to `Config` later are not
            among them, so that the fingerprint of a file stays what it was.
    """

    generator: Generator
    estimator: AUEstimator
    config: Config
    trained_against: tuple[str, ...] = ()
    hash: str = ""
    settings: str = ""


def read_weights(path: Path) -> Trained:
    """The networks of a weights file, ready for inference.

    Raises:
        UsageError: there is no such file, or it is damaged or of another kind.
    """
    tensors, about = load_weights(path)
    if not {"generator", "estimator"} <= set(tensors) or "config" not in about:
        raise UsageError(
            f"{path} does not hold a generator: give a file that `gath-bench train` wrote, such as gath.safetensors."
        )
    config = parse_config(about["config"], f"the configuration in {path}")
    generator = build_generator(config)
    estimator = build_estimator(config)
    try:
        generator.load_state_dict(tensors["generator"])
        estimator.load_state_dict(tensors["estimator"])
    except RuntimeError as error:
        raise UsageError(f"the networks in {path} do not fit the configuration in it: {error}.") from error
    for network in (generator, estimator):
        network.eval().requires_grad_(False)
    settings = config.model_dump_json(include=_keys(about["config"]))
    return Trained(
        generator, estimator, config, tuple(about.get("trained_against", ())), file_hash(path), settings
    )


def _keys(content: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a nested dictionary, as pydantic's ``include`` takes them."""
    return {key: _keys(value) if isinstance(value, Mapping) else True for key, value in content.items()}


def packaged(name: str) -> Path:
    """The weights file of that name in this package, after a check of its hash.

    Raises:
        Unavailable: there is none, or its content has changed.
    """
    folder = Path(str(files("gath") / "weights"))
    path, index = folder / f"{name}.safetensors", folder / "weights.json"
    remedy = f"train them with `gath-bench train --model {name}` and give the file: '{name}[weights=FILE]'"
    try:
        expected = json.loads(index.read_text(encoding="utf-8"))[path.name]
        found = file_hash(path)
    except (OSError, KeyError, ValueError):
        raise Unavailable(f"this package holds no weights of {name}; {remedy}") from None
    if found != expected:
        raise Unavailable(
            f"{path.name} is damaged (SHA-256 {found[:8]}..., expected {expected[:8]}...): install gath-bench again, "
            f"or {remedy}"
        )
    return path


class Gath:
    """A trained generator.

    Args:
        name: which packaged weights to use if ``weights`` is not given.
        weights: a weights file that ``gath-bench train`` wrote.
        precision: of the computation; images are returned in float32.
        compiled: compile the generator with ``torch.compile``.
        trained: networks in memory, instead of a file.

    Raises:
        UsageError: ``weights`` is not a weights file.
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
        self._generate: Callable[..., Any] | None = None

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
        """Empty if the weights are missing; `to` then raises, and every value is NA with that reason."""
        try:
            trained = self.trained
        except Unavailable:
            return ModelInfo()
        config = trained.config
        return ModelInfo(
            fingerprint=fingerprint(trained.hash, trained.settings or config.model_dump_json()),
            au_space=config.au_space,
            resolution=config.resolution,
            trained_against=trained.trained_against,
            precision=self.precision,
            template=SYNTHFACES,
        )

    def to(self, device: str) -> Gath:
        """Move the model to a device.

        Raises:
            Unavailable: the weights are missing or damaged.
        """
        trained, self.device = self.trained, device
        trained.generator.to(device, _DTYPES[self.precision])
        trained.estimator.to(device, _DTYPES[self.precision])
        self._generate = torch.compile(trained.generator) if self.compiled else trained.generator
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: object) -> Tensor:
        """Generate images: float32 (B, 3, R, R) in [0, 1] and (B, K) -> float32 (B, 3, R, R) in [0, 1]."""
        return self.generate(portraits, target_aus).image.float().clamp(0, 1).contiguous()

    def source_aus(self, portraits: Tensor) -> Tensor:
        """The portraits' own AUs, by the E of the training: (B, 3, R, R) in [0, 1] -> float32 (B, K) in [0, 1]."""
        if self._generate is None:
            self.to(str(portraits.device))
        with torch.no_grad():
            return self._own_aus(self._prepare(portraits)).float()

    def generate(self, portraits: Tensor, target_aus: Tensor) -> Generated:
        """All that the generator gives for float32 (B, 3, R, R) portraits in [0, 1] and (B, K) AUs."""
        if self._generate is None:
            self.to(str(portraits.device))
        assert self._generate is not None
        with torch.no_grad():
            source = self._prepare(portraits)
            generated: Generated = self._generate(
                source, target_aus.to(_DTYPES[self.precision]), self._own_aus(source)
            )
        return generated

    def _prepare(self, portraits: Tensor) -> Tensor:
        return portraits.to(_DTYPES[self.precision]).contiguous(memory_format=torch.channels_last)

    def _own_aus(self, source: Tensor) -> Tensor:
        own: Tensor = self.trained.estimator(source).clamp(0, 1).to(_DTYPES[self.precision])
        return own


class DirectModel(Gath):
    """``gath``: direct synthesis of pixels, as in the paper."""

    def __init__(
        self, *, weights: Path | None = None, precision: Precision = "fp32", compiled: bool = False
    ) -> None:
        super().__init__("gath", weights, precision, compiled)


class WarpModel(Gath):
    """``gath-warp``: flow, opacity and colour residual, this project's extension."""

    def __init__(
        self, *, weights: Path | None = None, precision: Precision = "fp32", compiled: bool = False
    ) -> None:
        super().__init__("gath-warp", weights, precision, compiled)

    def edit(self, portraits: Tensor, target_aus: Tensor) -> FaceEdit:
        """Flow, opacity and added colour for portraits (B, 3, R, R) and AUs (B, K), to be applied at any resolution."""
        generated = self.generate(portraits, target_aus)
        assert generated.flow is not None
        assert generated.opacity is not None
        assert generated.added is not None
        return FaceEdit(generated.flow.float(), generated.opacity.float(), generated.added.float())
