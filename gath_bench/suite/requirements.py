"""What a suite needs beyond code: evaluators that can be used here, and their weights."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gath_bench.contracts.keys import NO_WEIGHTS, ComponentName
from gath_bench.contracts.metric import RoleRequest
from gath_bench.contracts.specs import ComponentSpec, WeightsSpec
from gath_bench.errors import Unavailable, UsageError
from gath_bench.registry import KIND_NAMES, Component, Registry
from gath_bench.suite.config import Suite
from gath_bench.suite.plan import Plan


def refuse_unavailable_evaluators(plan: Plan, registry: Registry, explicit: Collection[str] = ()) -> None:
    """Raise before any work if a metric of a plan cannot have a single value.

    A suite with ``skip_missing`` keeps a metric whose evaluator no plugin registers, unless the user named the metric;
    its values are NA.

    Args:
        plan: the plan.
        registry: the installed components.
        explicit: names that the user gave.

    Raises:
        UsageError: an evaluator does not exist, cannot be created, or lacks its weights; the sentence names the metric
            and the command that installs what is missing.
    """
    named = {str(ComponentName.parse(name)) for name in explicit}
    for metric, request in _requests(plan.metrics):
        bare = ComponentName.parse(request.component).name
        registered = bare in registry.entries[request.role] or (request.role, bare) in registry.collisions
        if plan.suite.skip_missing and not registered and str(metric.name) not in named:
            continue
        try:
            evaluator = plan.evaluators.find(request.role, request.component)
        except Unavailable as error:
            raise UsageError(f"the metric {metric.name} cannot be measured: {error}.") from error
        if evaluator.info.fingerprint == NO_WEIGHTS:
            problem = registry.unavailable(evaluator.spec) or "has no weights"
            raise UsageError(
                f"the metric {metric.name} cannot be measured: the {KIND_NAMES[request.role]} "
                f"{evaluator.spec.name!r} {problem}."
            )


def weights_of(suite: Suite, registry: Registry) -> list[WeightsSpec]:
    """The weights files that the metrics and models of a suite need, each once.

    Raises:
        UsageError: a metric or evaluator does not exist or cannot be created.
    """
    metrics = [registry.make("metric", name) for name in suite.metrics]
    specs: list[ComponentSpec] = [metric.spec for metric in metrics]
    for _, request in _requests(metrics):
        specs.append(registry.find(request.role, ComponentName.parse(request.component).name).spec)
    for name in suite.models:
        bare = ComponentName.parse(name).name
        if bare in registry.entries["model"]:
            specs.append(registry.find("model", bare).spec)
    return list({weights.name: weights for spec in specs for weights in spec.weights}.values())


def _requests(metrics: tuple[Component, ...] | list[Component]) -> Iterator[tuple[Component, RoleRequest]]:
    """The evaluators that metrics request; system metrics request none."""
    for metric in metrics:
        for request in getattr(metric.info, "roles", ()):
            yield metric, request
