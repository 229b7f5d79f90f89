"""A suite and a registry -> a plan of cells. All that can be wrong with names is found here, before any work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gath_bench.contracts.batch import Sample
from gath_bench.contracts.dataset import DatasetAdapter
from gath_bench.contracts.evaluator import Role
from gath_bench.contracts.keys import NO_WEIGHTS, ComponentKey, ComponentName
from gath_bench.contracts.model import ModelInfo
from gath_bench.contracts.specs import Kind
from gath_bench.errors import Unavailable, UsageError, did_you_mean
from gath_bench.registry import Component, Registry
from gath_bench.suite.config import DatasetChoice, References, Suite

#: Reference rows that a suite gets without asking: without their plugin there is a row less, not an error.
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
        metrics: the metrics that make sense under the protocol.
    """

    cell_id: str
    model: Component
    dataset: Component
    protocol: str
    samples: Sequence[Sample]
    metrics: tuple[Component, ...]


@dataclass(frozen=True)
class Plan:
    """All cells of a suite, and what was left out of it.

    Attributes:
        suite: the suite that it came from.
        cells: the cells, in order.
        metrics: all metrics, in the suite's order.
        evaluators: the evaluators that the metrics ask for: component name -> component, or the reason why
            there is none.
        skipped: components that ``skip_missing`` left out.
    """

    suite: Suite
    cells: tuple[Cell, ...]
    metrics: tuple[Component, ...]
    evaluators: dict[tuple[Role, str], Component | str]
    skipped: tuple[str, ...] = field(default=())


def make_plan(
    suite: Suite,
    registry: Registry,
    *,
    explicit: Iterable[str] = (),
    models: Sequence[Component] | None = None,
) -> Plan:
    """Resolve a suite's names into components and lay out its cells.

    Args:
        suite: the suite.
        registry: the components at hand.
        explicit: names the user typed: they must exist even in a suite with ``skip_missing``.
        models: models that are made already, in place of the suite's and its reference rows.

    Raises:
        UsageError: an unknown name, parameter, protocol or split, or a data set with no samples.
    """
    must_exist = frozenset(explicit)
    skipped: list[str] = []

    def present(kind: Kind, names: Iterable[str]) -> list[str]:
        kept = []
        for name in dict.fromkeys(names):
            bare = ComponentName.parse(name).name
            known = bare in registry.entries[kind] or (kind, bare) in registry.collisions
            optional = suite.skip_missing or name in STANDARD_REFERENCES
            if optional and not known and name not in must_exist:
                skipped.append(name)
            else:
                kept.append(name)
        return kept

    references = (suite.references.oracle, suite.references.copy_source)
    metrics = tuple(_make(registry, "metric", name) for name in present("metric", suite.metrics))
    if models is None:
        models = [_make(registry, "model", name) for name in present("model", (*references, *suite.models))]
    dataset_names = present("dataset", (choice.name for choice in suite.datasets))
    made = {name: _make(registry, "dataset", name) for name in dataset_names}
    choices = [(choice, made[choice.name]) for choice in suite.datasets if choice.name in made]
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
                cells.append(Cell(cell_id, model, dataset, protocol, samples, _suited(metrics, protocol)))
    return Plan(suite, tuple(cells), metrics, _evaluators(metrics, registry), tuple(skipped))


def _protocols(
    choice: DatasetChoice, dataset: Component, suite: Suite
) -> Iterable[tuple[str, Sequence[Sample]]]:
    adapter: DatasetAdapter = dataset.instance
    info = adapter.info
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
            samples = adapter.samples(suite.split, protocol, suite.seed)[: choice.limit]
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(f"{choice.name} cannot list its samples: {_why(error)}.") from error
        if not samples:
            raise UsageError(f"{choice.name} has no samples in split {suite.split!r} under {protocol!r}.")
        yield protocol, samples


def _suited(metrics: Sequence[Component], protocol: str) -> tuple[Component, ...]:
    return tuple(
        metric
        for metric in metrics
        if metric.instance.info.protocols is None or protocol in metric.instance.info.protocols
    )


def _evaluators(metrics: Sequence[Component], registry: Registry) -> dict[tuple[Role, str], Component | str]:
    """One shared instance for every evaluator that any metric asks for."""
    made: dict[tuple[Role, str], Component | str] = {}
    for metric in metrics:
        for request in metric.instance.info.roles:
            if (request.role, request.component) in made:
                continue
            try:
                evaluator = registry.make(request.role, request.component)
                _ = evaluator.instance.info
                made[request.role, request.component] = evaluator
            except Exception as error:
                # An evaluator that is not installed makes its metric NA with the reason; the rest is measured.
                made[request.role, request.component] = _why(error)
    return made


def _refuse_empty(metrics: object, models: object, datasets: object, skipped: list[str]) -> None:
    for word, found in (("metric", metrics), ("model", models), ("data set", datasets)):
        if not found:
            raise UsageError(
                f"the suite has no {word} that is installed here (left out: {', '.join(skipped) or 'none'}); "
                "`gath-bench list` shows what is."
            )


def _make(registry: Registry, kind: Kind, name: str) -> Component:
    """A component that the user asked for, with what it says of itself; or one sentence why there is none."""
    try:
        component = registry.make(kind, name)
        info = component.instance.info
        for key in info.trained_against if isinstance(info, ModelInfo) else ():
            _check_teacher(name, key)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{name} cannot be made: {_why(error)}.") from error
    return component


def _check_teacher(name: str, key: str) -> None:
    """A key without a hash of weights could never be told apart from its namesakes."""
    try:
        names_weights = ComponentKey.parse(key).hash not in ("", NO_WEIGHTS)
    except UsageError:
        names_weights = False
    if not names_weights:
        raise UsageError(
            f"the model {name} says that {key!r} taught it, which names no weights: "
            "ModelInfo.trained_against takes keys such as name@1#ab12cd34."
        )


def _why(error: Exception) -> str:
    known = isinstance(error, UsageError | Unavailable)
    return str(error).rstrip(".") if known else f"{type(error).__name__}: {error}"


def slug(text: str) -> str:
    """Text as a part of a file name.

    >>> slug("portraits[root=My Photos]")
    'portraits-root-my-photos'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].rstrip("-")
