"""au-control on sweeps with known responses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gath_metrics.au_control import AUControl, leakage
from metrics.helpers import TableEvaluations, make_batch
from toy.running import toy_suite

from gath_bench.analysis import summarise
from gath_bench.analysis.reducers import REDUCERS
from gath_bench.au import get_space
from gath_bench.contracts import Features
from gath_bench.engine import RunOptions, execute
from gath_bench.engine.isolated import isolated
from gath_bench.errors import Unavailable
from gath_bench.plugins import load_plugins
from gath_bench.registry import Registry
from gath_bench.results import load
from gath_bench.suite import make_plan

LABELS = get_space("openface17").labels
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
SWEPT = ("AU04", "AU12", "AU45")


def sweep():
    """A batch that sweeps three AUs over five levels from a neutral source."""
    names = [(au, level) for au in SWEPT for level in LEVELS]
    requested = torch.tensor([[level if au == label else 0.0 for label in LABELS] for au, level in names])
    return replace(
        make_batch(count=len(names), side=4),
        target_aus=requested,
        source_aus=torch.zeros_like(requested),
        swept_au=tuple(au for au, _ in names),
    )


def measure(batch, generated, before=None):
    before = torch.zeros(len(batch), 17) if before is None else before
    answers = {("au_estimator", "generated"): generated, ("au_estimator", "source"): before}
    return {item.name: item for item in AUControl().measure(batch.source, batch, TableEvaluations(answers))}


def summary(name, observed, au):
    (wanted,) = [item for item in AUControl().info.summaries if item.name == name]
    chosen = [own == au for own in observed[wanted.inputs[0]].au_of]
    columns = [np.asarray(observed[item].values, dtype=np.float64)[chosen] for item in wanted.inputs]
    known = np.isfinite(np.stack(columns)).all(0)
    return REDUCERS[wanted.reducer](*(column[known] for column in columns))


@pytest.mark.parametrize("au", SWEPT)
@pytest.mark.parametrize("gain", [0.3, 0.8, 1.0])
def test_slope_and_correlation_of_linear_responses(au, gain):
    batch = sweep()
    observed = measure(batch, 0.1 + gain * 0.8 * batch.target_aus)
    assert summary("au-control.slope", observed, au) == pytest.approx(0.8 * gain, abs=1e-6)
    assert summary("au-control.pcc", observed, au) == pytest.approx(1, abs=1e-6)


def test_copy_source_has_zero_slope_and_leakage():
    batch = sweep()
    observed = measure(batch, torch.full((15, 17), 0.2), before=torch.full((15, 17), 0.2))
    for au in SWEPT:
        assert summary("au-control.slope", observed, au) == 0
        assert summary("au-control.leakage", observed, au) == 0


def test_leakage_grows_with_movement_of_other_aus():
    batch = sweep()
    values = [
        summary("au-control.leakage", measure(batch, batch.target_aus.clamp_min(extra)), "AU12")
        for extra in (0.0, 0.1, 0.3)
    ]
    assert values == pytest.approx([0.0, 0.1, 0.3], abs=1e-6)


def test_estimator_bias_does_not_change_leakage():
    batch = sweep()
    bias = torch.linspace(0, 0.3, 17)
    observed = measure(batch, (0.6 * batch.target_aus + bias), before=bias.expand(15, 17))
    assert summary("au-control.leakage", observed, "AU04") == pytest.approx(0, abs=1e-7)


def test_aus_requested_to_relax_do_not_count_as_leakage():
    swept = torch.tensor([[True, False, False]])
    shown = torch.tensor([[0.0, 0.9, 0.0]])
    requested = torch.tensor([[1.0, 0.0, 0.0]])
    measured = torch.tensor([[1.0, 0.0, 0.1]])
    assert leakage(measured, shown, requested, shown, swept).item() == pytest.approx(0.1)


def test_the_swept_au_does_not_count_as_leakage_at_level_zero():
    swept = torch.tensor([[True, False]])
    nothing = torch.zeros(1, 2)
    assert leakage(torch.tensor([[0.6, 0.2]]), nothing, nothing, nothing, swept).item() == pytest.approx(0.2)


def test_without_source_labels_the_estimate_of_the_source_is_used():
    batch = replace(sweep(), source_aus=None)
    before = torch.zeros(15, 17)
    before[:, LABELS.index("AU25")] = 0.8
    observed = measure(batch, batch.target_aus, before)  # AU25 relaxes, as requested
    assert summary("au-control.leakage", observed, "AU12") == pytest.approx(0, abs=1e-7)


def test_only_the_swept_au_is_observed():
    batch = sweep()
    for item in measure(batch, batch.target_aus).values():
        assert item.aus is None
        assert item.au_of == batch.swept_au
        assert torch.as_tensor(item.values).shape == (len(batch),)
    requested = measure(batch, batch.target_aus)["au-control.requested"].values
    assert requested.tolist() == [*LEVELS] * len(SWEPT)


def test_monotonicity_depends_on_order_only():
    batch = sweep()
    curves = {
        "AU04": torch.tensor([0.30, 0.31, 0.5, 0.55, 0.56]),  # weak, non-linear and biased, but rising
        "AU12": torch.tensor([0.9, 0.7, 0.5, 0.3, 0.1]),
        "AU45": torch.tensor([0.2, 0.2, 0.2, 0.2, 0.2]),
    }
    generated = torch.zeros(15, 17)
    for number, (au, curve) in enumerate(curves.items()):
        generated[5 * number : 5 * number + 5, LABELS.index(au)] = curve
    observed = measure(batch, generated)
    assert [summary("au-control.monotonicity", observed, au) for au in curves] == [1, -1, 0]


def test_an_undetected_face_is_na():
    batch = sweep()
    observed = measure(batch, Features(batch.target_aus, {3: "no face found"}))
    for name in ("au-control.measured", "au-control.leakage"):
        assert dict(observed[name].missing) == {3: "no face found"}


def test_other_protocols_are_na():
    assert AUControl().info.protocols == {"sweep"}
    with pytest.raises(Unavailable, match="no AU is swept"):
        measure(make_batch(), torch.zeros(4, 17), torch.zeros(4, 17))


def swept_rows(folder, dataset):
    """The summary rows of a complete run under the sweep protocol, by value name and AU."""
    plugins = load_plugins(["toy.toy_plugin", "gath_metrics.plugin"], entry_point_group=None)
    metric = "au-control[estimator=toy-estimator]"
    suite = toy_suite(metrics=(metric,), dataset=dataset, protocols=("sweep",))
    with isolated():
        execute(make_plan(suite, Registry.of(plugins)), plugins, RunOptions(device="cpu", output=folder))
    run = load(folder)
    return {
        (row.metric, row.au): row
        for row in summarise(run.manifest, run.observations)
        if row.model == "toy-copy"
    }


def test_coverage_of_a_sweep_is_complete(tmp_path):
    rows = swept_rows(tmp_path, "toy[n=24]")
    names = {f"au-control.{name}" for name in ("slope", "pcc", "monotonicity", "leakage")}
    assert set(rows) == {(name, au) for name in names for au in (None, "AU01", "AU02")}
    for (_, au), row in rows.items():
        assert (row.coverage, row.status, row.reason) == (1.0, "ok", None)
        assert row.n == (24 if au is None else 12)
    for name in names:
        each = [rows[name, au].value for au in ("AU01", "AU02")]
        assert rows[name, None].value == pytest.approx(np.mean(each))


def test_an_unreadable_sample_lowers_the_coverage_of_a_sweep(tmp_path):
    rows = swept_rows(tmp_path, "toy[n=24,unreadable=2]")
    assert rows["au-control.pcc", None].coverage == 23 / 24
    assert rows["au-control.pcc", "AU01"].coverage == pytest.approx(23 / 24)
    assert rows["au-control.pcc", "AU01"].reason == "cannot be decoded"
