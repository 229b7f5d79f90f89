"""The content of a manifest, and ``changed_files``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter
from toy.running import measure, toy_suite

from gath_bench import UsageError
from gath_bench.contracts.keys import ComponentKey, file_hash
from gath_bench.results import MANIFEST, Manifest, Run, changed_files, load
from gath_bench.results.plain import from_json


@pytest.fixture
def run(tmp_path: Path) -> Run:
    before = torch.are_deterministic_algorithms_enabled()
    suite = toy_suite(("toy-edit",), ("toy-l1", "toy-au", "toy-system"), seed=3)
    _, run = measure(suite, tmp_path / "run", command=("gath-bench", "run", "suite.toml"))
    torch.use_deterministic_algorithms(before)
    return run


def test_it_records_what_verify_needs(run: Run) -> None:
    manifest = run.manifest
    assert manifest.command == ["gath-bench", "run", "suite.toml"]
    assert manifest.suite["metrics"] == ["toy-l1", "toy-au", "toy-system"]
    assert manifest.suite["datasets"][0]["name"] == "toy"
    assert (manifest.seed, manifest.suite["seed"], manifest.batch_size) == (3, 3, 4)
    keys = [key for cell in manifest.cells for key in (cell.model_key, cell.dataset_key)]
    keys += [key for record in manifest.metrics for key in (record.key, *record.evaluators)]
    assert all(ComponentKey.parse(key).version for key in keys)
    assert any(record.evaluators for record in manifest.metrics)
    assert {"gath-bench", "torch", "numpy", "pyarrow"} <= set(manifest.environment["packages"])
    assert manifest.environment["plugins"] == {"toy.toy_plugin": "--plugin"}
    assert {"commit", "dirty"} <= set(manifest.environment["source"])
    assert {"deterministic_algorithms", "tf32", "threads"} <= set(manifest.environment["determinism"])
    assert {"cpu", "gpu", "cores", "threads", "python"} <= set(manifest.environment["machine"])
    assert manifest.finished is not None
    assert manifest.created <= manifest.finished
    assert all(cell.seconds > 0 for cell in manifest.cells)
    assert manifest.files == {path.name: file_hash(path) for path in (run.path / "samples").iterdir()}


def test_reading_needs_no_pydantic_and_gives_the_same(run: Run) -> None:
    """Sound manifests are read without it; whatever else there is in a manifest is left to it."""
    content = json.loads((run.path / MANIFEST).read_text(encoding="utf-8"))
    assert from_json(Manifest, content) == TypeAdapter(Manifest).validate_python(content) == run.manifest
    for name, value in (("seed", "3"), ("cells", {}), ("status", None), ("unknown", 1), ("batch_size", 4.0)):
        with pytest.raises(TypeError):
            from_json(Manifest, content | {name: value})
    (run.path / MANIFEST).write_text(json.dumps(content | {"batch_size": 4.0}), encoding="utf-8")
    assert load(run.path).manifest == run.manifest


def test_hardware_names_what_a_speed_depends_on(run: Run) -> None:
    machine = run.manifest.environment["machine"]
    assert run.manifest.hardware == f"cpu {machine['cpu']} x{machine['threads']}"
    run.manifest.device, machine["gpu"] = "cuda:1", "NVIDIA H200"
    assert run.manifest.hardware == "cuda NVIDIA H200"
    run.manifest.environment.clear()
    assert run.manifest.hardware == "cuda"


def test_changed_shards_are_listed(run: Run) -> None:
    assert changed_files(run) == []
    first, second, *_ = sorted((run.path / "samples").iterdir())
    first.write_bytes(first.read_bytes() + b"\0")
    second.unlink()
    assert changed_files(run) == [
        f"samples/{first.name} was changed: SHA-256 mismatch.",
        f"samples/{second.name} is missing.",
    ]


def test_an_unfinished_run_cannot_be_checked(run: Run) -> None:
    run.manifest.status = "running"
    run.manifest.write(run.path)
    with pytest.raises(UsageError, match="--resume"):
        changed_files(load(run.path))
