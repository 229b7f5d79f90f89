"""Benchmark cases of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.contracts import AnimationModel, CommandContext, LoadedComponent
from gath_bench.errors import UsageError
from gath_bench.perf import parameter_bytes
from gath_perf.case import BenchmarkCase


def model_cases(
    context: CommandContext, names: Iterable[str], *, device: str, batches: Iterable[int], size: int
) -> list[BenchmarkCase]:
    """One case per model and batch size, with fixed random portraits and AUs as input.

    Args:
        context: loads the models.
        names: the models; if empty, all that load without parameters and can be timed on their own.
        device: ``"cpu"`` or ``"cuda:i"``.
        batches: numbers of images per call.
        size: image side in pixels, for models without a fixed resolution.

    Raises:
        UsageError: a named model cannot be timed on its own.
    """
    chosen = list(dict.fromkeys(names))
    components = [context.load("model", name) for name in chosen] if chosen else list(_loadable(context))
    timed = []
    for component in components:
        reason = _reason_not_timed(component.instance)
        if reason is None:
            timed.append(component)
        elif chosen:
            raise UsageError(f"{component.name} cannot be tracked: {reason}.")
    return [
        _case(component, device, batch, component.instance.info.resolution or size)
        for component in timed
        for batch in dict.fromkeys(batches)
    ]


def _case(component: LoadedComponent, device: str, batch: int, side: int) -> BenchmarkCase:
    return BenchmarkCase(
        name=f"model/{component.name}/batch-{batch}/{side}px",
        key=component.key,
        images=batch,
        prepare=_call(component.instance, device, batch, side),
        held_bytes=parameter_bytes(component.instance),
    )


def _loadable(context: CommandContext) -> Iterable[LoadedComponent]:
    for name in context.names("model"):
        try:
            yield context.load("model", name)
        except UsageError:
            continue  # it needs a parameter or a package, and nobody asked for it by name


def _reason_not_timed(model: AnimationModel) -> str | None:
    if not model.info.timed:
        return "it looks images up instead of computing them"
    if model.info.needs:
        return f"it needs {', '.join(sorted(model.info.needs))} besides portrait and AUs"
    return None


def _call(model: AnimationModel, device: str, batch: int, side: int) -> Callable[[], Callable[[], object]]:
    def prepare() -> Callable[[], object]:
        import torch

        on_device = model.to(device)
        generator = torch.Generator().manual_seed(0)
        portraits = torch.rand(batch, 3, side, side, generator=generator).to(device)
        width = len(get_space(model.info.au_space or DEFAULT_SPACE).labels)
        target_aus = torch.rand(batch, width, generator=generator).to(device)

        def call() -> object:
            with torch.inference_mode():
                return on_device.animate(portraits, target_aus)

        return call

    return prepare
