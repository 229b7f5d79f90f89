"""Models as things to track."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.contracts.model import AnimationModel
from gath_bench.errors import UsageError
from gath_bench.perf.memory import parameter_bytes
from gath_bench.perf.tracking.session import Tracked
from gath_bench.registry import Component, Registry


def tracked_models(
    registry: Registry, names: Iterable[str], *, device: str, batches: Iterable[int], size: int
) -> list[Tracked]:
    """Every model at every batch size, fed with fixed random portraits and AUs.

    Args:
        registry: where the models are.
        names: the models; with none, all that can be made without parameters and timed by themselves.
        device: ``"cpu"`` or ``"cuda:i"``.
        batches: images a call.
        size: pixels, for a model that takes any.

    Raises:
        UsageError: a named model cannot be timed by itself.
    """
    chosen = list(names)
    if chosen:
        components = [registry.make("model", name) for name in dict.fromkeys(chosen)]
        for component in components:
            reason = _why_not(component.instance)
            if reason:
                raise UsageError(f"{component.name} cannot be tracked: {reason}.")
    else:
        components = [component for component in _makeable(registry) if not _why_not(component.instance)]
    return [
        _tracked(component, device, batch, component.instance.info.resolution or size)
        for component in components
        for batch in dict.fromkeys(batches)
    ]


def _tracked(component: Component, device: str, batch: int, side: int) -> Tracked:
    return Tracked(
        name=f"model/{component.name}/batch-{batch}/{side}px",
        key=str(component.key(component.instance.info.fingerprint)),
        images=batch,
        prepare=_call(component.instance, device, batch, side),
        held_bytes=parameter_bytes(component.instance),
    )


def _makeable(registry: Registry) -> Iterable[Component]:
    for name in registry.entries["model"]:
        try:
            yield registry.make("model", name)
        except UsageError:
            continue  # it needs a parameter or a package: only by name


def _why_not(model: AnimationModel) -> str | None:
    if not model.info.timed:
        return "it only looks its images up"
    if model.info.needs:
        return f"it needs {', '.join(sorted(model.info.needs))} beside portrait and AUs"
    return None


def _call(model: AnimationModel, device: str, batch: int, side: int) -> Callable[[], Callable[[], object]]:
    def prepare() -> Callable[[], object]:
        import torch

        ready = model.to(device)
        generator = torch.Generator().manual_seed(0)
        portraits = torch.rand(batch, 3, side, side, generator=generator).to(device)
        width = len(get_space(model.info.au_space or DEFAULT_SPACE).labels)
        target_aus = torch.rand(batch, width, generator=generator).to(device)

        def call() -> object:
            with torch.inference_mode():
                return ready.animate(portraits, target_aus)

        return call

    return prepare
