"""Suite + registry -> a plan of cells. Names, parameters, splits and protocols are checked here, before any work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gath_bench.component_calls import component_call
from gath_bench.contracts.batch import Sample
from gath_bench.contracts.dataset import DatasetAdapter, DatasetInfo
from gath_bench.contracts.keys import NO_WEIGHTS, ComponentKey, ComponentName
from gath_bench.contracts.specs import Kind
from gath_bench.errors import UsageError, describe_error, did_you_mean
from gath_bench.evaluators import EvaluatorPool
from gath_bench.registry import Component, Registry
from gath_bench.suite.checks import check_info, check_samples
from gath_bench.suite.config import DatasetChoice, References, Suite

#: Baselines of a suite that names none. They are left out, without an error, if their plugin is not installed.
STANDARD_REFERENCES = frozenset(References().model_dump().values())


@dataclass(frozen=True)
class Cell:
    """One model on one data set under one protocol.

    Attributes:
        cell_id: unique in the plan; also a file-name stem.
        model: the model component.
        dataset: the data-set component.
        protocol: the protocol.
        samples: the samples, in order, limit applied.
        metrics: the metrics that are defined under the protocol.
    """

    cell_id: str
    model: Component
    dataset: Component
    protocol: str
    samples: Sequence[Sample]
    metrics: tuple[Component, ...]

    @property
    def data_and_protocol(self) -> tuple[str, str]:
        """The data set and the protocol: cells that agree in both have the same batches."""
        return str(self.dataset.name), self.protocol


@dataclass(frozen=True)
class Plan:
    """The cells of a suite.

    Attributes:
        suite: the suite.
        cells: the cells, in order.
        metrics: all metrics, in the suite's order.
        evaluators: the evaluators that the metrics request, shared by all of them.
        skipped: components that are not installed and were left out.
        instances: names of the components that the registry cannot create.
    """

    suite: Suite
    cells: tuple[Cell, ...]
    metrics: tuple[Component, ...]
    evaluators: EvaluatorPool
    skipped: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()


def make_plan(
    suite: Suite,
    registry: Registry,
    *,
    explicit: Iterable[str] = (),
    instances: Mapping[tuple[Kind, str], Component] | None = None,
    unregistered: Sequence[str] = (),
) -> Plan:
    """Create a suite's components and list its cells.

    Args:
        suite: the suite.
        registry: the installed components.
        explicit: names that the user gave: they must exist even if the suite has ``skip_missing``.
        instances: existing components by kind and name; they take precedence over the registry.
        unregistered: the names of ``instances`` that the registry cannot create, for the manifest.

    Raises:
        UsageError: an unknown name, parameter, protocol or split, or a data set without samples.
    """
    must_exist = frozenset(explicit)
    instances = instances or {}
    skipped: list[str] = []

    def present(kind: Kind, names: Iterable[str]) -> list[str]:
        kept = []
        for name in dict.fromkeys(names):
            bare = ComponentName.parse(name).name
            known = (
                (kind, name) in instances
                or bare in registry.entries[kind]
                or (kind, bare) in registry.collisions
            )
            optional = suite.skip_missing or name in STANDARD_REFERENCES
            if optional and not known and name not in must_exist:
                skipped.append(name)
            else:
                kept.append(name)
        return kept

    def create(kind: Kind, names: Iterable[str]) -> dict[str, Component]:
        return {
            name: _checked(kind, name, registry, instances.get((kind, name))) for name in present(kind, names)
        }

    baselines = suite.references.model_dump().values() if suite.references else ()
    metrics = tuple(create("metric", suite.metrics).values())
    models = create("model", (*baselines, *suite.models)).values()
    datasets = create("dataset", (choice.name for choice in suite.datasets))
    choices = [(choice, datasets[choice.name]) for choice in suite.datasets if choice.name in datasets]
    _refuse_empty(metrics, models, choices, skipped)

    cells: list[Cell] = []
    taken: set[tuple[str, str]] = set()
    for choice, dataset in choices:
        for protocol, samples in _protocols(choice, dataset, suite):
            if (choice.name, protocol) in taken:
                raise UsageError(f"the suite has {choice.name} under {protocol!r} twice: keep one of them.")
            taken.add((choice.name, protocol))
            for model in models:
                cell_id = (
                    f"{len(cells):03d}-{slug(str(model.name))}-{slug(str(dataset.name))}-{slug(protocol)}"
                )
                cells.append(
                    Cell(cell_id, model, dataset, protocol, samples, _defined_under(metrics, protocol))
                )
    pool = EvaluatorPool(registry.make)
    return Plan(suite, tuple(cells), metrics, pool, tuple(skipped), tuple(unregistered))


def _protocols(
    choice: DatasetChoice, dataset: Component, suite: Suite
) -> Iterable[tuple[str, Sequence[Sample]]]:
    adapter: DatasetAdapter = dataset.instance
    info: DatasetInfo = dataset.info
    if suite.split not in info.splits:
        raise UsageError(
            f"{choice.name} has no split {suite.split!r}: {did_you_mean(suite.split, info.splits)}"
        )
    for protocol in choice.protocols or info.protocols[:1]:
        if protocol not in info.protocols:
            raise UsageError(
                f"{choice.name} has no protocol {protocol!r}: {did_you_mean(protocol, info.protocols)}"
            )
        try:
            with component_call(dataset.label):
                samples = list(adapter.samples(suite.split, protocol, suite.seed)[: choice.limit])
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(
                f"{choice.name} cannot list its samples: {describe_error(error).rstrip('.')}."
            ) from error
        check_samples(choice.name, samples)
        if not samples:
            raise UsageError(f"{choice.name} has no samples in split {suite.split!r} under {protocol!r}.")
        yield protocol, samples


def _defined_under(metrics: Sequence[Component], protocol: str) -> tuple[Component, ...]:
    return tuple(
        metric for metric in metrics if metric.info.protocols is None or protocol in metric.info.protocols
    )


def _refuse_empty(metrics: object, models: object, datasets: object, skipped: list[str]) -> None:
    for word, found in (("metric", metrics), ("model", models), ("data set", datasets)):
        if not found:
            raise UsageError(
                f"the suite has no {word} that is installed here (left out: {', '.join(skipped) or 'none'}); "
                "`gath-bench list` shows what is."
            )


def _checked(kind: Kind, name: str, registry: Registry, instance: Component | None) -> Component:
    """A component whose ``info`` can be read."""
    try:
        component = instance or registry.make(kind, name)
        check_info(name, kind, component)
        for key in component.info.trained_against if kind == "model" else ():
            _check_trained_against(name, key)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{name} cannot be used: {describe_error(error).rstrip('.')}.") from error
    return component


def _check_trained_against(name: str, key: str) -> None:
    """A key without a weights hash could not be compared with the keys of evaluators."""
    try:
        names_weights = ComponentKey.parse(key).hash not in ("", NO_WEIGHTS)
    except UsageError:
        names_weights = False
    if not names_weights:
        raise UsageError(
            f"the model {name} lists {key!r} in ModelInfo.trained_against, which has no weights hash: "
            "give keys such as name@1#ab12cd34."
        )


def slug(text: str) -> str:
    """Text as a part of a file name.

    >>> slug("portraits[root=My Photos]")
    'portraits-root-my-photos'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].rstrip("-")
