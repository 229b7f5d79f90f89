"""Hand-made rows -> the rows of a table, field by field."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gath_bench.analysis import SummaryRow, summarise
from gath_bench.contracts.metric import Summary
from gath_bench.report import as_json
from gath_bench.results import CellRecord, Manifest, MetricRecord, Observations
from gath_bench.results.observations import COLUMNS, schema

#: The keys of a row that other programs read; ``ADDED`` are later additions, after ``KEYS``.
ADDED = {
    "few_subjects",
    "contaminated",
    "best",
    "tied",
    "p_value",
    "rank",
    "gain",
    "gain_low",
    "gain_high",
}
KEYS = {
    "model",
    "model_key",
    "dataset",
    "dataset_key",
    "split",
    "protocol",
    "metric",
    "key",
    "au",
    "value",
    "low",
    "high",
    "unit",
    "direction",
    "n",
    "coverage",
    "status",
    "reason",
    "device",
    "seed",
}


def manifest(*summaries: Summary, samples: int = 4, system: bool = False) -> Manifest:
    metric = MetricRecord("m", "m@1", [], system, True, 1e-5, "{:.3f}", list(summaries))
    cell = CellRecord(
        "000-a", "a", "a@1", False, [], "d", "d@1", "photo", "test", "same-subject", samples, ["m"]
    )
    return Manifest("running", [], {}, {}, 3, "cpu", 4, "now", {}, [], [metric], [cell])


def rows(*entries: dict[str, Any]) -> pa.Table:
    made = Observations()
    for position, entry in enumerate(entries):
        made.add(
            **{
                "cell": "000-a",
                "batch": 0,
                "position": position,
                "sample_id": f"s{position}",
                "subject": f"p{position}",
                "metric": "m",
                "observation": "m",
                **entry,
            }
        )
    return made.table()


def only(found: list[SummaryRow]) -> SummaryRow:
    (row,) = found
    return row


def test_values_and_coverage() -> None:
    row = only(
        summarise(
            manifest(Summary("m", "lower", "dB")),
            rows({"value": 1.0}, {"value": 2.0}, {"status": "na", "reason": "no face found"}, {"value": 6.0}),
        )
    )
    assert (row.value, row.n, row.coverage, row.status, row.reason) == (3.0, 3, 0.75, "ok", "no face found")
    assert (row.unit, row.direction, row.seed, row.device, row.au) == ("dB", "lower", 3, "cpu", None)
    assert row.low is not None
    assert row.high is not None
    assert 1.0 <= row.low <= 3.0 <= row.high <= 6.0
    assert row.few_subjects


def test_all_there_has_no_reason() -> None:
    row = only(summarise(manifest(Summary("m", "lower"), samples=2), rows({"value": 1.0}, {"value": 1.0})))
    assert (row.coverage, row.status, row.reason) == (1.0, "ok", None)


def test_nothing_there_is_na_with_the_commonest_reason() -> None:
    reasons = ["no target image", "no face found", "no target image"]
    row = only(
        summarise(
            manifest(Summary("m", "lower"), samples=3),
            rows(*({"status": "na", "reason": r} for r in reasons)),
        )
    )
    assert (row.value, row.low, row.high, row.n, row.coverage) == (None, None, None, 0, 0.0)
    assert (row.status, row.reason) == ("na", "no target image")


def test_a_failure_is_told_before_an_absence() -> None:
    row = only(
        summarise(
            manifest(Summary("m", "lower")),
            rows(
                {"status": "na", "reason": "no face found"},
                {"status": "na", "reason": "no face found"},
                {"status": "failed", "reason": "ValueError: no"},
                {"value": 5.0},
            ),
        )
    )
    assert (row.value, row.n, row.coverage) == (5.0, 1, 0.25)
    assert (row.status, row.reason) == ("failed", "ValueError: no")


@pytest.mark.parametrize("system", [False, True])
def test_rows_not_written_yet_are_na(system: bool) -> None:
    for table in (schema().empty_table(), rows({"value": 1.0, "metric": "other"})):
        row = only(summarise(manifest(Summary("m", "lower"), system=system), table))
        assert (row.value, row.n, row.coverage) == (None, 0, 0.0)
        assert (row.status, row.reason) == ("na", "not measured yet")


def test_part_of_the_rows_is_part_of_the_coverage() -> None:
    row = only(summarise(manifest(Summary("m", "lower"), samples=8), rows({"value": 1.0}, {"value": 2.0})))
    assert (row.coverage, row.status, row.reason) == (0.25, "ok", "not measured yet")


def test_rows_per_au() -> None:
    summary = Summary("m.mae", "lower", reducer="mae", inputs=("measured", "requested"), per_au=True)
    entries: list[dict[str, Any]] = []
    for position, (measured, requested) in enumerate([((0.1, 0.5), (0.0, 0.0)), ((0.3, None), (0.0, 1.0))]):
        for au, x, y in zip(("AU01", "AU12"), measured, requested, strict=True):
            common = {"position": position, "sample_id": f"s{position}", "subject": f"p{position}", "au": au}
            status = {} if x is not None else {"status": "na", "reason": "AU not covered"}
            entries.append({**common, "observation": "measured", "value": x, **status})
            entries.append({**common, "observation": "requested", "value": y})
    dark = {"position": 2, "sample_id": "s2", "subject": "p2", "status": "na", "reason": "dark"}
    entries += [{**dark, "observation": name} for name in ("measured", "requested")]
    found = {row.au: row for row in summarise(manifest(summary, samples=3), rows(*entries))}
    assert list(found) == [None, "AU01", "AU12"]
    assert found["AU01"].value == pytest.approx(0.2)
    assert found["AU12"].value == pytest.approx(0.5)
    assert found[None].value == pytest.approx(0.35)
    assert [found[au].n for au in found] == [2, 2, 1]
    assert [found[au].coverage for au in found] == pytest.approx([2 / 3, 2 / 3, 1 / 3])
    assert found["AU01"].reason == "dark"
    assert all(row.status == "ok" for row in found.values())


def test_a_sample_without_an_au_is_not_missed_in_it() -> None:
    summary = Summary("m", "higher", per_au=True)
    swept = [("AU01", 0.1), ("AU01", 0.3), ("AU12", 0.5), ("AU12", None)]
    entries: list[dict[str, Any]] = [
        {"au": au, "value": value} if value is not None else {"au": au, "status": "na", "reason": "no face"}
        for au, value in swept
    ]
    found = {row.au: row for row in summarise(manifest(summary, samples=4), rows(*entries))}
    assert {au: (row.n, row.coverage) for au, row in found.items()} == {
        None: (3, 0.75),
        "AU01": (2, 1.0),
        "AU12": (1, 0.5),
    }
    assert found["AU01"].reason is None
    assert found["AU12"].reason == "no face"
    lost = rows(*entries, {"status": "na", "reason": "unreadable"})
    found = {row.au: row for row in summarise(manifest(summary, samples=5), lost)}
    assert found["AU01"].coverage == pytest.approx(4 / 5)  # as many of the lost as of the others
    assert found[None].coverage == pytest.approx(3 / 5)


def test_the_order_of_rows_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    summary = Summary("m.pcc", "higher", reducer="pcc", inputs=("x", "y"))
    entries = [
        {
            "position": number,
            "sample_id": f"s{number}",
            "subject": f"p{number % 7}",
            "observation": name,
            "value": v,
        }
        for number in range(40)
        for name, v in zip("xy", rng.random(2), strict=True)
    ]
    straight = only(summarise(manifest(summary, samples=40), rows(*entries)))
    mixed = only(summarise(manifest(summary, samples=40), rows(*(entries[i] for i in rng.permutation(80)))))
    for name in ("value", "low", "high"):
        assert getattr(mixed, name) == pytest.approx(getattr(straight, name))
    expected = np.corrcoef([e["value"] for e in entries[::2]], [e["value"] for e in entries[1::2]])[0, 1]
    assert straight.value == pytest.approx(expected)


def test_samples_of_one_input_alone_do_not_count() -> None:
    summary = Summary("m.mae", "lower", reducer="mae", inputs=("x", "y"))
    row = only(
        summarise(
            manifest(summary, samples=2),
            rows(
                {"position": 0, "observation": "x", "value": 1.0},
                {"position": 1, "observation": "x", "value": 9.0},
                {"position": 1, "observation": "y", "status": "na", "reason": "unknown"},
                {"position": 0, "observation": "y", "value": 0.5},
            ),
        )
    )
    assert (row.value, row.n, row.coverage, row.reason) == (0.5, 1, 0.5, "unknown")


def test_an_undefined_value_says_so() -> None:
    summary = Summary("m.pcc", "higher", reducer="pcc", inputs=("m", "m"))
    row = only(summarise(manifest(summary, samples=2), rows({"value": 1.0}, {"value": 1.0})))
    assert (row.value, row.status, row.reason) == (None, "na", "undefined on these samples")
    assert row.coverage == 1.0


def test_repeats_of_a_system_metric_are_their_own_subjects() -> None:
    summary = Summary("m.p50", "lower", "ms", reducer="p50", inputs=("m",))
    row = only(summarise(manifest(summary, system=True), rows(*({"value": float(v)} for v in (1, 2, 9)))))
    assert (row.value, row.n, row.coverage, row.few_subjects) == (2.0, 3, 1.0, False)


def test_the_remark_of_a_system_metric_is_its_reason_beside_the_value() -> None:
    summary = Summary("m.p50", "lower", "ms", reducer="p50", inputs=("m",))
    entries = [{"value": float(value), "reason": "measured on a busy machine"} for value in (1, 2, 9)]
    row = only(summarise(manifest(summary, system=True), rows(*entries)))
    assert (row.value, row.coverage, row.status) == (2.0, 1.0, "ok")
    assert row.reason == "measured on a busy machine"


def test_json_has_the_keys_of_the_design_and_no_nan() -> None:
    found = summarise(
        manifest(Summary("m", "lower"), Summary("m.pcc", "higher", reducer="pcc", inputs=("m", "m"))),
        rows({"value": 1.0}, {"value": math.nan}, {"value": math.inf}),
    )
    text = json.dumps(as_json(Path("results/runs/x"), found), allow_nan=False)
    content = json.loads(text)
    assert set(content) == {"schema", "run", "manifest", "rows"}
    assert (content["schema"], content["run"]) == (1, "results/runs/x")
    assert content["manifest"] == "results/runs/x/manifest.json"
    for row in content["rows"]:
        assert set(row) - ADDED == KEYS
        assert list(row)[:20] == [name for name in row if name in KEYS]
    assert content["rows"][0]["n"] == 1
    assert content["rows"][1]["value"] is None


@pytest.mark.slow
def test_a_million_rows() -> None:
    count, aus = 1_000_000, 17
    samples = count // aus // 2
    rng = np.random.default_rng(0)
    size = samples * aus * 2
    number = np.repeat(np.arange(samples), aus * 2)
    au = np.tile(np.repeat(np.arange(aus), 2), samples)

    def words(codes: np.ndarray[Any, Any], names: list[str]) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names))

    nothing = np.zeros(size, np.int32)
    columns = {
        "cell": words(nothing, ["000-a"]),
        "batch": pa.array((number // 16).astype(np.int32)),
        "position": pa.array((number % 16).astype(np.int32)),
        "sample_id": pa.array(number.astype(str)),
        "subject": words(number // 100, [f"p{i}" for i in range(samples // 100 + 1)]),
        "metric": words(nothing, ["m"]),
        "observation": words(np.tile([0, 1], size // 2), ["x", "y"]),
        "au": words(au, [f"AU{i:02d}" for i in range(aus)]),
        "value": pa.array(rng.random(size)),
        "status": words(nothing, ["ok"]),
        "reason": pa.array([None] * size, pa.string()).dictionary_encode(),
    }
    table = pa.table({name: columns[name] for name in COLUMNS})
    summaries = [
        Summary(f"m.{name}", "none", reducer=name, inputs=("x", "y"), per_au=True)
        for name in ("mae", "pcc", "icc31")
    ]
    begun = time.perf_counter()
    found = summarise(manifest(*summaries, samples=samples), table)
    print(f"summarised {size:,} rows into {len(found)} in {time.perf_counter() - begun:.2f} s")
    assert len(found) == 3 * 18
    assert found[0].n == samples


@pytest.mark.parametrize("reducer", ["mae", "pcc"])
def test_aus_that_are_not_covered_do_not_explain_missing_samples(reducer: str) -> None:
    """Three samples lack AU06, which is more reasons than the one of the sample that has no value."""
    summary = Summary(f"m.{reducer}", "lower", reducer=reducer, inputs=("x", "y"), per_au=True)
    entries: list[dict[str, Any]] = []
    for position in range(4):
        for au in ("AU06", "AU12"):
            why = "no face was found" if position == 3 else "AU not covered" if au == "AU06" else None
            state = {"value": 0.5} if why is None else {"status": "na", "reason": why}
            common = {"position": position, "sample_id": f"s{position}", "subject": f"p{position}", "au": au}
            entries += [{**common, "observation": name, **state} for name in "xy"]
    row = next(row for row in summarise(manifest(summary), rows(*entries)) if row.au is None)
    assert (row.n, row.coverage) == (3, 0.75)
    if reducer == "mae":
        assert (row.status, row.reason) == ("ok", "no face was found")
    else:  # constant values have no correlation
        assert (row.value, row.status, row.reason) == (None, "na", "undefined on these samples")
