"""Target expressions of portraits."""

from __future__ import annotations

from pathlib import Path

import pytest
from gath_datasets.portraits.adapter import Portraits
from gath_datasets.portraits.targets import parse_targets, sweep

from gath_bench.errors import UsageError


def samples(dataset: Portraits, protocol: str = "same-subject"):
    return dataset.samples("test", protocol, 0)


def test_presets_strengths_and_named_aus() -> None:
    happy, half, named = parse_targets("happiness;happiness*0.5;12C+AU06=0.4", "openface17")
    assert happy.values[8] == pytest.approx(0.8)
    assert half.values[8] == pytest.approx(0.4)
    assert (named.values[8], named.values[4]) == (pytest.approx(0.6), pytest.approx(0.4))


def test_sweep_moves_one_au_at_a_time() -> None:
    targets = sweep("openface17")
    assert len(targets) == 17 * 5
    for target in targets:
        assert sum(value > 0 for value in target.values) <= 1
    dataset = Portraits(aus="sweep")
    assert dataset.info.protocols == ("sweep",)
    listed = samples(dataset, "sweep")
    batch = dataset.load(listed[:10])
    assert batch.swept_au == ("AU01",) * 5 + ("AU02",) * 5
    assert batch.target_aus[:5, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert len(samples(Portraits(), "sweep")) == len(listed)


def test_csv_of_openface_and_of_plain_columns(tmp_path: Path) -> None:
    openface = tmp_path / "openface.csv"
    openface.write_text("frame, success, AU06_r, AU12_r\n1, 1, 0.5, 5\n2, 0, 0, 0\n")
    dataset = Portraits(csv=openface)
    batch = dataset.load(samples(dataset))
    assert batch.sample_id == ("astronaut--row00000",)
    assert batch.target_aus[0, 8] == 1
    assert batch.target_aus[0, 4] == pytest.approx(0.1)
    assert batch.target_aus[0, 0].isnan()
    assert batch.unreadable[0].reason == "the face tracker failed on row 1 of openface.csv"
    plain = tmp_path / "plain.csv"
    plain.write_text("AU12,AU06\n0.5,0.25\n")
    assert samples(Portraits(csv=plain))[0].target.values[8] == 0.5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "no AU columns"),
        ("AU12_r\n7\n", r"outside \[0, 5\]"),
        ("AU12\n3\n", r"outside \[0, 1\]"),
        ("AU12\n", "no rows"),
        ("AU12\nnan\n", "no usable row"),
    ],
)
def test_wrong_csv_files_give_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "aus.csv").write_text(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        Portraits(csv=tmp_path / "aus.csv")
    assert "aus.csv" in str(caught.value)
