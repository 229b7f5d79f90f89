"""Replaced names and phrases do not come back. ``CHANGELOG.md`` may name them, and so must this file."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SUFFIXES = {".py", ".md", ".toml", ".js", ".css", ".j2", ".yml", ".ipynb"}
#: Paths that keep old words: the changelog, this list, and committed output of earlier versions.
EXEMPT = ("CHANGELOG.md", "tests/test_vocabulary.py", "results/")

#: Regular expression -> the replacement.
MODULES = {
    r"engine[./]grade\b": "engine/scoring",
    r"engine[./](live|rerun)\b": "engine/isolated, evaluation/verification",
    r"engine[./]keep\b": "engine/image_writer",
    r"engine[./]record\b": "engine/manifest_builder",
    r"engine[./]system\b": "engine/system_metrics",
    r"engine[./](evaluations|feature_cache)\b": "evaluators",
    r"engine[./]ranks\b": "distributed",
    r"engine[./]generate\b": "engine/animate",
    r"analysis[./]likeness\b": "analysis/comparability",
    r"analysis[./]marks\b": "analysis/ranking",
    r"analysis[./]row\b": "analysis/summary_row",
    r"analysis[./]drift\b": "analysis/reproducibility",
    r"gath_bench[./]results[./]rows\b": "results/observations",
    r"report[./](grid|html[./]lines|html[./]summary)\b": "report/table",
    r"gath_bench[./]api\b": "evaluation",
    r"perf[./]tracking\b": "plugins/gath_perf",
    r"gath_estimators[./](school|disguise|strangers)\b": "gath_estimators/train_all, augmentations, held_out",
    r"\bgath[./](painting|finish|forecast|cost|teachers)\b": "gath/inference, gath/training, gath/release",
    r"\btest_floors\b": "test_layers",
}
CLASSES = {
    r"\bclass (Row|Rows)\b|\bimport .*\bRows?\b": "SummaryRow, Observations",
    r"\bclass Comparison\b": "PairedDifference",
    r"\bclass (Voice|Workshop|Job)\b|\b(Workshop|Voice)\b": "TrainingLogger, TrainContext, TrainingRun",
    r"\b(School|Lesson)\b": "train_all, TrainingTask",
    r"\b(Fresh|Batch)Evaluations\b": "FeatureCache",
    r"\bdef (lay|place|fast|_learn|_follow|_verdicts|_bounds)\(": "see STYLE: to_memory_format, to_device, ...",
}
PHRASES = {
    r"\bdear\b": "expensive",
    r"\bgo(es)? on with\b": "resume, continue",
    r"\bstrangers?\b": "held-out, other",
    r"\b(by|through) the same door\b|\bpublic door\b|\bauthor's door\b": "the public API",
    r"\bwhat (became|came) of\b": "outcome, result",
    r"\bone row an\b|\b(one|a) (value|strip|folder|reading|row) a (sample|batch|run|model)\b": "per ...",
    r"\bare no numbers\b|\bis no text\b|\bno numbers\b": "NaN or Inf; binary",
    r"\banother hand\b": "not listed in the manifest",
    r"\brestless\b": "too noisy to decide",
    r"\bmeasured so\b": "invalid evaluation settings",
    r"\bnobody's business\b|\b(plugin|stranger)'s business\b|\bown business\b": "not public",
    r"\bthe house\b": "the package",
    r"\bsecond way to a number\b": "this code path",
    r"\blikeness(es)?\b": "comparability, similarity",
    r"\bcuriosit(y|ies)\b": "unlikely",
}
#: Files where "paint" names an artefact that fools an estimator.
MAY_PAINT = (
    "docs/gath.md",
    "docs/training-log.md",
    "docs/evaluators.md",
    "docs/metrics/au-error.md",
    "gath_bench/augmentations.py",
    "plugins/gath_estimators/",
    "reference_impl/gath/networks/generator.py",
    "reference_impl/gath/training/",
    "tests/core/test_augmentations.py",
    "tests/estimators/test_augmentations.py",
)
PAINT = {r"\b(re)?paint(s|ed|ing|er)?\b": "generate (models), render (synthfaces)"}


@cache
def lines() -> list[tuple[str, int, str]]:
    """Path, number and text of every line that is checked."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\0")
    return [
        (name, number, line)
        for name in listed
        if Path(name).suffix in SUFFIXES and not name.startswith(EXEMPT) and (ROOT / name).is_file()
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
    ]


@pytest.mark.parametrize("pattern", [*MODULES, *CLASSES, *PHRASES, *PAINT])
def test_replaced_words_are_gone(pattern: str) -> None:
    if not lines():
        pytest.skip("not a git checkout")
    replacement = {**MODULES, **CLASSES, **PHRASES, **PAINT}[pattern]
    exempt = MAY_PAINT if pattern in PAINT else ()
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, number, line in lines()
        if re.search(pattern, line) and not name.startswith(exempt)
    ]
    assert not found, f"write {replacement} in\n" + "\n".join(found)
