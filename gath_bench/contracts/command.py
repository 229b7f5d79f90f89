"""The interface that ``gath-bench`` offers to the subcommands of plugins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gath_bench.contracts.evaluator import Role
from gath_bench.contracts.metric import Evaluations, RoleRequest, Side
from gath_bench.contracts.model import AnimationModel
from gath_bench.contracts.specs import Kind

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LoadedComponent:
    """A component that was loaded by name.

    Attributes:
        name: as the user wrote it, parameters included.
        key: ``name[param=value,...]@version#hash``, as in a run's manifest.
        instance: the object.
    """

    name: str
    key: str
    instance: Any


class LoadedEvaluators(Protocol):
    """The evaluators that one metric asked for, on a device."""

    @property
    def keys(self) -> Mapping[Role, str]:
        """Role -> component key."""
        ...

    def on(self, images: Mapping[Side, Tensor | None]) -> Evaluations:
        """What ``Metric.measure`` takes for one batch of images. Features are computed once per image and side.

        Args:
            images: the generated, source and target images, each float32 (B, 3, H, W) on the evaluators' device;
                None for a side that does not exist.
        """
        ...


class CommandContext(Protocol):
    """A subcommand gets it as click's ``ctx.obj``: ``@click.pass_obj``."""

    def names(self, kind: Kind) -> tuple[str, ...]:
        """The registered components of a kind, sorted. Names that two plugins claim are left out."""
        ...

    def make(self, kind: Kind, name: str) -> Any:
        """The component that a user calls ``name``, such as ``"synthfaces[resolution=64]"``.

        Raises:
            UsageError: unknown names or parameters, with what to do.
        """
        ...

    def load(self, kind: Kind, name: str) -> LoadedComponent:
        """As ``make``, with the component's name and key.

        Raises:
            UsageError: unknown names or parameters, with what to do.
        """
        ...

    def evaluators(self, requests: Sequence[RoleRequest], *, domain: str, device: str) -> LoadedEvaluators:
        """The evaluators that a metric asks for in ``MetricInfo.roles``.

        Args:
            requests: the roles, each with the evaluator's name.
            domain: the domain of the images, such as ``"synthetic"``.
            device: ``"cpu"`` or ``"cuda:i"``.

        Raises:
            Unavailable: an evaluator is not registered, lacks a package, or is not valid in this domain.
        """
        ...

    def resolve_device(self, name: str) -> str:
        """``auto``, ``cpu``, ``cuda`` or ``cuda:i`` -> ``"cpu"`` or ``"cuda:i"``.

        Raises:
            UsageError: not a device name, or no such device here.
        """
        ...

    def evaluate(
        self,
        model: AnimationModel,
        *,
        dataset: str,
        metrics: Sequence[str],
        split: str = "val",
        protocol: str = "same-subject",
        limit: int | None = None,
        device: str = "cpu",
    ) -> Mapping[str, float]:
        """Measure a model instance, for example one that is being trained, as ``gath-bench run`` would.

        The model is measured alone, without baseline rows, by this process alone. Random states and torch
        settings are restored afterwards. ``model.to`` is called; the caller moves the model back and restores
        its training mode. Values that are NA are left out, and one that failed is a warning. No run folder is
        kept.

        Returns:
            Value name (``"au-error.mae"``, ``"changed-error"``) -> the value over all samples and AUs.

        Raises:
            UsageError: unknown names or parameters, no such device, or two metrics with one value name.
        """
        ...
