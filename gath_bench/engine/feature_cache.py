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
    """All evaluators on one batch; features, or why there are none, are computed on first use and kept for the
    batch's life.

    Attributes:
        evaluators: component name and role -> component, or why there is none: in words if it is not
            installed, the exception if it failed.
        images: the generated, source and target images; None for a side that does not exist.
        domain: the data set's domain; evaluators made for others are not asked.
    """

    evaluators: Mapping[tuple[Role, str], Component | Exception | str]
    images: Mapping[Side, Tensor | None]
    domain: str
    _features: dict[tuple[Role, str, Side], Features | Exception] = field(default_factory=dict)

    def features(self, role: Role, name: str, side: Side) -> Features:
        """Features of one side of the batch by one evaluator."""
        if (role, name, side) not in self._features:
            try:
                self._features[role, name, side] = self._compute(role, name, side)
            except Exception as error:
                self._features[role, name, side] = error
        found = self._features[role, name, side]
        if isinstance(found, Exception):
            raise found
        return found

    def _compute(self, role: Role, name: str, side: Side) -> Features:
        component = valid_evaluator(self.evaluators, role, name, self.domain)
        images = self.images[side]
        if images is None:
            raise Unavailable(f"no {side} image")
        # A copy: networks like to normalise in place.
        features: Features = component.instance(images.clone())
        return features

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
        component = self._component(role)
        info: EvaluatorInfo = component.instance.info
        if info.au_space is None:
            raise Unavailable(f"the {role.replace('_', ' ')} {component.name} names no AU space")
        return info.au_space

    def calibration(self, role: Role) -> Mapping[str, float]:
        info: EvaluatorInfo = self._component(role).instance.info
        return info.calibration

    def _component(self, role: Role) -> Component:
        return valid_evaluator(self.batch.evaluators, role, self._name(role), self.batch.domain)

    def _name(self, role: Role) -> str:
        if role not in self.names:
            raise KeyError(f"the metric uses the role {role!r} without asking for it in MetricInfo.roles")
        return self.names[role]


def valid_evaluator(
    evaluators: Mapping[tuple[Role, str], Component | Exception | str], role: Role, name: str, domain: str
) -> Component:
    """The evaluator in a role, if there is one and it was made for this domain.

    Raises:
        Unavailable: it is not installed, or not valid in this domain.
    """
    component = evaluators[role, name]
    if isinstance(component, Exception):
        raise component
    if isinstance(component, str):
        raise Unavailable(component)
    info: EvaluatorInfo = component.instance.info
    if domain not in info.domains:
        made_for = " and ".join(sorted(info.domains))
        raise Unavailable(f"not valid here: {component.name} was made for {made_for} images, not {domain}")
    return component
