"""The JSON object of ``gath-bench run --json`` and ``report --format json``, and its schema."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from inspect import cleandoc
from pathlib import Path
from typing import Any

from gath_bench.analysis.summarise import Row
from gath_bench.results.manifest import MANIFEST

SCHEMA = 1


def as_json(path: Path, rows: Sequence[Row]) -> dict[str, Any]:
    """One object: where the run is, and its rows. A missing value is null, never NaN or Infinity."""
    return {
        "schema": SCHEMA,
        "run": path.as_posix(),
        "manifest": (path / MANIFEST).as_posix(),
        "rows": [{name: _plain(value) for name, value in asdict(row).items()} for row in rows],
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `as_json`'s object, from `Row`'s own fields and words.

    ``docs/run.schema.json`` is this, and a test keeps it so.
    """
    from pydantic import TypeAdapter

    row = TypeAdapter(Row).json_schema()
    row |= {"description": "One value of a table.", "additionalProperties": False}
    for field in row["properties"].values():
        del field["title"]  # the name once more
    row["required"] = list(row["properties"])  # all are always there, null where there is nothing
    for names, words in re.findall(
        r"^    ([\w, ]+): (.+?)(?=^    \w|\Z)", cleandoc(Row.__doc__ or ""), re.M | re.S
    ):
        for name in names.split(", "):
            row["properties"][name]["description"] = " ".join(words.split())
    text = {"type": "string"}
    properties = {
        "schema": {"const": SCHEMA},
        "run": text | {"description": "The run folder."},
        "manifest": text | {"description": "Its manifest."},
        "rows": {"type": "array", "items": row},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "gath-bench run --json",
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip
