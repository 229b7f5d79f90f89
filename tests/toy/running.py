"""Runs toy suites, in this process or another, and reads their results."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gath_bench.analysis import SummaryRow, summarise
from gath_bench.engine import RunOptions, execute
from gath_bench.engine.run import Outcome
from gath_bench.plugins import Plugins, load_plugins
from gath_bench.registry import Registry
from gath_bench.results import Run, load
from gath_bench.suite import Suite, make_plan

TESTS = Path(__file__).resolve().parents[1]
#: A program that writes observations after every batch, so that a test need not wait two seconds for a shard.
FLUSH_ALWAYS = (
    "import gath_bench.engine.cell as cell; cell.FLUSH_SECONDS = 0.0; "
    "from gath_bench.cli.main import main; main()"
)


def toys() -> Plugins:
    """The toy plugin and nothing else."""
    return load_plugins(["toy.toy_plugin"], entry_point_group=None)


def toy_suite(
    models: Sequence[str] = (),
    metrics: Sequence[str] = ("toy-l1",),
    dataset: str = "toy",
    protocols: Sequence[str] = (),
    limit: int | None = None,
    **settings: Any,
) -> Suite:
    """A suite of toys; the references are ``toy-exact`` and ``toy-copy``."""
    return Suite.model_validate(
        {
            "models": tuple(models),
            "metrics": tuple(metrics),
            "datasets": ({"name": dataset, "protocols": tuple(protocols), "limit": limit},),
            "references": {"oracle": "toy-exact", "copy_source": "toy-copy"},
            "batch_size": 4,
            **settings,
        }
    )


def measure(suite: Suite, output: Path, **options: Any) -> tuple[Outcome, Run]:
    """Run a suite on the CPU in this process."""
    plugins = toys()
    plan = make_plan(suite, Registry.of(plugins))
    where = {"resume": output} if options.pop("resume", False) else {"output": output}
    outcome = execute(plan, plugins, RunOptions(**{"device": "cpu", **where, **options}))
    return outcome, load(outcome.path)


def long_rows(run: Run, model: str | None = None, metric: str | None = None) -> list[dict[str, Any]]:
    """The long rows without system metrics, as dictionaries; of one model and metric if asked."""
    cells = {cell.cell_id: cell.model for cell in run.manifest.cells}
    system = {record.name for record in run.manifest.metrics if record.system}
    return [
        row
        for row in run.observations.to_pylist()
        if row["metric"] not in system
        and (model is None or cells[row["cell"]] == model)
        and (metric is None or row["metric"] == metric)
    ]


def values(run: Run, model: str | None = None, metric: str | None = None) -> dict[tuple[str, ...], Any]:
    """(cell, sample, metric, observation, AU) -> value or (status, reason): what must not depend on batches."""
    found = {
        tuple(str(row[name]) for name in ("cell", "sample_id", "metric", "observation", "au")): (
            row["value"] if row["status"] == "ok" else (row["status"], row["reason"])
        )
        for row in long_rows(run, model, metric)
    }
    assert len(found) == len(long_rows(run, model, metric)), "a sample has two rows of one observation"
    return found


def table(run: Run, model: str, metric: str, au: str | None = None) -> SummaryRow:
    """One row of the table."""
    (row,) = [
        row
        for row in summarise(run.manifest, run.observations)
        if (row.model, row.metric, row.au) == (model, metric, au)
    ]
    return row


def write_suite(path: Path, text: str = "", *, datasets: str = "", **settings: Any) -> Path:
    """A toy suite as a TOML file."""
    lines = [
        f"{name} = {list(value) if isinstance(value, tuple) else value!r}"
        for name, value in {"models": (), "metrics": ("toy-l1",), "batch_size": 4, **settings}.items()
    ]
    references = '[references]\noracle = "toy-exact"\ncopy_source = "toy-copy"\n'
    path.write_text("\n".join([*lines, text, references, datasets or '[[datasets]]\nname = "toy"\n']))
    return path


def environment(**more: str) -> dict[str, str]:
    """The environment of a subprocess that finds the toy plugin."""
    path = os.pathsep.join(part for part in (str(TESTS), os.environ.get("PYTHONPATH", "")) if part)
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **more}


def command(*words: object, flush_always: bool = False) -> list[str]:
    """``gath-bench`` with the toy plugin alone, as a subprocess runs it."""
    program = ["-c", FLUSH_ALWAYS] if flush_always else ["-m", "gath_bench"]
    return [sys.executable, *program, "--no-plugins", "--plugin", "toy.toy_plugin", *map(str, words)]


def gath_bench(
    *words: object, cwd: Path | None = None, flush_always: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run ``gath-bench`` with the toy plugin alone."""
    return subprocess.run(
        command(*words, flush_always=flush_always),
        capture_output=True,
        text=True,
        env=environment(),
        cwd=cwd,
        timeout=120,
    )
