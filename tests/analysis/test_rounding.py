"""Tables are the same on every processor: exact weighted sums, ties that rounding cannot break."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from analysis.worlds import metric, table, world

from gath_bench.analysis import compare, estimate
from gath_bench.analysis.reducers import REDUCERS
from gath_bench.analysis.rounding import PRECISION, difference, equal, exact_product

RNG = np.random.default_rng(0)
REFERENCE = Path(__file__).parents[2] / "results" / "reference" / "quick"

# --- exact sums ---


def weights_and_values(subjects: int = 40) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Resampling weights, and columns of very different sizes."""
    weights = RNG.multinomial(subjects, np.full(subjects, 1 / subjects), size=50).astype(np.uint16)
    return weights, RNG.standard_normal((subjects, 4)) * np.array([1.0, 1e-9, 1e12, 1.0]) + np.array(
        [0, 0, 0, 1e6]
    )


def test_exact_product_rounds_once() -> None:
    weights, values = weights_and_values()
    found = exact_product(weights, values, len(values))
    for column in range(values.shape[1]):
        exact = [
            sum(Fraction(int(w)) * Fraction(float(v)) for w, v in zip(row, values[:, column], strict=True))
            for row in weights
        ]
        assert found[:, column].tolist() == [float(value) for value in exact]


def test_exact_product_does_not_depend_on_the_order_of_additions() -> None:
    weights, values = weights_and_values()
    order = RNG.permutation(len(values))
    assert np.array_equal(
        exact_product(weights[:, order], values[order], len(values)),
        exact_product(weights, values, len(values)),
    )
    # The plain product does, or this test could not fail.
    plain = weights.astype(np.float64)
    assert not np.array_equal(plain[:, order] @ values[order], plain @ values)


def test_exact_product_of_nothing_and_of_zeros() -> None:
    assert exact_product(np.zeros((3, 0), np.uint16), np.zeros((0, 2)), 0).tolist() == [[0, 0]] * 3
    assert exact_product(np.ones((2, 3), bool), np.zeros((3, 1)), 3).tolist() == [[0], [0]]
    tiny = np.full((3, 1), 5e-324)
    assert exact_product(np.ones((1, 3), bool), tiny, 3)[0, 0] == pytest.approx(0, abs=1e-300)


# --- ties ---


def test_equal_is_relative_to_the_values() -> None:
    assert equal([1.0, 1e-12, 0.0, 1e12], [1 + PRECISION / 2, 2e-12, 0.0, 1e12 + 1]).tolist() == [
        True,
        False,
        True,
        True,
    ]
    assert not equal(np.nan, np.nan)
    assert difference([3.0, 3.0, np.nan], [3.0 + 1e-12, 2.0, 1.0]).tolist()[:2] == [0.0, 1.0]


@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_ties_of_a_discrete_metric_are_found_whatever_the_rounding(shift: float) -> None:
    """Few distinct values give many resamples that equal the observed value exactly."""
    whole = RNG.integers(0, 3, 30).astype(float)
    exact = estimate(REDUCERS["mean"], [(whole,)], [np.arange(30)])
    # Thirds and a shift cannot be represented; the interval is the same one, scaled and moved.
    rounded = estimate(REDUCERS["mean"], [(whole / 3 + shift,)], [np.arange(30)])
    assert exact.low is not None
    assert exact.high is not None
    assert (rounded.low, rounded.high) == pytest.approx(
        (exact.low / 3 + shift, exact.high / 3 + shift), abs=1e-12 * (1 + shift)
    )


def test_averaging_groups_before_or_after_the_sum_gives_one_interval() -> None:
    groups = [RNG.integers(0, 5, 25) / 7 for _ in range(3)]
    who = np.arange(25)
    after = estimate(REDUCERS["mean"], [(values,) for values in groups], [who] * 3)
    before = estimate(REDUCERS["mean"], [(np.mean(groups, axis=0),)], [who])
    assert (after.low, after.high) == pytest.approx((before.low, before.high), abs=1e-12)


def test_models_that_differ_by_rounding_share_a_rank_and_differ_by_nothing() -> None:
    values = RNG.random(30) + 0.1
    nearly = values * (1 + 1e-15 * RNG.choice([-1, 1], 30))
    assert not np.array_equal(values, nearly)
    rows = table(world({"a": values, "b": nearly, "c": values + 1}))
    assert [(rows[name].rank, rows[name].best) for name in "abc"] == [(1.5, True), (1.5, True), (3, False)]
    (one,) = compare(world({"a": values}), world({"b": nearly}))
    assert (one.difference, one.better, one.p_value) == (0, None, 1)


