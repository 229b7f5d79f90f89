"""Missing and failed values are recorded with the reason, and everything else is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy.running import long_rows, measure, table, toy_suite, values

from gath_bench.analysis import summarise
from gath_bench.engine.cell import StrictFailure
from gath_bench.errors import UsageError
from gath_bench.report import render_report
from gath_bench.results import Run, load


def status_of(run: Run, model: str, metric: str) -> dict[str, tuple[Any, Any]]:
    """Sample -> (status, reason), one row per sample."""
    rows = long_rows(run, model, metric)
    found = {row["sample_id"]: (row["status"], row["reason"]) for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize(
    ("metric", "dataset", "reason"),
    [
        ("toy-l1", "toy[targets=false]", "no target image"),
        ("toy-mask", "toy[masks=false]", "no face mask"),
        ("toy-no-weights", "toy", "the weights toy.pth are missing: get them by post"),
        ("toy-au", "toy[domain=photo]", "not valid here"),
        ("toy-au[estimator=nobody]", "toy", "nobody"),
        ("toy-au[estimator='toy-broken-estimator[how=make]']", "toy", "get it by post"),
        ("toy-au[estimator=toy-broken-estimator]", "toy", "get it by post"),
    ],
)
def test_a_missing_value_is_na_with_the_reason(
    tmp_path: Path, metric: str, dataset: str, reason: str
) -> None:
    metric = metric.replace("'", '"')
    outcome, run = measure(toy_suite(metrics=(metric, "toy-source-l1"), dataset=dataset), tmp_path)
    assert not outcome.failed
    rows = long_rows(run, "toy-copy", metric)
    assert len({row["sample_id"] for row in rows}) == 12
    assert {row["status"] for row in rows} == {"na"}
    assert all(reason in row["reason"] for row in rows)
    assert table(run, "toy-copy", "toy-source-l1").coverage == 1.0


def test_aus_that_an_estimator_is_not_validated_for_are_na_there_and_only_there(tmp_path: Path) -> None:
    metric = 'toy-au[estimator="toy-estimator[valid=AU12+AU45]"]'
    found = {}
    for domain in ("photo", "synthetic"):
        suite = toy_suite(metrics=(metric,), dataset=f"toy[domain={domain}]")
        outcome, run = measure(suite, tmp_path / domain)
        assert not outcome.failed
        rows = summarise(run.manifest, run.observations)
        found[domain] = {
            row.au: row for row in rows if row.model == "toy-copy" and row.metric == "toy-au.mae"
        }
        assert render_report([run], "markdown")
    photo, synthetic = found["photo"], found["synthetic"]
    assert {au for au, row in photo.items() if row.value is not None} == {None, "AU12", "AU45"}
    assert photo["AU01"].status == "na"
    assert photo["AU01"].reason == "not validated on photos"
    assert photo["AU12"].reason is None
    assert photo[None].reason == "mean over 2 of 17 AUs: not validated on photos"
    values = [photo[au].value for au in ("AU12", "AU45")]
    assert photo[None].value == pytest.approx(sum(values) / 2)
    assert all(row.value is not None and row.reason is None for row in synthetic.values())


def test_the_oracle_without_targets_is_na(tmp_path: Path) -> None:
    outcome, run = measure(
        toy_suite(metrics=("toy-source-l1", "toy-system"), dataset="toy[targets=false]"), tmp_path
    )
    assert not outcome.failed
    for metric in ("toy-source-l1", "toy-system"):
        row = table(run, "toy-exact", metric)
        assert (row.value, row.status, row.coverage, row.reason) == (None, "na", 0.0, "no target image")


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [("toy[mean=false]", "mean portrait"), ("toy[targets=false]", "no target image")],
)
def test_a_need_that_the_data_set_lacks_is_na(tmp_path: Path, dataset: str, reason: str) -> None:
    outcome, run = measure(toy_suite(("toy-all-needs",), ("toy-source-l1",), dataset), tmp_path)
    assert not outcome.failed
    assert reason in str(table(run, "toy-all-needs", "toy-source-l1").reason)


def test_models_get_exactly_the_inputs_they_declare(tmp_path: Path) -> None:
    outcome, run = measure(toy_suite(("toy-all-needs", "toy-no-needs"), ("toy-l1", "toy-system")), tmp_path)
    assert not outcome.failed
    assert values(run, "toy-copy").values()
    assert (
        table(run, "toy-all-needs", "toy-l1").coverage == table(run, "toy-no-needs", "toy-l1").coverage == 1.0
    )
    sees = {cell.model: cell.sees_target for cell in run.manifest.cells}
    assert sees == {"toy-exact": True, "toy-copy": False, "toy-all-needs": True, "toy-no-needs": False}


def test_an_unreadable_sample_is_na_and_the_rest_is_measured(tmp_path: Path) -> None:
    outcome, run = measure(toy_suite(metrics=("toy-l1", "toy-au"), dataset="toy[unreadable=5]"), tmp_path)
    assert not outcome.failed
    found = status_of(run, "toy-copy", "toy-l1")
    assert found.pop("test-005") == ("na", "cannot be decoded")
    assert set(found.values()) == {("ok", None)}
    row = table(run, "toy-copy", "toy-l1")
    assert (row.n, row.coverage, row.status, row.reason) == (11, 11 / 12, "ok", "cannot be decoded")
    assert table(run, "toy-copy", "toy-au.mae", "AU12").n == 11


def test_a_batch_of_unreadable_samples_is_na(tmp_path: Path) -> None:
    outcome, run = measure(toy_suite(dataset="toy[unreadable=5]", batch_size=1), tmp_path)
    assert not outcome.failed
    assert status_of(run, "toy-copy", "toy-l1")["test-005"] == ("na", "cannot be decoded")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("toy-gaps", "no face found"),
        ("toy-nan", "the generated image contains NaN or Inf"),
        ("toy-nan[value=inf]", "the generated image contains NaN or Inf"),
        ("toy-nan[value=-inf]", "the generated image contains NaN or Inf"),
    ],
)
def test_a_missing_image_affects_one_sample(tmp_path: Path, model: str, reason: str) -> None:
    outcome, run = measure(toy_suite((model,), ("toy-l1", "toy-au")), tmp_path)
    assert not outcome.failed
    found = status_of(run, model, "toy-l1")
    assert found.pop("test-005") == ("na", reason)
    assert set(found.values()) == {("ok", None)}
    clean, spoilt = (
        {row["sample_id"]: row["value"] for row in long_rows(run, name, "toy-l1")}
        for name in ("toy-copy", model)
    )
    assert spoilt == {**clean, "test-005": None}


def test_a_sample_without_a_value_is_na_with_or_without_a_reason(tmp_path: Path) -> None:
    _, run = measure(toy_suite(metrics=("toy-partial",)), tmp_path)
    found = status_of(run, "toy-copy", "toy-partial")
    assert found["test-002"] == ("na", "no face found")
    assert found["test-003"] == ("na", "not a number")
    assert table(run, "toy-copy", "toy-partial").n == 10


def test_a_model_that_fails_on_one_batch_keeps_the_others(tmp_path: Path) -> None:
    outcome, run = measure(toy_suite(("toy-failing", "toy-edit"), ("toy-l1", "toy-au")), tmp_path)
    assert outcome.failed
    found = status_of(run, "toy-failing", "toy-l1")
    lost = [f"test-{number:03d}" for number in (4, 5, 6, 7)]
    for name, (status, reason) in found.items():
        assert (status, reason) == (("failed", "RuntimeError: out of luck") if name in lost else ("ok", None))
    row = table(run, "toy-failing", "toy-l1")
    assert (row.n, row.coverage, row.status) == (8, 8 / 12, "failed")
    assert row.value is not None
    assert table(run, "toy-edit", "toy-l1").status == "ok"
    assert run.manifest.status == "finished"


@pytest.mark.parametrize(
    "model",
    [
        "toy-shape[what=one-too-few]",
        "toy-shape[what=grey]",
        "toy-shape[what=flat]",
        "toy-shape[what=none]",
        "toy-no-device",
        "toy-unknown-need",
    ],
)
def test_a_model_outside_its_contract_fails_alone(tmp_path: Path, model: str) -> None:
    outcome, run = measure(toy_suite((model,), ("toy-l1", "toy-system")), tmp_path)
    assert outcome.failed
    row = table(run, model, "toy-l1")
    assert (row.status, row.n, row.coverage) == ("failed", 0, 0.0)
    assert row.reason
    assert table(run, "toy-copy", "toy-l1").status == "ok"


@pytest.mark.parametrize(
    "how",
    ["forgets", "none", "short", "scalar", "wide", "labels", "few-labels", "two-labels", "role", "needs"],
)
def test_a_metric_outside_its_contract_fails_alone(tmp_path: Path, how: str) -> None:
    metric = f"toy-contract[how={how}]"
    outcome, run = measure(toy_suite(metrics=(metric, "toy-l1")), tmp_path)
    assert outcome.failed
    found = table(run, "toy-copy", "toy-contract")
    assert (found.status, found.n) == ("failed", 0)
    assert {row["status"] for row in long_rows(run, "toy-copy", metric)} == {"failed"}
    assert len(long_rows(run, "toy-copy", metric)) % 12 == 0
    assert table(run, "toy-copy", "toy-l1").status == "ok"


def test_a_metric_that_raises_fails_on_that_batch(tmp_path: Path) -> None:
    outcome, run = measure(toy_suite(metrics=("toy-raising", "toy-l1")), tmp_path)
    assert outcome.failed
    row = table(run, "toy-copy", "toy-raising")
    assert (row.n, row.status, row.reason) == (8, "failed", "ZeroDivisionError: nothing to divide by")
    assert table(run, "toy-copy", "toy-l1").coverage == 1.0


def test_a_system_metric_that_raises_fails_alone(tmp_path: Path) -> None:
    outcome, run = measure(toy_suite(metrics=("toy-system[fails=true]", "toy-l1")), tmp_path)
    assert outcome.failed
    row = table(run, "toy-copy", "toy-system")
    assert (row.status, row.reason, row.coverage) == ("failed", "RuntimeError: no clock", 0.0)
    assert table(run, "toy-copy", "toy-l1").status == "ok"


def test_a_failing_evaluator_is_failed_and_not_na(tmp_path: Path) -> None:
    metric = 'toy-au[estimator="toy-broken-estimator[how=to]"]'
    outcome, run = measure(toy_suite(metrics=(metric, "toy-l1")), tmp_path)
    assert outcome.failed
    assert table(run, "toy-copy", "toy-au.mae").reason == "RuntimeError: no room on the device"
    assert table(run, "toy-copy", "toy-l1").status == "ok"


def test_a_batch_that_cannot_be_loaded_fails_alone(tmp_path: Path) -> None:
    outcome, run = measure(toy_suite(dataset="toy[broken=5]"), tmp_path)
    assert outcome.failed
    row = table(run, "toy-copy", "toy-l1")
    assert (row.n, row.status) == (8, "failed")
    assert row.reason == "loading failed: OSError: the folder went away"


def test_strict_stops_at_the_first_failure(tmp_path: Path) -> None:
    suite = toy_suite(("toy-failing", "toy-edit"))
    with pytest.raises(StrictFailure, match="out of luck"):
        measure(suite, tmp_path, strict=True)
    run = load(tmp_path)
    assert run.manifest.status == "running"
    assert not long_rows(run, "toy-edit")
    assert not any(row["batch"] > 1 for row in long_rows(run, "toy-failing"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"models": ("toy-no-init",)}, "cannot be created: RuntimeError: no weights"),
        ({"models": ("toy-no-init[how=Unavailable]",)}, "cannot be created: no weights"),
        ({"models": ("toy-edti",)}, "did you mean toy-edit"),
        ({"metrics": ("toy-l2",)}, "did you mean toy-l1"),
        ({"dataset": "toys"}, "did you mean toy"),
        ({"dataset": "toy[m=3]"}, "no parameter 'm'"),
        ({"dataset": "toy[n=many]"}, "is not valid"),
        ({"dataset": "toy[n=0]"}, "no samples"),
        ({"dataset": "toy[refuse=true]"}, "the disk is on fire"),
        ({"protocols": ("cross",)}, "no protocol 'cross'"),
        ({"protocols": ("sweep", "sweep")}, "twice"),
        ({"split": "tset"}, "did you mean test"),
    ],
)
def test_errors_of_a_plan_are_found_before_any_work(
    tmp_path: Path, settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence.replace("[", r"\[")):
        measure(toy_suite(**settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()
