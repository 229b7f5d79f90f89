"""``docs/reliability.md`` is what the tables of the tests say."""

from __future__ import annotations

import ast

from reliability.faults import PAGE, ROOT, faults, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: PYTHONPATH=tests python -m reliability.faults"


def test_the_page_has_at_least_100_rows_and_no_row_twice() -> None:
    rows = [(row.fault, row.test) for row in faults()]
    assert len(rows) >= 100
    assert len(set(rows)) == len(rows)


def test_every_named_test_exists() -> None:
    for file in {row.file for row in faults()}:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert {row.test for row in faults() if row.file == file} <= defined
