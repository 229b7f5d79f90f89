"""The documentation site: no warnings, nothing from other hosts, every page in the navigation, readable on a phone."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    folder = tmp_path_factory.mktemp("site")
    # Not --quiet: warnings that are not logged do not count as strict.
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class Loaded(HTMLParser):
    """What a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag in ("script", "img", "iframe", "source", "video"):
            self.found.append(given.get("src") or "")
        elif tag == "link" and given.get("rel") in ("stylesheet", "preconnect", "icon", "preload"):
            self.found.append(given.get("href") or "")


def test_pages_load_nothing_from_other_hosts(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        parser = Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.found, page
        foreign = [one for one in parser.found if re.match(r"(https?:)?//", one)]
        assert not foreign, f"{page.name}: {foreign}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_every_page_is_in_the_navigation_and_every_symbol_is_found(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs").rglob("*.md")):
        name = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert f'href="{name}"' in start, f"{name} is not in mkdocs.yml"
    api = (site / "api" / "plugins.html").read_text(encoding="utf-8")
    for symbol in ("gath_bench.contracts.metric.Metric.measure", "gath_bench.testing.api.assert_conforms"):
        assert f'id="{symbol}"' in api
    metrics = (site / "api" / "metrics.html").read_text(encoding="utf-8")
    assert 'id="gath_metrics.ssim.ssim"' in metrics
    source = (ROOT / "plugins" / "gath_metrics" / "ssim.py").read_text(encoding="utf-8")
    docstring = ast.get_docstring(
        next(one for one in ast.parse(source).body if getattr(one, "name", "") == "ssim")
    )
    assert docstring is not None
    assert docstring.splitlines()[0] in metrics


def test_the_pages_workflow_installs_the_extra_docs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    workflow = (ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    (line,) = re.findall(r"run: pip install (.*)", workflow)
    assert set(re.findall(r"'([^']+)'", line)) == set(project["optional-dependencies"]["docs"])


def test_every_metric_and_action_unit_has_its_place() -> None:
    from gath_datasets.synthfaces import AU_LABELS

    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for label in AU_LABELS:
        assert f"**{label}**" in glossary
        assert (ROOT / "docs" / "images" / "glossary" / f"{label}.jpg").is_file()
