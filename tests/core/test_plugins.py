"""Plugins: found by entry point or by name; a broken one does not affect the others."""

from __future__ import annotations

import json
import sys
import textwrap
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from core.helpers import Installer, Program

from gath_bench import UsageError, hookimpl, hookspecs
from gath_bench.contracts import CellResult, MetricSpec, RunInfo
from gath_bench.plugins import REGISTRATIONS, LoadedPlugin, Plugins, PluginWarning, load_plugins
from gath_bench.registry import Registry

#: Any metric that the built-in plugins register.
BUILT_IN = min(Registry.of(load_plugins()).entries["metric"])
HEAD = "from gath_bench import hookimpl\nfrom gath_bench.contracts import MetricSpec, ModelSpec\n"

#: Distribution -> the source of its module, and words of the message about it.
BROKEN = {
    "fails-at-import": ("import a_package_that_nobody_has", "a_package_that_nobody_has"),
    "exits-at-import": ("raise SystemExit(3)", "SystemExit"),
    "not-python": ("def (:", "SyntaxError"),
    "raises-in-hook": (
        HEAD + "@hookimpl\ndef gath_bench_models():\n    raise RuntimeError('as intended')",
        "as intended",
    ),
    "returns-none": (HEAD + "@hookimpl\ndef gath_bench_models():\n    return None", "list of ModelSpec"),
    "returns-one-spec": (
        HEAD + "@hookimpl\ndef gath_bench_models():\n    return ModelSpec('m', 'a:B', 'one')",
        "list of ModelSpec",
    ),
    "returns-wrong-spec": (
        HEAD + "@hookimpl\ndef gath_bench_models():\n    return [MetricSpec('m', 'a:B', 'a metric')]",
        "list of ModelSpec",
    ),
    "returns-half-invalid": (
        HEAD + "@hookimpl\ndef gath_bench_models():\n    return [ModelSpec('half', 'a:B', 'good'), 7]",
        "list of ModelSpec",
    ),
    "names-nothing": (
        HEAD + "@hookimpl\ndef gath_bench_models():\n    return [ModelSpec(None, 'a:B', 'nameless')]",
        "None",
    ),
    "names-untypable": (
        HEAD + "@hookimpl\ndef gath_bench_models():\n    return [ModelSpec('My Model', 'a:B', 'capitals')]",
        "My Model",
    ),
    "unknown-hook": (
        HEAD + "@hookimpl\ndef gath_bench_model():\n    return []",
        "did you mean gath_bench_models",
    ),
    "wrong-arguments": (HEAD + "@hookimpl\ndef gath_bench_models(extra):\n    return []", "extra"),
    "wrong-listener": (HEAD + "@hookimpl\ndef gath_bench_run_started(runs):\n    pass", "runs"),
    "forgot-hookimpl": (HEAD + "def gath_bench_models():\n    return []", "hookimpl"),
}
GOOD = (
    HEAD + "@hookimpl\ndef gath_bench_metrics():\n    return [MetricSpec('sound', 'x:Y', 'a sound metric')]"
)


def module_of(source: str, name: str) -> ModuleType:
    module = ModuleType(name)
    exec(textwrap.dedent(source), module.__dict__)
    return module


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Modules may be put into ``sys.modules`` for ``--plugin``; the import path is as before afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    return monkeypatch


def test_a_broken_plugin_is_a_warning_and_a_failed_row_and_all_else_works(
    install: Installer, program: Program, tmp_path: Path
) -> None:
    for distribution, (source, _) in BROKEN.items():
        install(distribution, source)
    install("no-such-attribute", HEAD, target="no_such_attribute:plugin")
    site = install("a-good-one", GOOD)

    plugins = program("list", "plugins", "--json", cwd=tmp_path, path=(site,))
    assert plugins.returncode == 0, plugins.stderr
    assert "Traceback" not in plugins.stderr
    rows = {row["plugin"]: row for row in json.loads(plugins.stdout) if row["plugin"] != "gath-bench"}
    warned = plugins.stderr.splitlines()
    assert {name for name, row in rows.items() if row["status"] == "failed"} == {*BROKEN, "no-such-attribute"}
    assert len(warned) == len(BROKEN) + 1
    for distribution, (_, words) in BROKEN.items():
        row = rows[distribution]
        assert words in row["summary"], row
        assert row["kind"] == "plugin"
        assert row["version"] == "1.2"
        [line] = [line for line in warned if f"of {distribution} " in line]
        assert words in line
    assert rows["a-good-one"]["status"] == "ok"
    built_in = [row for row in json.loads(plugins.stdout) if row["plugin"] == "gath-bench"]
    assert built_in
    assert all(row["status"] == "ok" for row in built_in)

    metrics = program("list", "metrics", "--json", cwd=tmp_path, path=(site,))
    assert metrics.returncode == 0
    assert {"sound", BUILT_IN} <= {row["name"] for row in json.loads(metrics.stdout)}
    models = program("list", "models", "--json", cwd=tmp_path, path=(site,))
    assert "half" not in models.stdout, "a plugin is loaded as a whole or not at all"


