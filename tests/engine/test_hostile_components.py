"""Hostile components fail alone: their cells are ``failed`` with a reason, all other values are the same bit by bit.

The behaviours are the tables of ``toy.hostile``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from toy import hostile
from toy.running import toy_suite, values

from gath_bench.analysis import SummaryRow, summarise
from gath_bench.component_calls import component_call, settings_held
from gath_bench.engine import RunOptions, execute
from gath_bench.engine.isolated import isolated
from gath_bench.errors import UsageError
from gath_bench.plugins import load_plugins
from gath_bench.registry import Registry
from gath_bench.report import render_report
from gath_bench.results import Run, load
from gath_bench.suite import Suite, make_plan

GOOD_MODELS = ("toy-noise", "toy-edit")
GOOD_METRICS = ("toy-l1", "toy-au", "toy-source-l1")


def measure(suite: Suite, output: Path) -> tuple[bool, Run]:
    """Run a suite; returns whether a component failed, and the run."""
    plugins = load_plugins(["toy.toy_plugin", "toy.hostile"], entry_point_group=None)
    with isolated():
        outcome = execute(
            make_plan(suite, Registry.of(plugins)),
            plugins,
            RunOptions(device="cpu", output=output, images=False),
        )
    return outcome.failed, load(outcome.path)


def suite(**settings: Any) -> Suite:
    """A suite of four samples, in one batch."""
    return toy_suite(**{"models": GOOD_MODELS, "metrics": GOOD_METRICS, "limit": 4, **settings})


def good_values(run: Run) -> dict[tuple[str, ...], Any]:
    """The values of good components, by names that do not depend on the number of cells."""
    cells = {cell.cell_id: (cell.model, cell.dataset) for cell in run.manifest.cells}
    named = {(*cells[key[0]], *key[1:]): value for key, value in values(run).items()}
    return {key: value for key, value in named.items() if not any("hostile" in part for part in key)}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run without hostile components."""
    everything = suite(metrics=(*GOOD_METRICS, "toy-corpus"))
    failed, run = measure(everything, tmp_path_factory.mktemp("clean") / "run")
    assert not failed
    return run


