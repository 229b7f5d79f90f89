"""Training configurations: TOML files, validated before the training starts."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gath_bench.au import get_space
from gath_bench.errors import UsageError, describe_error, describe_validation_error, did_you_mean
from gath_bench.files import parse_toml, read_regular

ModelName = Literal["gath", "gath-warp"]
Precision = Literal["fp32", "bf16"]
#: Top, left and side of a square, in pixels.
Window = tuple[int, int, int]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Strict):
    """The training data.

    Attributes:
        name: a data set with training streams, of the configured resolution or larger.
        stills_name: the data set of the stills; None takes them from ``name``, which then needs both streams.
        stills, frames: the number of images of each stream that is kept in a pool; 0 uses the endless stream.
        clips: the same for pairs of frames; None trains on stills and frames only, which are unpaired as in the paper.
            With clips, their frames replace the stream of frames.
        seed: of the streams.
    """

    name: str = "synthfaces[resolution=128,identities=2048]"
    stills_name: str | None = None
    stills: int = Field(default=12288, ge=0)
    frames: int = Field(default=32768, ge=0)
    clips: int | None = Field(default=None, ge=0)
    seed: int = Field(default=0, ge=0)


class NetworkConfig(_Strict):
    """Sizes and bounds of the networks.

    Attributes:
        generator, discriminator, estimator, classifier: channels of the first layer.
        blocks: G's residual blocks at 8 x 8.
        patch: side of the squares of pixels that are one position of G's body and D: 2 costs a quarter of 1.
        window: top, left and side, as shares of the image's side, of the square that E and C use; the default is
            the position of the face in a synthfaces portrait.
        from_source: ``gath`` adds to the portrait's pixels instead of generating the image without them.
        max_flow, chroma: ``gath-warp``: the largest displacement as a share of the side; colour of the residual.
        spectral: spectral normalisation in D.
        fine_flow: ``gath-warp``: compute the flow from the finest features instead of those of half their resolution.
        least_flow: ``gath-warp``: by how much the trained generator's flows are shortened, in pixels.
        replace: ``gath-warp``: let a local mean replace what the target AUs hide, such as the iris under a closed lid.
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
    fine_flow: bool = False
    least_flow: float = Field(default=0.1, ge=0)
    replace: bool = False

    def window_pixels(self, resolution: int) -> Window:
        """The window in pixels."""
        top, left, side = (round(share * resolution) for share in self.window)
        return top, left, side


class EstimatorConfig(_Strict):
    """Stage 1: E on frames. ``augment`` is the strength of the augmentations, in [0, 1]."""

    steps: int = Field(default=5000, ge=1)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    augment: float = Field(default=1.0, ge=0, le=1)


class ClassifierConfig(_Strict):
    """Stage 2: C on stills, with a cosine softmax of this scale and margin."""

    steps: int = Field(default=1200, ge=1)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    scale: float = Field(default=20.0, gt=0)
    margin: float = Field(default=0.2, ge=0, lt=1)


