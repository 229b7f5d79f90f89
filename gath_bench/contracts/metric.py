"""Metrics: per-sample observations, and the named summaries that tables print.

Per-sample values are the truth. A metric only observes; what stands in a table (a mean, a correlation, a
percentile) is a *summary*, computed from the stored observations by a named reducer of
``gath_bench.analysis``, so that a report needs neither the metric's code nor torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from gath_bench.contracts.batch import Batch
from gath_bench.contracts.evaluator import Features, Role
from gath_bench.contracts.model import AnimationModel

if TYPE_CHECKING:
    from torch import Tensor

Direction = Literal["higher", "lower", "none"]
Side = Literal["generated", "source", "target"]


@dataclass(frozen=True)
class Summary:
    """One value name of a table.

    Attributes:
        name: as printed and as in the JSON, such as ``"au-error.pcc"``.
        direction: whether higher or lower is better; ``"none"`` for a value that ranks nothing.
        unit: such as ``"dB"``; empty for a pure number.
        low: the least value it can take, or None.
        high: the greatest value it can take, or None.
        reducer: a name in ``gath_bench.analysis.REDUCERS``.
        inputs: the observations that the reducer takes, in order.
        per_au: whether it is also given for every AU by itself.
        primary: whether the console shows it; the rest stands in the other formats.
    """

    name: str
    direction: Direction
    unit: str = ""
    low: float | None = None
    high: float | None = None
    reducer: str = "mean"
    inputs: tuple[str, ...] = ()
    per_au: bool = False
    primary: bool = True

    def __post_init__(self) -> None:
        if not self.inputs:
            object.__setattr__(self, "inputs", (self.name,))


@dataclass(frozen=True)
class RoleRequest:
    """An evaluator that a metric asks for: the role, and the name of the component that shall play it."""

    role: Role
    component: str


@dataclass(frozen=True)
class MetricInfo:
    """What a metric says of itself.

    Attributes:
        summaries: the value names it gives.
        needs: fields of ``Batch`` that must not be None (``"target"``, ``"face_mask"``); without them the
            value is NA with a reason.
        roles: the evaluators it asks for.
        protocols: the protocols it makes sense under; None for all.
        deterministic: whether a second run on the same device gives the same value within ``tolerance``.
        tolerance: the absolute drift of a per-sample value that still counts as equal.
        display: header and number format of the console, such as ``"{:.3f}"``.
    """

    summaries: tuple[Summary, ...]
    needs: frozenset[str] = frozenset()
    roles: tuple[RoleRequest, ...] = ()
    protocols: frozenset[str] | None = None
    deterministic: bool = True
    tolerance: float = 1e-5
    display: str = "{:.3f}"


@dataclass(frozen=True)
class Measured:
    """One observation on B samples.

    Attributes:
        name: the observation's name, as the summaries' ``inputs`` call it.
        values: float (B,), or (B, K) with one column an AU.
        aus: the K AU labels of the columns; None for (B,) values.
        missing: position in the batch -> reason. A NaN without a reason is recorded as "not a number".
        au_of: for (B,) values that are each of one AU (the swept one), the B labels of these; a sample then
            has no row of any other AU, and none is missed.
    """

    name: str
    values: Tensor | Sequence[float]
    aus: tuple[str, ...] | None = None
    missing: Mapping[int, str] = field(default_factory=dict)
    au_of: tuple[str, ...] | None = None


class Evaluations(Protocol):
    """The evaluators of a metric, with features that are computed once per image and shared."""

    def features(self, role: Role, side: Side) -> Features:
        """What the evaluator in a role sees in the generated, source or target images of this batch.

        Raises:
            Unavailable: the evaluator is not valid in this domain, lacks its weights, or has no such images.
        """
        ...

    def au_space(self, role: Role = "au_estimator") -> str:
        """The AU space that the AU estimator answers in."""
        ...

    def calibration(self, role: Role) -> Mapping[str, float]:
        """What the evaluator in a role was calibrated to, as ``EvaluatorInfo.calibration`` has it.

        Raises:
            Unavailable: the evaluator is not there, or not valid in this domain.
        """
        ...


@runtime_checkable
class Metric(Protocol):
    """A measure of generated images."""

    @property
    def info(self) -> MetricInfo: ...

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """Observe one batch.

        Args:
            generated: float32 (B, 3, H, W), multiples of 1/255, at the evaluation resolution.
            batch: the samples; ``batch.source`` and ``batch.target`` are rounded to 8 bits as well.
            evaluations: shared features of the evaluators named in ``info.roles``.

        Raises:
            Unavailable: no value of this batch can be had; every row becomes NA with that reason.
        """
        ...


@dataclass(frozen=True)
class SystemUnderTest:
    """What a system metric measures: a model on a device, fed with real samples.

    Attributes:
        model: the model, already on the device.
        animate: the model as the engine calls it, B portraits (B, 3, H, W) and target AUs (B, K) in, images
            out; resizing to the model's resolution is not part of it.
        portraits: float32 (N, 3, R, R) at the model's resolution, on the device.
        target_aus: float32 (N, K) in the model's AU space, on the device.
        resolution: the evaluation resolution in pixels.
        device: ``"cpu"`` or ``"cuda:0"``.
    """

    model: AnimationModel
    animate: Callable[[Tensor, Tensor], Tensor]
    portraits: Tensor
    target_aus: Tensor
    resolution: int
    device: str


@runtime_checkable
class SystemMetric(Protocol):
    """A measure of the model itself on a device, such as throughput. One observation is one repeat."""

    @property
    def info(self) -> MetricInfo: ...

    def measure_system(self, system: SystemUnderTest) -> Sequence[Measured]:
        """Measure once per cell.

        Raises:
            Unavailable: this model or device cannot be measured.
        """
        ...
