"""Runs a plan into a run folder, from the start or from where a stopped run ended."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gath_bench.component_calls import TimeLimit, settings_held
from gath_bench.contracts.keys import file_hash
from gath_bench.contracts.lifecycle import CellResult, RunInfo
from gath_bench.distributed import Ranks
from gath_bench.engine.cell import CellRunner, Progress
from gath_bench.engine.corpus import FEATURES, CorpusScorer
from gath_bench.engine.device import make_deterministic, resolve_device
from gath_bench.engine.environment import describe_environment
from gath_bench.engine.image_writer import ImageWriter
from gath_bench.engine.loading import BatchLoader
from gath_bench.engine.manifest_builder import new_manifest, now
from gath_bench.engine.reuse import ObservationStore, Reuse
from gath_bench.engine.time_limit import time_limit
from gath_bench.errors import UsageError
from gath_bench.evaluators import SharedFeatures
from gath_bench.files import exclusive, remove_partial
from gath_bench.perf import return_freed_memory
from gath_bench.plugins import Plugins
from gath_bench.results.images import IMAGES, KEPT_PIXELS, ImageStore
from gath_bench.results.manifest import MANIFEST, CellRecord, Manifest
from gath_bench.results.reader import SAMPLES
from gath_bench.results.shards import ShardStore
from gath_bench.suite.plan import Plan, slug


class Supervisor(Protocol):
    """What ``execute`` tells the process that watches this one, and what it has to know from it."""

    @property
    def finished(self) -> Collection[str]:
        """Ids of the cells that earlier processes of this run have finished."""

    @property
    def restarted(self) -> bool:
        """Whether an earlier process began this run on this machine, just now."""

    def opened(self, folder: Path) -> None:
        """The run folder exists, and the run can be resumed."""

    def cell(self, cell_id: str) -> AbstractContextManager[None]:
        """The calls inside belong to a cell, which is finished if no exception leaves it."""


@dataclass(frozen=True)
class RunOptions:
    """How to run a plan.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        output: the folder to write; a new one under ``results/runs`` if None.
        resume: the run folder to continue instead.
        command: the command line, for the manifest.
        timeout: stop before the next cell after this many seconds, and a component that hangs a little later; the
            run can be resumed.
        strict: stop at the first failure.
        images: write images into the run folder, for the gallery of the HTML report.
        reuse: a folder of observations of earlier runs; what is there is not measured again. None measures all.
        supervisor: the process that watches this one and ends it if a component hangs; None without one.
    """

    device: str = "auto"
    output: Path | None = None
    resume: Path | None = None
    command: tuple[str, ...] = ()
    timeout: float | None = None
    strict: bool = False
    images: bool = True
    reuse: Path | None = None
    supervisor: Supervisor | None = None


@dataclass(frozen=True)
class Outcome:
    """The result of ``execute``.

    Attributes:
        path: the run folder.
        failed: whether a component failed.
        timed_out: whether the timeout stopped the run.
        first_rank: whether this process is rank 0, which prints.
    """

    path: Path
    failed: bool
    timed_out: bool
    first_rank: bool


def execute(
    plan: Plan,
    plugins: Plugins | None,
    options: RunOptions,
    progress: Progress = lambda cell, n: None,
    ranks: Ranks | None = None,
) -> Outcome:
    """Measure every cell of a plan.

    Args:
        plan: what to measure.
        plugins: their life-cycle hooks are called, and the manifest lists them; None calls none.
        options: device, folder, resume.
        progress: called with a cell id and the number of its samples that were just finished; first, at the start
            of a cell, with the number of its samples that a resumed run has.
        ranks: the processes that share the work; None joins the group that ``torchrun`` started, if any.

    Raises:
        UsageError: the device does not exist, the folder is in use, or the run to resume is a different one.
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
    plan: Plan, plugins: Plugins | None, options: RunOptions, progress: Progress, ranks: Ranks
) -> Outcome:
    started = time.monotonic()
    device = resolve_device(_requested_device(options))
    environment = describe_environment(device) | {
        "determinism": make_deterministic(),
        "plugins": {
            plugin.name: f"{plugin.distribution} {plugin.version}".strip()
            for plugin in (plugins.loaded if plugins else ())
        },
    }
    manifest = new_manifest(plan, command=list(options.command), device=device, environment=environment)
    folder = Path(ranks.broadcast(str(_run_folder(plan, options, manifest) if ranks.first else "")))
    with _claimed(folder) if ranks.first else nullcontext():
        if options.resume is not None and ranks.first:
            manifest = _resumed(folder, manifest)
        outcome = _measure(plan, plugins, options, progress, ranks, folder, manifest, started)
    return_freed_memory()  # before the tables need some
    return outcome


