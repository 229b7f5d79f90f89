"""Runs a whole plan into a run folder, from the start or from where a killed run stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gath_bench.contracts.evaluator import Role
from gath_bench.contracts.keys import file_hash
from gath_bench.contracts.lifecycle import CellResult, RunInfo
from gath_bench.distributed import Ranks
from gath_bench.engine.cell import CellRunner
from gath_bench.engine.device import make_deterministic, resolve_device
from gath_bench.engine.environment import describe_environment
from gath_bench.engine.image_writer import ImageKeeper
from gath_bench.engine.loading import BatchLoader
from gath_bench.engine.manifest_builder import new_manifest, now
from gath_bench.errors import UsageError
from gath_bench.plugins import Plugins
from gath_bench.registry import Component
from gath_bench.results.images import IMAGES, KEPT_PIXELS, ImageStore
from gath_bench.results.manifest import MANIFEST, CellRecord, Manifest, sweep
from gath_bench.results.reader import SAMPLES
from gath_bench.results.shards import ShardStore
from gath_bench.suite.plan import Plan, slug


@dataclass(frozen=True)
class RunOptions:
    """How to run a plan.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        output: the folder to write; a new one under ``results/runs`` if None.
        resume: a run folder to go on with, instead.
        command: the words of the command line, for the manifest.
        timeout: stop before the next cell when so many seconds have passed; the run can be resumed.
        strict: stop at the first failure.
        images: keep images in the run folder, for the gallery of the HTML report.
    """

    device: str = "auto"
    output: Path | None = None
    resume: Path | None = None
    command: tuple[str, ...] = ()
    timeout: float | None = None
    strict: bool = False
    images: bool = True


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        path: its folder.
        failed: whether a component failed.
        timed_out: whether the timeout cut it short.
        first_rank: whether this process is the one that reports.
    """

    path: Path
    failed: bool
    timed_out: bool
    first_rank: bool


def execute(
    plan: Plan,
    plugins: Plugins,
    options: RunOptions,
    progress: Callable[[str, int], None] = lambda cell, n: None,
    ranks: Ranks | None = None,
) -> Outcome:
    """Measure every cell of a plan.

    Args:
        plan: what to measure.
        plugins: told of the run's life cycle.
        options: device, folder, resume.
        progress: called with a cell id and the number of its samples that were just done.
        ranks: who shares the work; None for whoever ``torchrun`` started.

    Raises:
        UsageError: the device is not there, the folder is taken, or the run to resume is another one.
        StrictFailure: a component failed under ``strict``.
    """
    if ranks is not None:
        return _execute(plan, plugins, options, progress, ranks)
    ranks = Ranks.join()
    try:
        return _execute(plan, plugins, options, progress, ranks)
    finally:
        ranks.leave()


def _execute(
    plan: Plan, plugins: Plugins, options: RunOptions, progress: Callable[[str, int], None], ranks: Ranks
) -> Outcome:
    started = time.monotonic()
    device = resolve_device(_wanted_device(options))
    environment = describe_environment(device) | {
        "determinism": make_deterministic(),
        "plugins": {
            plugin.name: f"{plugin.distribution} {plugin.version}".strip() for plugin in plugins.loaded
        },
    }
    manifest = new_manifest(plan, command=list(options.command), device=device, environment=environment)
    folder = Path(ranks.broadcast(str(_folder(plan, options, manifest) if ranks.first else "")))
    if options.resume is not None and ranks.first:
        manifest = _resumed(folder, manifest)
    store, images = ShardStore(folder / SAMPLES), ImageStore(folder / IMAGES)
    if ranks.first:
        store.sweep()
        images.sweep()
        sweep(folder)
        manifest.status = "running"
        manifest.write(folder)
    ranks.barrier()

    run = RunInfo(folder, len(plan.cells))
    if ranks.first:
        plugins.notify("gath_bench_run_started", run=run)
    evaluators: dict[tuple[Role, str], Component | Exception | str] = {
        name: _on_device(evaluator, device) for name, evaluator in plan.evaluators.items()
    }
    loader = BatchLoader()
    timed_out = False
    for cell, record in zip(plan.cells, manifest.cells, strict=True):
        late = options.timeout is not None and time.monotonic() - started > options.timeout
        # The first rank's clock: ranks that disagreed would wait for one another for ever.
        timed_out = ranks.broadcast("late" if late else "") == "late"
        if timed_out:
            break
        begun = time.monotonic()
        runner = CellRunner(
            store=store,
            keeper=ImageKeeper(images, plan.suite.batch_size, KEPT_PIXELS if options.images else None),
            loader=loader,
            evaluators=evaluators,
            device=device,
            seed=plan.suite.seed,
            batch_size=plan.suite.batch_size,
            ranks=ranks,
            progress=lambda count, cell_id=cell.cell_id: progress(cell_id, count),  # type: ignore[misc]
            strict=options.strict,
        )
        runner.run(cell)
        ranks.barrier()
        if ranks.first:
            _finish_cell(record, store, time.monotonic() - begun)
            manifest.write(folder)
            plugins.notify("gath_bench_cell_finished", run=run, cell=_result(record))
    if ranks.first:
        _finish_run(manifest, folder, store, complete=not timed_out)
        if not timed_out:
            plugins.notify("gath_bench_run_finished", run=run)
    ranks.barrier()
    failed = any(record.status == "failed" for record in manifest.cells)
    return Outcome(folder, failed, timed_out, ranks.first)


