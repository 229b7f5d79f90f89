"""Runs join where their samples are the same, and values of unlike keys never share a column."""

from __future__ import annotations

import numpy as np
import pytest
from analysis.worlds import metric, world

from gath_bench.analysis import SummaryRow, join, summarise
from gath_bench.results import Run

VALUES = np.linspace(1, 2, 24)


def rows(run: Run) -> dict[tuple[str, str], SummaryRow]:
    found = {(row.model, row.key): row for row in summarise(run.manifest, run.observations)}
    assert len(found) == len(summarise(run.manifest, run.observations)), "two values share a place"
    return found


def test_joined_runs_have_the_rows_of_one_run() -> None:
    values = {"oracle": VALUES * 0, "copy-source": VALUES * 3, "a": VALUES, "b": VALUES + 0.5}
    whole = rows(world(values))
    first = world({name: values[name] for name in ("oracle", "copy-source", "a")}, path="first")
    second = world({name: values[name] for name in ("oracle", "copy-source", "b")}, path="second")
    joined = join([first, second])
    (run,) = joined.runs
    assert rows(run) == whole
    assert joined.notes == []
    assert {run.origin(cell)[0].name: run.origin(cell)[1] for cell in run.manifest.cells} == {
        "first": "002-a",
        "second": "002-b",
    }


def test_single_run_is_unchanged() -> None:
    run = world({"a": VALUES})
    assert join([run]).runs == [run]


def test_unlike_keys_have_columns_of_their_own_and_the_part_is_named() -> None:
    first = world({"a": VALUES}, metric(key="m[trunk=alex]@1#aa"), path="first")
    second = world({"a": VALUES + 1, "b": VALUES + 2}, metric(key="m[trunk=vgg]@1#aa"), path="second")
    joined = join([first, second])
    (run,) = joined.runs
    assert {place: row.value for place, row in rows(run).items()} == pytest.approx(
        {
            ("a", "m[trunk=alex]@1#aa"): 1.5,
            ("a", "m[trunk=vgg]@1#aa"): 2.5,
            ("b", "m[trunk=vgg]@1#aa"): 3.5,
        }
    )
    (note,) = joined.notes
    assert "second" in note
    assert "trunk: alex versus vgg" in note


def test_speeds_of_unlike_devices_have_columns_of_their_own() -> None:
    record = metric(direction="higher", system=True, reducer="median", inputs=("m",))
    first = world({"a": VALUES}, record, path="first")
    gpu = {"machine": {"gpu": "NVIDIA H200"}}
    second = world({"a": VALUES * 9}, record, path="second", device="cuda:0", environment=gpu)
    (run,) = join([first, second]).runs
    found = rows(run)
    assert {key: row.device for (_, key), row in found.items()} == {
        "m[device=cpu,precision=fp32]@1": "cpu",
        "m[device=cuda NVIDIA H200,precision=fp32]@1": "cuda:0",
    }


def test_a_model_of_one_name_and_other_weights_goes_by_its_key() -> None:
    first, second = world({"a": VALUES}), world({"a": VALUES + 1}, cells={"a": {"model_key": "a@1#ff"}})
    (run,) = join([first, second]).runs
    assert {row.model: row.value for row in rows(run).values()} == pytest.approx(
        {"a@1#ab": 1.5, "a@1#ff": 2.5}
    )


def test_values_of_both_runs_are_taken_once() -> None:
    first, second = world({"a": VALUES}), world({"a": VALUES + 1e-9, "b": VALUES})
    (run,) = join([first, second]).runs
    assert {row.model: row.value for row in rows(run).values()} == {"a": 1.5, "b": 1.5}
    assert run.observations.num_rows == 2 * len(VALUES)


@pytest.mark.parametrize(
    ("fields", "values", "cells", "reason"),
    [
        ({"seed": 1}, VALUES, {}, "seed: 0 versus 1"),
        ({}, VALUES[:8], {}, "24 versus 8 samples"),
        ({}, VALUES, {"dataset_key": "d@1#ee"}, "weights or content: #cd versus #ee"),
        ({}, VALUES, {"protocol": "sweep"}, "protocol: same-subject versus sweep"),
        ({"references": {"oracle": "x", "copy_source": "y"}}, VALUES, {}, "reference models"),
    ],
)
def test_runs_on_other_samples_have_tables_of_their_own(fields, values, cells, reason) -> None:  # type: ignore[no-untyped-def]
    first, second = world({"a": VALUES}), world({"b": values}, cells={"b": cells}, path="second", **fields)
    joined = join([first, second])
    assert joined.runs == [first, second]
    (note,) = joined.notes
    assert note.startswith("second has separate tables")
    assert reason in note


def test_runs_on_different_data_sets_join_without_notes() -> None:
    other = {"a": {"dataset": "e", "dataset_key": "e@1#ee"}}
    joined = join([world({"a": VALUES}), world({"a": VALUES}, cells=other)])
    assert (len(joined.runs), joined.notes) == (1, [])
    assert {row.dataset for row in summarise(joined.runs[0].manifest, joined.runs[0].observations)} == {
        "d",
        "e",
    }


def test_a_run_joins_only_what_is_alike_in_every_run_of_the_group() -> None:
    e = {"a": {"dataset": "e", "dataset_key": "e@1#ee"}}
    runs = [
        world({"a": VALUES}),
        world({"a": VALUES}, cells=e),
        world({"a": VALUES[:8]}, cells=e, path="third"),
    ]
    joined = join(runs)
    assert [len({cell.samples for cell in run.manifest.cells}) for run in joined.runs] == [1, 1]
    assert "third has separate tables: e under same-subject: 24 versus 8 samples." in joined.notes


def test_joined_runs_have_one_seed() -> None:
    e = {"a": {"dataset": "e", "dataset_key": "e@1#ee"}}
    joined = join([world({"a": VALUES}), world({"a": VALUES}, cells=e, seed=7)])
    assert [run.manifest.seed for run in joined.runs] == [0, 7]
    assert "seed: 0 versus 7" in joined.notes[0]


def test_a_joined_run_that_is_not_finished_says_so() -> None:
    first = world({"a": VALUES})
    second = world({"b": VALUES}, status="running")
    assert join([first, second]).runs[0].manifest.status == "running"
