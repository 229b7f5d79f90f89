"""docs/plugins.md: its code runs, and it has an example of every hook."""

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
class GuideRun:
    """Output of the guide's plugin."""

    folder: Path
    listed: list[dict[str, str]]
    result: dict[str, Any]
    log: list[str]

    def names(self, kind: str) -> set[str]:
        """The components of a kind that the plugin registered."""
        return {row["name"] for row in self.listed if row["kind"] == kind and row["plugin"] == "discs"}

    def value(self, model: str, metric: str) -> float:
        """A value of the table."""
        if model not in {row["model"] for row in self.result["rows"]}:
            pytest.skip(f"the built-in model {model} is not installed")
        [row] = [row for row in self.result["rows"] if (row["model"], row["metric"]) == (model, metric)]
        assert (row["status"], row["coverage"]) == ("ok", 1.0), row
        return float(row["value"])


@pytest.fixture(scope="module")
def guide_run(tmp_path_factory: pytest.TempPathFactory, program: Program) -> GuideRun:
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
    return GuideRun(folder, json.loads(listed.stdout), json.loads(run.stdout), log)


def test_every_hook_has_a_test_and_a_section_with_an_example() -> None:
    headings = " ".join(re.findall(r"^## .*$", GUIDE, re.MULTILINE))
    examples = "\n".join(blocks("python"))
    for hook in HOOKS:
        assert f"`{hook}`" in headings, f"docs/plugins.md has no section on {hook}"
        assert f"@hookimpl\ndef {hook}(" in examples, f"docs/plugins.md has no example of {hook}"
        assert hasattr(sys.modules[__name__], f"test_{hook}"), f"{hook} has no test here"


def test_gath_bench_datasets(guide_run: GuideRun) -> None:
    assert guide_run.names("dataset") == {"discs"}
    rows = [row for row in guide_run.result["rows"] if row["metric"] == "openness"]
    assert {row["n"] for row in rows} == {6}
    assert all(row["dataset_key"].startswith("discs[size=32,subjects=6]@1#") for row in rows)


def test_gath_bench_models(guide_run: GuideRun) -> None:
    assert guide_run.names("model") == {"opener"}
    assert guide_run.value("oracle", "openness") == 0
    assert 0 < guide_run.value("opener", "openness") < guide_run.value("copy-source", "openness")


def test_gath_bench_metrics(guide_run: GuideRun) -> None:
    assert guide_run.names("metric") == {"openness", "similarity"}
    assert {row["metric"] for row in guide_run.result["rows"]} == {
        "openness",
        "similarity.jaw",
        "similarity.identity",
        "similarity.perceptual",
    }


def test_gath_bench_au_estimators(guide_run: GuideRun) -> None:
    assert guide_run.names("au-estimator") == {"jaw-ruler"}
    assert (
        guide_run.value("oracle", "similarity.jaw") < 0.15 < guide_run.value("copy-source", "similarity.jaw")
    )


def test_gath_bench_identity_encoders(guide_run: GuideRun) -> None:
    assert guide_run.names("identity-encoder") == {"mean-colour"}
    assert guide_run.value("copy-source", "similarity.identity") == pytest.approx(1)
    assert guide_run.value("opener", "similarity.identity") > 0.9


def test_gath_bench_perceptual_trunks(guide_run: GuideRun) -> None:
    assert guide_run.names("perceptual-trunk") == {"pyramid"}
    assert guide_run.value("oracle", "similarity.perceptual") == 0
    assert guide_run.value("copy-source", "similarity.perceptual") > 0


def test_gath_bench_face_detectors(guide_run: GuideRun) -> None:
    import torch

    from gath_bench.contracts import FaceDetector
    from gath_bench.faces import SYNTHFACES, align

    assert guide_run.names("face-detector") == {"full-frame"}
    scope: dict[str, Any] = {}
    exec("\n\n".join(blocks("python")), scope)
    detector = scope["FullFrame"]()
    assert isinstance(detector, FaceDetector)
    image = torch.rand(3, 90, 60)
    [[face]] = detector.detect([image])
    crop, _ = align(image, face, SYNTHFACES, 64)
    assert crop.shape == (3, 64, 64)


def test_gath_bench_commands(guide_run: GuideRun, program: Program) -> None:
    lines = blocks("console")[-1].splitlines()
    for words, answer in zip(lines[::2], lines[1::2], strict=True):
        answered = program(*shlex.split(words)[2:], cwd=guide_run.folder)
        assert answered.returncode == 0, answered.stderr
        assert answered.stdout.strip() == answer
    assert not (guide_run.folder / "results").exists(), "an evaluation by a command leaves no run folder"


def test_gath_bench_run_started(guide_run: GuideRun) -> None:
    models = {row["model"] for row in guide_run.result["rows"]}
    assert guide_run.log[0] == f"{len(models)} cells to do"


def test_gath_bench_cell_finished(guide_run: GuideRun) -> None:
    finished = [line.partition(":") for line in guide_run.log[1:-1]]
    assert [key.split("@")[0].split("[")[0] for key, _, _ in finished] == list(
        dict.fromkeys(row["model"] for row in guide_run.result["rows"])
    )
    assert {rest for _, _, rest in finished} == {" 6 samples, ok"}


def test_gath_bench_run_finished(guide_run: GuideRun) -> None:
    assert guide_run.log[-1] == "done"
    assert guide_run.log.count("done") == 1


def test_importing_the_example_loads_nothing_heavy(guide_run: GuideRun, program: Program) -> None:
    code = "import sys, discs; sys.exit(sorted({'torch', 'pandas', 'pyarrow'} & set(sys.modules)) or 0)"
    assert program(cwd=guide_run.folder, code=code).returncode == 0
