"""Every registered metric has a page that lists all its values."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from gath_metrics import plugin

PAGES = Path(__file__).parents[2] / "docs" / "metrics"
SPECS = {spec.name: spec for spec in plugin.gath_bench_metrics()}


@pytest.mark.parametrize("name", SPECS)
def test_the_page_of_a_metric_lists_its_values(name):
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    module, _, factory = SPECS[name].factory.partition(":")
    for summary in getattr(importlib.import_module(module), factory)().info.summaries:
        stem = summary.name.partition("_batch_")[0]
        # A table row may list siblings by their last words: `throughput.latency_p50_ms` `_p90_ms`.
        assert stem in page or f"`_{stem.split('_', 1)[-1]}`" in page, summary.name
    assert "\n## Source\n" in page


def test_the_index_lists_every_page():
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    for page in PAGES.glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index
    for name in SPECS:
        assert f"({name}.md)" in index
