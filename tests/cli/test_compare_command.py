"""``gath-bench compare`` and ``report`` of several runs, on runs of toys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from toy.running import measure, table, toy_suite

from gath_bench.results import load


@pytest.fixture
def runs(tmp_path: Path, gath_bench: Any) -> tuple[Path, Path]:
    """One toy model each, on the same samples."""
    for name, model in (("a", "toy-edit"), ("b", "toy-small")):
        measure(toy_suite((model,), ("toy-source-l1", "toy-l1")), tmp_path / name)
    return tmp_path / "a", tmp_path / "b"


def test_json_has_the_paired_differences(gath_bench: Any, runs: tuple[Path, Path]) -> None:
    said = gath_bench("compare", *runs, "--json")
    assert said.code == 0, said.err
    content = json.loads(said.out)
    assert (content["schema"], content["run_a"], content["run_b"]) == (1, *map(Path.as_posix, runs))
    first, second = map(load, runs)
    assert {row["metric"] for row in content["rows"]} >= {"toy-l1", "toy-source-l1"}
    for row in content["rows"]:
        mine, theirs = table(first, "toy-edit", row["metric"]), table(second, "toy-small", row["metric"])
        assert (row["value_a"], row["value_b"]) == pytest.approx((mine.value, theirs.value))
        assert row["difference"] == pytest.approx(row["value_b"] - row["value_a"])
        assert (row["n"], row["subjects"], row["few_subjects"]) == (12, 4, True)
        assert row["low"] <= row["difference"] <= row["high"]
        assert 0 < row["p_value"] <= row["p_holm"] <= 1


def test_the_table_names_both_models(gath_bench: Any, runs: tuple[Path, Path]) -> None:
    said = gath_bench("compare", *runs)
    assert said.code == 0, said.err
    words = " ".join(said.out.split())
    assert "toy-small (B) against toy-edit (A) · toy · test · same-subject" in words
    assert "few subjects" in words
    only = gath_bench("compare", *runs, "-M", "toy-l1", "--pair", "toy-copy", "toy-copy", "--json")
    (row,) = json.loads(only.out)["rows"]
    assert (row["metric"], row["model_a"], row["difference"]) == ("toy-l1", "toy-copy", 0)


def test_headline_values_and_namesakes_are_shown_and_all_the_rest_on_request(
    gath_bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name, models in (("a", ("toy-edit", "toy-small")), ("b", ("toy-edit", "toy-gaps"))):
        measure(toy_suite(models, ("toy-source-l1", "toy-l1")), tmp_path / name)
        manifest = json.loads((tmp_path / name / "manifest.json").read_text(encoding="utf-8"))
        manifest["metrics"][0]["summaries"][0]["primary"] = False
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    pair = tmp_path / "a", tmp_path / "b"
    rows = json.loads(gath_bench("compare", *pair, "--all", "--json").out)["rows"]
    assert {(row["model_a"], row["model_b"]) for row in rows} == {
        ("toy-edit", "toy-edit"),
        ("toy-small", "toy-gaps"),
    }
    assert not all(row["primary"] for row in rows)
    said = gath_bench("compare", *pair)
    lines = said.out.splitlines()
    assert lines[2].startswith("no difference: A and B are equal in ")
    assert "toy-gaps" not in said.out
    assert max(map(len, lines[2:])) <= 80
    assert {line.split()[0] for line in lines if line.startswith(("toy-l1", "toy-source"))} == {
        "toy-l1",
        "toy-source-l1.median",
    }
    assert "1 more values: --all" in lines
    every = gath_bench("compare", *pair, "--all").out
    assert "toy-gaps (B) against toy-small (A)" in every
    for row in rows:
        assert row["metric"] in every


def test_one_metric_parameter_is_refused(gath_bench: Any, runs: tuple[Path, Path], tmp_path: Path) -> None:
    measure(toy_suite(("toy-edit",), ("toy-source-l1", "toy-l1[label=x]")), tmp_path / "other")
    gath_bench("compare", runs[0], tmp_path / "other").refused("metric toy-l1", "label", "versus x")
    alike = gath_bench("compare", runs[0], tmp_path / "other", "-M", "toy-source-l1", "--json")
    assert {row["difference"] for row in json.loads(alike.out)["rows"]} == {0}


def test_different_seeds_are_refused(gath_bench: Any, runs: tuple[Path, Path], tmp_path: Path) -> None:
    measure(toy_suite(("toy-edit",), ("toy-source-l1", "toy-l1"), seed=1), tmp_path / "other")
    gath_bench("compare", runs[0], tmp_path / "other").refused("seed: 0 versus 1")


def test_the_device_is_refused_for_speed_and_not_for_quality(gath_bench: Any, tmp_path: Path) -> None:
    for name in "ab":
        measure(toy_suite((), ("toy-l1", "toy-system")), tmp_path / name)
    manifest = load(tmp_path / "b").manifest
    manifest.device = "cuda:0"
    manifest.environment["machine"]["gpu"] = "NVIDIA H200"
    manifest.write(tmp_path / "b")
    pair = tmp_path / "a", tmp_path / "b"
    gath_bench("compare", *pair).refused("metric toy-system", "device: cpu", "versus cuda NVIDIA H200")
    assert gath_bench("compare", *pair, "-M", "toy-l1").code == 0


def test_what_is_no_run_is_refused(gath_bench: Any, runs: tuple[Path, Path], tmp_path: Path) -> None:
    gath_bench("compare", runs[0], tmp_path / "nowhere").refused("is not a run folder")
    gath_bench("compare", *runs, "-M", "toy-l2").refused("toy-l2", "did you mean")


def test_report_joins_runs_on_the_same_samples(
    gath_bench: Any, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    both = gath_bench("report", *runs, "--format", "json")
    assert both.code == 0, both.err
    rows = json.loads(both.out)["rows"]
    assert [row["model"] for row in rows if row["metric"] == "toy-l1"] == [
        "toy-exact",
        "toy-copy",
        "toy-edit",
        "toy-small",
    ]
    assert sorted(row["rank"] for row in rows if row["metric"] == "toy-l1" and row["rank"]) in (
        [1, 2],
        [1.5, 1.5],
    )
    written = gath_bench("report", *runs, "--format", "markdown", "-o", tmp_path / "both.md")
    assert written.code == 0
    assert (tmp_path / "both.md").read_text(encoding="utf-8").count("###") == 1


def test_report_names_the_part_in_which_runs_differ(
    gath_bench: Any, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    measure(toy_suite(("toy-edit",), ("toy-l1",), limit=5), tmp_path / "short")
    said = gath_bench("report", runs[0], tmp_path / "short", "--format", "markdown")
    assert said.code == 0
    assert said.out.count("###") == 2
    assert "12 versus 5 samples" in said.err
    refused = gath_bench("report", runs[0], tmp_path / "short", "--format", "csv", "-o", tmp_path / "t.csv")
    assert refused.code == 2
    assert "share their tables" in refused.err
