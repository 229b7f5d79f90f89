"""The README and the docs say what is so: links lead somewhere, commands parse, suites validate."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from gath_bench.cli.context import Context
from gath_bench.cli.main import cli
from gath_bench.suite import Suite, make_plan

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def commands() -> list[tuple[str, str]]:
    """Every line of a shell block that calls gath-bench, with its page."""
    return [
        (page.name, line)
        for page in PAGES
        for block in blocks(page, "sh")
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("gath-bench ")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize(("page", "line"), commands(), ids=lambda text: str(text)[:60])
def test_commands_are_as_the_program_takes_them(page: str, line: str) -> None:
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
    suite = Suite.model_validate(tomllib.loads(block.replace('"precomputed[root=painted]"', '"copy-source"')))
    plan = make_plan(suite, Context().registry)
    assert {cell.protocol for cell in plan.cells} == {"same-subject", "cross-subject"}


def test_ci_runs_the_readme_test_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "<!-- command: test -->\n```sh\npython3 -m venv .venv && " in readme
    assert "readme_command test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
