"""Measures a finished run again and compares the values."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gath_bench.analysis import Drift, drift
from gath_bench.distributed import Ranks
from gath_bench.engine import RunOptions, execute
from gath_bench.engine.isolated import isolated
from gath_bench.engine.manifest_builder import new_manifest
from gath_bench.errors import UsageError
from gath_bench.evaluation.components import installed_plugins, missing_plugins
from gath_bench.evaluation.progress import progress_line
from gath_bench.plugins import Plugins
from gath_bench.registry import Registry
from gath_bench.results import Manifest, Run, changed_files, load
from gath_bench.suite import make_plan, suite_of_run
from gath_bench.suite.plan import Plan


@dataclass(frozen=True)
class Verification:
    """The result of ``verify``.

    Attributes:
        problems: changed files or components, one sentence each; if there are any, nothing was measured.
        drifts: one entry per metric.
        notes: differences of machine or versions. They need not change a value.
    """

    problems: tuple[str, ...]
    drifts: tuple[Drift, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reproduced(self) -> bool:
        """Whether files and components are unchanged and every value is within its metric's tolerance."""
        return not self.problems and all(one.held for one in self.drifts)

    def __str__(self) -> str:
        """The table of drifts and the notes."""
        width = max((len(one.metric) for one in self.drifts), default=6)
        lines = [f"{'metric':{width}}  {'values':>8}  {'largest drift':>13}  {'tolerance':>9}"]
        for one in self.drifts:
            lines += _lines(one, width)
        return "\n".join(
            [*self.problems, *(lines if self.drifts else []), *(f"note: {n}" for n in self.notes)]
        )


def verify(
    run: Run, *, limit: int | None = None, progress: bool = False, plugins: Plugins | None = None
) -> Verification:
    """Measure a finished run again, with the same suite, seeds and batches, into a temporary folder.

    Args:
        run: the run.
        limit: the maximum number of samples per data set, rounded up to whole batches, since only whole batches
            are reproducible.
        progress: show the progress on standard error.
        plugins: the plugins that names refer to; None takes the installed ones.

    Raises:
        UsageError: the run is not finished, was measured with Python instances, or a component no longer exists.
    """
    manifest = run.manifest
    if manifest.instances:
        raise UsageError(
            f"{run.path} cannot be verified: it was measured with Python instances "
            f"({', '.join(manifest.instances)}), which cannot be created again."
        )
    problems = changed_files(run)
    if problems:
        return Verification(tuple(problems))
    try:
        plan = plan_again(run, Registry.of(plugins or installed_plugins()), limit)
    except UsageError as error:
        missing = missing_plugins(run.path, manifest, plugins or installed_plugins(), "verify")
        if not missing:
            raise
        raise UsageError(missing) from error
    problems = _changed_components(manifest, plan)
    if problems:
        return Verification(tuple(problems))
    bars = progress_line(plan) if progress else nullcontext(lambda cell, n: None)
    with TemporaryDirectory(prefix="gath-bench-") as folder, isolated(), bars as advance:
        # For a run on cuda:1 any CUDA device will do.
        options = RunOptions(manifest.device.partition(":")[0], Path(folder) / "run", images=False)
        again = load(execute(plan, None, options, advance, Ranks()).path)
        return Verification((), tuple(drift(run, again)), tuple(_notes(manifest, again.manifest)))


def plan_again(run: Run, registry: Registry, limit: int | None) -> Plan:
    """The plan of a run, without components that were skipped then."""
    suite = suite_of_run(run.path)
    models = {cell.model for cell in run.manifest.cells}
    datasets = {cell.dataset for cell in run.manifest.cells}
    metrics = {record.name for record in run.manifest.metrics}
    whole = None if limit is None else -(-limit // suite.batch_size) * suite.batch_size
    suite = suite.model_copy(
        update={
            "models": tuple(name for name in suite.models if name in models),
            "metrics": tuple(name for name in suite.metrics if name in metrics),
            "datasets": tuple(
                choice.model_copy(update={"limit": min(filter(None, (whole, choice.limit)), default=None)})
                for choice in suite.datasets
                if choice.name in datasets
            ),
        }
    )
    return make_plan(suite, registry, explicit=(*models, *datasets, *metrics))


def _changed_components(manifest: Manifest, plan: Plan) -> list[str]:
    """One sentence for each component whose key differs from the manifest."""
    fresh = new_manifest(plan, command=[], device=manifest.device, environment={})
    changed = [
        f"the metric {old.name} was {old.key} and is {new.key} now."
        for old, new in zip(manifest.metrics, fresh.metrics, strict=False)
        if old.key != new.key
    ]
    before, after = (
        {cell.cell_id: (cell.model_key, cell.dataset_key, cell.split, cell.protocol) for cell in one.cells}
        for one in (manifest, fresh)
    )
    nothing = ("nothing",) * 4
    changed += [
        f"the cell {name} was of {old} and is of {new} now."
        for name in sorted({*before, *after})
        for old, new in zip(before.get(name, nothing), after.get(name, nothing), strict=True)
        if old != new
    ]
    return list(dict.fromkeys(changed))


def _lines(one: Drift, width: int) -> list[str]:
    if one.system:
        return [f"{one.metric:{width}}  reported only", *(f"  {line}" for line in one.summaries)]
    verdict = "ok" if one.held else "DRIFT"
    if not one.graded:
        verdict = "reported only: not deterministic"
    lines = [f"{one.metric:{width}}  {one.values:8}  {one.largest:13.3g}  {one.tolerance:9.3g}  {verdict}"]
    if not one.held:
        counts = f"{one.beyond} beyond tolerance, {one.vanished} vanished, {one.appeared} appeared"
        lines.append(f"  {counts}" + (f"; largest at {one.worst}" if one.worst else ""))
    return lines


def _notes(before: Manifest, after: Manifest) -> list[str]:
    """Differences of hardware, threads and package versions."""
    notes = []
    then, now = (manifest.environment.get("determinism", {}).get("threads") for manifest in (before, after))
    if then and now and then != now:
        notes.append(
            f"measured with {then} thread{'s' * (then != 1)}, again with {now}, which changes the last digits of sums; "
            f"OMP_NUM_THREADS={then} gives the same sums."
        )
    if before.hardware != after.hardware:
        notes.append(f"measured on {before.hardware}, again on {after.hardware}.")
    old, new = (manifest.environment.get("packages", {}) for manifest in (before, after))
    changed = [name for name in sorted(set(old) & set(new)) if old[name] != new[name]]
    return notes + [f"{name} was {old[name]} and is {new[name]} now." for name in changed]
