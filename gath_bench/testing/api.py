"""Checks of any component, by name or as an instance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gath_bench.contracts.keys import ComponentName
from gath_bench.contracts.specs import (
    AUEstimatorSpec,
    ComponentSpec,
    DatasetSpec,
    FaceDetectorSpec,
    IdentityEncoderSpec,
    Kind,
    MetricSpec,
    ModelSpec,
    PerceptualTrunkSpec,
)
from gath_bench.engine.isolated import isolated
from gath_bench.evaluation.components import component_name, installed_plugins
from gath_bench.plugins import Plugins
from gath_bench.registry import KIND_NAMES, Component, Registry
from gath_bench.testing.datasets import DatasetChecks
from gath_bench.testing.evaluators import DetectorChecks, EvaluatorChecks
from gath_bench.testing.findings import Check, Finding, run_checks
from gath_bench.testing.metrics import MetricChecks
from gath_bench.testing.models import ModelChecks
from gath_bench.testing.samples import Bench

_CHECKS: dict[Kind, Callable[[Component, Bench], Iterable[Check]]] = {
    "model": ModelChecks,
    "dataset": DatasetChecks,
    "metric": MetricChecks,
    "au_estimator": EvaluatorChecks,
    "identity_encoder": EvaluatorChecks,
    "perceptual_trunk": EvaluatorChecks,
    "face_detector": DetectorChecks,
}
_SPECS: dict[Kind, type[ComponentSpec]] = {
    "model": ModelSpec,
    "dataset": DatasetSpec,
    "metric": MetricSpec,
    "au_estimator": AUEstimatorSpec,
    "identity_encoder": IdentityEncoderSpec,
    "perceptual_trunk": PerceptualTrunkSpec,
    "face_detector": FaceDetectorSpec,
}


def check(
    kind: Kind,
    component: Any,
    *,
    dataset: str | None = None,
    device: str = "cpu",
    plugins: Plugins | None = None,
) -> list[Finding]:
    """Check whether a component keeps its contract.

    Args:
        kind: ``"model"``, ``"dataset"``, ``"metric"``, ``"au_estimator"``, ``"identity_encoder"``,
            ``"perceptual_trunk"`` or ``"face_detector"``.
        component: a registered name, with parameters as on the command line, or an instance.
        dataset: the name of the data set that samples are taken from; None takes those of the quick suite.
        device: ``"cpu"`` or ``"cuda:i"``.
        plugins: the plugins that names refer to; None takes the installed ones.

    Returns:
        One finding per check, in order.

    Raises:
        UsageError: the name, a parameter or the data set does not exist.
    """
    plugins = plugins or installed_plugins()
    registry = Registry.of(plugins)
    if isinstance(component, str):
        made = registry.make(kind, component)
    else:
        name = component_name(type(component).__name__)
        made = Component(
            _SPECS[kind](name, type(component), "an instance"), ComponentName(name), {}, component
        )
    return check_component(made, Bench(plugins, registry, dataset, device))


def check_component(component: Component, bench: Bench) -> list[Finding]:
    """Check a component that was created; random states and settings of the process are restored."""
    with isolated():
        return run_checks(_CHECKS[component.spec.kind](component, bench))


def assert_conforms(
    kind: Kind, component: Any, *, dataset: str | None = None, device: str = "cpu"
) -> list[Finding]:
    """`check` for tests: raise if a check failed.

    Raises:
        AssertionError: one line per failed check.
        UsageError: the name, a parameter or the data set does not exist.
    """
    findings = check(kind, component, dataset=dataset, device=device)
    failed = [f"{finding.check}: {finding.message}" for finding in findings if finding.status == "failed"]
    if failed:
        shown = component if isinstance(component, str) else type(component).__name__
        raise AssertionError("\n".join([f"the {KIND_NAMES[kind]} {shown} breaks its contract:", *failed]))
    return findings
