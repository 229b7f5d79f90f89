"""au-error: its observations, and its summaries compared with published measures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pingouin
import pytest
import torch
from gath_metrics.au_error import AUError, covered_share, presence
from metrics.helpers import TableEvaluations, make_batch
from scipy.stats import pearsonr

from gath_bench.analysis.reducers import REDUCERS
from gath_bench.au import get_space
from gath_bench.contracts import Features
from gath_bench.errors import Unavailable

LABELS = get_space("openface17").labels


def measure(answer, *, batch=None, space="openface17"):
    batch = batch or make_batch()
    evaluations = TableEvaluations({("au_estimator", "generated"): answer}, space)
    return {item.name: item for item in AUError().measure(batch.source, batch, evaluations)}


def summary(name, observed, column):
    """A summary on one AU, as the core computes it from the observations."""
    (wanted,) = [item for item in AUError().info.summaries if item.name == name]
    inputs = [np.asarray(observed[item].values, dtype=np.float64)[:, column] for item in wanted.inputs]
    return REDUCERS[wanted.reducer](*inputs)


def two_raters(count=40, seed=0):
    """Requested AUs and a noisy, biased measurement of them."""
    generator = np.random.default_rng(seed)
    requested = generator.uniform(0, 1, (count, 17)) * (generator.random((count, 17)) < 0.6)
    measured = np.clip(0.7 * requested + 0.1 + 0.1 * generator.standard_normal(requested.shape), 0, 1)
    return torch.tensor(requested, dtype=torch.float32), torch.tensor(measured, dtype=torch.float32)


def icc31(ratings):
    """ICC(3,1) by the two-way analysis of variance of Shrout and Fleiss (1979), for n targets and k raters."""
    n, k = ratings.shape
    rows, columns, grand = ratings.mean(1), ratings.mean(0), ratings.mean()
    between_rows = k * ((rows - grand) ** 2).sum() / (n - 1)
    residual = ((ratings - rows[:, None] - columns[None] + grand) ** 2).sum() / ((n - 1) * (k - 1))
    return (between_rows - residual) / (between_rows + (k - 1) * residual)


def test_reference_icc_reproduces_the_published_example():
    # The six targets and four judges of Shrout and Fleiss (1979), table 2; table 4 gives ICC(3,1) = .71.
    judges = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    assert icc31(judges.astype(float)) == pytest.approx(0.71, abs=0.005)


@pytest.mark.parametrize("column", [0, 8, 16])
def test_summaries_equal_independent_formulas(column):
    requested, measured = two_raters()
    batch = replace(make_batch(count=40, side=4), target_aus=requested)
    observed = measure(measured, batch=batch)
    x, y = measured[:, column].double().numpy(), requested[:, column].double().numpy()
    found, present = x >= 0.4, y >= 0.4
    expected = {
        "au-error.mae": np.abs(x - y).mean(),
        "au-error.rmse": np.sqrt(((x - y) ** 2).mean()),
        "au-error.pcc": pearsonr(x, y).statistic,
        "au-error.icc": icc31(np.stack([x, y], 1)),
        "au-error.f1": 2 * (found & present).sum() / (found.sum() + present.sum()),
        "au-error.base_rate": present.mean(),
    }
    for name, value in expected.items():
        assert summary(name, observed, column) == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("seed", range(3))
def test_icc_and_pcc_equal_pingouin_and_scipy(seed):
    requested, measured = two_raters(count=25, seed=seed)
    observed = measure(measured, batch=replace(make_batch(count=25, side=4), target_aus=requested))
    for column in range(17):
        x, y = measured[:, column].double().numpy(), requested[:, column].double().numpy()
        ratings = pd.DataFrame(
            {"face": np.tile(np.arange(25), 2), "rater": np.repeat(["m", "r"], 25), "score": np.r_[x, y]}
        )
        table = pingouin.intraclass_corr(ratings, targets="face", raters="rater", ratings="score")
        # Consistency of single ratings: ICC(3,1) of Shrout and Fleiss, ICC(C,1) of McGraw and Wong.
        (expected,) = table.loc[table["Type"].isin(["ICC3", "ICC(C,1)"]), "ICC"]
        assert summary("au-error.icc", observed, column) == pytest.approx(expected, abs=1e-9)
        assert summary("au-error.pcc", observed, column) == pytest.approx(pearsonr(x, y).statistic, abs=1e-9)


def test_exact_aus_have_zero_error():
    batch = make_batch()
    observed = measure(batch.target_aus)
    torch.testing.assert_close(observed["au-error.measured"].values, observed["au-error.requested"].values)
    assert observed["au-error.measured"].aus == LABELS


def test_error_grows_with_offset():
    batch = make_batch(count=30, side=4)
    errors = [
        np.mean(
            [summary("au-error.mae", measure(batch.target_aus * (1 - s), batch=batch), k) for k in range(17)]
        )
        for s in (0, 0.2, 0.5, 1)
    ]
    assert errors == sorted(errors)
    assert errors[0] < errors[1] < errors[3]


def test_another_au_space_is_mapped_and_uncovered_aus_are_nan():
    disfa = get_space("disfa12").labels
    batch = replace(make_batch(), target_aus=torch.rand(4, 17))
    answer = torch.rand(4, 12)
    observed = measure(answer, batch=batch, space="disfa12")
    measured = observed["au-error.measured"].values
    for column, label in enumerate(LABELS):
        if label in disfa:
            torch.testing.assert_close(measured[:, column], answer[:, disfa.index(label)].double())
        else:
            assert measured[:, column].isnan().all()
    shared = len(set(LABELS) & set(disfa)) / 17
    assert observed["au-error.covered"].values.tolist() == pytest.approx([shared] * 4)


def test_a_space_without_a_map_is_na():
    with pytest.raises(Unavailable, match="there is no map"):
        measure(torch.rand(4, 46), space="facewarehouse46")


def test_an_undetected_face_is_na_and_its_request_is_kept():
    observed = measure(Features(torch.rand(4, 17), {2: "no face found"}))
    assert dict(observed["au-error.measured"].missing) == {2: "no face found"}
    assert observed["au-error.measured"].values[2].isnan().all()
    assert dict(observed["au-error.covered"].missing) == {2: "no face found"}
    assert not observed["au-error.requested"].missing


def test_an_unknown_request_is_neither_present_nor_absent():
    requested = torch.tensor([[float("nan"), 0.5, 0.1]])
    assert presence(requested).isnan().tolist() == [[True, False, False]]
    assert covered_share(torch.zeros(1, 3), requested).item() == pytest.approx(2 / 3)


@pytest.mark.parametrize("intensity", range(6))
def test_facs_intensities_in_float32_are_present_from_two_on(intensity):
    assert presence(torch.tensor([intensity / 5])).item() == float(intensity >= 2)
    assert (float(torch.tensor(intensity / 5)) >= 0.4) == (intensity >= 2)  # as the reducer of F1 compares


def test_features_of_the_evaluator_are_not_modified():
    answer = Features(torch.rand(4, 17, dtype=torch.float64), {0: "no face"})
    before = answer.values.clone()
    measure(answer)
    assert torch.equal(answer.values, before)


@pytest.mark.parametrize(
    ("space", "expected"),
    [("openface17", {"AU26": "why"}), ("arkit52", {"AU25": "why", "AU26": "why"})],
)
def test_a_missing_au_keeps_its_reason_through_a_map(space, expected):
    """AU25 and AU26 both depend on ARKit's jawOpen."""
    labels = get_space(space).labels
    name = "AU26" if space == "openface17" else "jawOpen"
    values = torch.rand(4, len(labels))
    values[:, labels.index(name)] = float("nan")
    found = measure(Features(values, missing_aus={name: "why"}), space=space)["au-error.measured"]
    assert found.missing_aus == expected
    unknown = torch.as_tensor(found.values).isnan().all(0)
    assert {label for label, absent in zip(LABELS, unknown, strict=True) if absent} == set(expected)
