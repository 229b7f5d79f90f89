"""The plugin author's guide: its code runs, and it leaves no hook out."""

from __future__ import annotations

import json
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from core.helpers import ROOT, Program

from gath_bench import hookspecs

GUIDE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("gath_bench_"))


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Tried:
    """What came of the guide's plugin."""

    folder: Path
    listed: list[dict[str, str]]
    result: dict[str, Any]
    log: list[str]

    def names(self, kind: str) -> set[str]:
        """The components of a kind that the plugin registered."""
        return {row["name"] for row in self.listed if row["kind"] == kind and row["plugin"] == "discs"}

    def value(self, model: str, metric: str) -> float:
        """What stands in the table."""
        if model not in {row["model"] for row in self.result["rows"]}:
            pytest.skip(f"the built-in model {model} is not installed")
        [row] = [row for row in self.result["rows"] if (row["model"], row["metric"]) == (model, metric)]
        assert (row["status"], row["coverage"]) == ("ok", 1.0), row
        return float(row["value"])


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, program: Program) -> Tried:
    """The guide's plugin, listed and run."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "discs.py").write_text("\n\n".join(blocks("python")), encoding="utf-8")
    _, run_words = (shlex.split(line)[2:] for line in blocks("console")[0].splitlines())
    listed = program("--plugin", "discs", "list", "--json", cwd=folder)
    assert listed.returncode == 0, listed.stderr
    run = program(*run_words, "--device", "cpu", "--output", "out", "--json", cwd=folder)
    assert run.returncode == 0, run.stderr
    assert "warning" not in run.stderr.lower()
    log = (folder / "out" / "discs.log").read_text().splitlines()
    return Tried(folder, json.loads(listed.stdout), json.loads(run.stdout), log)


def test_every_hook_has_a_test_and_a_section_with_an_example() -> None:
    headings = " ".join(re.findall(r"^## .*$", GUIDE, re.MULTILINE))
    examples = "\n".join(blocks("python"))
    for hook in HOOKS:
        assert f"`{hook}`" in headings, f"docs/plugins.md has no section on {hook}"
        assert f"@hookimpl\ndef {hook}(" in examples, f"docs/plugins.md has no example of {hook}"
        assert hasattr(sys.modules[__name__], f"test_{hook}"), f"{hook} has no test here"


def test_gath_bench_datasets(tried: Tried) -> None:
    assert tried.names("dataset") == {"discs"}
    rows = [row for row in tried.result["rows"] if row["metric"] == "openness"]
    assert {row["n"] for row in rows} == {6}
    assert all(row["dataset_key"].startswith("discs[size=32,subjects=6]@1#") for row in rows)


def test_gath_bench_models(tried: Tried) -> None:
    assert tried.names("model") == {"opener"}
    assert tried.value("oracle", "openness") == 0
    assert 0 < tried.value("opener", "openness") < tried.value("copy-source", "openness")


def test_gath_bench_metrics(tried: Tried) -> None:
    assert tried.names("metric") == {"openness", "likeness"}
    assert {row["metric"] for row in tried.result["rows"]} == {
        "openness", "likeness.jaw", "likeness.who", "likeness.look",
    }  # fmt: skip


def test_gath_bench_au_estimators(tried: Tried) -> None:
    assert tried.names("au-estimator") == {"jaw-ruler"}
    assert tried.value("oracle", "likeness.jaw") < 0.15 < tried.value("copy-source", "likeness.jaw")


def test_gath_bench_identity_encoders(tried: Tried) -> None:
    assert tried.names("identity-encoder") == {"mean-colour"}
    assert tried.value("copy-source", "likeness.who") == pytest.approx(1)
    assert tried.value("opener", "likeness.who") > 0.9


def test_gath_bench_perceptual_trunks(tried: Tried) -> None:
    assert tried.names("perceptual-trunk") == {"pyramid"}
    assert tried.value("oracle", "likeness.look") == 0
    assert tried.value("copy-source", "likeness.look") > 0


def test_gath_bench_commands(tried: Tried, program: Program) -> None:
    lines = blocks("console")[-1].splitlines()
    for words, answer in zip(lines[::2], lines[1::2], strict=True):
        told = program(*shlex.split(words)[2:], cwd=tried.folder)
        assert told.returncode == 0, told.stderr
        assert told.stdout.strip() == answer
    assert not (tried.folder / "results").exists(), "a command's evaluation keeps no run folder"


def test_gath_bench_run_started(tried: Tried) -> None:
    models = {row["model"] for row in tried.result["rows"]}
    assert tried.log[0] == f"{len(models)} cells to do"


def test_gath_bench_cell_finished(tried: Tried) -> None:
    told = [line.partition(":") for line in tried.log[1:-1]]
    assert [key.split("@")[0].split("[")[0] for key, _, _ in told] == list(
        dict.fromkeys(row["model"] for row in tried.result["rows"])
    )
    assert {rest for _, _, rest in told} == {" 6 samples, ok"}


def test_gath_bench_run_finished(tried: Tried) -> None:
    assert tried.log[-1] == "done"
    assert tried.log.count("done") == 1


def test_importing_the_example_loads_nothing_heavy(tried: Tried, program: Program) -> None:
    code = "import sys, discs; sys.exit(sorted({'torch', 'pandas', 'pyarrow'} & set(sys.modules)) or 0)"
    assert program(cwd=tried.folder, code=code).returncode == 0
