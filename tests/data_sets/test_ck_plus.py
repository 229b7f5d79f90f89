"""CK+: pairs of a neutral and a coded frame, intensities, and damaged sequences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_sets import trees
from data_sets.conformance import assert_sentence
from data_sets.test_conformance import named

from gath_bench.au import get_space
from gath_bench.errors import UsageError


def facs(root: Path) -> Path:
    """The FACS file of the first subject."""
    return min((root / "FACS").rglob("*.txt"))


def aus_of(root: Path, **parameters: str) -> dict[str, float]:
    """The coefficients of the first subject's peak frame."""
    dataset = named("ck-plus", **parameters)(root)
    return dict(zip(get_space(dataset.au_space).labels, dataset.index.aus[1].tolist(), strict=True))


def test_the_target_is_the_peak_frame_and_the_source_the_first(tmp_path: Path) -> None:
    dataset = named("ck-plus")(trees.ck_plus(tmp_path / "root"))
    sample = dataset.samples("test", "same-subject", 0)[0]
    assert dataset.index.paths[sample.source].endswith("_00000001.png")
    assert dataset.index.paths[sample.target].endswith("_00000003.png")
    batch = dataset.load([sample])
    assert batch.frame == (3,)
    assert batch.source_aus is not None
    assert (batch.source_aus == 0).all()
    labels = get_space("openface17").labels
    assert batch.target_aus[0, labels.index("AU01")] == pytest.approx(0.6)
    assert batch.target_aus[0, labels.index("AU12")] == 1
    assert batch.target_aus.sum() == pytest.approx(1.6)


def test_an_au_without_an_intensity_is_unknown_or_what_the_user_says(tmp_path: Path) -> None:
    root = trees.ck_plus(tmp_path / "root")
    facs(root).write_text("6 0\n12 nan\n25 2\n")
    aus = aus_of(root)
    assert np.isnan([aus["AU06"], aus["AU12"]]).all()
    assert (aus["AU25"], aus["AU04"]) == (pytest.approx(0.4), 0)
    chosen = aus_of(root, unknown_intensity="0.5")
    assert chosen["AU06"] == 0.5
    assert np.isnan(chosen["AU12"])
    with pytest.raises(UsageError, match="unknown_intensity=2"):
        aus_of(root, unknown_intensity="2")


def test_a_stronger_action_that_the_space_lacks_makes_the_weaker_unknown(tmp_path: Path) -> None:
    root = trees.ck_plus(tmp_path / "root")
    facs(root).write_text("27 4\n63 1\n")
    aus = aus_of(root)
    assert np.isnan(aus["AU26"])
    assert sum(value for value in aus.values() if value == value) == 0


def test_a_sequence_without_an_emotion_file_is_used_and_one_without_facs_is_na(tmp_path: Path) -> None:
    root = trees.ck_plus(tmp_path / "root")
    before = [s.sample_id for s in named("ck-plus")(root).samples("test", "same-subject", 0)]
    for file in (root / "Emotion").rglob("*.txt"):
        file.unlink()
    dataset = named("ck-plus")(root)
    sample = dataset.samples("test", "same-subject", 0)[0]
    assert [s.sample_id for s in dataset.samples("test", "same-subject", 0)] == before
    min((root / "FACS" / sample.subject).rglob("*.txt")).unlink()
    again = named("ck-plus")(root)
    listed = again.samples("test", "same-subject", 0)
    assert [s.sample_id for s in listed] == before
    assert again.load(listed[:1]).unreadable[0].reason.endswith("_00000003 has no AU labels")


def test_duplicate_frames_are_refused(tmp_path: Path) -> None:
    root = trees.ck_plus(tmp_path / "root")
    frame = min((root / "cohn-kanade-images").rglob("*_00000002.png"))
    trees.put_image(frame.with_suffix(".jpg"))
    with pytest.raises(UsageError, match="are one frame: keep one of them") as caught:
        named("ck-plus")(root)
    assert_sentence(caught.value)


def test_labels_that_fit_no_frame_are_refused(tmp_path: Path) -> None:
    root = trees.ck_plus(tmp_path / "root")
    label = facs(root)
    label.rename(label.with_name(label.name.replace("_00000003_", "_00000009_")))
    with pytest.raises(UsageError, match="codes a frame that is not in"):
        named("ck-plus")(root)
    trees.put_text(label, "1 1")
    with pytest.raises(UsageError, match="has two FACS files"):
        named("ck-plus")(root)


def test_a_space_without_action_units_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has FACS labels, which AU space arkit52 does not"):
        named("ck-plus", au_space="arkit52")(trees.ck_plus(tmp_path / "root"))
