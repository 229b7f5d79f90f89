"""``gath-bench weights``, and the warning about a metric without values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GATH_BENCH_WEIGHTS", raising=False)
    for variable in ("XDG_CACHE_HOME", "TORCH_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))


def item(gath_bench: Any, name: str) -> dict[str, Any]:
    listed = gath_bench("weights", "list", "--json", plugins=False)
    assert listed.code == 0
    (found,) = [entry for entry in json.loads(listed.out) if entry["name"] == name]
    assert isinstance(found, dict)
    return found


def test_get_add_and_list(gath_bench: Any, tmp_path: Path) -> None:
    assert item(gath_bench, "vgg16")["status"] == "missing"
    assert item(gath_bench, "vgg16")["used_by"] == ["perceptual trunk vgg"]
    table = gath_bench("weights", "list", plugins=False)
    assert "BSD-3-Clause" in table.out
    wrong = tmp_path / "vgg16.pth"
    wrong.write_bytes(b"not the network")
    gath_bench("weights", "get", "vgg16", "--url", wrong.as_uri(), plugins=False).refused("by https only")
    gath_bench("weights", "get", "vgg16", "--url", wrong.as_uri(), "--allow-local", plugins=False).refused(
        "is not the published vgg16-397923af.pth"
    )
    gath_bench("weights", "add", "vgg16", wrong, plugins=False).refused("SHA-256")
    assert item(gath_bench, "vgg16")["status"] == "missing"
    mine = tmp_path / "my-arcface.onnx"
    mine.write_bytes(b"network")
    added = gath_bench("weights", "add", "arcface", mine, plugins=False)
    assert added.code == 0
    found = item(gath_bench, "arcface")
    assert found["status"] == "ok"
    assert found["sha256"] in added.out  # the publisher states none: it was recorded


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("get", "alexnett"), "did you mean alexnet"),
        (("get", "arcface"), "gath-bench weights add arcface FILE"),
        (("get", "standard", "--url", "https://example.org/x"), "is a suite"),
        (("add", "nobody", "x"), "there are no weights 'nobody'"),
        (("add", "sface", "nothing.onnx"), "there is no file"),
    ],
)
def test_bad_arguments_are_one_sentence(gath_bench: Any, words: tuple[str, ...], sentence: str) -> None:
    gath_bench("weights", *words, plugins=False).refused(sentence)


def test_a_run_refuses_a_trunk_without_weights(gath_bench: Any, tmp_path: Path) -> None:
    done = gath_bench("run", "-m", "copy-source", "-M", "lpips[trunk=alex]", "--limit", 1, plugins=False)
    done.refused("lpips[trunk=alex]", "gath-bench weights get alexnet")
    assert not (tmp_path / "results").exists()


def test_a_metric_without_any_value_is_named_at_the_end(gath_bench: Any) -> None:
    done = gath_bench(
        "run", "-m", "toy-copy", "-d", "toy", "-M", "toy-l1", "-M", "toy-no-weights", "--limit", 2
    )
    assert done.code == 0
    warnings = [line for line in done.err.splitlines() if line.startswith("warning: the metric")]
    (line,) = warnings
    assert "toy-no-weights has no value in this run: the weights toy.pth are missing" in line
