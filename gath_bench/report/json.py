"""The JSON object of ``gath-bench run --json`` and ``report --format json``, and its schema."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from inspect import cleandoc
from pathlib import Path
from typing import Any

from gath_bench.analysis import SummaryRow
from gath_bench.results.manifest import MANIFEST

SCHEMA = 1


def as_json(path: Path, rows: Sequence[SummaryRow]) -> dict[str, Any]:
    """One object: the paths of the run and its manifest, and its rows. A missing value is null, never NaN."""
    return {
        "schema": SCHEMA,
        "run": path.as_posix(),
        "manifest": (path / MANIFEST).as_posix(),
        "rows": [{name: _plain(value) for name, value in asdict(row).items()} for row in rows],
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `as_json`'s object, from the fields and the docstring of `SummaryRow`.

    ``docs/run.schema.json`` contains it; a test compares them.
    """
    from pydantic import TypeAdapter

    row = TypeAdapter(SummaryRow).json_schema()
    row |= {"description": "One value of a table.", "additionalProperties": False}
    for field in row["properties"].values():
        del field["title"]  # repeats the name
    row["required"] = list(row["properties"])  # always present, null without a value
    for names, text in re.findall(
        r"^    ([\w, ]+): (.+?)(?=^    \w|\Z)", cleandoc(SummaryRow.__doc__ or ""), re.M | re.S
    ):
        for name in names.split(", "):
            row["properties"][name]["description"] = " ".join(text.split())
    string = {"type": "string"}
    properties = {
        "schema": {"const": SCHEMA},
        "run": string | {"description": "The run folder."},
        "manifest": string | {"description": "Its manifest."},
        "rows": {"type": "array", "items": row},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gath-bench run --json",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
