"""The rendered pool of labelled images."""

from __future__ import annotations

from pathlib import Path

import pytest
from estimators.conftest import ToyContext
from gath_estimators import data

from gath_bench.errors import UsageError


def test_a_data_set_without_the_stream_is_refused(context: ToyContext, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no stream for evaluators"):
        data.render_pool(context, "other", 1024, 0, lambda _: None)  # type: ignore[arg-type]


def test_held_out_people_are_in_no_training(context: ToyContext) -> None:
    pools = [
        data.render_pool(context, "toy", 256, 0, lambda _: None, held_out)  # type: ignore[arg-type]
        for held_out in (0, 128)
    ]
    assert not set(pools[0].identity.tolist()) & set(pools[1].identity.tolist())
