"""Comparing stored records: drift of the machine cancels, slower code does not, unlike machines are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gath_bench.errors import UsageError
from gath_bench.perf.tracking import compare_records, find_record, read_records

MACHINE = {"cpu": "a", "threads": 1}


def store(
    folder: Path,
    number: int,
    *,
    slowdown: float = 1.0,
    load: float = 1.0,
    noise: float = 0.05,
    machine: dict[str, Any] | None = None,
) -> None:
    """A record as pytest-benchmark writes it: calls of 10 ms beside two kinds of reference work, on a busy machine."""
    rng = np.random.default_rng(number)
    rounds = 240
    # What neighbours take, felt by the call a little more than by one piece of work and less than by the other.
    busy = load * (1 + rng.exponential(0.3, rounds)) if load > 1 else 1 + rng.exponential(0.1, rounds)

    def readings(milliseconds: float, felt: float) -> str:
        times = milliseconds * busy**felt * (1 + rng.exponential(noise, rounds))
        return " ".join(f"{time:.5g}" for time in times)

    benchmark = {
        "name": "model/x/batch-1/128px",
        "extra_info": {
            "key": "x@1",
            "images": 1,
            "peak_memory_mb": 2.0,
            "call_ms": readings(10 * slowdown, 0.5),
            "reference_ms": {"hardy": readings(1, 0.4), "tender": readings(1, 0.6)},
        },
    }
    content = {
        "benchmarks": [benchmark],
        "commit_info": {"id": "abc", "dirty": False},
        "datetime": "2026-01-01T00:00:00",
        "machine_info": machine or MACHINE,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number:04d}_run.json").write_text(json.dumps(content), encoding="utf-8")


def test_a_slower_machine_is_no_slower_code(tmp_path: Path) -> None:
    store(tmp_path, 1)
    for number in range(2, 12):
        store(tmp_path, number, load=3.0)
        (line,) = compare_records(find_record(tmp_path, "0001"), find_record(tmp_path, "-1"))
        assert line.after.floor > 1.5 * line.before.floor
        assert not line.is_slower(0.10)
        assert line.low < 1 < line.high


def test_slower_code_is_found_on_a_faster_machine(tmp_path: Path) -> None:
    store(tmp_path, 1, load=3.0)
    store(tmp_path, 2, slowdown=1.3)
    (line,) = compare_records(*read_records(tmp_path))
    assert line.after.floor < line.before.floor
    assert line.is_slower(0.10)
    assert line.low < 1.3 < line.high


def test_slower_code_is_found_on_an_equal_machine(tmp_path: Path) -> None:
    for number in range(1, 11):
        store(tmp_path, number, slowdown=1.0 if number == 1 else 1.3)
        if number > 1:
            (line,) = compare_records(find_record(tmp_path, "0001"), find_record(tmp_path, "-1"))
            assert line.is_slower(0.10)
            assert line.low < 1.3 < line.high


def test_unlike_machines_are_refused_with_what_differs(tmp_path: Path) -> None:
    store(tmp_path, 1)
    store(tmp_path, 2, machine={"cpu": "a", "threads": 8})
    with pytest.raises(UsageError, match=r"unlike machines .*threads: 1 versus 8"):
        compare_records(*read_records(tmp_path))


def test_records_are_found_by_number_name_and_place(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        store(tmp_path / "machine", number)
    assert find_record(tmp_path, "0002").name == "0002_run"
    assert find_record(tmp_path, "0002_run").name == "0002_run"
    assert find_record(tmp_path, "-2").name == "0002_run"
    with pytest.raises(UsageError, match="no record '0009'; the last are"):
        find_record(tmp_path, "0009")


def test_an_empty_or_broken_storage_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gath-bench perf run"):
        find_record(tmp_path, "-1")
    (tmp_path / "0001_x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="is no record"):
        read_records(tmp_path)
