"""The code of docs/tutorials runs: blocks after `<!-- test: sh -->`, `python` and `file NAME`, in order."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest
from cli.conftest import gath_bench  # noqa: F401
from data_sets import trees

ROOT = Path(__file__).resolve().parent.parent
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
_BLOCK = re.compile(r"<!-- test: (sh|python|file \S+) -->\n *```\w+\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
#: Tutorial -> files that it leaves.
LEAVES = {
    "photo": ("smile.png", "smile-again.png"),
    "model": ("brighten.py", "table/manifest.json"),
    "dataset": ("table/manifest.json",),
    "metric": ("my-faces/pyproject.toml", "my-faces/src/my_faces/metric.py"),
}


def marked_blocks(page: Path) -> list[tuple[str, str]]:
    """Kind and code of the marked blocks of a page."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(kind, textwrap.dedent(code)) for kind, code in found]


def test_every_tutorial_but_training_is_run() -> None:
    """The training takes an hour; its commands are parsed by test_docs.py, and a small one runs in tests/gath."""
    assert {page.stem for page in TUTORIALS} == {*LEAVES, "training"}
    for page in TUTORIALS:
        marks = page.read_text(encoding="utf-8").count("<!-- test:")
        assert len(marked_blocks(page)) == marks, f"{page.name}: a mark without a block"
        assert (marks > 0) == (page.stem in LEAVES)


@pytest.mark.parametrize("name", LEAVES)
def test_the_tutorial_runs(name: str, gath_bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    trees.celeba(tmp_path / "data" / "celeba", landmarks=True)
    for kind, code in marked_blocks(ROOT / "docs" / "tutorials" / f"{name}.md"):
        if kind == "sh":
            for line in code.replace("\\\n", " ").splitlines():
                program, *words = shlex.split(line, comments=True)
                assert program == "gath-bench"
                said = gath_bench(*words, plugins=False)
                assert said.code == 0, said
        elif kind == "python":
            exec(compile(code, name, "exec"), {})
        else:
            (tmp_path / kind.split()[1]).write_text(code, encoding="utf-8")
    for path in LEAVES[name]:
        assert (tmp_path / path).is_file(), path
