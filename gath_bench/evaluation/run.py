"""``gath_bench.evaluate``: measure models on data sets."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from gath_bench.contracts.dataset import DatasetAdapter
from gath_bench.contracts.metric import Metric, SystemMetric
from gath_bench.contracts.model import AnimationModel
from gath_bench.engine import RunOptions
from gath_bench.engine.reuse import store_folder
from gath_bench.errors import UsageError
from gath_bench.evaluation.components import Selection, installed_plugins, missing_plugins
from gath_bench.evaluation.measurement import Request, measure
from gath_bench.evaluation.results import Results
from gath_bench.evaluation.supervisor import measure_in_child
from gath_bench.plugins import Plugins, PluginSources
from gath_bench.registry import Registry
from gath_bench.results import Manifest, load
from gath_bench.suite import (
    BUILT_IN,
    Suite,
    built_in_suite,
    read_suite,
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
    call_timeout: float | None = None,
    strict: bool = False,
    images: bool = True,
    references: bool = True,
    reuse: bool = False,
    progress: bool = False,
    distributed: bool = False,
    isolate: bool = False,
    plugins: Plugins | PluginSources | None = None,
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
        call_timeout: with ``isolate``, the limit of one call in seconds, such as loading or animating a batch; by
            default that of ``timeout``.
        strict: stop at the first failure.
        images: write images into the run folder, for the gallery of the HTML report.
        references: add the suite's baselines (oracle, copy-source).
        reuse: take observations of the same samples, models and metrics from earlier runs that were called with it,
            instead of measuring them again. A model without anything to measure has no images in the run folder.
        progress: show the progress on standard error.
        distributed: share the work with the other processes of ``torchrun``; all of them must call this.
        isolate: run components in a child process. One that ends it (``os._exit``, a segmentation fault, a signal), or
            that does not return in time, has the status failed in that cell, and everything else is measured;
            outside of cells, as in a constructor, it is refused. Instances cannot be isolated.
        plugins: the plugins that names refer to, or where to load them from; None takes the installed ones.
        command: the command to record in the manifest.

    Raises:
        UsageError: a wrong name, parameter, device, folder or setting.
        StrictFailure: a component failed and ``strict`` is set.
    """
    if call_timeout is not None and not isolate:
        raise UsageError("a limit of one call needs isolation: add --isolate, or isolate=True in Python.")
    if isolate:
        _refuse_instances(models, datasets, metrics)
        loaded = plugins if isinstance(plugins, Plugins) else None
        sources = plugins.sources if isinstance(plugins, Plugins) else plugins or PluginSources()
    else:
        loaded = plugins.load() if isinstance(plugins, PluginSources) else plugins or installed_plugins()
        sources = loaded.sources
    selection = Selection(Registry() if isolate or loaded is None else Registry.of(loaded))
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
    keep = output is not None or resume is not None
    temporary = None if keep else mkdtemp(prefix="gath-bench-")
    if temporary:
        output = Path(temporary) / "run"
    folder = None if output is None or output == AUTO else Path(output)
    options = RunOptions(
        device, folder, resume, tuple(command), timeout, strict, images, store_folder() if reuse else None
    )
    request = Request(resolved, tuple(explicit), options, keep, progress)
    try:
        if isolate:
            outcome = measure_in_child(request, sources, call_timeout)
        else:
            assert loaded is not None
            outcome = measure(
                request,
                loaded,
                instances=selection.created,
                unregistered=selection.unregistered,
                distributed=distributed,
            )
        run = load(outcome.path)
        if temporary:
            _ = run.unordered  # into memory, since a caller may keep the run and drop the results
        results = Results((run,), loaded, outcome.first_rank)
    except BaseException as error:
        if temporary:
            rmtree(temporary, ignore_errors=True)
        if isinstance(error, UsageError) and resume is not None:
            words = ("run", "--isolate", "--resume") if isolate else ("run", "--resume")
            missing = missing_plugins(resume, Manifest.read(resume), loaded or sources, *words)
            if missing:
                raise UsageError(f"{error} {missing}") from error
        raise
    if temporary:
        weakref.finalize(results, rmtree, temporary, ignore_errors=True)
    return results


def _refuse_instances(*given: object) -> None:
    """Refuse components that another process cannot create."""
    for items in given:
        for item in items if isinstance(items, list | tuple) else [items]:
            if item is not None and not isinstance(item, str):
                raise UsageError(
                    f"isolate=True creates components in another process, which cannot get the instance {item!r:.60}: "
                    "give the name of a registered component."
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
