"""Every registered metric has a page that lists all its values, and links to the docstrings of its functions."""

from __future__ import annotations

import importlib
import re
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


def test_the_site_shows_the_docstring_of_every_function_that_a_page_names():
    shown = re.findall(
        r"^::: (\S+)$", (PAGES.parent / "api" / "metrics.md").read_text(encoding="utf-8"), re.M
    )
    assert len(shown) == len(set(shown))
    for name in shown:
        module, _, function = name.rpartition(".")
        assert getattr(importlib.import_module(module), function).__doc__, name
    for page in PAGES.glob("*.md"):
        for row in re.findall(r"^\| function \|.*$", page.read_text(encoding="utf-8"), re.M):
            named = re.findall(r"gath_metrics\.\w+\.\w+(?=\()", row)
            linked = re.findall(r"\(\.\./api/metrics\.md#([\w.]+)\)", row)
            assert named == linked, page.name
            assert set(named) <= set(shown), page.name
