"""Benchmark cases of metrics: one batch of samples of a data set, with the evaluators that the metric asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gath_bench.contracts import (
    Batch,
    CommandContext,
    CorpusMetric,
    LoadedComponent,
    LoadedEvaluators,
    Metric,
    MetricInfo,
    Side,
    SystemMetric,
)
from gath_bench.errors import Unavailable, UsageError, describe_error
from gath_bench.images import to_8bit
from gath_perf.case import BenchmarkCase

if TYPE_CHECKING:
    from torch import Tensor


def metric_cases(
    context: CommandContext, names: Iterable[str], dataset: str, *, device: str, batch: int
) -> list[BenchmarkCase]:
    """One case per metric, on the first samples of a data set with the source portraits as generated images.

    Features are computed anew in each call and not shared with other metrics, so that a metric's time includes
    its evaluators.

    Args:
        context: loads metrics, evaluators and the data set.
        names: the metrics; if empty, all that have a value on this data set with what is installed.
        dataset: the data set; the samples come from its first split.
        device: ``"cpu"`` or ``"cuda:i"``.
        batch: number of images per call.

    Raises:
        UsageError: the data set is not registered, or a named metric cannot be tracked, with the reason.
    """
    chosen = list(dict.fromkeys(names))
    if not chosen and dataset == "synthfaces" and dataset not in context.names("dataset"):
        return []  # no metric was asked for, and there are no samples
    data = context.load("dataset", dataset)
    cases = []
    for name in chosen or context.names("metric"):
        try:
            cases.append(_case(context, name, data, device, batch))
        except Exception as error:
            if chosen:
                raise UsageError(f"{name} cannot be tracked: {describe_error(error).rstrip('.')}.") from error
    return cases


def _case(
    context: CommandContext, name: str, data: LoadedComponent, device: str, count: int
) -> BenchmarkCase:
    metric = context.load("metric", name)
    if isinstance(metric.instance, SystemMetric):
        raise UsageError("it measures a model, not images; track the model with -m")
    if isinstance(metric.instance, CorpusMetric):
        raise UsageError("it has one value over all images of a run, and none per batch")
    info: MetricInfo = metric.instance.info
    evaluators = context.evaluators(info.roles, domain=data.instance.info.domain, device=device)
    batch = _load_batch(data, info, count, device)
    call = _call(metric.instance, batch, evaluators)
    call()  # raises Unavailable before anything is timed
    return BenchmarkCase(
        name=f"metric/{metric.name}/batch-{len(batch)}/{batch.source.shape[-1]}px/{data.name}",
        key=" ".join([metric.key, *evaluators.keys.values()]),
        images=len(batch),
        prepare=lambda: call,
    )


def _load_batch(data: LoadedComponent, info: MetricInfo, count: int, device: str) -> Batch:
    """The first samples under a protocol of the metric, rounded to 8 bits as in a run."""
    protocols = [name for name in data.instance.info.protocols if name in (info.protocols or [name])]
    if not protocols:
        wanted = ", ".join(sorted(info.protocols or ()))
        raise Unavailable(f"{data.name} has none of its protocols ({wanted})")
    samples = data.instance.samples(data.instance.info.splits[0], protocols[0], 0)[:count]
    batch: Batch = data.instance.load(samples)
    missing = [need for need in sorted(info.needs) if getattr(batch, need) is None]
    if missing:
        raise Unavailable(f"{data.name} has no {missing[0]}")
    if len(batch) == 0:
        raise Unavailable(f"{data.name} has no readable sample")
    moved: dict[str, Any] = {
        name: value.to(device) for name, value in vars(batch).items() if hasattr(value, "to")
    }
    moved |= {name: to_8bit(moved[name]) for name in ("source", "target") if name in moved}
    return replace(batch, **moved)


def _call(metric: Metric, batch: Batch, evaluators: LoadedEvaluators) -> Callable[[], object]:
    images: dict[Side, Tensor | None] = dict(generated=batch.source, source=batch.source, target=batch.target)

    def call() -> Any:
        import torch

        with torch.inference_mode():
            return metric.measure(batch.source, batch, evaluators.on(images))

    return call