@pytest.fixture(scope="module")
def with_models(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return failing(suite(models=(*hostile.MODELS, *GOOD_MODELS)), tmp_path_factory)


@pytest.fixture(scope="module")
def with_metrics(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return failing(suite(metrics=(*hostile.METRICS, *GOOD_METRICS)), tmp_path_factory)


@pytest.fixture(scope="module")
def with_corpus_metrics(tmp_path_factory: pytest.TempPathFactory) -> Run:
    metrics = (*hostile.CORPUS_METRICS, "toy-corpus", *GOOD_METRICS)
    return failing(suite(models=("toy-noise",), metrics=metrics), tmp_path_factory)


@pytest.fixture(scope="module")
def with_datasets(tmp_path_factory: pytest.TempPathFactory) -> Run:
    names = ({"name": name} for name in (*hostile.DATASETS, "toy"))
    datasets = tuple({"limit": 4, **name} for name in names)
    return failing(suite(datasets=datasets, models=(), metrics=("toy-l1", "toy-au")), tmp_path_factory)


def failing(hostile_suite: Suite, folders: pytest.TempPathFactory) -> Run:
    failed, run = measure(hostile_suite, folders.mktemp("hostile") / "run")
    assert failed
    assert run.manifest.status == "finished"
    return run


@pytest.fixture(scope="module")
def with_some(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run with hostile components of every kind: a report of all of them takes seconds."""
    endings = ("exit-0", "surrogate", "escape", "long", "no-text")
    return failing(
        suite(
            models=(*(f"hostile-model[how={how}]" for how in endings), "hostile-model[how=stdout]"),
            metrics=(
                *(f"hostile-metric[how={how}]" for how in endings),
                "hostile-corpus[compute=escape]",
                "toy-l1",
            ),
            datasets=tuple({"name": name, "limit": 4} for name in ("toy", "hostile-data[how=escape]")),
        ),
        tmp_path_factory,
    )


@cache
def summaries(path: Path) -> list[SummaryRow]:
    """The table rows of a run, computed once for all tests."""
    run = load(path)
    return summarise(run.manifest, run.observations)


@cache
def observed(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Metric -> its observations, read once for all tests."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in load(path).observations.to_pylist():
        found.setdefault(row["metric"], []).append(row)
    return found


def check(run: Run, chosen: Callable[[Any], bool], reason: str | None) -> None:
    """The values of one component: all failed with a reason, or all measured."""
    rows = [row for row in summaries(run.path) if chosen(row)]
    assert rows
    statuses = {row.status for row in rows if not row.metric.startswith("toy-system")}
    assert statuses == {"ok" if reason is None else "failed"}, rows[0].reason
    if reason is not None:
        for row in rows:
            assert reason in str(row.reason)
            assert len(str(row.reason)) < 1100
            assert str(row.reason).isprintable()


@pytest.mark.parametrize("model", hostile.MODELS)
def test_a_hostile_model_fails_alone(with_models: Run, model: str) -> None:
    check(with_models, lambda row: row.model == model, hostile.MODELS[model])


@pytest.mark.parametrize("metric", hostile.METRICS)
def test_a_hostile_metric_or_evaluator_fails_alone(with_metrics: Run, metric: str) -> None:
    record = with_metrics.manifest.metric(metric)
    failed = observed(with_metrics.path)[metric]
    assert failed
    reason = hostile.METRICS[metric]
    assert {row["status"] for row in failed} == {"ok" if reason is None else "failed"}
    if reason is not None:
        assert {reason in row["reason"] and row["reason"].isprintable() for row in failed} == {True}
        assert {row["observation"] for row in failed} == {
            name for summary in record.summaries for name in summary.inputs
        }


@pytest.mark.parametrize("metric", hostile.CORPUS_METRICS)
def test_a_hostile_corpus_metric_fails_alone(with_corpus_metrics: Run, metric: str) -> None:
    rows = observed(with_corpus_metrics.path)
    reason = hostile.CORPUS_METRICS[metric]
    records = [row for row in rows[metric] if row["subject"] == "corpus"]
    failures = [row for row in rows[metric] if row["status"] == "failed"]
    assert len({row["cell"] for row in records}) == len(with_corpus_metrics.manifest.cells)
    assert {row["status"] for row in rows["toy-corpus"]} == {"ok"}
    if reason is None:
        assert not failures
        assert {row["value"] for row in records} >= {1.0}
    else:
        assert failures
        assert all(reason in row["reason"] and row["reason"].isprintable() for row in failures)


def test_a_corpus_metric_with_features_of_changing_width_fails_alone(tmp_path: Path) -> None:
    changing = "hostile-corpus[update=changing-width]"
    failed, run = measure(suite(models=(), metrics=(changing, "toy-l1"), batch_size=2), tmp_path / "run")
    assert failed
    assert {row["status"] for row in observed(run.path)["toy-l1"]} == {"ok"}
    assert any("widths" in str(row["reason"]) for row in observed(run.path)[changing])


@pytest.mark.parametrize("dataset", hostile.DATASETS)
def test_a_hostile_data_set_fails_alone(with_datasets: Run, dataset: str) -> None:
    reason = hostile.DATASETS[dataset]
    check(with_datasets, lambda row: row.dataset == dataset, reason)


@pytest.mark.parametrize("kind", ["with_models", "with_metrics", "with_corpus_metrics", "with_datasets"])
def test_all_other_values_are_the_same_bit_by_bit(
    clean: Run, kind: str, request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue(kind)
    models = {cell.model for cell in run.manifest.cells}
    metrics = {metric.name for metric in run.manifest.metrics}
    expected = {
        key: value for key, value in good_values(clean).items() if key[0] in models and key[3] in metrics
    }
    assert expected
    assert good_values(run) == expected


@pytest.fixture(scope="module")
def in_place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """A run whose components write into their inputs before the others get them, and one without these."""
    good = ("toy-l1", "toy-source-l1", "toy-mask", "toy-au", "toy-corpus")
    folder = tmp_path_factory.mktemp("in-place")
    settings = {"dataset": "toy[n=10,unreadable=4]", "limit": None}
    chosen = suite(
        models=(*hostile.IN_PLACE_MODELS, "toy-all-needs", *GOOD_MODELS),
        metrics=(*hostile.IN_PLACE_METRICS, *good),
        **settings,
    )
    clean = suite(models=("toy-all-needs", *GOOD_MODELS), metrics=good, **settings)
    runs = measure(chosen, folder / "run"), measure(clean, folder / "clean")
    assert not any(failed for failed, _ in runs)
    return runs[0][1], runs[1][1]


@pytest.mark.parametrize("component", [*hostile.IN_PLACE_MODELS, *hostile.IN_PLACE_METRICS])
def test_a_component_that_writes_into_its_inputs_is_measured(
    in_place: tuple[Run, Run], component: str
) -> None:
    run = in_place[0]
    rows = observed(run.path)
    if component in hostile.IN_PLACE_METRICS:
        assert {row["value"] for row in rows[component] if row["status"] == "ok"} == {0.0}
        return
    cells = {cell.model: cell.cell_id for cell in run.manifest.cells}
    for metric in ("toy-l1", "toy-source-l1", "toy-mask", "toy-au"):
        own, same = (
            [row["value"] for row in rows[metric] if row["cell"] == cells[name]]
            for name in (component, "toy-copy")  # these models return the portraits as they got them
        )
        assert own == same


def test_in_place_changes_reach_no_other_component(in_place: tuple[Run, Run]) -> None:
    run, clean = in_place
    expected = good_values(clean)
    assert {key[3] for key in expected} == {"toy-l1", "toy-source-l1", "toy-mask", "toy-au", "toy-corpus"}
    assert good_values(run) == expected


def test_a_data_set_that_writes_into_earlier_batches_changes_no_value(tmp_path: Path) -> None:
    found = []
    for number, name in enumerate(("hostile-data[how=overwrites-earlier,n=12]", "toy[n=12]")):
        chosen = suite(dataset=name, limit=None, metrics=("toy-l1", "toy-source-l1", "toy-mask", "toy-au"))
        _, run = measure(chosen, tmp_path / str(number))
        cells = {cell.cell_id: cell.model for cell in run.manifest.cells}
        found.append({(cells[key[0]], *key[1:]): value for key, value in values(run).items()})
    assert found[0] == found[1]


@pytest.mark.parametrize("form", ["json", "csv", "markdown", "console"])
def test_a_run_with_hostile_components_has_every_report(with_some: Run, form: str) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = render_report((with_some,), form)
    assert "toy-copy" in text
    assert "\x1b" not in text
    if form == "json":
        json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("component", hostile.REFUSED)
def test_a_wrong_declaration_is_refused_before_any_work(tmp_path: Path, component: str) -> None:
    kind, sentence = hostile.REFUSED[component]
    names = component if kind == "dataset" else (component,)
    with pytest.raises(UsageError) as refused:
        measure(suite(**{kind: names}), tmp_path / "run")
    assert sentence in str(refused.value)
    # A data set's own UsageError is a whole sentence, and stays as it is.
    assert component.partition("[")[0] in str(refused.value) or component.endswith("samples-usage-error]")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def _restored() -> Iterator[None]:
    with isolated():
        yield


@pytest.mark.parametrize("setting", hostile.SETTINGS)
@pytest.mark.usefixtures("_restored")
def test_a_component_call_restores_settings(setting: str) -> None:
    def probe() -> tuple[Any, ...]:
        import os
        import sys
        import warnings

        import numpy as np

        return (
            torch.get_default_device(),
            torch.get_default_dtype(),
            torch.get_num_threads(),
            torch.backends.mkldnn.enabled,
            torch.backends.cudnn.benchmark,
            torch.are_deterministic_algorithms_enabled(),
            torch.is_grad_enabled(),
            torch.is_autocast_enabled("cpu"),
            tuple(np.geterr().items()),
            os.getcwd(),
            sys.getrecursionlimit(),
            sys.stdout,
            [item for item in warnings.filters if item[0] == "error"],
        )

    before = probe()
    with settings_held(), component_call("model a"):
        hostile.SETTINGS[setting]()
        changed = probe() != before
    assert changed or setting in ("print", "loud", "seeds", "nondeterministic")
    assert probe() == before
