"""Metrics as things to track: one batch of real samples, graded with all that the metric asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gath_bench.contracts.batch import Batch
from gath_bench.contracts.metric import Metric, MetricInfo, Side, SystemMetric
from gath_bench.errors import Unavailable, UsageError
from gath_bench.evaluators import EvaluatorPool, RequestedEvaluators
from gath_bench.images import to_8bit
from gath_bench.perf.tracking.session import Tracked
from gath_bench.registry import Component, Registry

if TYPE_CHECKING:
    from torch import Tensor


def tracked_metrics(
    registry: Registry, names: Iterable[str], dataset: str, *, device: str, batch: int
) -> list[Tracked]:
    """Metrics, each on the first samples of a data set with the source portraits as the generated images.

    Args:
        registry: where metrics, evaluators and data set are.
        names: the metrics; with none, all that give a value on this data set with what is installed.
        dataset: the data set, from whose first split the samples come.
        device: ``"cpu"`` or ``"cuda:i"``.
        batch: images a call.

    Raises:
        UsageError: the data set is not there, or a named metric cannot be tracked, with the reason.
    """
    chosen = list(dict.fromkeys(names))
    if not chosen and dataset not in registry.entries["dataset"]:
        return []  # nobody asked for metrics, and there is nothing to grade
    data = registry.make("dataset", dataset)
    found = []
    for name in chosen or registry.entries["metric"]:
        try:
            found.append(_tracked(registry, name, data, device, batch))
        except (Unavailable, UsageError) as error:
            if chosen:
                raise UsageError(f"{name} cannot be tracked: {str(error).rstrip('.')}.") from error
    return found


def _tracked(registry: Registry, name: str, data: Component, device: str, batch: int) -> Tracked:
    metric = registry.make("metric", name)
    if isinstance(metric.instance, SystemMetric):
        raise UsageError("it measures a model, not images; track the model with -m")
    info: MetricInfo = metric.instance.info
    pool = EvaluatorPool(registry.make, device)
    evaluators = RequestedEvaluators.load(pool, info.roles, domain=data.instance.info.domain)
    samples = _samples(data, info, batch, device)
    call = _call(metric.instance, samples, evaluators)
    call()  # what cannot be had is said before anything is timed
    return Tracked(
        name=f"metric/{metric.name}/batch-{len(samples)}/{samples.source.shape[-1]}px/{data.name}",
        key=" ".join([str(metric.key()), *evaluators.keys.values()]),
        images=len(samples),
        prepare=lambda: call,
    )


def _samples(data: Component, info: MetricInfo, count: int, device: str) -> Batch:
    """The first samples of a data set under a protocol that the metric makes sense under, as the engine grades them."""
    protocols = [name for name in data.instance.info.protocols if name in (info.protocols or [name])]
    if not protocols:
        raise Unavailable(
            f"{data.name} has none of its protocols ({', '.join(sorted(info.protocols or ()))})"
        )
    samples = data.instance.samples(data.instance.info.splits[0], protocols[0], 0)[:count]
    batch: Batch = data.instance.load(samples)
    lacking = [need for need in sorted(info.needs) if getattr(batch, need) is None]
    if lacking or len(batch) == 0:
        raise Unavailable(f"{data.name} gives no {lacking[0] if lacking else 'sample that can be read'}")
    moved: dict[str, Any] = {
        name: value.to(device) for name, value in vars(batch).items() if hasattr(value, "to")
    }
    moved |= {name: to_8bit(moved[name]) for name in ("source", "target") if name in moved}
    return replace(batch, **moved)


def _call(metric: Metric, batch: Batch, evaluators: RequestedEvaluators) -> Callable[[], object]:
    images: dict[Side, Tensor | None] = dict(generated=batch.source, source=batch.source, target=batch.target)

    def call() -> Any:
        import torch

        # Features are computed anew in each call, so that a metric's time includes its evaluators.
        with torch.inference_mode():
            return metric.measure(batch.source, batch, evaluators.on(images))

    return call
