"""Evaluators that do not exist or lack their weights are refused before any work; headers and warnings are honest."""

from __future__ import annotations

from pathlib import Path

import pytest
from gath_metrics.lpips import LPIPS

from gath_bench import UsageError, evaluate
from gath_bench.contracts import Summary
from gath_bench.evaluation.components import installed_plugins, list_components
from gath_bench.registry import Registry
from gath_bench.report.table import Column, set_apart
from gath_bench.suite import built_in_suite, weights_of


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GATH_BENCH_WEIGHTS", raising=False)
    for variable in ("XDG_CACHE_HOME", "TORCH_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        ("lpips[trunk=alex]", "gath-bench weights get alexnet"),
        ("lpips[trunk=alxe]", "there is no perceptual trunk 'alxe': did you mean alex"),
        ("identity[encoder=nobody]", "there is no identity encoder 'nobody'"),
        ('au-error[estimator="synthfaces[folder=nothing]"]', "AU estimator 'synthfaces' has no weights"),
        ('lpips[trunk="alex[weights=nothing.pth]"]', "there is no weights file nothing.pth"),
    ],
)
def test_an_evaluator_that_cannot_be_used_is_refused_before_any_work(
    tmp_path: Path, metric: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match="cannot be measured") as caught:
        evaluate(models=[], datasets=["synthfaces"], metrics=[metric], limit=1, output=tmp_path / "run")
    assert sentence in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_component_without_weights_is_listed_as_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def status() -> tuple[str, str]:
        (info,) = [item for item in list_components("perceptual_trunk") if item.name == "alex"]
        return info.status, info.summary

    assert status()[0] == "unavailable"
    assert "gath-bench weights get alexnet" in status()[1]
    (tmp_path / "alexnet-features.safetensors").write_bytes(b"w")
    monkeypatch.setenv("GATH_BENCH_WEIGHTS", str(tmp_path))
    assert status() == ("ok", "AlexNet, ImageNet weights")


def test_the_standard_suite_needs_weights_that_can_be_downloaded() -> None:
    suite = built_in_suite("standard")
    needed = weights_of(suite, Registry.of(installed_plugins()))
    assert {spec.name for spec in needed} == {"alexnet", "face-landmarker", "inception", "sface"}
    assert all(spec.url and spec.url.startswith("https://") and spec.sha256 for spec in needed)
    assert {"fid", "kid"} <= set(suite.metrics)
    assert not suite.skip_missing


def test_a_suite_with_fid_is_refused_while_the_inception_weights_alone_are_missing(tmp_path: Path) -> None:
    pytest.importorskip("torch_fidelity")
    for metric in ("fid", "kid"):
        with pytest.raises(UsageError, match=f"the metric {metric} cannot be measured") as caught:
            evaluate(models=[], datasets=["synthfaces"], metrics=["ssim", metric], output=tmp_path / "run")
        assert "gath-bench weights get inception" in str(caught.value)
        assert not (tmp_path / "run").exists()


def test_the_header_names_the_trunk_where_the_value_is_not_the_published_metric() -> None:
    def header(trunk: str) -> str:
        (summary,) = LPIPS(trunk=trunk).info.summaries
        assert isinstance(summary, Summary)
        return Column(summary.name, "lpips@1", "", summary.direction, evaluator=summary.evaluator).header

    assert header("synthfaces") == "lpips (synthfaces trunk) ↓"
    assert header("alex") == header("alex[weights=mine.pth]") == "lpips ↓"


def test_columns_that_are_told_apart_by_their_keys_do_not_repeat_the_evaluator() -> None:
    keys = ["lpips[trunk=alex]@1#aa", "lpips[trunk=synthfaces]@1#bb"]
    evaluators = ("", "synthfaces trunk")
    columns = (Column("lpips", k, "", "lower", evaluator=e) for k, e in zip(keys, evaluators, strict=True))
    first, second = set_apart(tuple(columns))
    assert (first.name, second.name) == ("lpips [trunk=alex #aa]", "lpips [trunk=synthfaces #bb]")
