"""Observations of earlier runs are reused: equal values, only what is missing is measured, the store is bounded."""

from __future__ import annotations

import importlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from reliability.test_storage_faults import ERRORS, FailingDisk
from toy.running import measure, toy_suite, values
from toy.toy_plugin import CALLS

from gath_bench.engine.reuse import ENTRY, ObservationStore, _package_hash, _source_hash
from gath_bench.results import Run, load
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


def test_a_changed_module_beside_a_plugin_file_is_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin, helper = tmp_path / "some_plugin.py", tmp_path / "some_helper.py"
    plugin.write_text("import some_helper\nclass Metric: ...\n")
    helper.write_text("FACTOR = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    metric = importlib.import_module("some_plugin").Metric
    before = _package_hash(metric)
    helper.write_text("FACTOR = 2\n")
    _source_hash.cache_clear()
    assert _package_hash(metric) != before


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_version(path: Path) -> None:
    path.write_bytes(path.read_bytes()[32:])  # the Parquet file alone


def swap(path: Path) -> None:
    """A whole entry of another name."""
    others = sorted(path.parent.glob(f"*{ENTRY}"))
    path.write_bytes(others[others.index(path) - 1].read_bytes())


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


#: What happened to the entries of a store.
DAMAGE = {
    "cut off": cut,
    "with a changed bit": flip,
    "that is empty": lambda path: path.write_bytes(b""),
    "of another version": other_version,
    "of another name": swap,
    "that is a folder": make_folder,
    "that is a named pipe": make_pipe,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_measured_again(tmp_path: Path, store: Path, damage: str) -> None:
    first = run(tmp_path / "first", store, ())
    for path in sorted(store.iterdir()):
        DAMAGE[damage](path)
    again = run(tmp_path / "again", store, ())
    assert CALLS["load"] == 3
    assert values(again) == values(first)
    third = run(tmp_path / "third", store, ())
    assert values(third) == values(first)
    assert CALLS["load"] == (3 if damage == "that is a folder" else 0), "written again, where it can be"
    assert not list(store.glob("*.part"))


def test_an_entry_without_a_sample_or_with_a_failure_is_measured_again(tmp_path: Path, store: Path) -> None:
    first = run(tmp_path / "first", store, (), ("toy-l1",))
    for number, path in enumerate(sorted(store.iterdir())):
        whole = ObservationStore(store).read(path.stem)
        assert whole is not None
        entry = Observations()
        for row in whole.to_pylist()[number:]:  # the first entry keeps all rows
            status = "ok" if number else "failed"
            entry.add(**row | {"status": status, "value": 0.0})
        ObservationStore(store).write(path.stem, entry)
    again = run(tmp_path / "again", store, (), ("toy-l1",))
    assert CALLS["load"] == 3
    assert again.observations.equals(first.observations)


@pytest.mark.parametrize("error", ERRORS)
def test_a_store_on_a_failing_disk_ends_no_run(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    with monkeypatch.context() as patch:
        disk = FailingDisk(patch, ERRORS[error], 1, suffix=f"{ENTRY}.")
        first = run(tmp_path / "first", store, ())
    assert disk.writes > 0
    assert not list(store.iterdir())
    assert run(tmp_path / "again", store, ()).observations.equals(first.observations)


def test_a_store_that_is_a_file_ends_no_run(tmp_path: Path, store: Path) -> None:
    store.write_text("no folder")
    first = run(tmp_path / "first", store, ())
    assert CALLS["load"] == 3
    assert first.manifest.status == "finished"
    assert store.read_text() == "no folder"


def test_a_run_that_was_stopped_within_a_reused_cell_says_so(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "first", store, (), ("toy-l1",))

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gath_bench.engine.cell.ShardStore.write", stop)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "again", store, (), ("toy-l1",))
    assert load(tmp_path / "again").manifest.cells[0].reused == ["toy-l1"]


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
    assert 1 <= len(list(store.glob(f"*{ENTRY}"))) <= 3
    assert not list(store.glob("*.part"))
    for path in store.glob(f"*{ENTRY}"):
        table = bounded.read(path.stem)
        assert table is not None
        assert table.num_rows == 200
