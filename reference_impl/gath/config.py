"""What a training is made of: a TOML file, or one of the shipped ones, checked before anything starts."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gath_bench.au import get_space
from gath_bench.errors import UsageError, did_you_mean

ModelName = Literal["gath", "gath-warp"]
Precision = Literal["fp32", "bf16"]
#: Top, left and side of a square, in pixels.
Window = tuple[int, int, int]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Strict):
    """Where images come from.

    Attributes:
        name: a data set with training streams; it is asked for images of the configured resolution or larger.
        stills, frames: images kept of either stream; 0 draws new ones for ever.
        seed: of the streams.
    """

    name: str = "synthfaces[resolution=128,identities=2048]"
    stills: int = Field(default=12288, ge=0)
    frames: int = Field(default=32768, ge=0)
    seed: int = Field(default=0, ge=0)


class NetworkConfig(_Strict):
    """Sizes and bounds of the networks.

    Attributes:
        generator, discriminator, estimator, classifier: channels of the first layer.
        blocks: G's residual blocks at 8 x 8.
        patch: side of the squares of pixels that G's body and D take as one position: 2 costs a quarter of 1.
        window: top, left and side, as shares of the image's side, of the square that E and C look at; by default
            where the face of a synthfaces portrait is.
        from_source: ``gath`` paints on the portrait's pixels rather than on nothing.
        max_flow, chroma: ``gath-warp``: farthest move as a share of the side; colour of the residual.
        spectral: spectral normalisation in D.
    """

    generator: int = Field(default=32, ge=4)
    blocks: int = Field(default=2, ge=1)
    patch: Literal[1, 2, 4] = 2
    window: tuple[float, float, float] = (0.21875, 0.125, 0.75)
    discriminator: int = Field(default=32, ge=4)
    estimator: int = Field(default=32, ge=4)
    classifier: int = Field(default=32, ge=4)
    embedding: int = Field(default=128, ge=8)
    from_source: bool = True
    max_flow: float = Field(default=0.15, gt=0, le=1)
    chroma: float = Field(default=0.3, ge=0, le=1)
    spectral: bool = False

    def look(self, resolution: int) -> Window:
        """The window in pixels."""
        top, left, side = (round(share * resolution) for share in self.window)
        return top, left, side


class EstimatorConfig(_Strict):
    """Stage 1: E on frames. ``augment`` is the strength of what its images go through, in [0, 1]."""

    steps: int = Field(default=5000, ge=1)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    augment: float = Field(default=1.0, ge=0, le=1)


class ClassifierConfig(_Strict):
    """Stage 2: C on stills, by cosine softmax with this scale and margin."""

    steps: int = Field(default=1200, ge=1)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    scale: float = Field(default=20.0, gt=0)
    margin: float = Field(default=0.2, ge=0, lt=1)


class TargetConfig(_Strict):
    """Which expressions G is asked for, as shares of a batch; they are brought to a sum of 1.

    Attributes:
        frames: the AUs of a real frame, of somebody else.
        change: the portrait's own AUs with one of them set anew, to U(0, 1).
        alone: one AU at U(0, 1) and the others 0.
        neutral: no AU.
        same: the portrait's own AUs: nothing is to change.
    """

    frames: float = Field(default=0.5, ge=0)
    change: float = Field(default=0.2, ge=0)
    alone: float = Field(default=0.15, ge=0)
    neutral: float = Field(default=0.05, ge=0)
    same: float = Field(default=0.1, ge=0)

    @model_validator(mode="after")
    def _some(self) -> TargetConfig:
        if sum(self.model_dump().values()) <= 0:
            raise ValueError("at least one share must be above 0")
        return self


class LossConfig(_Strict):
    """Weights of G's and D's losses, as ``gath.losses`` names them; 0 leaves one out, and its cost.

    Attributes:
        adversarial: realism, by D's patches.
        match: D's verdict on AUs.
        au, au_squared, au_emphasis: E's verdict; see `losses.au_error`.
        identity: C's verdict.
        same: nothing asked, nothing changed.
        change: how much is changed at all.
        cycle, cycle_share: there and back again, on this share of a batch.
        mask, mask_early, early: weight of the mask's mean; ``mask_early`` holds during the first share ``early`` of
            the steps. Little at first: what paint has shown to work, the flow takes over when paint becomes dear.
        flow, roughness, residual_variation: bounds on the flow and on the residual.
        real, fake, wrong: D's examples; positives must not be outweighed.
        r1, r1_every: gradient penalty, lazily, every so many steps (and so many times stronger).
    """

    adversarial: float = Field(default=0.5, ge=0)
    match: float = Field(default=0.5, ge=0)
    au: float = Field(default=20.0, ge=0)
    au_squared: bool = True
    au_emphasis: float = Field(default=3.0, ge=0)
    identity: float = Field(default=2.0, ge=0)
    same: float = Field(default=10.0, ge=0)
    change: float = Field(default=5.0, ge=0)
    cycle: float = Field(default=8.0, ge=0)
    cycle_share: float = Field(default=0.25, ge=0, le=1)
    mask: float = Field(default=16.0, ge=0)
    mask_early: float = Field(default=0.3, ge=0)
    early: float = Field(default=0.43, ge=0, le=1)
    flow: float = Field(default=1.0, ge=0)
    roughness: float = Field(default=10.0, ge=0)
    residual_variation: float = Field(default=0.3, ge=0)
    real: float = Field(default=1.0, ge=0)
    fake: float = Field(default=0.7, ge=0)
    wrong: float = Field(default=0.3, ge=0)
    r1: float = Field(default=0.1, ge=0)
    r1_every: int = Field(default=16, ge=1)


class GeneratorConfig(_Strict):
    """Stage 3: G against D.

    Attributes:
        decay_from: share of the steps after which the learning rates fall, in a line, to 0.
        ema: decay of G's moving average, which is what ships.
        wash: whether painted images are tinted, blurred and shifted on their way to E.
    """

    steps: int = Field(default=6500, ge=1)
    batch_size: int = Field(default=16, ge=2)
    learning_rate: float = Field(default=5e-4, gt=0)
    discriminator_learning_rate: float = Field(default=1e-3, gt=0)
    betas: tuple[float, float] = (0.5, 0.99)
    decay_from: float = Field(default=0.6, ge=0, le=1)
    ema: float = Field(default=0.999, ge=0, lt=1)
    wash: bool = True


class ValidationConfig(_Strict):
    """Measuring with the suite's own metrics, every so many steps of G; 0 never, and once at the end.

    Attributes:
        limit: samples.
    """

    every: int = Field(default=1000, ge=0)
    dataset: str = "synthfaces"
    metrics: tuple[str, ...] = ("au-error", "changed-error", "background-psnr", "identity", "ssim")
    protocol: str = "same-subject"
    split: str = "val"
    limit: int = Field(default=64, ge=1)


class Config(_Strict):
    """A training.

    Attributes:
        model: ``gath`` (direct synthesis, the paper's) or ``gath-warp`` (this project's extension).
        au_space: of G, E and D; the frames must be labelled in it.
        resolution: side of the images: 64, 128 or 256.
        precision: of the forward passes; weights and optimizers stay float32.
        accumulate: batches summed up to one step.
        compiled: ``torch.compile`` the networks.
        log_every, checkpoint_every, sample_every: steps between.
    """

    model: ModelName = "gath"
    au_space: str = "openface17"
    resolution: int = 128
    seed: int = Field(default=0, ge=0, lt=2**31)
    precision: Precision = "bf16"
    channels_last: bool = True
    compiled: bool = False
    accumulate: int = Field(default=1, ge=1)
    log_every: int = Field(default=20, ge=1)
    checkpoint_every: int = Field(default=500, ge=1)
    sample_every: int = Field(default=500, ge=1)
    data: DataConfig = DataConfig()
    networks: NetworkConfig = NetworkConfig()
    estimator: EstimatorConfig = EstimatorConfig()
    classifier: ClassifierConfig = ClassifierConfig()
    generator: GeneratorConfig = GeneratorConfig()
    targets: TargetConfig = TargetConfig()
    losses: LossConfig = LossConfig()
    validation: ValidationConfig = ValidationConfig()

    @model_validator(mode="after")
    def _sizes(self) -> Config:
        if self.resolution not in (64, 128, 256):
            raise ValueError(f"resolution is {self.resolution}, but the networks take 64, 128 or 256")
        places = self.resolution // self.networks.patch
        if places < 32:
            raise ValueError(
                f"networks.patch={self.networks.patch} leaves {places} positions a side of {self.resolution} pixels, "
                "and the networks take 32 or more"
            )
        top, left, side = self.networks.look(self.resolution)
        steps = self.resolution // 8
        if min(top, left) < 0 or side < steps or side % steps or max(top, left) + side > self.resolution:
            raise ValueError(
                f"networks.window is the square of {side} pixels from ({left}, {top}) of {self.resolution}: it must "
                f"lie inside, and its side be a multiple of {steps}"
            )
        return self

    @property
    def aus(self) -> int:
        """K, the number of AU coefficients."""
        return len(get_space(self.au_space))

    @property
    def mirror(self) -> bool:
        """Whether a face may be flipped: FACS AUs know no side; blendshapes may, and some do."""
        return get_space(self.au_space).is_facs


def shipped() -> tuple[str, ...]:
    """The names of the shipped configurations."""
    return tuple(
        sorted(
            path.name.removesuffix(".toml")
            for path in (files("gath") / "configs").iterdir()
            if path.name.endswith(".toml")
        )
    )


def read_config(name: str, changes: Sequence[str] = ()) -> Config:
    """A configuration by the path of a TOML file or by a shipped name, with ``losses.au=10`` like changes.

    Raises:
        UsageError: no such file, not TOML, or a key or value that a configuration does not have.
    """
    if name in shipped():
        text = (files("gath") / "configs" / f"{name}.toml").read_text(encoding="utf-8")
    else:
        path = Path(name)
        if not path.suffix and not path.exists():
            raise UsageError(
                f"there is no configuration {name!r}: give a TOML file or a shipped one; "
                + did_you_mean(name, shipped())
            )
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"the configuration {name} cannot be read ({error}); shipped ones are {', '.join(shipped())}."
            ) from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the configuration {name} is not valid TOML: {error}.") from error
    for change in changes:
        apply_change(content, change)
    return parse_config(content, f"the configuration {name}")


def parse_config(content: Mapping[str, Any], what: str) -> Config:
    """A configuration from its dictionary; ``what`` names it in the message.

    Raises:
        UsageError: a key or value that a configuration does not have.
    """
    try:
        config = Config.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{what} is not valid: {_sentence(error)}") from error
    get_space(config.au_space)
    return config


def apply_change(content: dict[str, Any], change: str) -> None:
    """Set one key of a configuration's dictionary, from ``losses.au=10``.

    Raises:
        UsageError: it cannot be read, or goes through something that is no table.
    """
    key, equals, value = change.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"cannot read the change {change!r}: write key=value, as in losses.au=10.")
    *parents, leaf = key.strip().split(".")
    place = content
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise UsageError(f"cannot change {key!r}: {parent!r} is a value, not a table.")
    try:
        place[leaf] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        place[leaf] = value.strip()


def _sentence(error: ValidationError) -> str:
    # A mistyped key first: what it was meant to be is then the one that is missing.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    path = [str(part) for part in first["loc"]]
    place = ".".join(path) or "it"
    if first["type"] == "extra_forbidden":
        known: type[BaseModel] = Config
        for part in path[:-1]:
            known = known.model_fields[part].annotation  # type: ignore[assignment]
        return f"{place!r} is not a key of it; {did_you_mean(path[-1], known.model_fields)}"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}."
