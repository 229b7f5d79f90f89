"""Shared evaluators: one instance each, and no network runs twice on the same images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gath_bench.contracts.evaluator import EvaluatorInfo, Features, Role
from gath_bench.contracts.metric import RoleRequest, Side
from gath_bench.errors import Unavailable
from gath_bench.registry import Component

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class BatchEvaluations:
    """All evaluators on one batch; features are computed on first use and kept for the batch's life.

    Attributes:
        evaluators: component name and role -> component, or the reason why there is none.
        images: the generated, source and target images; None for a side that does not exist.
        domain: the data set's domain; evaluators made for others are not asked.
    """

    evaluators: Mapping[tuple[Role, str], Component | str]
    images: Mapping[Side, Tensor | None]
    domain: str
    _features: dict[tuple[Role, str, Side], Features] = field(default_factory=dict)

    def features(self, role: Role, name: str, side: Side) -> Features:
        """Features of one side of the batch by one evaluator."""
        if (role, name, side) not in self._features:
            component = valid_evaluator(self.evaluators, role, name, self.domain)
            images = self.images[side]
            if images is None:
                raise Unavailable(f"no {side} image")
            self._features[role, name, side] = component.instance(images)
        return self._features[role, name, side]

    def view(self, requests: tuple[RoleRequest, ...]) -> MetricEvaluations:
        """What one metric may see of it: the roles it asked for."""
        return MetricEvaluations(self, {request.role: request.component for request in requests})


@dataclass(frozen=True)
class MetricEvaluations:
    """The evaluators that one metric asked for (implements the ``Evaluations`` contract)."""

    batch: BatchEvaluations
    names: Mapping[Role, str]

    def features(self, role: Role, side: Side) -> Features:
        return self.batch.features(role, self._name(role), side)

    def au_space(self, role: Role = "au_estimator") -> str:
        component = valid_evaluator(self.batch.evaluators, role, self._name(role), self.batch.domain)
        info: EvaluatorInfo = component.instance.info
        if info.au_space is None:
            raise Unavailable(f"the {role.replace('_', ' ')} {component.name} names no AU space")
        return info.au_space

    def _name(self, role: Role) -> str:
        if role not in self.names:
            raise KeyError(f"the metric uses the role {role!r} without asking for it in MetricInfo.roles")
        return self.names[role]


def valid_evaluator(
    evaluators: Mapping[tuple[Role, str], Component | str], role: Role, name: str, domain: str
) -> Component:
    """The evaluator in a role, if there is one and it was made for this domain.

    Raises:
        Unavailable: it is not installed, or not valid in this domain.
    """
    component = evaluators[role, name]
    if isinstance(component, str):
        raise Unavailable(component)
    info: EvaluatorInfo = component.instance.info
    if domain not in info.domains:
        made_for = " and ".join(sorted(info.domains))
        raise Unavailable(f"not valid here: {component.name} was made for {made_for} images, not {domain}")
    return component
