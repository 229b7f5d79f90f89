"""Laws of the AU spaces."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gath_bench.au import DEFAULT_SPACE, SPACES, get_space, normalise_au
from gath_bench.errors import UsageError

SIZES = {"openface17": 17, "facewarehouse46": 46, "arkit52": 52, "disfa12": 12, "pyfeat20": 20}


def test_spaces_and_their_sizes() -> None:
    assert {name: len(space) for name, space in SPACES.items()} == SIZES
    assert DEFAULT_SPACE == "openface17"


@pytest.mark.parametrize("name", SIZES)
def test_labels_are_unique_and_every_space_is_documented(name: str) -> None:
    space = get_space(name)
    assert len(set(space.labels)) == len(space)
    assert space.name == name
    assert space.summary
    assert space.source
    assert [space.index(label) for label in space.labels] == list(range(len(space)))


def test_arkit52_is_in_mediapipe_order() -> None:
    """Anchors of MediaPipe's enumeration; tongueOut is Apple's alone."""
    labels = get_space("arkit52").labels
    anchors = {0: "_neutral", 9: "eyeBlinkLeft", 25: "jawOpen", 38: "mouthPucker"}
    assert {index: labels[index] for index in anchors} == anchors
    assert labels[51] == "noseSneerRight"
    assert "tongueOut" not in labels
    # Behind _neutral the order is alphabetical, without regard to case.
    assert list(labels[1:]) == sorted(labels[1:], key=str.lower)


def test_arkit52_equals_the_recorded_output_of_mediapipe() -> None:
    folder = os.environ.get("GATH_BENCH_SAMPLES")
    if not folder:
        pytest.skip("GATH_BENCH_SAMPLES is not set")
    text = (Path(folder) / "portrait_expected_blendshapes.pbtxt").read_text()
    assert tuple(re.findall(r'label: "(\w+)"', text)) == get_space("arkit52").labels


def test_an_unknown_space_suggests_similar_names() -> None:
    with pytest.raises(UsageError, match="did you mean openface17"):
        get_space("openface71")


def test_an_unknown_label_suggests_similar_names() -> None:
    with pytest.raises(UsageError, match=r"AU24.*did you mean"):
        get_space("openface17").index("AU24")


@given(
    number=st.integers(0, 99),
    prefix=st.sampled_from(["", "AU", "au", "Au ", "AU_", "au-"]),
    zeros=st.sampled_from(["", "0"]),
    suffix=st.sampled_from(["", "_r", "_c", "_R"]),
)
def test_all_spellings_of_an_au_are_equal(number: int, prefix: str, zeros: str, suffix: str) -> None:
    assert normalise_au(f" {prefix}{zeros}{number}{suffix} ") == f"AU{number:02d}"


@pytest.mark.parametrize("text", ["", "AU", "AUx", "AU123", "smile", "AU12_x", "12.5", "-3"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not an action unit"):
        normalise_au(text)


def test_spaces_and_notation_import_neither_numpy_nor_torch() -> None:
    code = (
        "import sys; from gath_bench.au import SPACES, MAPS, PRESETS, preset, parse_aus; parse_aus('6C+12D'); "
        "print(sorted({'numpy', 'torch', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_imported() -> None:
    import gath_bench.au as au

    assert set(au.__all__) == set(dir(au))
    assert all(getattr(au, name) is not None for name in au.__all__)
    with pytest.raises(AttributeError):
        au.nothing  # noqa: B018
