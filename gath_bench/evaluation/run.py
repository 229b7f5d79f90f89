"""``gath_bench.evaluate``: measure models on data sets."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Sequence
from contextlib import nullcontext
from os import PathLike
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from gath_bench.contracts.dataset import DatasetAdapter
from gath_bench.contracts.metric import Metric, SystemMetric
from gath_bench.contracts.model import AnimationModel, ReadsImages
from gath_bench.distributed import Ranks
from gath_bench.engine import RunOptions, execute
from gath_bench.engine.isolated import isolated
from gath_bench.engine.reuse import store_folder
from gath_bench.errors import UsageError
from gath_bench.evaluation.components import Selection, installed_plugins
from gath_bench.evaluation.progress import progress_line
from gath_bench.evaluation.results import Results
from gath_bench.plugins import Plugins, PluginWarning
from gath_bench.registry import Registry
from gath_bench.results import Manifest, load
from gath_bench.suite import (
    BUILT_IN,
    Plan,
    Suite,
    built_in_suite,
    make_plan,
    read_suite,
    refuse_unavailable_evaluators,
    suite_of_run,
)

#: ``output`` of a run that is kept in a new folder under ``results/runs``.
AUTO = "auto"


def evaluate(
    *,
    models: Sequence[str | AnimationModel] | None = None,
    datasets: Sequence[str | DatasetAdapter] | None = None,
    metrics: Sequence[str | Metric | SystemMetric] | None = None,
    suite: str | PathLike[str] | Suite | None = None,
    limit: int | None = None,
    seed: int | None = None,
    split: str | None = None,
    protocols: Sequence[str] | None = None,
    device: str = "auto",
    output: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    timeout: float | None = None,
    strict: bool = False,
    images: bool = True,
    references: bool = True,
    reuse: bool = False,
    progress: bool = False,
    distributed: bool = False,
    plugins: Plugins | None = None,
    command: Sequence[str] = ("gath_bench.evaluate",),
) -> Results:
    """Measure models on data sets and return the tables.

    Components are given by name (``"lpips[trunk=alex]"``) or as instances. The name of an instance is its ``name``
    attribute if that is a component name, else its class name (``MyModel`` becomes ``my-model``). The manifest
    lists instances, and ``verify`` refuses the run, since it cannot create them again. An instance that was
    loaded with ``load_model``, ``load_dataset`` or ``load_metric`` counts as named.

    Global random states and torch's determinism settings are restored afterwards. ``model.to(device)`` is called
    on every model and is not undone.

    Args:
        models: the models; None takes those of the suite.
        datasets: the data sets; None takes those of the suite.
        metrics: the metrics; None takes those of the suite.
        suite: ``"quick"``, ``"standard"``, the path of a suite file, or a ``Suite``; the default is the quick suite.
        limit: the maximum number of samples per data set.
        seed: seeds the sampling of the data sets and the models.
        split: the split of the data sets; the default is the suite's (``"test"``).
        protocols: the protocols to run; the default is the suite's, or each data set's first one.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:i"``.
        output: the run folder to write. ``"auto"`` is a new folder under ``results/runs``, as the command line
            uses. None is a temporary folder that is deleted with the returned ``Results``; plugins' life-cycle
            hooks are then not called.
        resume: a run folder to continue; ``suite``, ``output`` and component names must then be left out.
        timeout: stop before the next cell after this many seconds; such a run can be resumed.
        strict: stop at the first failure.
        images: write images into the run folder, for the gallery of the HTML report.
        references: add the suite's baselines (oracle, copy-source).
        reuse: take observations of the same samples, models and metrics from earlier runs that were called with it,
            instead of measuring them again. A model without anything to measure has no images in the run folder.
        progress: show the progress on standard error.
        distributed: share the work with the other processes of ``torchrun``; all of them must call this.
        plugins: the plugins that names refer to; None takes the installed ones.
        command: the command to record in the manifest.

    Raises:
        UsageError: a wrong name, parameter, device, folder or setting.
        StrictFailure: a component failed and ``strict`` is set.
    """
    plugins = plugins or installed_plugins()
    registry = Registry.of(plugins)
    selection = Selection(registry)
    chosen = {
        "models": selection.names("model", models),
        "datasets": selection.names("dataset", datasets),
        "metrics": selection.names("metric", metrics),
    }
    explicit = [name for names in chosen.values() for name in names or ()]
    if resume is not None:
        resume = Path(resume)
        plain = [name for name in explicit if name not in selection.unregistered]
        resolved = _resumed_suite(resume, selection, given=bool(suite or output or plain))
        chosen = {}
    else:
        resolved = resolve_suite(suite)
    resolved = resolved.with_choices(
        **chosen, protocols=protocols, limit=limit, seed=seed, split=split, references=references
    )
    plan = make_plan(
        resolved,
        registry,
        explicit=explicit,
        instances=selection.created,
        unregistered=selection.unregistered,
    )
    refuse_unavailable_evaluators(plan, registry, explicit)
    _warn_of_unmatched(plan)
    keep = output is not None or resume is not None
    temporary = None if keep else mkdtemp(prefix="gath-bench-")
    if temporary:
        output = Path(temporary) / "run"
    folder = None if output is None or output == AUTO else Path(output)
    options = RunOptions(
        device, folder, resume, tuple(command), timeout, strict, images, store_folder() if reuse else None
    )
    bars = progress_line(plan) if progress else nullcontext(lambda cell, n: None)
    try:
        with isolated(), bars as advance:
            outcome = execute(
                plan, plugins if keep else None, options, advance, None if distributed else Ranks()
            )
        run = load(outcome.path)
        if temporary:
            _ = run.observations  # into memory, since a caller may keep the run and drop the results
        results = Results((run,), plugins, outcome.first_rank)
    except BaseException:
        if temporary:
            rmtree(temporary, ignore_errors=True)
        raise
    if temporary:
        weakref.finalize(results, rmtree, temporary, ignore_errors=True)
    return results


def _warn_of_unmatched(plan: Plan) -> None:
    """Warn of images that a model reads from a folder and that belong to no sample; not under a limit."""
    if any(choice.limit is not None for choice in plan.suite.datasets):
        return
    samples: dict[str, set[str]] = {}
    models: dict[str, ReadsImages] = {}
    for cell in plan.cells:
        if isinstance(cell.model.instance, ReadsImages):
            models[str(cell.model.name)] = cell.model.instance
            known = samples.setdefault(str(cell.model.name), set())
            known.update(sample.sample_id for sample in cell.samples)
    for name, model in models.items():
        extra = model.unmatched(samples[name])
        if extra:
            listed = ", ".join(extra[:3]) + (", ..." if len(extra) > 3 else "")
            warnings.warn(
                f"{name}: {len(extra)} image{'s' * (len(extra) > 1)} without a sample: {listed}",
                PluginWarning,
                stacklevel=3,
            )


def resolve_suite(suite: str | PathLike[str] | Suite | None) -> Suite:
    """A suite by name, by path, or as it is; None is the quick suite.

    Raises:
        UsageError: no such suite file, or an invalid one.
    """
    if isinstance(suite, Suite):
        return suite
    name = "quick" if suite is None else str(suite)
    return built_in_suite(name) if name in BUILT_IN else read_suite(Path(name))


def _resumed_suite(folder: Path, selection: Selection, *, given: bool) -> Suite:
    """The suite of the run to resume."""
    if given:
        raise UsageError(
            "--resume uses the suite and the folder of the run: "
            "remove the suite, the models, data sets and metrics, and --output."
        )
    missing = set(Manifest.read(folder).instances) - set(selection.unregistered)
    if missing:
        raise UsageError(
            f"{folder} was measured with Python instances ({', '.join(sorted(missing))}): "
            "pass them to gath_bench.evaluate(resume=...)."
        )
    return suite_of_run(folder)
