"""A finished run, measured again from its manifest: same suite, same seeds, same batches, nothing reused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gath_bench.distributed import Ranks
from gath_bench.engine.live import undisturbed
from gath_bench.engine.manifest_builder import new_manifest
from gath_bench.engine.run import RunOptions, execute
from gath_bench.plugins import load_plugins
from gath_bench.registry import Registry
from gath_bench.results import Run
from gath_bench.suite import make_plan, suite_of_run
from gath_bench.suite.plan import Plan


def replan(run: Run, registry: Registry, limit: int | None = None) -> tuple[Plan, list[str]]:
    """The plan of a run, made again, and one sentence for each component that is not what it was.

    Args:
        run: the run.
        registry: the components at hand now.
        limit: at most so many samples a data set, rounded up to whole batches: a batch is the unit of
            repeatability.

    Raises:
        UsageError: a component is gone, or cannot be made.
    """
    manifest = run.manifest
    suite = suite_of_run(run.path, given=False)
    # What was skipped then is not to come in now.
    models, datasets, metrics = (
        {cell.model for cell in manifest.cells},
        {cell.dataset for cell in manifest.cells},
        {record.name for record in manifest.metrics},
    )
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
    plan = make_plan(suite, registry, explicit=(*models, *datasets, *metrics))
    fresh = new_manifest(plan, command=[], device=manifest.device, environment={})
    then = {
        cell.cell_id: (cell.model_key, cell.dataset_key, cell.split, cell.protocol) for cell in manifest.cells
    }
    now = {
        cell.cell_id: (cell.model_key, cell.dataset_key, cell.split, cell.protocol) for cell in fresh.cells
    }
    changed = [f"the metric {old.name} was {old.key} and is {new.key} now." for old, new in
               zip(manifest.metrics, fresh.metrics, strict=False) if old.key != new.key]  # fmt: skip
    for name in sorted({*then, *now}):
        for old_part, new_part in zip(
            then.get(name, ("nothing",)), now.get(name, ("nothing",)), strict=False
        ):
            if old_part != new_part:
                changed.append(f"the cell {name} was of {old_part} and is of {new_part} now.")
    return plan, list(dict.fromkeys(changed))


def rerun(
    plan: Plan, device: str, folder: Path, progress: Callable[[str, int], None] = lambda cell, n: None
) -> Path:
    """Measure a plan by this process alone, with nobody listening; the caller's torch is as before afterwards.

    Args:
        plan: what ``replan`` gave.
        device: the run's; of ``cuda:1`` any CUDA device will do.
        folder: an empty folder.
        progress: as ``execute`` has it.
    """
    options = RunOptions(device=device.partition(":")[0], output=folder, images=False)
    with undisturbed():
        return execute(plan, load_plugins((), entry_point_group=None), options, progress, Ranks()).path
