"""Best, not significantly worse, p, rank and gain of a table's rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analysis.worlds import metric, table, world
from numpy.typing import NDArray

from gath_bench.analysis import mean_ranks, summarise
from gath_bench.analysis.significance import holm

Array = NDArray[np.float64]
SUBJECTS = 30


def columns(seed: int = 0, subjects: int = SUBJECTS) -> dict[str, Array]:
    """Lower is better: ``close`` is as good as ``good`` up to noise, ``bad`` is clearly worse."""
    rng = np.random.default_rng(seed)
    hard = rng.exponential(1.0, subjects) + 1
    return {
        "oracle": 0.1 * hard,
        "copy-source": 3 * hard,
        "good": hard + rng.normal(0, 0.05, subjects),
        "close": hard + rng.normal(0.001, 0.05, subjects),
        "bad": 2 * hard + rng.normal(0, 0.05, subjects),
    }


def test_best_and_tied_models() -> None:
    rows = table(world(columns()))
    winner = min(("good", "close"), key=lambda name: rows[name].value or 0)
    other = {"good": "close", "close": "good"}[winner]
    assert {name: (row.best, row.tied) for name, row in rows.items()} == {
        "oracle": (False, False),
        "copy-source": (False, False),
        winner: (True, False),
        other: (False, True),
        "bad": (False, False),
    }
    assert rows[winner].p_value is None
    assert (rows[other].p_value or 0) > 0.05
    assert (rows["bad"].p_value or 1) < 0.05
    assert [rows[name].rank for name in (winner, other, "bad")] == [1, 2, 3]
    assert rows["oracle"].rank is None


def test_higher_is_better_is_the_mirror_image() -> None:
    lower = table(world(columns()))
    higher = table(world({name: -v for name, v in columns().items()}, metric(direction="higher")))
    for name, row in lower.items():
        other = higher[name]
        assert (row.best, row.tied, row.rank) == (other.best, other.tied, other.rank)
        assert (
            row.p_value == pytest.approx(other.p_value) if row.p_value is not None else other.p_value is None
        )
        assert row.gain == pytest.approx(other.gain) if row.gain is not None else other.gain is None


def test_p_values_are_corrected_over_the_models_of_a_column() -> None:
    three = columns()
    # The best is not tested: `good` has to be the best of two models and of three.
    values = {"good": three["good"] - 0.02, "close": three["close"], "bad": three["bad"]}
    rows = table(world(values))
    alone = {
        name: table(world({k: values[k] for k in ("good", name)}))[name].p_value or 0.0
        for name in ("close", "bad")
    }
    assert rows["good"].best
    assert [rows[name].p_value for name in alone] == pytest.approx(holm(list(alone.values())))


def test_single_model_is_not_marked_as_best() -> None:
    rows = table(world({name: columns()[name] for name in ("oracle", "copy-source", "bad")}))
    assert not any(row.best or row.tied for row in rows.values())
    assert rows["bad"].rank is None
    assert rows["bad"].gain is not None


def test_metric_without_direction_has_no_best() -> None:
    rows = table(world(columns(), metric(direction="none")))
    assert not any(row.best or row.tied or row.gain is not None for row in rows.values())


def test_models_that_see_the_target_and_contaminated_models_are_not_ranked() -> None:
    grader = "grader@1#ab12cd34"
    run = world(
        {"good": columns()["good"], "close": columns()["close"], "bad": columns()["bad"]},
        replace(metric(), evaluators=[grader]),
        cells={"good": {"trained_against": ["teacher@1#ab12cd34"]}, "close": {"sees_target": True}},
    )
    rows = table(run)
    assert rows["good"].contaminated
    assert not any(row.best for row in rows.values())


def test_baselines_are_not_ranked_even_where_they_are_best() -> None:
    run = world(columns(), cells={"good": {"baseline": True}})
    rows = table(run)
    assert rows["good"].rank is None
    assert not rows["good"].best
    assert rows["close"].rank is not None
    assert not any(found.model == "good" for found in mean_ranks(run.manifest, list(rows.values())))


def test_equal_models_are_both_best() -> None:
    values = columns()["good"]
    rows = table(world({"a": values, "b": values.copy(), "c": values + 1}))
    assert [rows[name].best for name in "abc"] == [True, True, False]
    assert [rows[name].rank for name in "abc"] == [1.5, 1.5, 3]


def test_models_are_compared_on_their_common_samples() -> None:
    values = columns()
    gone = values["good"].copy()
    gone[::2] = np.nan
    # `bad` is measured on other samples than `good` but for a few: on those it is still clearly worse.
    rows = table(world({"good": gone, "bad": values["bad"]}))
    half = table(world({"good": values["good"][1::2], "bad": values["bad"][1::2]}))
    assert rows["good"].best
    assert rows["bad"].p_value == pytest.approx(half["bad"].p_value)


def test_models_without_common_samples_are_tied() -> None:
    values = columns()
    odd, even = values["good"].copy(), values["bad"].copy()
    odd[::2], even[1::2] = np.nan, np.nan
    rows = table(world({"good": odd, "bad": even}))
    assert rows["good"].best
    assert (rows["bad"].tied, rows["bad"].p_value) == (True, None)


def test_remaining_samples_are_paired_where_a_model_lost_some() -> None:
    """An engine counts the samples of a batch anew when a model has no image of one: ids say which is which."""
    run = world({"a": columns()["good"], "b": columns()["bad"]})
    rows = run.observations.to_pydict()
    order = np.random.default_rng(0).permutation(SUBJECTS)
    for at in range(SUBJECTS, 2 * SUBJECTS):
        rows["batch"][at], rows["position"][at] = divmod(int(order[at - SUBJECTS]), 4)
    import pyarrow as pa

    shuffled = replace(run, joined=pa.Table.from_pydict(rows, schema=run.observations.schema))
    assert table(shuffled)["b"].p_value == pytest.approx(table(run)["b"].p_value)


def test_gain_is_the_position_between_copy_source_and_oracle() -> None:
    values = columns()
    rows = table(world(values))
    for name in ("good", "bad"):
        expected = (values["copy-source"] - values[name]).mean() / (
            values["copy-source"] - values["oracle"]
        ).mean()
        row = rows[name]
        assert row.gain == pytest.approx(expected)
        assert row.gain_low is not None
        assert row.gain_high is not None
        assert row.gain_low < row.gain < row.gain_high
    assert rows["oracle"].gain is None
    copies = table(world({**values, "good": values["copy-source"], "bad": values["oracle"]}))
    assert (copies["good"].gain, copies["good"].gain_low, copies["good"].gain_high) == pytest.approx(
        (0, 0, 0)
    )
    assert (copies["bad"].gain, copies["bad"].gain_low, copies["bad"].gain_high) == pytest.approx((1, 1, 1))


def test_gain_interval_equals_scipy() -> None:
    from scipy import stats

    values = columns(subjects=50)
    row = table(world(values))["good"]
    reach = np.sqrt(50 / 49) * stats.t.ppf(0.975, 49)
    reference = stats.bootstrap(
        (values["copy-source"], values["good"], values["oracle"]),
        lambda c, m, o, axis=-1: (c.mean(axis) - m.mean(axis)) / (c.mean(axis) - o.mean(axis)),
        paired=True,
        method="BCa",
        n_resamples=5000,
        rng=np.random.default_rng(1),
        confidence_level=float(2 * stats.norm.cdf(reach) - 1),
    ).confidence_interval
    length = reference.high - reference.low
    assert row.gain_low == pytest.approx(reference.low, abs=length / 8)
    assert row.gain_high == pytest.approx(reference.high, abs=length / 8)


@pytest.mark.parametrize("how", ["no better", "worse", "not clearly better"])
def test_no_gain_where_the_oracle_is_not_better(how: str) -> None:
    values = columns()
    noise = np.random.default_rng(7).normal(0, 1, SUBJECTS)
    values["oracle"] = {
        "no better": values["copy-source"],
        "worse": values["copy-source"] + 1,
        "not clearly better": values["copy-source"] + noise - noise.mean() - 0.01,
    }[how]
    assert table(world(values))["good"].gain is None


def test_a_system_metric_has_a_best_by_its_intervals_and_no_test() -> None:
    rng = np.random.default_rng(0)
    record = metric(direction="higher", system=True, reducer="median", inputs=("m",))
    rows = table(
        world(
            {
                "oracle": rng.normal(9, 1, 20),
                "copy-source": rng.normal(9, 1, 20),
                "fast": rng.normal(10, 0.1, 20),
                "as-fast": rng.normal(9.99, 0.1, 20),
                "slow": rng.normal(5, 0.1, 20),
            },
            record,
        )
    )
    assert {row.best or row.tied for name, row in rows.items() if name in ("fast", "as-fast")} == {True}
    assert not rows["slow"].tied
    assert {(row.p_value, row.gain) for row in rows.values()} == {(None, None)}


def test_the_fastest_baseline_has_no_rank_in_a_speed() -> None:
    record = metric(direction="higher", system=True, reducer="median", inputs=("m",))
    speeds = {"copy-source": 900.0, "mean-frame": 950.0, "fast": 10.0, "slow": 5.0}
    noise = np.random.default_rng(0).normal(0, 0.1, 20)
    run = world(
        {name: speed + noise for name, speed in speeds.items()},
        record,
        cells={"mean-frame": {"baseline": True}},
    )
    rows = table(run)
    assert [rows[name].rank for name in speeds] == [None, None, 1, 2]
    assert [rows[name].best for name in speeds] == [False, False, True, False]


def test_mean_ranks_weigh_metrics_equally() -> None:
    run = world({"a": np.arange(30.0), "b": np.arange(30.0) + 1})
    (first, second) = mean_ranks(run.manifest, summarise(run.manifest, run.observations))
    assert [(one.model, one.rank, one.metrics) for one in (first, second)] == [("a", 1.0, 1), ("b", 2.0, 1)]
    rows = summarise(run.manifest, run.observations)
    # Two more summaries of another metric in which b wins, one of them not for a: that one does not count.
    other = [replace(row, metric="n", key="n@1", rank={"a": 2.0, "b": 1.0}[row.model]) for row in rows]
    alone_in_metric = replace(rows[1], metric="n.more", key="n@1", rank=1.0)
    manifest = replace(run.manifest, metrics=[metric(), metric("n"), metric("n.more")])
    ranks = mean_ranks(manifest, [*rows, *other, alone_in_metric])
    assert {one.model: (one.rank, one.metrics) for one in ranks} == {"a": (1.5, 2), "b": (1.5, 2)}
