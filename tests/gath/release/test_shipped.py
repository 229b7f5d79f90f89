"""The packaged weights reach their bars on people that no training has seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import gath
import pytest
import torch
from gath_models.copy_source import CopySource
from gath_models.oracle import Oracle
from synthfaces import evaluators, judge

from gath_bench.cli.context import Context
from gath_bench.contracts import file_hash

WEIGHTS = Path(gath.__file__).parent / "weights"
MODELS = ("gath", "gath-warp")
METRICS = ("au-error", "changed-error", "background-psnr", "identity")
#: Per model: the least gain in AU error, the least share of the oracle's correlation, the largest share of
#: copy-source's changed-error, the least background-psnr in dB.
BARS = {"gath-warp": (0.5, 0.6, 0.85, 36.0), "gath": (0.6, 0.6, 1.0, 30.0)}


@pytest.mark.parametrize("name", MODELS)
def test_weights_match_their_hash_and_have_a_card(name: str) -> None:
    path = WEIGHTS / f"{name}.safetensors"
    assert path.stat().st_size <= 16e6
    index = json.loads((WEIGHTS / "weights.json").read_text(encoding="utf-8"))
    assert index[path.name] == file_hash(path)
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert facts["sha256"] == index[path.name]
    assert file_hash(path)[:16] in path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def measured() -> Mapping[str, Mapping[str, float]]:
    """Both generators and the baseline rows on 64 people of the test split."""
    context = Context()
    models = {name: context.make("model", name) for name in MODELS}
    models |= {"oracle": Oracle(), "copy-source": CopySource()}
    return {
        name: context.evaluate(model, dataset="synthfaces", metrics=METRICS, split="test", limit=64)
        for name, model in models.items()
    }


@pytest.mark.parametrize("name", MODELS)
def test_expressions_follow_the_targets_and_identity_is_kept(
    measured: Mapping[str, Mapping[str, float]], name: str
) -> None:
    mine, none, best = measured[name], measured["copy-source"], measured["oracle"]
    gain, correlation, changed, background = BARS[name]
    floor, ceiling = best["au-error.mae"], none["au-error.mae"]
    assert (ceiling - mine["au-error.mae"]) / (ceiling - floor) >= gain
    assert mine["au-error.pcc"] >= correlation * best["au-error.pcc"]
    assert mine["changed-error"] <= changed * none["changed-error"]
    assert mine["background-psnr"] >= background
    assert mine["identity.normalised"] >= 0.93


@pytest.mark.parametrize("name", MODELS)
def test_requesting_no_change_changes_little(name: str) -> None:
    """With the portrait's own AUs, as the model's E estimates them, the image changes by less than 2/255."""
    context = Context()
    model, people = context.make("model", name).to("cpu"), context.make("dataset", "synthfaces")
    batch = people.load(people.samples("test", "same-subject", 0)[:8])
    with torch.no_grad():
        own = model.trained.estimator(batch.source).clamp(0, 1)
    still, moved = (
        (model.animate(batch.source, aus) - batch.source).abs().mean() for aus in (own, batch.target_aus)
    )
    assert still < 2 / 255
    assert still < moved / 2


@pytest.mark.skipif(evaluators.missing() is not None, reason=str(evaluators.missing()))
def test_an_external_network_detects_the_movement() -> None:
    seen = judge.sweeps(count=4, seed=5001, draw=judge.model_source("gath-warp"))
    for au in ("AU12", "AU45", "AU26", "AU01"):
        assert seen["change"][au] > 0, au
        assert seen["spearman"][au] > 0.5, au
