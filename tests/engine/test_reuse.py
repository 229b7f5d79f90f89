"""Observations of earlier runs are reused: equal values, only what is missing is measured, the store is bounded."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from toy.running import measure, toy_suite, values
from toy.toy_plugin import CALLS

from gath_bench.engine.reuse import ObservationStore
from gath_bench.results import Run
from gath_bench.results.observations import Observations

METRICS = ("toy-l1", "toy-source-l1", "toy-au", "toy-mask")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def run(folder: Path, store: Path | None, models: tuple[str, ...], metrics: tuple[str, ...] = METRICS) -> Run:
    CALLS.clear()
    suite = toy_suite(models, metrics, "toy[n=10,unreadable=4]")
    return measure(suite, folder, reuse=store)[1]


def test_one_more_model_is_measured_alone(tmp_path: Path, store: Path) -> None:
    run(tmp_path / "first", store, ("toy-noise",))
    added = run(tmp_path / "added", store, ("toy-noise", "toy-edit"))
    assert CALLS["estimate"] == 3 * 2  # of the added model: generated and source images
    assert CALLS["load"] == 3
    assert [cell.reused for cell in added.manifest.cells] == [sorted(METRICS)] * 3 + [[]]
    alone = run(tmp_path / "alone", None, ("toy-noise", "toy-edit"))
    assert added.observations.equals(alone.observations)


def test_one_more_metric_is_measured_alone(tmp_path: Path, store: Path) -> None:
    run(tmp_path / "first", store, ("toy-noise",), ("toy-au", "toy-l1"))
    added = run(tmp_path / "added", store, ("toy-noise",))
    assert CALLS["estimate"] == 0
    assert values(added) == values(run(tmp_path / "alone", None, ("toy-noise",)))


def test_a_complete_table_is_reused_without_loading(tmp_path: Path, store: Path) -> None:
    first = run(tmp_path / "first", store, ("toy-noise",))
    again = run(tmp_path / "again", store, ("toy-noise",))
    assert CALLS["load"] == CALLS["animate"] == 0
    assert again.observations.equals(first.observations)


def test_other_samples_seeds_and_batches_are_measured(tmp_path: Path, store: Path) -> None:
    run(tmp_path / "first", store, ())
    settings: list[dict[str, Any]] = [{"seed": 1}, {"batch_size": 2}, {"limit": 4}]
    for number, setting in enumerate(settings):
        CALLS.clear()
        suite = toy_suite((), METRICS, "toy[n=10,unreadable=4]", **setting)
        _, other = measure(suite, tmp_path / str(number), reuse=store)
        assert CALLS["load"] > 0
        assert not any(cell.reused for cell in other.manifest.cells)


def test_system_and_corpus_metrics_and_failures_are_measured_again(tmp_path: Path, store: Path) -> None:
    metrics = ("toy-system", "toy-corpus", "toy-l1")
    for name in ("first", "again"):
        found = run(tmp_path / name, store, ("toy-failing",), metrics)
        assert CALLS["toy-system"] == 3
    reused = {cell.model: cell.reused for cell in found.manifest.cells}
    assert reused == {"toy-exact": ["toy-l1"], "toy-copy": ["toy-l1"], "toy-failing": []}


def test_a_damaged_entry_is_measured_again(tmp_path: Path, store: Path) -> None:
    first = run(tmp_path / "first", store, ())
    for path in store.glob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-9])
    again = run(tmp_path / "again", store, ())
    assert CALLS["load"] == 3
    assert again.observations.equals(first.observations)


def test_the_store_keeps_the_entries_that_were_used_last_within_its_limit(store: Path) -> None:
    entry = Observations()
    for number in range(200):
        entry.add(
            cell="c", batch=0, position=number, sample_id=f"s{number}", subject="p", metric="m",
            observation="m", value=number / 7,
        )  # fmt: skip
    ObservationStore(store).write("0", entry)
    size = next(store.iterdir()).stat().st_size
    bounded = ObservationStore(store, max_bytes=3 * size)

    def fill(first: int) -> None:
        for number in range(first, first + 8):
            bounded.write(f"{number}", entry)
            assert bounded.read("0") is None or bounded.read("0") is not None

    threads = [threading.Thread(target=fill, args=(10 * part,)) for part in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(list(store.glob("*.parquet"))) <= 3
    assert not list(store.glob("*.part"))
    for path in store.glob("*.parquet"):
        table = bounded.read(path.stem)
        assert table is not None
        assert table.num_rows == 200
