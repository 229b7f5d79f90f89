"""Records of ``gath-bench perf``: load on the machine cancels, slower code does not, other machines are skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gath_perf.comparison import compare_records
from gath_perf.records import Record, find_record, newest_pair, read_records

from gath_bench.errors import UsageError

HARDWARE = {"cpu": "a", "cores": 2}
MACHINE = {**HARDWARE, "threads": 1}


def store(
    folder: Path,
    number: int,
    *,
    slowdown: float = 1.0,
    load: float = 1.0,
    noise: float = 0.05,
    machine: dict[str, Any] | None = None,
    benchmark_name: str = "model/x/batch-1/128px",
) -> None:
    """A record as pytest-benchmark writes it: calls of 10 ms and two reference workloads, on a machine under load."""
    rng = np.random.default_rng(number)
    rounds = 240
    # The load slows the call a little more than one workload and less than the other.
    busy = load * (1 + rng.exponential(0.3, rounds)) if load > 1 else 1 + rng.exponential(0.1, rounds)

    def readings(milliseconds: float, sensitivity: float) -> str:
        times = milliseconds * busy**sensitivity * (1 + rng.exponential(noise, rounds))
        return " ".join(f"{time:.5g}" for time in times)

    benchmark = {
        "name": benchmark_name,
        "extra_info": {
            "key": "x@1",
            "images": 1,
            "peak_memory_mb": 2.0,
            "call_ms": readings(10 * slowdown, 0.5),
            "reference_ms": {"insensitive": readings(1, 0.4), "sensitive": readings(1, 0.6)},
        },
    }
    content = {
        "benchmarks": [benchmark],
        "commit_info": {"id": "abc", "dirty": False},
        "datetime": f"2026-01-01T00:00:{number:02d}",
        "machine_info": machine or MACHINE,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number:04d}_run.json").write_text(json.dumps(content), encoding="utf-8")


def first_and_last(folder: Path) -> tuple[Record, Record]:
    records = read_records([folder])
    return find_record(records, "0001"), find_record(records, "-1")


def test_load_on_the_machine_is_not_slower_code(tmp_path: Path) -> None:
    store(tmp_path, 1)
    for number in range(2, 12):
        store(tmp_path, number, load=3.0)
        (line,) = compare_records(*first_and_last(tmp_path))
        assert line.after.floor > 1.5 * line.before.floor
        assert not line.is_slower(0.10)
        assert line.low < 1 < line.high


def test_slower_code_is_found_on_a_faster_machine(tmp_path: Path) -> None:
    store(tmp_path, 1, load=3.0)
    store(tmp_path, 2, slowdown=1.3)
    (line,) = compare_records(*read_records([tmp_path]))
    assert line.after.floor < line.before.floor
    assert line.is_slower(0.10)
    assert line.low < 1.3 < line.high


def test_slower_code_is_found_on_an_equal_machine(tmp_path: Path) -> None:
    for number in range(1, 11):
        store(tmp_path, number, slowdown=1.0 if number == 1 else 1.3)
        if number > 1:
            (line,) = compare_records(*first_and_last(tmp_path))
            assert line.is_slower(0.10)
            assert line.low < 1.3 < line.high


def test_records_of_different_machines_are_refused_with_the_difference(tmp_path: Path) -> None:
    store(tmp_path, 1)
    store(tmp_path, 2, machine={**MACHINE, "threads": 8})
    with pytest.raises(UsageError, match=r"0001_run and 0002_run cannot be compared.*threads: 1 versus 8"):
        compare_records(*read_records([tmp_path]))


def test_records_are_found_by_number_name_and_place(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        store(tmp_path / "machine", number)
    records = read_records([tmp_path])
    assert find_record(records, "0002").name == "0002_run"
    assert find_record(records, "0002_run").name == "0002_run"
    assert find_record(records, "-2").name == "0002_run"
    with pytest.raises(UsageError, match="no record '0009'; the newest are"):
        find_record(records, "0009")


def test_a_number_that_two_folders_have_is_refused_with_both_files(tmp_path: Path) -> None:
    for folder in ("own", "published"):
        store(tmp_path / folder, 1)
    records = read_records([tmp_path / "own", tmp_path / "published"])
    with pytest.raises(UsageError, match=r"2 records .*own.*published.*--storage"):
        find_record(records, "0001")


def test_a_folder_that_is_given_twice_is_read_once(tmp_path: Path) -> None:
    store(tmp_path, 1)
    assert len(read_records([tmp_path, tmp_path, tmp_path / "missing"])) == 1


def test_a_file_that_is_not_a_record_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "0001_x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="is not a record"):
        read_records([tmp_path])


def names(folder: Path, hardware: dict[str, Any] = HARDWARE) -> tuple[str, str, dict[str, str]]:
    pair = newest_pair(read_records([folder]), hardware)
    return pair.before.name, pair.after.name, {record.name: reason for record, reason in pair.skipped}


def test_the_two_newest_records_are_compared(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        store(tmp_path, number)
    assert names(tmp_path) == ("0002_run", "0003_run", {})


def test_records_that_cannot_be_compared_are_skipped_with_the_reason(tmp_path: Path) -> None:
    store(tmp_path, 1)
    store(tmp_path, 2)
    store(tmp_path, 3, machine={**MACHINE, "cpu": "b"})
    store(tmp_path, 4, machine={**MACHINE, "threads": 8})
    store(tmp_path, 5, benchmark_name="model/y/batch-1/128px")
    store(tmp_path, 6)
    store(tmp_path, 7, machine={**MACHINE, "cpu": "b"})
    before, after, skipped = names(tmp_path)
    assert (before, after) == ("0002_run", "0006_run")
    assert {name: reason.split("(")[-1].rstrip(")") for name, reason in skipped.items()} == {
        "0007_run": "cpu: b versus a",
        "0005_run": "no benchmark in common",
        "0004_run": "threads: 8 versus 1",
        "0003_run": "cpu: b versus a",
    }


def test_records_of_other_machines_are_not_compared_even_where_there_are_no_others(tmp_path: Path) -> None:
    for number in (1, 2):
        store(tmp_path, number)
    with pytest.raises(UsageError, match=r"there is no record.*skipped 0001_run: .*cpu: a versus b"):
        names(tmp_path, {**HARDWARE, "cpu": "b"})
    store(tmp_path, 3, machine={**MACHINE, "cpu": "b"})
    with pytest.raises(UsageError, match="there is only 0003_run"):
        names(tmp_path, {**HARDWARE, "cpu": "b"})
