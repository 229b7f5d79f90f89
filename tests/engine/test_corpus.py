"""Corpus metrics: one value over all samples with an interval, resumable, and never compared over other samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy.running import long_rows, measure, table, toy_suite, toys
from toy.toy_plugin import CALLS

from gath_bench.analysis import compare, drift, summarise
from gath_bench.evaluation.verification import verify
from gath_bench.results.shards import ShardStore

METRICS = ("toy-l1", "toy-corpus")


def pixel_means(run, model: str) -> dict[str, float]:
    """The per-sample values that ``toy-corpus`` is the mean of, by sample."""
    rows = [row for row in long_rows(run, model, "toy-l1") if row["value"] is not None]
    return {row["sample_id"]: row["value"] for row in rows}


def test_the_value_is_over_all_samples_with_an_interval_over_subjects(tmp_path: Path) -> None:
    _, run = measure(toy_suite(("toy-noise",), METRICS, "toy[n=24]"), tmp_path / "run")
    corpus, plain = (table(run, "toy-noise", name) for name in ("toy-corpus", "toy-l1"))
    # The toy is the mean of an error: the same value, and nearly the same interval, as the mean of observations.
    assert corpus.value == pytest.approx(plain.value, abs=1e-6)
    assert (corpus.n, corpus.coverage, corpus.status) == (24, 1.0, "ok")
    assert corpus.low is not None
    assert corpus.high is not None
    assert plain.low is not None
    assert plain.high is not None
    assert corpus.low < corpus.value < corpus.high
    assert corpus.high - corpus.low == pytest.approx(plain.high - plain.low, rel=0.35)
    assert corpus.few_subjects
    exact = table(run, "toy-exact", "toy-corpus")
    assert (exact.value, exact.low, exact.high) == (0, 0, 0)
    assert table(run, "toy-noise", "toy-corpus").gain is not None
    assert not (run.path / "corpus").exists(), "features are removed when the record is written"


def test_batches_do_not_change_the_value(tmp_path: Path) -> None:
    runs = [
        measure(toy_suite(("toy-edit",), METRICS, batch_size=size), tmp_path / str(size))[1]
        for size in (4, 5)
    ]
    values = [table(run, "toy-edit", "toy-corpus") for run in runs]
    assert values[0].value == pytest.approx(values[1].value, abs=1e-6)
    assert values[0].low == pytest.approx(values[1].low, abs=1e-6)


def test_samples_without_an_image_are_counted(tmp_path: Path) -> None:
    _, run = measure(toy_suite(("toy-gaps",), METRICS, "toy[unreadable=2]"), tmp_path / "run")
    corpus, plain = (table(run, "toy-gaps", name) for name in ("toy-corpus", "toy-l1"))
    assert corpus.value == pytest.approx(plain.value, abs=1e-6)
    assert (corpus.n, corpus.coverage, corpus.reason) == (plain.n, plain.coverage, plain.reason)
    assert corpus.coverage < 1


def test_without_any_sample_the_value_is_na_with_the_reason(tmp_path: Path) -> None:
    suite = toy_suite((), ("toy-corpus",), "toy[targets=false]")
    _, run = measure(suite, tmp_path / "run")
    row = table(run, "toy-copy", "toy-corpus")
    assert (row.value, row.status, row.reason, row.n) == (None, "na", "no target image", 0)
    _, run = measure(toy_suite((), ("toy-corpus[least=99]",)), tmp_path / "few")
    (row,) = [row for row in summarise(run.manifest, run.observations) if row.model == "toy-copy"]
    assert (row.value, row.status, row.reason, row.n) == (None, "na", "needs at least 99 images", 12)


def test_a_failure_is_recorded_and_measured_again(tmp_path: Path) -> None:
    outcome, run = measure(toy_suite((), ("toy-corpus[fails=compute]",)), tmp_path / "run")
    assert outcome.failed
    (row,) = [row for row in summarise(run.manifest, run.observations) if row.model == "toy-copy"]
    assert (row.status, row.reason) == ("failed", "RuntimeError: no compute")
    outcome, run = measure(toy_suite((), ("toy-corpus[fails=update]",)), tmp_path / "other")
    (row,) = [row for row in summarise(run.manifest, run.observations) if row.model == "toy-copy"]
    assert (outcome.failed, row.status, row.reason) == (True, "failed", "RuntimeError: no update")


def test_a_killed_run_is_resumed_with_the_features_that_were_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = toy_suite((), METRICS, "toy[n=24]")
    _, whole = measure(suite, tmp_path / "whole")
    monkeypatch.setattr("gath_bench.engine.cell.FLUSH_SECONDS", -1.0)
    write, calls = ShardStore.write, [0]

    def dying(*arguments, **options):
        calls[0] += 1
        if calls[0] == 10:  # six batches and the record of the first cell, two batches of the second
            raise KeyboardInterrupt
        return write(*arguments, **options)

    monkeypatch.setattr(ShardStore, "write", dying)
    with pytest.raises(KeyboardInterrupt):
        measure(suite, tmp_path / "run")
    assert list((tmp_path / "run" / "corpus").glob("*.npz"))
    CALLS.clear()
    _, resumed = measure(suite, tmp_path / "run", resume=True)
    assert CALLS["load"] == 4
    assert_equal(resumed, whole)
    # A record that was lost later: the features are gone, and the batches of that cell are measured again.
    cell = resumed.manifest.cells[-1].cell_id
    (tmp_path / "run" / "samples" / f"{cell}.corpus.parquet").unlink()
    CALLS.clear()
    _, again = measure(suite, tmp_path / "run", resume=True)
    assert CALLS["load"] == 6
    assert_equal(again, whole)


def assert_equal(run, whole) -> None:
    for model in ("toy-exact", "toy-copy"):
        mine, theirs = table(run, model, "toy-corpus"), table(whole, model, "toy-corpus")
        assert (mine.value, mine.low, mine.high, mine.n) == (theirs.value, theirs.low, theirs.high, theirs.n)
        rows = [row for row in long_rows(run, model, "toy-corpus") if row["batch"] >= 0]
        assert len(rows) == 24
    assert not (run.path / "corpus").exists()


def test_models_are_compared_by_paired_draws_and_only_on_the_same_samples(tmp_path: Path) -> None:
    _, first = measure(toy_suite(("toy-noise",), METRICS, "toy[n=24]"), tmp_path / "a")
    _, second = measure(toy_suite(("toy-edit",), METRICS, "toy[n=24]"), tmp_path / "b")
    by_metric = {one.metric: one for one in compare(first, second)}
    corpus, plain = by_metric["toy-corpus"], by_metric["toy-l1"]
    assert corpus.difference == pytest.approx(plain.difference, abs=1e-6)
    assert corpus.p_value is None
    assert (corpus.n, corpus.subjects) == (24, 8)
    assert None not in (corpus.low, corpus.high, plain.low, plain.high)
    assert corpus.high - corpus.low == pytest.approx(plain.high - plain.low, rel=0.35)
    assert corpus.better == plain.better
    _, gaps = measure(toy_suite(("toy-gaps",), METRICS, "toy[n=24]"), tmp_path / "c")
    lacking = {one.metric: one for one in compare(first, gaps)}["toy-corpus"]
    assert (lacking.difference, lacking.better) == (None, None)


def test_a_run_with_a_corpus_metric_is_verified(tmp_path: Path) -> None:
    _, run = measure(toy_suite(("toy-edit",), METRICS), tmp_path / "run")
    assert verify(run, plugins=toys()).reproduced
    partly = verify(run, limit=4, plugins=toys())
    assert partly.reproduced, str(partly)
    assert "reported only" in str(partly)
    (one,) = [one for one in drift(run, run) if one.metric == "toy-corpus"]
    assert one.graded
    assert one.values > 200


def test_resamples_have_the_spread_of_the_mean(tmp_path: Path) -> None:
    """The stored values are those of resampled subjects, centred at the value."""
    _, run = measure(toy_suite(("toy-noise",), METRICS, "toy[n=60]"), tmp_path / "run")
    rows = [row for row in long_rows(run, "toy-noise", "toy-corpus") if row["batch"] < 0]
    value, samples, subjects, *draws = [row["value"] for row in sorted(rows, key=lambda row: row["position"])]
    assert (samples, subjects, len(draws)) == (60, 20, 200)
    assert np.mean(draws) == pytest.approx(value, rel=1e-6)
    each = np.array(list(pixel_means(run, "toy-noise").values())).reshape(20, 3).mean(1)
    assert np.std(draws) == pytest.approx(each.std() / 20**0.5, rel=0.2)