def _measure(
    plan: Plan,
    plugins: Plugins | None,
    options: RunOptions,
    progress: Progress,
    ranks: Ranks,
    folder: Path,
    manifest: Manifest,
    started: float,
) -> Outcome:
    """Measure the cells of a plan into a folder that no other process writes."""
    device = resolve_device(_requested_device(options))
    store, images = ShardStore(folder / SAMPLES), ImageStore(folder / IMAGES)
    if ranks.first:
        store.remove_partial()
        images.remove_partial()
        remove_partial(folder, f"{MANIFEST}.*")
        manifest.status = "running"
        manifest.write(folder)
    ranks.barrier()
    supervisor = options.supervisor
    if supervisor:
        supervisor.opened(folder)

    info = RunInfo(folder, len(plan.cells))
    listeners = plugins if ranks.first else None
    if listeners:
        listeners.notify("gath_bench_run_started", run=info)
    runner = CellRunner(
        store=store,
        corpus=CorpusScorer(store, folder / FEATURES),
        images=ImageWriter(images, plan.suite.batch_size, KEPT_PIXELS if options.images else None),
        loader=BatchLoader(device=device, ahead=supervisor is None),
        evaluators=plan.evaluators.to(device),
        shared=SharedFeatures(),
        device=device,
        seed=plan.suite.seed,
        batch_size=plan.suite.batch_size,
        ranks=ranks,
        progress=progress,
        strict=options.strict,
        detector=plan.suite.detector,
    )
    # Not of several ranks, which could find different entries, nor of a resumed run, which may have changed machines.
    begun_here = options.resume is None or (supervisor is not None and supervisor.restarted)
    reusable = options.reuse is not None and begun_here and ranks.world == 1
    reuse = Reuse(ObservationStore(options.reuse), plan, manifest) if reusable and options.reuse else None
    timed_out = False
    for cell, record in zip(plan.cells, manifest.cells, strict=True):
        if supervisor and record.cell_id in supervisor.finished:
            continue
        late = options.timeout is not None and time.monotonic() - started > options.timeout
        # Rank 0 decides: ranks that disagreed would wait for one another forever.
        timed_out = ranks.broadcast("late" if late else "") == "late"
        if timed_out:
            break
        begun = time.monotonic()
        # One rank that stops would leave the others waiting; a supervisor stops components itself.
        limit = None if ranks.world > 1 or supervisor else options.timeout
        left = None if limit is None else limit - (begun - started)
        found = reuse.find(cell, record) if reuse else {}
        record.reused = sorted({*record.reused, *found})
        if found:
            manifest.write(folder)  # before the observations, which a resumed run keeps
        try:
            with supervisor.cell(record.cell_id) if supervisor else nullcontext():
                with settings_held(), time_limit(left):
                    runner.run(cell, found)
                    ranks.barrier()
                    if ranks.first:
                        runner.finish(cell)
                if ranks.first:
                    record.status = "failed" if store.has_failed(record.cell_id) else "ok"
                    record.seconds = round(record.seconds + time.monotonic() - begun, 3)
                    manifest.write(folder)
        except TimeLimit:
            timed_out = True
            break
        if ranks.first and reuse and record.status == "ok":
            reuse.keep(cell, record, store)
        if listeners:
            listeners.notify("gath_bench_cell_finished", run=info, cell=_cell_result(record))
    if ranks.first and not timed_out:
        manifest.status = "finished"
        manifest.finished = now()
        manifest.files = {path.name: file_hash(path) for path in store.paths()}
        manifest.write(folder)
    if listeners and not timed_out:
        listeners.notify("gath_bench_run_finished", run=info)
    ranks.barrier()
    failed = any(record.status == "failed" for record in manifest.cells)
    return Outcome(folder, failed, timed_out, ranks.first)