class TargetConfig(_Strict):
    """The target expressions of G, as shares of a batch; they are normalised to a sum of 1.

    Attributes:
        frames: the AUs of a real frame of another person.
        change: the portrait's own AUs with one of them set to U(0, 1).
        alone: one AU at U(0, 1), the others 0.
        neutral: all AUs 0.
        same: the portrait's own AUs: no change is requested.
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
    """Weights of the losses of G and D (``gath.training.losses``); a loss of weight 0 is not computed.

    Attributes:
        adversarial: realism, by D's patch logits.
        match: agreement with the target AUs, by D.
        au, au_squared, au_emphasis: agreement with the target AUs, by E; see `losses.au_error`.
        au_late, late: with clips: weight of ``au`` during the last share ``late`` of the steps; None keeps it. From the
            beginning, a large weight leads away from the true targets.
        identity: similarity of C's embeddings.
        same: change of the portrait where no change is requested.
        change: change of the portrait in general.
        cycle, cycle_share: reconstruction of the portrait from the generated image, for this share of a batch.
        mask, mask_early, early: weight of the mask's mean; ``mask_early`` is used during the first share ``early``
            of the steps. A small weight at first lets the residual find what works; with the larger weight the flow
            takes over.
        opacity: weight of the opacity's mean, with ``networks.replace``.
        flow, roughness, residual_variation: regularisers of the flow and the residual.
        smoothness: first differences of the flow.
        reconstruction, changed: with clips: error against the true target, in the whole image and in the region
            that the target changes.
        warped: with clips: the same error of the warped portrait, without the residual.
        edges: with clips: error of the derivatives.
        features, identity_features: with clips: distance of the features of E and C to those of the true target.
        real, fake, wrong: weights of D's examples; the positive ones must not be outweighed.
        r1, r1_every: gradient penalty, computed every ``r1_every`` steps and weighted as much more.
    """

    adversarial: float = Field(default=0.5, ge=0)
    match: float = Field(default=0.5, ge=0)
    au: float = Field(default=20.0, ge=0)
    au_squared: bool = True
    au_emphasis: float = Field(default=3.0, ge=0)
    au_late: float | None = Field(default=None, ge=0)
    late: float = Field(default=0.2, ge=0, le=1)
    identity: float = Field(default=2.0, ge=0)
    same: float = Field(default=10.0, ge=0)
    change: float = Field(default=5.0, ge=0)
    cycle: float = Field(default=8.0, ge=0)
    cycle_share: float = Field(default=0.25, ge=0, le=1)
    mask: float = Field(default=16.0, ge=0)
    mask_early: float = Field(default=0.3, ge=0)
    opacity: float = Field(default=0.02, ge=0)
    early: float = Field(default=0.43, ge=0, le=1)
    flow: float = Field(default=1.0, ge=0)
    roughness: float = Field(default=10.0, ge=0)
    residual_variation: float = Field(default=0.3, ge=0)
    smoothness: float = Field(default=0.0, ge=0)
    reconstruction: float = Field(default=1.0, ge=0)
    changed: float = Field(default=2.0, ge=0)
    warped: float = Field(default=0.5, ge=0)
    edges: float = Field(default=1.0, ge=0)
    features: float = Field(default=0.5, ge=0)
    identity_features: float = Field(default=0.1, ge=0)
    real: float = Field(default=1.0, ge=0)
    fake: float = Field(default=0.7, ge=0)
    wrong: float = Field(default=0.3, ge=0)
    r1: float = Field(default=0.1, ge=0)
    r1_every: int = Field(default=16, ge=1)


class GeneratorConfig(_Strict):
    """Stage 3: G against D.

    Attributes:
        decay_from: share of the steps after which the learning rates decrease linearly to 0.
        ema: decay of the moving average of G's weights; the average is what is released.
        stills: with clips: stills per batch, in addition to ``batch_size`` clips.
        randomize: with clips: strength of the domain randomisation of clips and stills, in [0, 1].
        wash: whether generated images are augmented (colour, blur, shift) before E reads them.
    """

    steps: int = Field(default=6500, ge=1)
    batch_size: int = Field(default=16, ge=2)
    learning_rate: float = Field(default=5e-4, gt=0)
    discriminator_learning_rate: float = Field(default=1e-3, gt=0)
    betas: tuple[float, float] = (0.5, 0.99)
    decay_from: float = Field(default=0.6, ge=0, le=1)
    ema: float = Field(default=0.999, ge=0, lt=1)
    stills: int = Field(default=4, ge=2)
    randomize: float = Field(default=1.0, ge=0, le=1)
    wash: bool = True


class ValidationConfig(_Strict):
    """Validation of G with the metrics of the benchmark.

    Attributes:
        every: steps between validations; there is one more at the end. 0 for none at all.
        limit: number of samples.
    """

    every: int = Field(default=1000, ge=0)
    dataset: str = "synthfaces"
    metrics: tuple[str, ...] = ("au-error", "changed-error", "background-psnr", "identity", "ssim")
    protocol: str = "same-subject"
    split: str = "val"
    limit: int = Field(default=64, ge=1)


class Config(_Strict):
    """The configuration of a training.

    Attributes:
        model: ``gath`` (direct synthesis, the paper's) or ``gath-warp`` (this project's extension).
        au_space: of G, E and D; the frames must be labelled in it.
        resolution: side of the images: 64, 128 or 256.
        precision: of the forward passes; weights and optimizers stay float32.
        accumulate: batches whose gradients are summed for one step.
        compiled: ``torch.compile`` the networks.
        log_every, checkpoint_every, sample_every: steps between log lines, checkpoints and sample images.
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
        positions = self.resolution // self.networks.patch
        if positions < 32:
            raise ValueError(
                f"networks.patch={self.networks.patch} leaves {positions} positions per side of {self.resolution} "
                "pixels, but the networks need 32 or more"
            )
        if self.model == "gath" and self.data.clips is not None:
            raise ValueError(
                "gath is trained on unpaired data, as in the paper: remove data.clips or use gath-warp"
            )
        top, left, side = self.networks.window_pixels(self.resolution)
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
        """Whether faces may be mirrored: FACS AUs have no side, blendshapes may have one."""
        return get_space(self.au_space).is_facs


