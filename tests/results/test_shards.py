"""Shards are read in the order of cells, batches and positions, whoever wrote them, and their words counted."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from gath_bench.results.columns import codes, distinct, numbers, texts
from gath_bench.results.observations import Observations
from gath_bench.results.shards import SYSTEM_BATCH, ShardStore, in_order

CELLS = ("000-a", "001-b")


def written(folder: Path, ranks: int) -> ShardStore:
    """Two cells of six batches of three samples and two metrics, metric after metric, by some ranks."""
    store = ShardStore(folder)
    for cell in CELLS:
        for rank in range(ranks):
            mine = [batch for batch in range(6) if batch % ranks == rank]
            for batches in (mine[:2], mine[2:]):
                observations = Observations()
                for batch in batches:
                    for metric in ("mae", "au"):
                        for position in range(3):
                            add(observations, cell, batch, position, metric)
                if batches:
                    store.write(cell, observations, batches, rank)
        system = Observations()
        add(system, cell, SYSTEM_BATCH, 0, "speed")
        store.write(cell, system, [SYSTEM_BATCH])
    return store


def add(observations: Observations, cell: str, batch: int, position: int, metric: str) -> None:
    missing = metric == "au" and position == 1
    observations.add(
        cell=cell,
        batch=batch,
        position=position,
        sample_id=f"{batch}-{position}",
        subject=None if metric == "speed" else f"subject-{position}",  # type: ignore[arg-type]
        metric=metric,
        observation=metric,
        au=None,
        value=None if missing else random.random(),
        status="na" if missing else "ok",
        reason="no face" if missing else None,
    )


@pytest.mark.parametrize("ranks", [1, 2, 3, 6])
def test_the_order_does_not_depend_on_who_wrote(tmp_path: Path, ranks: int) -> None:
    rows = in_order(written(tmp_path, ranks).read()).to_pylist()
    assert len(rows) == 2 * (6 * 2 * 3 + 1)
    places = [(row["cell"], row["batch"], row["position"]) for row in rows]
    assert places == sorted(places)
    alone = in_order(written(tmp_path / "alone", 1).read()).to_pylist()
    assert [without_value(row) for row in rows] == [without_value(row) for row in alone]


def without_value(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "value"}


def test_an_empty_folder_has_no_rows(tmp_path: Path) -> None:
    assert len(ShardStore(tmp_path).read()) == 0


def test_columns_are_those_of_arrow(tmp_path: Path) -> None:
    table = written(tmp_path, 2).read()
    for name in ("cell", "sample_id", "subject", "reason"):
        found, words = codes(table[name])
        assert [None if code < 0 else words[code] for code in found] == table[name].to_pylist()
        assert words == sorted(words)
    values = numbers(table["value"], np.float64, missing=-1.0)
    assert values.tolist() == [-1.0 if value is None else value for value in table["value"].to_pylist()]


def test_distinct_combinations_are_those_of_a_set(tmp_path: Path) -> None:
    table = written(tmp_path, 2).read()
    names = ("metric", "status", "reason")
    expected = {tuple(row[name] for name in names) for row in table.to_pylist()}
    found = distinct(table, names)
    assert {tuple(row.values()) for row in found} == expected
    assert len(found) == len(expected)


def test_texts_of_some_rows(tmp_path: Path) -> None:
    table = written(tmp_path, 1).read()
    places = np.array([5, 0, 7])
    for name in ("sample_id", "metric"):
        assert texts(table[name], places) == [table[name].to_pylist()[place] for place in places]
