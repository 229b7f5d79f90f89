"""A model that is being made, measured as ``gath-bench run`` would, with no run folder kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gath_bench.contracts.keys import ComponentName
from gath_bench.contracts.model import AnimationModel
from gath_bench.contracts.specs import ModelSpec
from gath_bench.distributed import Ranks
from gath_bench.engine.run import RunOptions, execute
from gath_bench.plugins import load_plugins
from gath_bench.registry import Component, Registry
from gath_bench.suite import Suite, make_plan

#: What the model is called in the messages of its evaluation; it has no name of its own yet.
_NAME = "this-model"


def measure_live(model: AnimationModel, suite: Suite, registry: Registry, device: str, folder: Path) -> Path:
    """Run a suite on one model instance alone, without reference rows, listeners or other ranks.

    The caller's random numbers and torch settings are as before afterwards, so that training goes on as if
    nothing had been measured; its other ranks, if it has any, take no part.

    Args:
        model: the model; its ``to`` is called, and it stays where that puts it.
        suite: what to measure it on; its ``models`` and ``references`` are not used.
        registry: where data sets, metrics and evaluators come from.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        folder: an empty folder for the run.

    Raises:
        UsageError: unknown names or parameters, or no such device.
    """
    spec = ModelSpec(_NAME, type(model), "a model that is being made")
    component = Component(spec, ComponentName(_NAME), {}, model)
    names = (*(choice.name for choice in suite.datasets), *suite.metrics)
    deaf = load_plugins((), entry_point_group=None)
    with undisturbed():
        plan = make_plan(suite, registry, explicit=names, models=[component])
        options = RunOptions(device=device, output=folder, images=False)
        return execute(plan, deaf, options, ranks=Ranks()).path


@contextmanager
def undisturbed() -> Iterator[None]:
    """Puts the global random generators and torch's determinism settings back afterwards."""
    import random

    import numpy as np
    import torch

    backends = (
        (torch.backends.cudnn, "benchmark"),
        (torch.backends.cudnn, "deterministic"),
        (torch.backends.cudnn, "allow_tf32"),
        (torch.backends.cuda.matmul, "allow_tf32"),
    )
    settings = [getattr(place, name) for place, name in backends]
    strict = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    drawn = random.getstate(), np.random.get_state(), torch.get_rng_state()
    on_gpu = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        random.setstate(drawn[0])
        np.random.set_state(drawn[1])
        torch.set_rng_state(drawn[2])
        if on_gpu:
            torch.cuda.set_rng_state_all(on_gpu)
        torch.use_deterministic_algorithms(strict, warn_only=warn_only)
        for (place, name), value in zip(backends, settings, strict=True):
            setattr(place, name, value)
