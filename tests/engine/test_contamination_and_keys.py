"""Contamination, keys of metrics with evaluators, and evaluator domains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from toy.running import measure, table, toy_suite
from toy.toy_plugin import Estimator

from gath_bench.analysis import SummaryRow, summarise
from gath_bench.contracts import ComponentKey, ComponentName, fingerprint
from gath_bench.errors import UsageError
from gath_bench.report import as_json, render_report, tables
from gath_bench.report.table import CONTAMINATED, DAGGER
from gath_bench.results import Run, load

GRADER = Estimator().info.fingerprint[:8]
OTHER = fingerprint("another")[:8]
#: A teacher's key -> whether toy-estimator is that teacher.
TEACHERS = {
    f"toy-estimator[domain=synthetic]@1#{GRADER}": True,
    f"an-alias@7#{GRADER}": True,
    f"toy-estimator[domain=synthetic]@1#{OTHER}": False,
}


def trained_against(**params: str) -> str:
    return str(ComponentName("toy-trained-against", params))


@pytest.fixture(scope="module")
def taught_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("taught")
    models = tuple(trained_against(by=key) for key in TEACHERS)
    measure(toy_suite(models, ("toy-l1", "toy-au")), folder)
    return load(folder)


def test_a_value_is_contaminated_if_the_model_was_trained_with_the_evaluator(taught_run: Run) -> None:
    rows = summarise(taught_run.manifest, taught_run.observations)
    for row in rows:
        (teacher,) = [key for key in TEACHERS if row.model == trained_against(by=key)] or [None]
        by_weights = teacher is not None and TEACHERS[teacher]
        assert row.contaminated == (by_weights and row.metric.startswith("toy-au.")), (row.model, row.metric)
    assert any(row.contaminated for row in rows)
    content = json.loads(json.dumps(as_json(taught_run.path, rows)))
    assert [row["contaminated"] for row in content["rows"]] == [row.contaminated for row in rows]
    assert {type(row["contaminated"]) for row in content["rows"]} == {bool}


@pytest.mark.parametrize(("form", "mark"), [("console", DAGGER), ("markdown", DAGGER), ("latex", r"\dag{}")])
def test_contaminated_values_are_marked_in_every_table(taught_run: Run, form: str, mark: str) -> None:
    rows = summarise(taught_run.manifest, taught_run.observations)
    shown = [row for row in rows if row.contaminated and row.au is None]
    text = render_report([taught_run], form, width=200)
    assert text is not None
    assert text.count(mark) == len(shown) + 1  # and once in the footnote
    assert CONTAMINATED in text
    for row in shown:
        assert f"{row.value:.3f}{mark}" in text


def test_a_table_without_contamination_has_no_dagger(tmp_path: Path) -> None:
    _, run = measure(toy_suite(("toy-edit",), ("toy-au",)), tmp_path)
    text = render_report([run], "markdown")
    assert text is not None
    assert DAGGER not in text


@pytest.mark.parametrize("teacher", ["toy-estimator", "toy-estimator@1", "toy-estimator@1#no-weights"])
def test_trained_against_needs_a_weights_hash(tmp_path: Path, teacher: str) -> None:
    with pytest.raises(UsageError, match="has no weights hash"):
        measure(toy_suite((trained_against(by=teacher),)), tmp_path / "run")


def key_of(run: Run, metric: str) -> ComponentKey:
    return ComponentKey.parse(run.manifest.metric(metric).key)


@pytest.mark.parametrize(
    "estimator",
    ["toy-estimator[weights=false]", "nobody", "toy-broken-estimator[how=make]"],
)
def test_the_key_of_a_metric_with_unknown_weights(tmp_path: Path, estimator: str) -> None:
    lacking, whole = str(ComponentName("toy-au", {"estimator": estimator})), "toy-au"
    _, run = measure(toy_suite(metrics=(lacking, whole)), tmp_path)
    assert str(key_of(run, lacking)).endswith("#no-weights")
    assert str(key_of(run, whole)).endswith(f"#{fingerprint(Estimator().info.fingerprint)[:8]}")
    difference = ComponentKey("m", {}, 1, key_of(run, lacking).hash).difference(
        ComponentKey("m", {}, 1, key_of(run, whole).hash)
    )
    assert difference is not None
    assert "#no-weights" in difference


def test_a_metric_without_evaluators_has_no_hash(tmp_path: Path) -> None:
    _, run = measure(toy_suite(), tmp_path)
    assert key_of(run, "toy-l1").hash == ""


def test_different_precisions_share_no_column_of_speed(tmp_path: Path) -> None:
    half = trained_against(precision="bf16")
    _, run = measure(toy_suite((half,), ("toy-l1", "toy-system")), tmp_path)
    keys = {name: ComponentKey.parse(table(run, name, "toy-system").key) for name in ("toy-copy", half)}
    assert {name: key.params["precision"] for name, key in keys.items()} == {"toy-copy": "fp32", half: "bf16"}
    assert table(run, half, "toy-l1").key == table(run, "toy-copy", "toy-l1").key  # images are what they are
    (made,) = tables(run.manifest, summarise(run.manifest, run.observations))
    speeds = [number for number, column in enumerate(made.columns) if column.metric == "toy-system"]
    assert [made.columns[number].apart for number in speeds] == ["precision=fp32", "precision=bf16"]
    shown = {line.model: [line.cells[number].value for number in speeds] for line in made.lines}
    assert shown["toy-copy"] == ["2.000", ""]
    assert shown[half] == ["", "2.000"]
    for form in ("console", "markdown", "latex", "csv", "json"):
        assert render_report([run], form, width=200)


def test_an_evaluator_outside_its_domain_gives_na_with_the_reason(tmp_path: Path) -> None:
    """Two data sets in one run: what was made for one of them answers there, and there alone."""
    suite = toy_suite(metrics=("toy-au", "toy-l1")).model_copy(
        update={
            "datasets": tuple(
                toy_suite(dataset=name, limit=limit).datasets[0]
                for name, limit in (("toy[domain=synthetic]", 7), ("toy[domain=photo]", 5))
            )
        }
    )
    outcome, run = measure(suite, tmp_path)
    assert not outcome.failed
    found: dict[tuple[str, str], SummaryRow] = {
        (row.dataset, row.metric): row
        for row in summarise(run.manifest, run.observations)
        if row.model == "toy-copy" and row.au is None
    }
    made_for, other = found["toy[domain=synthetic]", "toy-au.mae"], found["toy[domain=photo]", "toy-au.mae"]
    assert (made_for.n, made_for.coverage, made_for.status, made_for.reason) == (7, 1.0, "ok", None)
    assert (other.n, other.coverage, other.status, other.value) == (0, 0.0, "na", None)
    assert other.reason == "not valid here: toy-estimator was made for synthetic images, not photo"
    assert found["toy[domain=photo]", "toy-l1"].coverage == 1.0
    text = render_report([run], "markdown")
    assert text is not None
    assert "(not valid here: toy-estimator was made for synthetic images, not photo)" in text