def shipped() -> tuple[str, ...]:
    """Names of the configurations in this package."""
    return tuple(
        sorted(
            path.name.removesuffix(".toml")
            for path in (files("gath") / "configs").iterdir()
            if path.name.endswith(".toml")
        )
    )


def read_config(name: str, changes: Sequence[str] = ()) -> Config:
    """Read a configuration.

    Args:
        name: the path of a TOML file, or the name of a shipped configuration.
        changes: settings to replace, such as ``losses.au=10``.

    Raises:
        UsageError: there is no such file, it is not TOML, or a key or value is not valid.
    """
    if name in shipped():
        text = (files("gath") / "configs" / f"{name}.toml").read_text(encoding="utf-8")
    else:
        path = Path(name)
        if not path.suffix and not path.exists():
            raise UsageError(
                f"there is no configuration {name!r}: give a TOML file or the name of a shipped configuration; "
                + did_you_mean(name, shipped())
            )
        try:
            text = read_regular(path).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"the configuration {name} cannot be read ({error}); shipped configurations: {', '.join(shipped())}."
            ) from error
    try:
        content = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the configuration {name} is not valid TOML: {error}.") from error
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
        raise UsageError(f"the configuration {name} cannot be read: {describe_error(error)}.") from error
    for change in changes:
        apply_change(content, change)
    return parse_config(content, f"the configuration {name}")


def parse_config(content: Mapping[str, Any], what: str) -> Config:
    """Validate the dictionary of a configuration; ``what`` names it in error messages.

    Raises:
        UsageError: a key or value is not valid.
    """
    try:
        config = Config.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{what} is not valid: {describe_validation_error(error, Config)}") from error
    get_space(config.au_space)
    return config


def apply_change(content: dict[str, Any], change: str) -> None:
    """Replace one setting in the dictionary of a configuration; ``change`` is like ``losses.au=10``.

    Raises:
        UsageError: the change cannot be parsed, or its path leads through a value.
    """
    key, equals, value = change.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"cannot parse the change {change!r}: write key=value, as in losses.au=10.")
    *parents, leaf = key.strip().split(".")
    table = content
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise UsageError(f"cannot change {key!r}: {parent!r} is a value, not a table.")
    try:
        table[leaf] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[leaf] = value.strip()
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
        raise UsageError(f"the value of {key.strip()} cannot be read: {describe_error(error)}.") from error
