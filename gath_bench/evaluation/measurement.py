"""What ``evaluate`` measures, in values that another process can read, and how it is measured."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gath_bench.component_calls import component_call
from gath_bench.contracts.model import ReadsImages
from gath_bench.contracts.specs import Kind
from gath_bench.distributed import Ranks
from gath_bench.engine import RunOptions, execute
from gath_bench.engine.isolated import isolated
from gath_bench.engine.run import Outcome, Supervisor
from gath_bench.evaluation.progress import progress_line
from gath_bench.plugins import Plugins, PluginWarning
from gath_bench.registry import Component, Registry
from gath_bench.suite import Plan, Suite, make_plan, make_suite, refuse_unavailable_evaluators


@dataclass(frozen=True)
class Request:
    """What to measure, and how.

    Attributes:
        suite: the suite.
        explicit: the names of components that the user gave: they must exist.
        options: device, folder, resume.
        hooks: whether plugins' life-cycle hooks are called.
        progress: whether the progress is shown on standard error.
    """

    suite: Suite
    explicit: tuple[str, ...]
    options: RunOptions
    hooks: bool
    progress: bool

    def to_json(self) -> dict[str, Any]:
        """The request as JSON values, without a supervisor."""
        options = asdict(replace(self.options, supervisor=None))
        options |= {name: options[name] and str(options[name]) for name in ("output", "resume", "reuse")}
        return vars(self) | {"suite": self.suite.model_dump(mode="json"), "options": options}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Request:
        """The request of such values."""
        options = dict(values["options"])
        options |= {name: options[name] and Path(options[name]) for name in ("output", "resume", "reuse")}
        options["command"] = tuple(options["command"])
        return cls(
            make_suite(values["suite"]),
            tuple(values["explicit"]),
            RunOptions(**options),
            values["hooks"],
            values["progress"],
        )


def measure(
    request: Request,
    plugins: Plugins,
    *,
    instances: Mapping[tuple[Kind, str], Component] | None = None,
    unregistered: Sequence[str] = (),
    distributed: bool = False,
    supervisor: Supervisor | None = None,
) -> Outcome:
    """Measure a request in this process.

    Args:
        request: what to measure.
        plugins: the plugins that names refer to.
        instances: existing components by kind and name; they take precedence.
        unregistered: the names of ``instances`` that the plugins cannot create.
        distributed: share the work with the other processes of ``torchrun``.
        supervisor: the process that watches this one; None without one.

    Raises:
        UsageError: a wrong name, parameter, device, folder or setting.
        StrictFailure: a component failed and ``strict`` is set.
    """
    registry = Registry.of(plugins)
    plan = make_plan(
        request.suite, registry, explicit=request.explicit, instances=instances, unregistered=unregistered
    )
    refuse_unavailable_evaluators(plan, registry, request.explicit)
    _warn_of_unmatched(plan)
    finished = supervisor.finished if supervisor else ()
    shown = progress_line(plan, finished) if request.progress else nullcontext(lambda cell, n: None)
    options = replace(request.options, supervisor=supervisor)
    with isolated(), shown as advance:
        return execute(
            plan,
            plugins if request.hooks else None,
            options,
            advance,
            None if distributed else Ranks(),
        )


def _warn_of_unmatched(plan: Plan) -> None:
    """Warn of images that a model reads from a folder and that belong to no sample; not under a limit."""
    if any(choice.limit is not None for choice in plan.suite.datasets):
        return
    samples: dict[str, set[str]] = {}
    models: dict[str, Component] = {}
    for cell in plan.cells:
        if isinstance(cell.model.instance, ReadsImages):
            models[str(cell.model.name)] = cell.model
            known = samples.setdefault(str(cell.model.name), set())
            known.update(sample.sample_id for sample in cell.samples)
    for name, model in models.items():
        with component_call(model.label):
            extra = model.instance.unmatched(samples[name])
        if extra:
            listed = ", ".join(extra[:3]) + (", ..." if len(extra) > 3 else "")
            warnings.warn(
                f"{name}: {len(extra)} image{'s' * (len(extra) > 1)} without a sample: {listed}",
                PluginWarning,
                stacklevel=4,
            )
