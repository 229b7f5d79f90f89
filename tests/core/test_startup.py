"""Commands that measure nothing import nothing heavy. Imports are checked instead of times, which vary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from core.helpers import Program

from gath_bench.contracts import Summary
from gath_bench.results import CellRecord, Manifest, MetricRecord, Observations, ShardStore

HEAVY = ("torch", "torchvision", "pandas", "lpips", "skimage", "scipy", "matplotlib", "pyarrow.dataset")
#: What a report of a sound run does without, since each takes as long as the report's statistics.
UNNEEDED = ("pydantic", "pyarrow.compute", "numpy.ma")

#: Runs the program, then prints to standard error which packages of HEAVY it imported.
SPY = f"""
import atexit, json, sys
@atexit.register
def tell():
    print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)
from gath_bench.cli.main import main
main()
"""


@pytest.fixture
def finished_run(tmp_path: Path) -> Path:
    """A run folder as the engine leaves it: one cell, three samples, one of them NA."""
    folder = tmp_path / "finished"
    cell = CellRecord(
        cell_id="000-m-d-same-subject",
        model="m",
        model_key="m@1",
        sees_target=False,
        trained_against=[],
        dataset="d",
        dataset_key="d@1#ab",
        domain="synthetic",
        split="test",
        protocol="same-subject",
        samples=3,
        metrics=["psnr"],
        status="ok",
        seconds=1.0,
    )
    metric = MetricRecord(
        name="psnr",
        key="psnr@1",
        evaluators=[],
        system=False,
        deterministic=True,
        tolerance=1e-5,
        display="{:.2f}",
        summaries=[Summary("psnr", direction="higher", unit="dB")],
    )
    rows = Observations()
    for position, value in enumerate([20.0, 22.5, None]):
        rows.add(
            cell=cell.cell_id,
            batch=0,
            position=position,
            sample_id=f"s{position}",
            subject=f"p{position}",
            metric="psnr",
            observation="psnr",
            value=value,
            status="ok" if value else "na",
            reason=None if value else "no target image",
        )
    ShardStore(folder / "samples").write(cell.cell_id, rows, [0])
    Manifest(
        status="finished",
        command=["gath-bench", "run"],
        suite={"name": "small"},
        references={"oracle": "oracle", "copy_source": "copy-source"},
        seed=0,
        device="cpu",
        batch_size=16,
        created="2026-01-01T00:00:00+00:00",
        environment={},
        skipped=[],
        metrics=[metric],
        cells=[cell],
    ).write(folder)
    return folder


@pytest.mark.parametrize(
    "command",
    [["--help"], ["--version"], ["list"], ["list", "--json"], ["run", "--help"], ["no-such-command"]],
    ids=" ".join,
)
def test_listing_and_help_import_nothing_heavy(command: list[str], program: Program, tmp_path: Path) -> None:
    done = program(*command, cwd=tmp_path, code=SPY)
    assert done.returncode == (2 if "no-such-command" in command else 0), done.stderr
    assert json.loads(done.stderr.splitlines()[-1]) == []


def test_help_imports_no_contract_but_the_specs(program: Program, tmp_path: Path) -> None:
    """Every further module is a part of the time of each command."""
    unneeded = ("numpy", "pydantic", "pyarrow", "gath_bench.registry", "gath_bench.contracts.metric")
    done = program("--help", cwd=tmp_path, code=SPY.replace(repr(HEAVY), repr(unneeded)))
    assert "Commands:" in done.stdout
    assert json.loads(done.stderr.splitlines()[-1]) == []


@pytest.mark.parametrize("form", ["console", "markdown"])
def test_report_imports_nothing_heavy(
    form: str, program: Program, finished_run: Path, tmp_path: Path
) -> None:
    code = SPY.replace(repr(HEAVY), repr(HEAVY + UNNEEDED))
    done = program("report", finished_run, "--format", form, cwd=tmp_path, code=code)
    assert done.returncode == 0, done.stderr
    assert "21.25" in done.stdout
    assert json.loads(done.stderr.splitlines()[-1]) == []
