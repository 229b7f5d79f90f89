"""Metrics: per-sample observations, and the named summaries that tables print.

A metric returns observations per sample. A table value (a mean, a correlation, a percentile) is a *summary*, computed
from the stored observations by a named reducer of ``gath_bench.analysis``, so that a report needs neither the metric's
code nor torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from gath_bench.contracts.batch import Batch
from gath_bench.contracts.evaluator import Features, Role
from gath_bench.contracts.model import AnimationModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Direction = Literal["higher", "lower", "none"]
Side = Literal["generated", "source", "target"]
#: The reducer of the summary of a corpus metric.
CORPUS = "corpus"


@dataclass(frozen=True)
class Summary:
    """One named table value.

    Attributes:
        name: as printed and as in the JSON, such as ``"au-error.pcc"``.
        direction: whether higher or lower is better; ``"none"`` for a value that is not ranked.
        unit: such as ``"dB"``; empty if there is none.
        low: the minimum of its range, or None.
        high: the maximum of its range, or None.
        reducer: a name in ``gath_bench.analysis.REDUCERS``.
        inputs: the observations that are the reducer's arguments, in order.
        per_au: whether it is also computed for each AU.
        primary: whether tables show it; JSON, CSV and Parquet have all summaries.
        evaluator: the evaluator, as table headers name it (``"synthfaces trunk"``), where the value is not that of the
            published metric of this name; otherwise empty.
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
    evaluator: str = ""

    def __post_init__(self) -> None:
        if not self.inputs:
            object.__setattr__(self, "inputs", (self.name,))


@dataclass(frozen=True)
class RoleRequest:
    """An evaluator that a metric requests: the role, and the component name."""

    role: Role
    component: str


@dataclass(frozen=True)
class MetricInfo:
    """The properties of a metric.

    Attributes:
        summaries: its table values.
        needs: fields of ``Batch`` that must not be None (``"target"``, ``"face_mask"``); otherwise the
            value is NA with a reason.
        roles: the evaluators it requests.
        protocols: the protocols it is defined for; None for all.
        deterministic: whether a second run on the same device gives equal values within ``tolerance``.
        tolerance: the largest absolute difference of per-sample values that counts as equal.
        display: the number format in tables, such as ``"{:.3f}"``.
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
        values: float (B,), or (B, K) with one column per AU.
        aus: the K AU labels of the columns; None for (B,) values.
        missing: position in the batch -> reason. A NaN without a reason is recorded as "not a number".
        au_of: for (B,) values of one AU per sample (the swept one), the B labels; a sample then has no
            observation of any other AU.
        missing_aus: AU label -> reason why it has no value. A NaN of another AU is recorded as "AU not covered".
        remark: of a system metric, what a reader has to know about its values, such as a busy machine; tables mark them
            with it. Empty if there is nothing.
    """

    name: str
    values: Tensor | Sequence[float]
    aus: tuple[str, ...] | None = None
    missing: Mapping[int, str] = field(default_factory=dict)
    au_of: tuple[str, ...] | None = None
    missing_aus: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""


class Evaluations(Protocol):
    """The requested evaluators of a metric, with features that are computed once per image and shared."""

    def features(self, role: Role, side: Side) -> Features:
        """The features of the generated, source or target images of this batch by the evaluator in a role.

        Raises:
            Unavailable: the evaluator is not valid in this domain or lacks its weights, or there are no such images.
        """
        ...

    def au_space(self, role: Role = "au_estimator") -> str:
        """The AU space of the AU estimator's output."""
        ...

    def calibration(self, role: Role) -> Mapping[str, float]:
        """``EvaluatorInfo.calibration`` of the evaluator in a role.

        Raises:
            Unavailable: the evaluator is not installed, or not valid in this domain.
        """
        ...


@runtime_checkable
class Metric(Protocol):
    """Measures generated images."""

    @property
    def info(self) -> MetricInfo: ...

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """Measure one batch.

        Args:
            generated: float32 (B, 3, H, W), multiples of 1/255, at the evaluation resolution.
            batch: the samples; ``batch.source`` and ``batch.target`` are rounded to 8 bits as well.
            evaluations: shared features of the evaluators named in ``info.roles``.

        Raises:
            Unavailable: this batch has no value; every observation becomes NA with that reason.
        """
        ...


def counted_name(summary: str) -> str:
    """The observation that says which samples count in a summary of a corpus metric: 1, or NA with the reason.

    >>> counted_name("fid")
    'fid.counted'
    """
    return f"{summary}.counted"


@dataclass(frozen=True)
class CorpusFeatures:
    """What a corpus metric keeps of B samples.

    Attributes:
        values: name -> float32 (B, D), such as the features of the generated and the target images.
        missing: position in the batch -> reason; such a sample does not count.
    """

    values: Mapping[str, Tensor]
    missing: Mapping[int, str] = field(default_factory=dict)


@runtime_checkable
class CorpusMetric(Protocol):
    """Measures all images of a cell together, such as a distance between two distributions of features.

    ``info`` has one summary, whose reducer is `CORPUS`. The engine keeps the features of every batch in the run
    folder until the cell is complete, so that a stopped run can be resumed.
    """

    @property
    def info(self) -> MetricInfo: ...

    def update(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> CorpusFeatures:
        """The features of one batch; the arguments are those of ``Metric.measure``.

        Raises:
            Unavailable: no sample of this batch counts.
        """
        ...

    def compute(
        self, features: Mapping[str, NDArray[np.float32]], weights: NDArray[np.int64]
    ) -> Sequence[float]:
        """The value of the metric over weighted samples.

        Args:
            features: name -> float32 (N, D), of all samples that count.
            weights: (R, N): how often each sample occurs in each of R sets. The first row is all ones, the others
                are resamples of the subjects, for the interval.

        Returns:
            R values.

        Raises:
            Unavailable: there are too few samples.
        """
        ...


@dataclass(frozen=True)
class SystemUnderTest:
    """The input of a system metric: a model on a device, and samples.

    Attributes:
        model: the model, already on the device.
        animate: calls the model as the engine does: portraits (B, 3, H, W) and target AUs (B, K) -> images;
            resizing to the model's resolution is not included.
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
    """Measures a model on a device, such as its throughput. One observation is one repeat."""

    @property
    def info(self) -> MetricInfo: ...

    def measure_system(self, system: SystemUnderTest) -> Sequence[Measured]:
        """Measure once per cell.

        Raises:
            Unavailable: this model or device cannot be measured.
        """
        ...
