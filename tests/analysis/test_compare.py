"""Two runs, model against model: the numbers of one table, and a refusal wherever they are not like for like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from analysis.worlds import metric, table, world

from gath_bench import UsageError
from gath_bench.analysis import compare, verdict
from gath_bench.analysis.compare import count_values
from gath_bench.analysis.significance import holm
from gath_bench.contracts import Summary, fingerprint

RNG = np.random.default_rng(0)
GOOD = RNG.exponential(1.0, 40) + 1
BAD = GOOD + RNG.normal(0.3, 0.2, 40)


def test_the_difference_is_paired_and_has_its_sign() -> None:
    (one,) = compare(world({"a": GOOD}), world({"b": BAD}))
    assert one.difference == pytest.approx((BAD - GOOD).mean())
    assert (one.value_a, one.value_b) == pytest.approx((GOOD.mean(), BAD.mean()))
    assert one.low is not None
    assert one.high is not None
    # As short as the spread of the differences, not of the values.
    error = (BAD - GOOD).std(ddof=1) / np.sqrt(40)
    assert one.high - one.low == pytest.approx(2 * 2.02 * error, rel=0.15)
    assert (one.better, one.n, one.subjects, one.few_subjects) == ("a", 40, 40, False)
    assert one.p_value == table(world({"a": GOOD, "b": BAD}))["b"].p_value
    (other,) = compare(world({"b": BAD}), world({"a": GOOD}))
    assert other.difference == pytest.approx(-one.difference)
    assert (other.better, other.p_value) == ("b", one.p_value)


def test_better_model_by_direction() -> None:
    for direction, better in (("higher", "b"), ("none", None)):
        record = metric(direction=direction)  # type: ignore[arg-type]
        (one,) = compare(world({"a": GOOD}, record), world({"b": BAD}, record))
        assert one.better == better


def test_run_compared_with_itself_has_no_difference() -> None:
    (one,) = compare(world({"a": GOOD}), world({"a": GOOD}))
    assert (one.difference, one.low, one.high, one.p_value, one.better) == (0, 0, 0, 1, None)


def test_common_samples_only() -> None:
    partly = BAD.copy()
    partly[10:] = np.nan
    (one,) = compare(world({"a": GOOD}), world({"b": partly}))
    assert (one.n, one.subjects, one.few_subjects) == (10, 10, True)
    assert one.difference == pytest.approx((BAD - GOOD)[:10].mean())
    (short,) = compare(world({"a": GOOD}), world({"b": BAD[:10]}))
    assert (short.n, short.difference) == (10, pytest.approx(one.difference))


def test_no_common_sample_is_no_difference() -> None:
    (one,) = compare(world({"a": GOOD}), world({"b": np.full(40, np.nan)}))
    assert (one.difference, one.low, one.p_value, one.p_holm, one.better, one.n) == (None,) * 5 + (0,)


def test_equal_names_then_all_other_pairs_without_baseline_rows() -> None:
    first = world({"oracle": GOOD * 0, "copy-source": BAD, "x": GOOD, "a": GOOD, "b": BAD})
    second = world({"oracle": GOOD * 0, "copy-source": BAD, "x": GOOD, "c": BAD})
    found = compare(first, second)
    assert [(one.model_a, one.model_b) for one in found] == [("x", "x"), ("a", "c"), ("b", "c")]
    assert [one.p_holm for one in found] == holm([one.p_value or 0.0 for one in found])
    alone = compare(world({"copy-source": BAD}), world({"copy-source": BAD}))
    assert [(one.model_a, one.model_b) for one in alone] == [("copy-source", "copy-source")]
    pairs = compare(first, second, pairs=[("b", "oracle")])
    assert [(one.model_a, one.model_b) for one in pairs] == [("b", "oracle")]


def test_speed_has_an_interval_of_unpaired_repeats_and_no_test() -> None:
    record = metric(direction="higher", system=True, reducer="median", inputs=("m",))
    (one,) = compare(world({"a": GOOD}, record), world({"b": BAD + 5}, record))
    assert (one.p_value, one.p_holm, one.better) == (None, None, "b")
    assert one.low is not None
    assert one.high is not None
    assert one.low < one.difference < one.high  # type: ignore[operator]
    (same,) = compare(world({"a": GOOD}, record), world({"b": GOOD}, record))
    assert (same.difference, same.better) == (0, None)
    assert same.low < 0 < same.high  # type: ignore[operator]


WEIGHTS = bytes(range(64))
ONE_BYTE_OFF = b"\x01" + WEIGHTS[1:]
SPEED: dict[str, Any] = {"direction": "higher", "system": True}


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (metric(key="m[trunk=alex]@1"), metric(key="m[trunk=vgg]@1"), "metric m: trunk: alex versus vgg"),
        (metric(key="m@1"), metric(key="m@2"), "metric m: version: 1 versus 2"),
        (
            metric(key=f"m@1#{fingerprint(WEIGHTS)[:8]}"),
            metric(key=f"m@1#{fingerprint(ONE_BYTE_OFF)[:8]}"),
            f"weights or content: #{fingerprint(WEIGHTS)[:8]} versus #{fingerprint(ONE_BYTE_OFF)[:8]}",
        ),
    ],
)
def test_unlike_metrics_are_refused(first: Any, second: Any, reason: str) -> None:
    with pytest.raises(UsageError, match="cannot be compared") as refused:
        compare(world({"a": GOOD}, first), world({"b": BAD}, second))
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("model", "fields", "cell", "record", "reason"),
    [
        ("b", {}, {"dataset_key": "d@1#ee"}, {}, "data set d: weights or content: #cd versus #ee"),
        ("b", {}, {"dataset_key": "d@2#cd"}, {}, "data set d: version: 1 versus 2"),
        ("b", {}, {"protocol": "sweep"}, {}, "data set d: protocol: same-subject versus sweep"),
        ("b", {}, {"split": "val"}, {}, "data set d: split: test versus val"),
        ("b", {"seed": 3}, {}, {}, "seed: 0 versus 3"),
        ("a", {}, {"model_key": "a@1#00"}, {}, "model a: weights or content: #ab versus #00"),
        ("b", {"device": "cuda:0"}, {}, SPEED, "metric m: device: cpu versus cuda"),
        (
            "b",
            {"environment": {"machine": {"cpu": "Other CPU @ 2 GHz", "threads": 8}}},
            {},
            SPEED,
            "metric m: device: cpu versus cpu Other CPU @ 2 GHz x8",
        ),
        ("b", {}, {"precision": "bf16"}, SPEED, "metric m: precision: fp32 versus bf16"),
    ],
)
def test_unlike_runs_are_refused(
    model: str, fields: dict[str, Any], cell: dict[str, Any], record: dict[str, Any], reason: str
) -> None:
    first = world({"a": GOOD}, metric(**record))
    second = world({model: BAD}, metric(**record), cells={model: cell}, **fields)
    with pytest.raises(UsageError, match="cannot be compared") as refused:
        compare(first, second)
    assert reason in str(refused.value)


def test_quality_may_be_measured_on_another_device() -> None:
    (one,) = compare(world({"a": GOOD}), world({"b": BAD}, device="cuda:0"))
    assert one.better == "a"


def test_different_models_of_one_name_are_compared_with_explicit_pairs() -> None:
    other = world({"a": BAD}, cells={"a": {"model_key": "a@1#00"}})
    (one,) = compare(world({"a": GOOD}), other, pairs=[("a", "a")])
    assert (one.model_key_a, one.model_key_b, one.better) == ("a@1#ab", "a@1#00", "a")


def test_no_common_columns_and_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing to compare"):
        compare(world({"a": GOOD}), world({"b": BAD}, metric("other")))
    with pytest.raises(UsageError, match="no model 'c'"):
        compare(world({"a": GOOD}), world({"b": BAD}), pairs=[("a", "c")])
    with pytest.raises(UsageError, match="neither run has a metric 'mm'; did you mean m"):
        compare(world({"a": GOOD}), world({"b": BAD}), metrics=["mm"])


def test_namesakes_leave_out_models_of_one_run_if_there_are_namesakes() -> None:
    first, second = world({"a": GOOD, "b": BAD}), world({"a": GOOD, "c": BAD})
    every = {(one.model_a, one.model_b) for one in compare(first, second)}
    assert every == {("a", "a"), ("b", "c")}
    assert {(one.model_a, one.model_b) for one in compare(first, second, namesakes=True)} == {("a", "a")}
    (one,) = compare(world({"a": GOOD}), world({"b": BAD}), namesakes=True)
    assert (one.model_a, one.model_b) == ("a", "b")


def test_verdict_counts_significant_differences() -> None:
    (worse,) = compare(world({"a": GOOD}), world({"b": BAD}))
    (better,) = compare(world({"b": BAD}), world({"a": GOOD}))
    (equal,) = compare(world({"a": GOOD}), world({"b": GOOD}))
    assert (worse.better, better.better, equal.better) == ("a", "b", None)
    assert verdict([equal]) == "no difference: A and B are equal in 1 value"
    assert verdict([worse, worse, better, equal]) == (
        "mixed: B is better in 1 of 4 values, A in 2; 1 without a significant difference"
    )
    assert verdict([better, better]) == "B is better in 2 of 2 values"
    assert verdict([worse, equal]) == "A is better in 1 of 2 values; 1 without a significant difference"
    unclear = replace(worse, better=None)
    assert verdict([unclear, equal]) == "no significant difference in 2 values"
    assert verdict([replace(worse, direction="none")]) == "no value to compare"


def test_headlines_are_the_primary_values_and_all_values_are_counted_without_measuring_them() -> None:
    summaries = [Summary("m", "lower"), Summary("m.also", "lower", inputs=("m",), primary=False)]
    first, second = (world({"a": values}, metric(summaries=summaries)) for values in (GOOD, BAD))
    every = compare(first, second)
    assert [one.metric for one in every] == ["m", "m.also"]
    assert compare(first, second, headlines=True) == every[:1]
    assert count_values(first, second) == len(every)
    other = [replace(summary, primary=False) for summary in summaries]
    first, second = (world({"a": values}, metric(summaries=other)) for values in (GOOD, BAD))
    assert len(compare(first, second, headlines=True)) == 2, "without primary values, all"
