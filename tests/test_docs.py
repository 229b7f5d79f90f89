"""README, docs and contributor files: links resolve, commands parse, suites validate."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from gath_bench.cli.context import Context
from gath_bench.cli.main import cli
from gath_bench.suite import Suite, make_plan
from gath_bench.version import __version__

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def commands() -> list[tuple[str, str]]:
    """Every line of a shell block that calls gath-bench, and its page."""
    return [
        (page.name, line)
        for page in PAGES
        for block in blocks(page, "sh")
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("gath-bench ")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize(("page", "line"), commands(), ids=lambda text: str(text)[:60])
def test_commands_parse(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    context = click.Context(cli, info_name="gath-bench", obj=Context())
    command: click.Command = cli
    while isinstance(command, click.Group):
        while words and words[0].startswith("-"):
            words = words[2:] if words[0] == "--plugin" else words[1:]
        if not words:
            return
        command_name = words.pop(0)
        found = command.get_command(context, command_name)
        assert found is not None, f"{page}: {line}"
        command = found
    if {"--help", "-h"} & set(words):
        return
    # Parses the options and arguments; does not run the command.
    command.make_context(command.name, words, parent=context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_suites_validate(page: Path) -> None:
    for block in blocks(page, "toml"):
        content = tomllib.loads(block)
        if "datasets" in content:
            Suite.model_validate(content)


def test_readme_suite_names_components_that_exist() -> None:
    (block,) = blocks(ROOT / "README.md", "toml")
    suite = Suite.model_validate(
        tomllib.loads(block.replace('"precomputed[root=generated]"', '"copy-source"'))
    )
    plan = make_plan(suite, Context().registry)
    assert {cell.protocol for cell in plan.cells} == {"same-subject", "cross-subject"}


def first_table(page: Path) -> dict[str, dict[str, str]]:
    """Row -> column -> value of the first Markdown table of a page, without intervals, marks, units and emphasis."""
    (table, *_) = re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE)
    header, _, *rows = [
        [re.sub(r" [(\[].*|[*\\]", "", cell.strip()) for cell in line.split("|")[1:-1]]
        for line in table.splitlines()
    ]
    names = [name.removesuffix(" ↑").removesuffix(" ↓") for name in header]
    return {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in rows}


def test_the_readme_table_is_that_of_the_reference_run() -> None:
    measured = first_table(ROOT / "results" / "reference" / "quick.md")
    shown = first_table(ROOT / "README.md")
    assert list(shown) == ["oracle", "copy-source", "gath", "gath-warp"]
    for model, values in shown.items():
        assert len(values) == 5
        assert values.items() <= measured[model].items()


def test_the_reference_page_shows_generated_images() -> None:
    """They lie in the run folder only until it is committed: a page that is written later has none."""
    page = (ROOT / "results" / "reference" / "quick.html").read_text(encoding="utf-8")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    places = json.loads(data)["places"]
    assert len(places) == 2
    assert all(place["gallery"].get("samples") for place in places)


def test_ci_runs_the_readme_test_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "<!-- command: test -->\n```sh\npython3 -m venv .venv && " in readme
    assert "readme_command test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_contributing_names_files_that_exist() -> None:
    """The table "Where do I change ...?" has thirteen tasks; every path in it exists."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page.partition("## Where do I change")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 13
    for row in rows:
        paths = [code for code in re.findall(r"`([^`]+)`", row.split("|")[2]) if "/" in code]
        assert paths, row
        for path in paths:
            assert (ROOT / path).exists(), path


def test_every_python_that_ci_runs_is_a_classifier_and_the_other_way_round() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    prefix = "Programming Language :: Python :: 3."
    supported = {text.removeprefix(prefix) for text in project["classifiers"] if text.startswith(prefix)}
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    (matrix,) = re.findall(r"python-version: \[(.*)\]", workflow)
    assert set(re.findall(r'"3\.(\d+)"', matrix)) == supported
    assert f">=3.{min(map(int, supported))}" == project["requires-python"]
    assert "run: .ci/run" in workflow


def test_every_extra_installs_a_package_that_the_code_uses() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folders = ("gath_bench", "plugins", "reference_impl", "tests")
    code = "".join(
        path.read_text(encoding="utf-8") for name in folders for path in (ROOT / name).rglob("*.py")
    )
    first_package = {
        extra: re.split(r"\W", requirements[0])[0]
        for extra, requirements in project["optional-dependencies"].items()
    }
    assert [extra for extra, package in first_package.items() if not re.search(rf"\b{package}\b", code)] == []


def test_the_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in citation
    assert f"\n## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