def _folder(plan: Plan, options: RunOptions, manifest: Manifest) -> Path:
    if options.resume is not None:
        return options.resume
    if options.output is not None:
        if (options.output / MANIFEST).exists():
            raise UsageError(
                f"{options.output} already holds a run: go on with it by --resume {options.output}, "
                "or give another folder."
            )
        if any((options.output / SAMPLES).glob("*.parquet")):
            raise UsageError(
                f"{options.output} holds the samples of a run without its {MANIFEST}: give another folder."
            )
        folder = options.output
    else:
        stamp = manifest.created.replace(":", "").replace("+0000", "Z")
        folder = Path("results") / "runs" / f"{stamp}-{slug(plan.suite.name)}"
    try:
        return _made(folder, new=options.output is None)
    except OSError as error:
        raise UsageError(
            f"the run folder {folder} cannot be made: {error.strerror}; give another with --output."
        ) from error


def _made(folder: Path, *, new: bool) -> Path:
    """Make a folder; one that is ``new`` gets a number if another run of this second has the name already."""
    number = 1
    while True:
        tried = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            tried.mkdir(parents=True, exist_ok=not new)
        except FileExistsError:
            if not new:
                raise
            number += 1
        else:
            return tried


def _resumed(folder: Path, fresh: Manifest) -> Manifest:
    """The manifest of the run to resume, if the plan and the keys are still the same."""
    old = Manifest.read(folder)
    for name in ("seed", "device", "batch_size"):
        before, after = getattr(old, name), getattr(fresh, name)
        if before != after:
            raise UsageError(
                f"{folder} was run with {name} {before} and would go on with {after}: start a new run."
            )
    mine, theirs = ([_identity(cell) for cell in manifest.cells] for manifest in (fresh, old))
    for now_, then in zip(mine, theirs, strict=False):
        if now_ != then:
            raise UsageError(
                f"{folder} cannot go on: the cell {then[0]} was {then[1:]} and is {now_[1:]} now; start a new run."
            )
    if len(mine) != len(theirs) or [m.key for m in old.metrics] != [m.key for m in fresh.metrics]:
        raise UsageError(
            f"{folder} cannot go on: its models, data sets or metrics are not those of now; start a new run."
        )
    return old


def _identity(cell: CellRecord) -> tuple[object, ...]:
    return (
        cell.cell_id, cell.model_key, cell.dataset_key, cell.split, cell.protocol, cell.samples, cell.metrics,
    )  # fmt: skip


def _wanted_device(options: RunOptions) -> str:
    """A resumed run goes on where it was, unless the user says otherwise."""
    if options.resume is not None and options.device == "auto":
        kind, _, _ = Manifest.read(options.resume).device.partition(":")
        return kind
    return options.device


def _on_device(evaluator: Component | str, device: str) -> Component | Exception | str:
    if isinstance(evaluator, str):
        return evaluator
    try:
        return Component(evaluator.spec, evaluator.name, evaluator.params, evaluator.instance.to(device))
    except Exception as error:
        return error


def _finish_cell(record: CellRecord, store: ShardStore, seconds: float) -> None:
    record.status = "failed" if store.has_failed(record.cell_id) else "ok"
    record.seconds = round(record.seconds + seconds, 3)


def _finish_run(manifest: Manifest, folder: Path, store: ShardStore, *, complete: bool) -> None:
    if complete:
        manifest.status = "finished"
        manifest.finished = now()
        manifest.files = {path.name: file_hash(path) for path in store.paths()}
    manifest.write(folder)


def _result(record: CellRecord) -> CellResult:
    return CellResult(
        record.cell_id,
        record.model_key,
        record.dataset_key,
        record.protocol,
        record.samples,
        record.status,
        record.seconds,
    )
