"""The published schema is the one that the code has, and what is printed follows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from report.worlds import write_run

from gath_bench.analysis import summarise
from gath_bench.report import as_json, json_schema
from gath_bench.results import load

PUBLISHED = Path(__file__).parents[2] / "docs" / "run.schema.json"


@pytest.fixture
def printed(tmp_path: Path) -> Any:
    run = load(write_run(tmp_path / "run", images=False))
    return json.loads(
        json.dumps(as_json(run.path, summarise(run.manifest, run.observations)), allow_nan=False)
    )


def test_the_published_schema_is_up_to_date() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == json_schema()


def test_what_is_printed_follows_it(printed: Any) -> None:
    checker = jsonschema.Draft202012Validator(json_schema())
    checker.check_schema(json_schema())
    assert not list(checker.iter_errors(printed))
    assert any(row["value"] is None for row in printed["rows"])


@pytest.mark.parametrize(
    "damage",
    [
        lambda it: it["rows"][0].update(value="0.5"),
        lambda it: it["rows"][0].update(extra=1),
        lambda it: it["rows"][0].pop("reason"),
        lambda it: it.update(schema=2),
    ],
)
def test_it_refuses_what_is_not_so(printed: Any, damage: Callable[[Any], None]) -> None:
    damage(printed)
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(printed))


def test_every_field_that_needs_words_has_them() -> None:
    fields = json_schema()["properties"]["rows"]["items"]["properties"]
    for name in ("value", "coverage", "status", "gain", "contaminated"):
        assert len(fields[name]["description"]) > 20
