"""``gath-bench verify``: an unchanged run is reproduced; a changed one is reported with the place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from toy.running import measure, toy_suite
from toy.toy_plugin import CALLS, HOOK_CALLS

from gath_bench.contracts.keys import file_hash
from gath_bench.results import load


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with draws, absences, AUs and speed."""
    before = torch.are_deterministic_algorithms_enabled()
    folder = tmp_path_factory.mktemp("verify") / "run"
    measure(toy_suite(("toy-noise", "toy-gaps"), ("toy-l1", "toy-au", "toy-system")), folder)
    torch.use_deterministic_algorithms(before)
    return folder


@pytest.fixture
def fresh(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "run"))


def change_one_value(folder: Path, by: float, metric: str = "toy-l1") -> Path:
    """Add to one value of one shard, by hand."""
    for shard in sorted((folder / "samples").glob("*.parquet")):
        file = pq.ParquetFile(shard)
        table = file.read()
        named = table["metric"].to_pylist()
        values = table["value"].to_pylist()
        places = [at for at, name in enumerate(named) if name == metric and values[at] is not None]
        if places:
            values[places[0]] += by
            column = table.schema.get_field_index("value")
            pq.write_table(table.set_column(column, "value", pa.array(values, pa.float64())), shard)
            return shard
    raise AssertionError("no such value")


def record_hashes(folder: Path) -> None:
    """What a forger would do next."""
    manifest = load(folder).manifest
    manifest.files = {path.name: file_hash(path) for path in (folder / "samples").iterdir()}
    manifest.write(folder)


def test_an_unchanged_run_is_reproduced(gath_bench: Any, fresh: Path) -> None:
    CALLS.clear()
    HOOK_CALLS.clear()
    before = {path: file_hash(path) for path in fresh.rglob("*") if path.is_file()}
    said = gath_bench("verify", fresh)
    assert said.code == 0, said
    assert "reproduced" in said.out
    for metric in ("toy-l1", "toy-au"):
        (line,) = [line for line in said.out.splitlines() if line.startswith(metric)]
        assert line.split()[2] == "0"
        assert line.endswith("ok")
    assert "toy-system  reported only" in said.out
    assert CALLS["load"] > 0, "nothing was measured again"
    assert HOOK_CALLS == []
    assert {path: file_hash(path) for path in fresh.rglob("*") if path.is_file()} == before


def test_one_changed_value_is_found_by_its_hash(gath_bench: Any, fresh: Path) -> None:
    CALLS.clear()
    shard = change_one_value(fresh, 1e-9)
    said = gath_bench("verify", fresh)
    assert said.code == 1
    assert f"samples/{shard.name} was changed: SHA-256 mismatch" in said.err
    assert CALLS["load"] == 0


def test_a_missing_and_an_unlisted_shard_are_found(gath_bench: Any, fresh: Path) -> None:
    first, *_ = sorted((fresh / "samples").iterdir())
    first.rename(first.with_name("999-foreign.000000-0.parquet"))
    said = gath_bench("verify", fresh)
    assert said.code == 1
    assert f"{first.name} is missing" in said.err
    assert "999-foreign.000000-0.parquet is not listed in the manifest" in said.err


def test_a_changed_value_with_a_new_hash_is_found_by_measuring(gath_bench: Any, fresh: Path) -> None:
    change_one_value(fresh, 0.25)
    record_hashes(fresh)
    said = gath_bench("verify", fresh)
    assert said.code == 1
    assert "drifted" in said.out
    (line,) = [line for line in said.out.splitlines() if line.startswith("toy-l1")]
    assert line.split()[-1] == "DRIFT"
    assert float(line.split()[2]) == pytest.approx(0.25, rel=1e-2)
    assert "1 beyond tolerance, 0 vanished, 0 appeared; largest at" in said.out
    (other,) = [line for line in said.out.splitlines() if line.startswith("toy-au")]
    assert other.endswith("ok")


def test_within_tolerance_is_no_drift(gath_bench: Any, fresh: Path) -> None:
    change_one_value(fresh, 1e-6)
    record_hashes(fresh)
    said = gath_bench("verify", fresh)
    assert said.code == 0, said
    (line,) = [line for line in said.out.splitlines() if line.startswith("toy-l1")]
    assert np.isclose(float(line.split()[2]), 1e-6, rtol=0.05)


def test_a_missing_value_is_drift(gath_bench: Any, fresh: Path) -> None:
    change_one_value(fresh, float("inf"))
    record_hashes(fresh)
    said = gath_bench("verify", fresh)
    assert said.code == 1
    assert "0 vanished, 1 appeared" in said.out


def test_a_limit_measures_whole_batches_only(gath_bench: Any, fresh: Path) -> None:
    said = gath_bench("verify", fresh, "--limit", 5)
    assert said.code == 0, said
    (line,) = [line for line in said.out.splitlines() if line.startswith("toy-l1")]
    # Two batches of four; four models; one sample has no image under one of them.
    assert int(line.split()[1]) == 4 * 8 - 1


def test_a_changed_component_is_reported_and_nothing_measured(gath_bench: Any, fresh: Path) -> None:
    CALLS.clear()
    manifest = load(fresh).manifest
    manifest.metrics[0].key = "toy-l1@7"
    manifest.cells[0].dataset_key = "toy@1#00"
    manifest.write(fresh)
    said = gath_bench("verify", fresh)
    assert said.code == 1
    assert "the metric toy-l1 was toy-l1@7 and is toy-l1" in said.err
    assert "was of toy@1#00 and is of toy" in said.err
    assert CALLS["load"] == 0


def test_another_number_of_threads_is_noted_with_the_remedy(gath_bench: Any, fresh: Path) -> None:
    manifest = load(fresh).manifest
    threads = manifest.environment["determinism"]["threads"]
    manifest.environment["determinism"]["threads"] = threads + 1
    manifest.write(fresh)
    said = gath_bench("verify", fresh, "--limit", 1)
    assert f"measured with {threads + 1} threads, again with {threads}, which" in said.out
    assert f"OMP_NUM_THREADS={threads + 1} gives the same sums" in said.out


def test_changed_package_versions_are_noted(gath_bench: Any, fresh: Path) -> None:
    manifest = load(fresh).manifest
    manifest.environment["packages"]["numpy"] = "0.1"
    manifest.write(fresh)
    said = gath_bench("verify", fresh)
    assert said.code == 0
    assert "note: numpy was 0.1 and is" in said.out


def test_what_cannot_be_verified_is_one_sentence(gath_bench: Any, fresh: Path, tmp_path: Path) -> None:
    gath_bench("verify", tmp_path / "nowhere").refused("is not a run folder")
    gath_bench("verify", fresh, plugins=False).refused("toy")
    manifest = load(fresh).manifest
    manifest.status = "running"
    manifest.write(fresh)
    gath_bench("verify", fresh).refused("is not finished", "--resume")
