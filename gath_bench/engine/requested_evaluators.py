"""The evaluators of one metric outside a run, for the subcommands of plugins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gath_bench.contracts.evaluator import Role
from gath_bench.contracts.metric import Evaluations, RoleRequest, Side
from gath_bench.engine.feature_cache import BatchEvaluations, valid_evaluator
from gath_bench.registry import Component, Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class RequestedEvaluators:
    """Evaluators on a device (implements the ``LoadedEvaluators`` contract).

    Attributes:
        requests: role and component name of each.
        components: the loaded evaluators.
        domain: the domain of the images they are used on.
    """

    requests: tuple[RoleRequest, ...]
    components: Mapping[tuple[Role, str], Component]
    domain: str

    @classmethod
    def load(
        cls, registry: Registry, requests: Sequence[RoleRequest], *, domain: str, device: str
    ) -> RequestedEvaluators:
        """Load the evaluators and move them to the device.

        Raises:
            UsageError: an evaluator is not registered or lacks a package.
            Unavailable: an evaluator is not valid in this domain.
        """
        components = {}
        for role, name in ((request.role, request.component) for request in requests):
            made = valid_evaluator({(role, name): registry.make(role, name)}, role, name, domain)
            components[role, name] = replace(made, instance=made.instance.to(device))
        return cls(tuple(requests), components, domain)

    @property
    def keys(self) -> Mapping[Role, str]:
        return {
            role: str(component.key(component.instance.info.fingerprint))
            for (role, _), component in self.components.items()
        }

    def on(self, images: Mapping[Side, Tensor | None]) -> Evaluations:
        return BatchEvaluations(self.components, images, self.domain).view(self.requests)
