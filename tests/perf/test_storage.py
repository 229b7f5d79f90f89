"""Where records go: never into a checkout by themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gath_perf.storage import NAMED_RECORDS, folder_to_write, folders_to_read, own_folder

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_record_goes_to_the_users_folder_unless_it_has_a_name_or_a_folder() -> None:
    assert folder_to_write(None, None) == own_folder()
    assert folder_to_write(None, "baseline") == NAMED_RECORDS
    for name in (None, "baseline"):
        assert folder_to_write(Path("mine"), name) == Path("mine")


def test_the_users_folder_is_not_in_the_checkout() -> None:
    assert own_folder().is_absolute()
    assert REPOSITORY not in own_folder().parents


def test_records_are_read_from_every_folder_they_are_written_to() -> None:
    for storage in (None, Path("mine")):
        for name in (None, "baseline"):
            assert folder_to_write(storage, name) in folders_to_read(storage)


@pytest.mark.skipif(sys.platform != "linux", reason="the user's folder is set by XDG_CONFIG_HOME on Linux")
def test_a_run_leaves_the_current_folder_alone_and_compare_finds_its_record(tmp_path: Path) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    environment = os.environ | {"XDG_CONFIG_HOME": str(home)}
    environment.pop("GATH_BENCH_PERF", None)

    def perf(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gath_bench", "perf", *words]
        return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)

    measure = ("run", "-m", "copy-source", "--batch", "1", "--rounds", "24")
    done = perf(*measure)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(work.iterdir()) == []
    [first] = (home / "gath-bench" / "perf").rglob("*.json")
    content = json.loads(first.read_text(encoding="utf-8"))
    content["machine_info"]["cpu"] = "another"
    content["datetime"] = "9999-01-01T00:00:00"
    (first.parent / "0002_elsewhere.json").write_text(json.dumps(content), encoding="utf-8")

    named = perf(*measure, "--name", "baseline")
    assert named.returncode == 0, named.stdout + named.stderr
    [committed] = (work / NAMED_RECORDS).rglob("*.json")
    assert committed.stem == "0001_baseline"

    compared = perf("compare")
    assert compared.returncode == 0, compared.stderr
    assert compared.stdout.startswith("0001_run (")
    assert "-> 0001_baseline (" in compared.stdout
    assert "skipped 0002_elsewhere: measured on another machine (cpu: another versus" in compared.stderr
