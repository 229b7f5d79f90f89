"""Baselines are added to every suite, and left out without an error if they are not installed."""

from __future__ import annotations

import pytest
from toy.running import toys

from gath_bench.errors import UsageError
from gath_bench.registry import Registry
from gath_bench.suite import Suite, make_plan


def suite(**references: str) -> Suite:
    content = {"models": ["toy-edit"], "metrics": ["toy-l1"], "datasets": [{"name": "toy"}]}
    return Suite.model_validate(content | ({"references": references} if references else {}))


def test_default_baselines_that_are_not_installed_are_left_out() -> None:
    plan = make_plan(suite(), Registry.of(toys()))
    assert [str(cell.model.name) for cell in plan.cells] == ["toy-edit"]
    assert plan.skipped == ("oracle", "copy-source")


def test_baselines_that_a_suite_names_must_exist() -> None:
    with pytest.raises(UsageError, match=r"there is no model 'toy-exakt': did you mean toy-exact"):
        make_plan(suite(oracle="toy-exakt"), Registry.of(toys()))


def test_baselines_come_first() -> None:
    plan = make_plan(suite(oracle="toy-exact", copy_source="toy-copy"), Registry.of(toys()))
    assert [str(cell.model.name) for cell in plan.cells] == ["toy-exact", "toy-copy", "toy-edit"]