def test_a_plugin_that_fails_at_registration_leaves_no_listener(patched: pytest.MonkeyPatch) -> None:
    half = module_of(
        HEAD + "@hookimpl\ndef gath_bench_run_started(run): raise AssertionError('called')\n"
        "@hookimpl\ndef gath_bench_run_finished(wrong): pass",
        "half",
    )
    patched.setitem(sys.modules, "half", half)
    patched.setattr("gath_bench.plugins.entry_points", lambda group: [entry("half", "half-dist", half)])
    with pytest.warns(PluginWarning, match="half-dist"):
        plugins = load_plugins()
    assert plugins.loaded[0].error
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plugins.notify("gath_bench_run_started", run=RunInfo(Path(), 0))


def entry(name: str, distribution: str, plugin: object) -> SimpleNamespace:
    """What ``importlib.metadata`` gives for an entry point."""
    return SimpleNamespace(
        name=name, dist=SimpleNamespace(name=distribution, version="1"), load=lambda: plugin
    )


def test_plugin_module_on_the_command_line(program: Program, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(GOOD, encoding="utf-8")
    found = program("--plugin", "mine", "list", "metrics", "--json", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert {"sound", BUILT_IN} <= {row["name"] for row in json.loads(found.stdout)}
    alone = program("--no-plugins", "--plugin", "mine", "list", "--json", cwd=tmp_path)
    rows = [row for row in json.loads(alone.stdout) if row["kind"] != "au-space"]
    assert {(row["kind"], row["name"]) for row in rows} == {("plugin", "mine"), ("metric", "sound")}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_plugin_on_the_command_line_is_refused_in_one_sentence(
    name: str, tmp_path: Path, patched: pytest.MonkeyPatch
) -> None:
    source, words = BROKEN[name]
    module = f"patched_{name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
    patched.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match="--plugin") as refused:
        load_plugins([module], entry_point_group=None)
    assert module in str(refused.value)
    assert words in str(refused.value)


def test_missing_plugin_on_the_command_line_ends_with_exit_code_2(program: Program, tmp_path: Path) -> None:
    missing = program("--plugin", "no_such_module", "list", cwd=tmp_path)
    assert missing.returncode == 2
    assert missing.stdout == ""
    [sentence] = missing.stderr.splitlines()
    assert sentence.startswith("gath-bench: ")
    assert "no_such_module" in sentence


def test_no_plugins_leaves_out_the_built_in_ones(program: Program, tmp_path: Path) -> None:
    bare = program("--no-plugins", "list", "--json", cwd=tmp_path)
    assert bare.returncode == 0
    assert {row["kind"] for row in json.loads(bare.stdout)} == {"au-space"}


def test_a_plugin_is_loaded_once(patched: pytest.MonkeyPatch) -> None:
    patched.setitem(sys.modules, "sound", module_of(GOOD, "sound"))
    plugins = load_plugins(["sound", "sound"], entry_point_group=None)
    assert [len(plugin.components) for plugin in plugins.loaded] == [1, 0]
    assert not Registry.of(plugins).collisions


def test_name_collision_names_both_sources(install: Installer, program: Program, tmp_path: Path) -> None:
    install("first-dist", GOOD)
    site = install("second-dist", GOOD)
    listed = program("list", "metrics", "--json", cwd=tmp_path, path=(site,))
    [row] = [row for row in json.loads(listed.stdout) if row["name"] == "sound"]
    assert row["status"] == "collision"
    assert "first-dist" in row["summary"]
    assert "second-dist" in row["summary"]
    used = program("run", "-M", "sound", "--limit", "1", cwd=tmp_path, path=(site,))
    assert used.returncode == 2
    assert "first-dist" in used.stderr
    assert "second-dist" in used.stderr
    assert "Traceback" not in used.stderr


def test_a_name_that_a_built_in_plugin_has_is_a_collision(
    install: Installer, program: Program, tmp_path: Path
) -> None:
    site = install("a-rival", GOOD.replace("'sound'", repr(BUILT_IN)))
    listed = program("list", "metrics", "--json", cwd=tmp_path, path=(site,))
    [row] = [row for row in json.loads(listed.stdout) if row["name"] == BUILT_IN]
    assert row["status"] == "collision"
    assert "a-rival" in row["summary"]
    assert "gath-bench" in row["summary"]


COMMANDS = """
import click
from gath_bench import hookimpl
from gath_bench.contracts import CommandSpec

@click.command()
def hello():
    click.echo("hello from a plugin")

@hookimpl
def gath_bench_commands():
    return [CommandSpec("hello", "brings_commands:hello", "say hello"),
            CommandSpec("invalid", "os:sep", "is no command"),
            CommandSpec("list", "brings_commands:hello", "a name that is taken")]
"""


def test_commands_of_a_plugin_on_the_command_line(program: Program, tmp_path: Path) -> None:
    (tmp_path / "brings_commands.py").write_text(COMMANDS, encoding="utf-8")
    done = program("--plugin", "brings_commands", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "say hello" in done.stdout
    hello = program("--plugin", "brings_commands", "hello", cwd=tmp_path)
    assert (hello.returncode, hello.stdout) == (0, "hello from a plugin\n"), hello.stderr


def test_commands_of_a_distribution(install: Installer, program: Program, tmp_path: Path) -> None:
    site = install("brings-commands", COMMANDS)
    done = program("--help", cwd=tmp_path, path=(site,))
    assert "say hello" in done.stdout
    assert "a name that is taken" not in done.stdout
    [warning] = done.stderr.splitlines()
    assert "brings-commands" in warning
    assert "'list'" in warning
    without = program("--no-plugins", "hello", cwd=tmp_path, path=(site,))
    assert without.returncode == 2, "--no-plugins leaves out plugins' commands as well"
    invalid = program("invalid", cwd=tmp_path, path=(site,))
    assert invalid.returncode == 2
    assert "Traceback" not in invalid.stderr
    assert "'invalid'" in invalid.stderr


RUN = RunInfo(Path("somewhere"), 2)
CELL = CellResult("000-m-d", "m@1", "d@1", "same-subject", 3, "ok", 0.5)


class Listener:
    """Records the calls."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    @hookimpl
    def gath_bench_run_started(self, run: RunInfo) -> None:
        self.calls.append(("started", run))

    @hookimpl
    def gath_bench_cell_finished(self, cell: CellResult, run: RunInfo) -> None:
        self.calls.append(("cell", run, cell))

    @hookimpl
    def gath_bench_run_finished(self) -> None:
        self.calls.append("finished")


class Failing:
    """Raises in a listener."""

    @hookimpl
    def gath_bench_run_started(self, run: RunInfo) -> None:
        raise RuntimeError("not now")


def plugins_of(patched: pytest.MonkeyPatch, **objects: object) -> Plugins:
    points = [entry(name, f"{name}-dist", plugin) for name, plugin in objects.items()]
    patched.setattr("gath_bench.plugins.entry_points", lambda group: points)
    return load_plugins()


def test_listeners_take_the_arguments_they_name(patched: pytest.MonkeyPatch) -> None:
    listener = Listener()
    plugins = plugins_of(patched, listener=listener)
    plugins.notify("gath_bench_run_started", run=RUN)
    plugins.notify("gath_bench_cell_finished", run=RUN, cell=CELL)
    plugins.notify("gath_bench_run_finished", run=RUN)
    assert listener.calls == [("started", RUN), ("cell", RUN, CELL), "finished"]


@pytest.mark.parametrize("failing_name", ["a", "z"])
def test_a_failing_listener_stops_neither_the_run_nor_the_others(
    patched: pytest.MonkeyPatch, failing_name: str
) -> None:
    listener = Listener()
    plugins = plugins_of(patched, **{"m": listener, failing_name: Failing()})
    with pytest.warns(PluginWarning, match=rf"{failing_name}-dist.*gath_bench_run_started.*not now"):
        plugins.notify("gath_bench_run_started", run=RUN)
    assert listener.calls == [("started", RUN)]


def test_source_names_plugin_and_distribution() -> None:
    assert LoadedPlugin("metrics", "some-dist").source == "plugin 'metrics' of some-dist"


def test_every_registration_hook_is_specified_and_typed() -> None:
    hooks = {name for name in vars(hookspecs) if name.startswith("gath_bench_")}
    listeners = {name for name in hooks if name.endswith(("_started", "_finished"))}
    assert set(REGISTRATIONS) == hooks - listeners
    assert all(getattr(hookspecs, name).__doc__ for name in hooks)
    assert REGISTRATIONS["gath_bench_metrics"] is MetricSpec