def test_equal_speeds_have_no_better_one_whatever_the_rounding() -> None:
    record = metric(direction="higher", system=True, reducer="max", inputs=("m",))
    values = np.full(20, 0.3)
    (one,) = compare(world({"a": values}, record), world({"b": values * (1 + 2e-16)}, record))
    assert (one.difference, one.low, one.high, one.better) == (0, 0, 0, None)


def test_an_oracle_that_gains_by_rounding_alone_gives_no_gain() -> None:
    values = RNG.random(30) + 1
    rows = table(world({"oracle": values * (1 - 1e-15), "copy-source": values, "a": values * 0.5}))
    assert rows["a"].gain is None


def test_a_constant_series_has_no_agreement() -> None:
    requested = RNG.random(60)
    found = estimate(REDUCERS["icc31"], [(np.full(60, 0.1), requested)], [np.arange(60) // 3])
    assert (found.value, found.low, found.high) == (0, 0, 0)


# --- kernels and threads ---

#: OpenBLAS's kernel for a processor -> what a processor needs to run it. That of Prescott has no fused multiply-add,
#: so that its sums differ from the others' with any number of threads.
KERNELS = {"Prescott": "pni", "Haswell": "avx2", "Zen": "avx2", "SkylakeX": "avx512f"}
#: What the tables print: every summary over all AUs. (Intervals of single AUs take nine tenths of the time.)
PROGRAM = """
import hashlib, json, sys
from dataclasses import asdict, replace
from pathlib import Path
from threadpoolctl import threadpool_info
import numpy as np
from gath_bench.analysis import compare, summarise
from gath_bench.report import as_json
from gath_bench.results import load
run = load(Path(sys.argv[1]))
metrics = [replace(m, summaries=[replace(s, per_au=False) for s in m.summaries]) for m in run.manifest.metrics]
run = replace(run, manifest=replace(run.manifest, metrics=metrics))
rng = np.random.default_rng(0)
pools = [one for one in threadpool_info() if one["internal_api"] == "openblas"]
json.dump({
    "architecture": [one["architecture"] for one in pools],
    "threads": [one["num_threads"] for one in pools],
    "plain": hashlib.sha256((rng.random((500, 200)) @ rng.random((200, 6))).tobytes()).hexdigest(),
    "report": as_json(run.path, summarise(run.manifest, run.observations)),
    "compare": [asdict(one) for one in compare(run, run, pairs=[("gath", "gath-warp"), ("gath", "gath")])],
}, sys.stdout)
"""


def features() -> str:
    """The instruction sets of this processor, as Linux names them."""
    path = Path("/proc/cpuinfo")
    flags = (
        [line for line in path.read_text().splitlines() if line.startswith("flags")] if path.exists() else []
    )
    return f" {flags[0]} " if flags else ""


def settings() -> Iterator[tuple[str | None, int]]:
    yield None, 2
    for number, (kernel, needs) in enumerate(KERNELS.items()):
        if f" {needs} " in features():
            yield kernel, 1 + number % 2


def analysed(kernel: str | None, threads: int) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    environment |= {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    environment |= {"OPENBLAS_CORETYPE": kernel} if kernel else {}
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, REFERENCE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert said.returncode == 0, said.stderr
    content: dict[str, Any] = json.loads(said.stdout)
    return content


def test_every_kernel_and_thread_count_gives_the_same_tables() -> None:
    """Values, intervals, p values, ranks and gains of a committed run, and its paired differences, bit by bit."""
    pytest.importorskip("threadpoolctl", reason="the `test` extra is not installed")
    found = {setting: analysed(*setting) for setting in settings()}
    first, *others = found.values()
    if len({str(one["architecture"]) for one in found.values()}) < 2:
        pytest.skip("numpy's BLAS has one kernel here")
    for (_, threads), one in found.items():
        assert one["threads"] in ([threads], [1])
        assert one["report"] == first["report"]
        assert one["compare"] == first["compare"]
    assert any(one["plain"] != first["plain"] for one in others), (
        "the kernels do not differ: nothing was tested"
    )
    same = [one for one in first["compare"] if one["model_a"] == one["model_b"]]
    assert same
    assert {one["difference"] for one in same} <= {0, None}
    assert {one["better"] for one in same} == {None}
