"""The examples in every ``--help``: each is accepted by its command, and is executed unless it is listed below."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Any

import click
import pytest
from report import worlds

from gath_bench.cli.main import cli

#: Beginnings of examples that are executed by ``pytest -m slow``: they generate or measure images.
SLOW = (
    "animate astronaut",
    "animate me.jpg",
    "animate photos",
    "check",
    "export gath-warp",
    "perf ratios",
    "render-list",
    "run -m mean-frame",
    "synthfaces",
)
#: Beginnings of examples that are not executed, with the reason; tests of these commands run them with small inputs.
NOT_EXECUTED = {
    "--plugin": "needs a plugin; tests of --plugin",
    "animate me.jpg --csv": "needs a recording; tests/animation",
    "animate me.jpg --drive": "needs a recording; tests/animation",
    "animate me.jpg --livelink": "needs a recording; tests/animation",
    "demo": "a server; tests/demo",
    "export 'gath[weights": "needs trained weights; tests/gath/inference",
    "label": "needs a recording; tests/evaluation/test_labelling.py",
    "perf compare": "needs two records of this machine; tests/perf",
    "perf run": "minutes; tests/perf",
    "run": "minutes; .ci/run",
    "train": "hours; tests/gath/training",
    "verify": "minutes; tests/cli/test_verify.py",
    "weights add": "needs the published file; tests/cli/test_weights_command.py",
    "weights get": "a download; tests/cli/test_weights_command.py",
}


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Every command with its words, groups included."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        words = f"{context.command_path.removeprefix('gath-bench').strip()} {name}".strip()
        yield words, command
        if isinstance(command, click.Group):
            yield from commands(command, click.Context(command, info_name=name, parent=context))


def examples_of(command: click.Command) -> list[str]:
    """The lines of a help text that begin with the program, without the program and without comments."""
    lines = (line.strip() for line in (command.help or "").replace("\\\n", " ").splitlines())
    return [
        re.sub(r"\s+#.*", "", line.removeprefix("gath-bench "))
        for line in lines
        if line.startswith("gath-bench ")
    ]


def help_of(words: str) -> str:
    """What ``gath-bench WORDS --help`` prints at 80 columns."""
    command: click.Command = cli
    context = cli.make_context("gath-bench", [], resilient_parsing=True)
    for word in words.split():
        assert isinstance(command, click.Group)
        found = command.get_command(context, word)
        assert found is not None
        command, context = found, found.context_class(found, info_name=word, parent=context)
    context.terminal_width = None
    return command.get_help(context)


COMMANDS = dict(commands(cli, click.Context(cli, info_name="gath-bench")))
EXAMPLES = list(dict.fromkeys(example for command in COMMANDS.values() for example in examples_of(command)))


def group_of(example: str) -> str:
    """``slow``, ``not executed`` or ``fast``; the longest beginning counts."""
    found = {words: "slow" for words in SLOW} | dict.fromkeys(NOT_EXECUTED, "not executed")
    return next((found[w] for w in sorted(found, key=len, reverse=True) if example.startswith(w)), "fast")


def of_group(name: str) -> list[str]:
    return [example for example in EXAMPLES if group_of(example) == name]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "MODELS", {**worlds.MODELS, "gath": (0.3, 50.0)})
        models = ("oracle", "copy-source", "gath")
        return worlds.write_run(tmp_path_factory.mktemp("examples") / "run", models=models, images=False)


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """What the examples name: runs, and records of performance."""
    for name in ("A", "B", "20260101T120000Z-quick"):
        shutil.copytree(made, tmp_path / "results" / "runs" / name)
    for name in ("perf", "reference/quick"):
        shutil.copytree(Path(__file__).parents[2] / "results" / name, tmp_path / "results" / name)
    return tmp_path


def test_the_page_of_the_command_line_names_every_command() -> None:
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    named = {
        name
        for line in page.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([^`]+)`", line)
    }
    words = {name for name, command in COMMANDS.items() if not isinstance(command, click.Group)}
    assert [name for name in words if name not in named and name.split()[0] not in named] == []


def test_every_exception_is_of_an_example() -> None:
    stale = [words for words in (*SLOW, *NOT_EXECUTED) if not any(one.startswith(words) for one in EXAMPLES)]
    assert stale == []


def test_every_command_has_an_example() -> None:
    assert len(EXAMPLES) > 40
    without = [
        name for name, one in COMMANDS.items() if not isinstance(one, click.Group) and not examples_of(one)
    ]
    assert without == []


@pytest.mark.parametrize("words", ["", *COMMANDS])
def test_help_fits_80_columns_and_describes_every_option(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    printed = help_of(words)
    assert max(map(len, printed.splitlines())) <= 80
    assert "..." not in printed.partition("Commands:")[2], "a summary is cut: shorten its first sentence"
    broken = [line for line in printed.splitlines() if line.endswith("-")]
    assert broken == [], "a name is broken at its hyphen"
    command = COMMANDS.get(words, cli)
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{option.opts}: no description"
            assert option.help.endswith("."), f"{option.opts}: {option.help}"
            takes_default = option.default not in (None, False, ()) and not option.required
            shown = (
                option.show_default or "default" in option.help or not isinstance(option.default, (str, int))
            )
            assert shown or not takes_default or option.is_flag, f"{option.opts}: the default is not shown"
            assert not re.search(
                r"\b(TEXT|INTEGER|FLOAT|RANGE|PATH)\b", option.make_metavar(click.Context(command))
            ), option.opts


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_is_accepted_by_its_command(example: str) -> None:
    words, command = shlex.split(example.removeprefix("--plugin my_plugin.py ")), cli
    context = click.Context(cli, info_name="gath-bench")
    while isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, words)  # type: ignore[assignment]
        assert command is not None
        context = click.Context(command, info_name=name, parent=context)
    made = command.make_context(
        context.info_name, words
    )  # refuses unknown options, choices and missing arguments
    assert made.command is command


@pytest.mark.parametrize("example", of_group("fast"))
def test_example_runs(gath_bench: Any, folder: Path, example: str) -> None:
    run(gath_bench, example)


@pytest.mark.slow
@pytest.mark.parametrize("example", of_group("slow"))
def test_slow_example_runs(gath_bench: Any, folder: Path, example: str) -> None:
    from PIL import Image
    from skimage.data import astronaut

    (folder / "photos").mkdir()
    for name in ("me.jpg", "photos/me.jpg"):
        Image.fromarray(astronaut()).save(folder / name)
    run(gath_bench, example)


def run(gath_bench: Any, example: str) -> None:
    # The shell expands patterns.
    words = [path for word in shlex.split(example) for path in (sorted(glob(word)) or [word])]
    done = gath_bench(*words, plugins=False)
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
