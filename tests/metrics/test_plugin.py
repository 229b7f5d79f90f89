"""Every registered metric can be loaded, and its values are named after it."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from gath_metrics import plugin

from gath_bench.contracts import CorpusMetric, Metric, SystemMetric

SPECS = {spec.name: spec for spec in plugin.gath_bench_metrics()}


def make(name):
    module, _, factory = SPECS[name].factory.partition(":")
    return getattr(importlib.import_module(module), factory)()


@pytest.mark.parametrize("name", SPECS)
def test_metrics_implement_the_contract(name):
    metric = make(name)
    assert isinstance(metric, Metric | SystemMetric | CorpusMetric)
    for summary in metric.info.summaries:
        assert summary.name == name or summary.name.startswith(f"{name}.")
        assert summary.low is None or summary.high is None or summary.low < summary.high


@pytest.mark.parametrize("name", SPECS)
def test_reducers_exist_and_accept_their_inputs(name):
    reducers = importlib.import_module("gath_bench.analysis.reducers").REDUCERS
    for summary in make(name).info.summaries:
        assert reducers[summary.reducer].inputs == len(summary.inputs)


def test_registering_imports_no_torch():
    code = "import sys, gath_metrics.plugin as p; p.gath_bench_metrics(); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