def _claimed(folder: Path) -> ExitStack:
    """The lock of a run folder, as a context manager.

    Raises:
        UsageError: another process writes the folder.
    """
    stack = ExitStack()
    try:
        stack.enter_context(exclusive(folder))
    except BlockingIOError:
        raise UsageError(
            f"{folder} is in use by another process that still writes it: wait until that process ends."
        ) from None
    return stack


def _run_folder(plan: Plan, options: RunOptions, manifest: Manifest) -> Path:
    """The folder to write: checked, and created if it is a new run."""
    if options.resume is not None:
        return options.resume
    stamp = manifest.created.replace(":", "").replace("+0000", "Z")
    folder = options.output or Path("results") / "runs" / f"{stamp}-{slug(plan.suite.name)}"
    try:
        if options.output is not None:
            _refuse_used(options.output)
        return _make_folder(folder, new=options.output is None)
    except OSError as error:
        raise UsageError(
            f"the run folder {folder} cannot be created: {error.strerror}; give another with --output."
        ) from error


def _refuse_used(folder: Path) -> None:
    """Refuse a folder that holds a run, or a part of one."""
    if (folder / MANIFEST).exists():
        raise UsageError(
            f"{folder} already holds a run: continue it with --resume {folder}, or give another folder."
        )
    if any((folder / SAMPLES).glob("*.parquet")):
        raise UsageError(f"{folder} holds the samples of a run without its {MANIFEST}: give another folder.")


def _make_folder(folder: Path, *, new: bool) -> Path:
    """Create a folder. If it must be ``new`` and exists (a run of the same second), its name gets a number."""
    number = 1
    while True:
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            candidate.mkdir(parents=True, exist_ok=not new)
        except FileExistsError:
            if not new:
                raise
            number += 1
        else:
            return candidate


def _resumed(folder: Path, fresh: Manifest) -> Manifest:
    """The manifest of the run to resume, if the settings and keys are equal.

    Raises:
        UsageError: they are not; the sentence names the first difference.
    """
    old = Manifest.read(folder)
    for name in ("seed", "device", "batch_size"):
        before, after = getattr(old, name), getattr(fresh, name)
        if before != after:
            raise UsageError(
                f"{folder} cannot be resumed: {name} was {before} and is {after}; start a new run."
            )
    before_after = zip(map(_identity, old.cells), map(_identity, fresh.cells), strict=False)
    for before, after in before_after:
        if before != after:
            raise UsageError(
                f"{folder} cannot be resumed: cell {before[0]} was {before[1:]} and is {after[1:]}; "
                "start a new run."
            )
    if len(old.cells) != len(fresh.cells) or [m.key for m in old.metrics] != [m.key for m in fresh.metrics]:
        raise UsageError(
            f"{folder} cannot be resumed: its models, data sets or metrics have changed; start a new run."
        )
    return old


def _identity(cell: CellRecord) -> tuple[object, ...]:
    names = ("cell_id", "model_key", "dataset_key", "split", "protocol", "samples", "metrics")
    return tuple(getattr(cell, name) for name in names)


def _requested_device(options: RunOptions) -> str:
    """A resumed run uses its own kind of device unless the user names one."""
    if options.resume is not None and options.device == "auto":
        return Manifest.read(options.resume).device.partition(":")[0]
    return options.device


def _cell_result(record: CellRecord) -> CellResult:
    return CellResult(
        record.cell_id,
        record.model_key,
        record.dataset_key,
        record.protocol,
        record.samples,
        record.status,
        record.seconds,
    )
