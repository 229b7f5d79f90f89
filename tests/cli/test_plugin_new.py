"""``gath-bench plugin new``, ``check`` and ``--plugin FILE.py``: what an author of a plugin starts with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cli.conftest import Command

from gath_bench.results import load

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = """
from gath_bench import hookimpl
from gath_bench.contracts import Measured, MetricInfo, MetricSpec, Summary

class Short:
    info = MetricInfo((Summary("short", "higher"),), frozenset({"target"}))

    def measure(self, generated, batch, evaluations):
        return [Measured("short", (generated - batch.target).abs().mean((1, 2, 3))[1:])]

class Wrong(Short):
    info = MetricInfo((Summary("wrong", "higher"),), frozenset({"target"}))

    def measure(self, generated, batch, evaluations):
        return [Measured("wrong", (generated - batch.target).abs().mean((1, 2, 3)))]

@hookimpl
def gath_bench_metrics():
    return [MetricSpec("short", "NAME:Short", "one too few"), MetricSpec("wrong", "NAME:Wrong", "other direction")]
"""


def write_plugin(folder: Path, name: str) -> Path:
    """A plugin file; each test has a name of its own, since modules stay imported."""
    path = folder / f"{name}.py"
    path.write_text(PLUGIN.replace("NAME", name))
    return path


def run(*words: object, cwd: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_a_new_plugin_passes_its_own_tests(gath_bench: Command, tmp_path: Path) -> None:
    """Without pip: the metadata of the distribution is written by hand, from its pyproject."""
    assert gath_bench("plugin", "new", "my-faces").code == 0
    folder = tmp_path / "my-faces"
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["build-system"]["build-backend"] == "setuptools.build_meta"
    (name, target) = next(iter(project["project"]["entry-points"]["gath_bench"].items()))
    metadata = tmp_path / "site" / "my_faces-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-faces\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text(f"[gath_bench]\n{name} = {target}\n")
    path = os.pathsep.join([str(tmp_path / "site"), str(folder / "src"), os.environ.get("PYTHONPATH", "")])
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder, path=path)
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_the_template_is_formatted_and_linted(gath_bench: Command, tmp_path: Path) -> None:
    gath_bench("plugin", "new", "example-plugin")
    for words in (("check",), ("format", "--check")):
        done = run("-m", "ruff", *words, "--config", ROOT / "pyproject.toml", "example-plugin", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    text = "".join(path.read_text() for path in (tmp_path / "example-plugin").rglob("*") if path.is_file())
    assert "example-plugin-model" in text
    gath_bench("plugin", "new", "a-b")
    text = "".join(path.read_text() for path in (tmp_path / "a-b").rglob("*") if path.is_file())
    assert "example" not in text


@pytest.mark.slow
def test_a_new_plugin_is_installed_by_pip(gath_bench: Command, tmp_path: Path) -> None:
    gath_bench("plugin", "new", "my-faces")
    folder, site = tmp_path / "my-faces", tmp_path / "site"
    options = ("--no-build-isolation", "--no-deps", "--no-index", "--target", site)
    installed = run("-m", "pip", "install", *options, folder, cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    done = run("-m", "pytest", "-q", cwd=folder, path=path)
    assert done.returncode == 0, done.stdout
    words = (
        "-m",
        "gath_bench",
        "run",
        "-m",
        "my-faces-model",
        "-d",
        "my-faces-data",
        "-M",
        "my-faces-metric",
    )
    table = run(*words, "--json", cwd=tmp_path, path=path)
    assert {row["model"] for row in json.loads(table.stdout)["rows"]} >= {"my-faces-model", "oracle"}


def test_names_that_are_no_plugins_are_refused(gath_bench: Command, tmp_path: Path) -> None:
    gath_bench("plugin", "new", "My_Faces").refused("'My_Faces' is not a plugin name")
    gath_bench("plugin", "new", "3d").refused("not beginning with a digit")
    gath_bench("plugin", "new", "class").refused("a word of Python")
    gath_bench("plugin", "new", "gath-bench").refused("a package 'gath_bench' is installed here already")
    gath_bench("plugin", "new", "a" * 300).refused("File name too long")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    gath_bench("plugin", "new", "full").refused("full is not empty")


def test_check_prints_what_fails_and_why(gath_bench: Command, tmp_path: Path) -> None:
    path = write_plugin(tmp_path, "checked_plugin")
    said = gath_bench("--plugin", path, "check", "checked_plugin", "-d", "toy", "--json")
    assert said.code == 1
    checks = {item["name"]: {one["check"]: one for one in item["checks"]} for item in json.loads(said.out)}
    assert checks["short"]["shapes"]["message"] == (
        "measure() must return one value per sample: got 5 for 6 samples in short"
    )
    assert {name for name, one in checks["wrong"].items() if one["status"] == "failed"} == {"direction"}
    shown = gath_bench("--plugin", path, "check", "short", "-d", "toy")
    assert shown.code == 1
    assert "failed" in shown.out
    assert "metric short" in shown.out
    assert "metric wrong" not in shown.out


def test_check_of_an_unknown_name_is_refused(gath_bench: Command) -> None:
    gath_bench("check", "toy-l2").refused("there is no component or plugin 'toy-l2'", "did you mean toy-l1")
    gath_bench("check", "toy", "--kind", "metric").refused("there is no metric 'toy'")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere.py", "there is no file nowhere.py in"),
        ("not-a-name.py", "not-a-name.py is not the name of a Python module"),
        ("json.py", "a module 'json' is already imported from elsewhere: rename json.py"),
    ],
)
def test_a_plugin_file_that_cannot_be_used(
    gath_bench: Command, tmp_path: Path, name: str, words: str
) -> None:
    if name != "nowhere.py":
        (tmp_path / name).write_text(PLUGIN)
    gath_bench("--plugin", name, "list").refused(f"--plugin {name} cannot be used: {words}")


@pytest.mark.parametrize("words", [("verify",), ("run", "--resume")], ids=" ".join)
def test_verify_and_resume_name_the_plugin_that_the_manifest_recorded(
    gath_bench: Command, toy_run: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    import shutil

    folder = Path(shutil.copytree(toy_run, tmp_path / "run"))
    manifest = load(folder).manifest
    manifest.command = ["gath-bench", "--plugin", "~/my plugins/mine.py", "run"]
    manifest.write(folder)
    gath_bench(*words, folder, plugins=False).refused(
        "was measured with --plugin '~/my plugins/mine.py', which is not loaded: write `gath-bench --plugin",
        f"{' '.join(words)} {folder}`.",
    )
