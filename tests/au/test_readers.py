"""Readers of AU time series, on files as the tools write them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gath_bench.au import AUSeries, aus_to_vector, get_space, read_au_csv
from gath_bench.errors import UsageError

OPENFACE = get_space("openface17").labels


ARKIT = get_space("arkit52").labels


FRAMES = np.linspace(0, 5, 34).reshape(2, 17)


def write(path: Path, header: list[str], *rows: Iterable[object], join: str = ",") -> Path:
    path.write_text("\n".join(join.join(map(str, row)) for row in [header, *rows]) + "\n")
    return path


def value(series: AUSeries, label: str, row: int = 0) -> float:
    return float(series.values[row, series.space.index(label)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "aus.csv"


@pytest.mark.parametrize("join", [",", ", "])
def test_openface_video_layout(file: Path, join: str) -> None:
    names = [f"{label}_r" for label in OPENFACE] + [f"{label}_c" for label in OPENFACE]
    header = ["frame", "face_id", "timestamp", "confidence", "success", *names]
    write(
        file,
        header,
        [1, 0, 0.0, 0.98, 1, *FRAMES[0], *[1] * 17],
        [2, 0, 0.04, 0.1, 0, *FRAMES[1], *[0] * 17],
        join=join,
    )
    series = read_au_csv(file)
    np.testing.assert_allclose(series.values, FRAMES / 5, rtol=1e-6)
    assert series.values.dtype == np.float32
    assert series.frame.tolist() == [1, 2]
    assert series.timestamp is not None
    assert series.timestamp.tolist() == [0.0, 0.04]
    assert series.success is not None
    assert series.success.tolist() == [True, False]
    assert series.confidence is not None
    assert series.face is not None
    assert series.columns["AU12"] == "AU12_r"
    assert set(series.coverage.values()) == {1.0}
    assert series.warnings == ("the tracker failed on 1 of 2 rows: kept, flagged.",)


def test_openface_image_layout_has_no_frames(file: Path) -> None:
    write(file, ["face", "confidence", "AU12_r"], [0, 0.9, 2.5], [1, 0.8, 5])
    series = read_au_csv(file)
    assert series.frame.tolist() == [0, 1]
    assert series.timestamp is None
    assert series.success is None
    assert [value(series, "AU12", row) for row in (0, 1)] == [0.5, 1.0]
    assert series.coverage["AU12"] == 1
    assert series.coverage["AU01"] == 0
    assert any("no column for AU01" in text for text in series.warnings)
    assert any("more than one face" in text for text in series.warnings)


def test_columns_are_found_by_name_in_any_order(file: Path) -> None:
    columns = [*reversed(OPENFACE)]
    rows = FRAMES[:, ::-1] / 5
    series = read_au_csv(write(file, ["sample_id", *columns], ["a", *rows[0]], ["b", *rows[1]]))
    np.testing.assert_allclose(series.values, FRAMES / 5, rtol=1e-6)
    assert series.sample_ids == ("a", "b")
    assert series.warnings == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=17, max_size=17))
def test_written_values_are_read_exactly(file: Path, values: list[float]) -> None:
    series = read_au_csv(write(file, list(OPENFACE), values))
    np.testing.assert_array_equal(series.values[0], np.array(values, dtype=np.float32))


def test_another_facs_space_is_read_directly_if_it_is_complete(file: Path) -> None:
    series = read_au_csv(write(file, list(OPENFACE), FRAMES[0] / 5), space="disfa12")
    assert series.native_space.name == "disfa12"
    assert series.warnings == ()


def test_pyfeat_probabilities_are_mapped(file: Path) -> None:
    labels = get_space("pyfeat20").labels
    write(file, ["FaceScore", *labels, "frame"], [0.99, *[0.25] * 20, 7])
    series = read_au_csv(file)
    assert series.native_space.name == "pyfeat20"
    assert value(series, "AU45") == 0.25
    assert series.frame.tolist() == [7]
    assert series.confidence is not None
    assert any("probabilities" in text for text in series.warnings)


@pytest.mark.parametrize("tongue", [True, False])
def test_live_link_face(file: Path, tongue: bool) -> None:
    names = [label[0].upper() + label[1:] for label in ARKIT[1:]]
    extra = ["TongueOut", "HeadYaw", "LeftEyeRoll"] if tongue else []
    cells = {"MouthSmileLeft": 0.5, "MouthSmileRight": 0.7, "HeadYaw": -0.3}
    row = [cells.get(name, 0) for name in [*names, *extra]]
    write(
        file,
        ["Timecode", "BlendShapeCount", *names, *extra],
        ["23:59:59:30.0", 61, *row],
        ["00:00:00:00.0", 61, *row],
    )
    series = read_au_csv(file)
    assert series.native_space.name == "arkit52"
    assert value(series, "AU12") == pytest.approx(0.6)
    assert series.timestamp is not None
    assert series.timestamp.tolist() == pytest.approx([0.0, 0.5])
    assert any(text.startswith("not used: TongueOut") for text in series.warnings) == tongue
    assert not any("_neutral" in text for text in series.warnings if "no column" in text)
    native = read_au_csv(file, space="arkit52")
    assert value(native, "mouthSmileLeft") == 0.5
    assert np.isnan(value(native, "_neutral"))


def test_mediapipe_scores(file: Path) -> None:
    series = read_au_csv(write(file, list(ARKIT), [0.1] * 52), space="arkit52")
    np.testing.assert_allclose(series.values, 0.1, rtol=1e-6)
    assert series.warnings == ()


def test_empty_cells_are_unknown_not_zero(file: Path) -> None:
    rows: list[list[object]] = [["", 0.5], ["nan", 0.5], [0.5, 0.5]]
    series = read_au_csv(write(file, ["AU12", "AU06"], *rows))
    assert series.coverage["AU12"] == pytest.approx(1 / 3)
    assert any("2 AU cells are empty" in text for text in series.warnings)


def test_byte_order_mark_blank_lines_and_windows_line_ends(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfAU12_r , AU06_r\r\n\r\n5 , 0\r\n\r\n")
    series = read_au_csv(file)
    np.testing.assert_array_equal(
        series.values[0],
        np.where(np.isin(OPENFACE, ["AU12", "AU06"]), aus_to_vector("12E"), np.nan).astype(np.float32),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("AU12_r\n", "header and no rows"),
        ("frame,x_0\n1,2\n", r"no AU columns \(it has frame, x_0\).*AU12_r"),
        ("frame,AU12_c\n1,1\n", "occurrences.*only"),
        ("AU12_r\n1\nhigh\n", "line 3, column 'AU12_r' holds 'high'.*not a number"),
        ("AU12_r\n5.2\n", r"line 2, column 'AU12_r' holds 5.2, outside \[0, 5\]"),
        ("AU12_r\n-1\n", r"outside \[0, 5\]"),
        ("AU12\n3\n", r"outside \[0, 1\].*AU12_r"),
        ("AU12\ninf\n", r"outside \[0, 1\]"),
        ("AU12,AU06\n0.5\n", "line 2 has 1 cells under 2 column names"),
        ("AU12,AU12\n0.5,0.5\n", "twice"),
        ("AU12,AU 12\n0.5,0.5\n", "two columns for AU12"),
        ("frame,AU12\n1.5,0.5\n", "not a whole number"),
        ("success,AU12\n2,0.5\n", "column 'success' holds 2"),
        ("FW01\n0.5\n", "facewarehouse46.*no map"),
        ("Timecode,JawOpen\nnoon,0.5\n", "line 2: 'noon' is not a timecode"),
        ("Timecode,JawOpen\n00:00:00:75,0.5\n", "frame 75 at 60 .*fps"),
    ],
)
def test_a_bad_file_gives_one_sentence(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=message) as raised:
        read_au_csv(file)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_binary_and_missing_files_are_refused(file: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_au_csv(file)
    with pytest.raises(UsageError, match="cannot read"):
        read_au_csv(file.parent)
    file.write_bytes(b"\x89PNG\xff\xfe\n")
    with pytest.raises(UsageError, match="not a CSV"):
        read_au_csv(file)
    with pytest.raises(UsageError, match="did you mean"):
        read_au_csv(file, space="openface")


def test_a_real_openface_file() -> None:
    folder = os.environ.get("GATH_BENCH_SAMPLES")
    if not folder:
        pytest.skip("GATH_BENCH_SAMPLES is not set")
    series = read_au_csv(Path(folder) / "openface_featureextraction.csv")
    assert series.values.shape == (len(series), 17)
    assert set(series.coverage.values()) == {1.0}
    assert series.success is not None
    assert series.success.all()
    assert series.timestamp is not None
    assert (np.diff(series.timestamp) > 0).all()
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(series.path, skipinitialspace=True)
    expected = frame[[f"{label}_r" for label in OPENFACE]].to_numpy() / 5
    np.testing.assert_allclose(series.values, expected, rtol=1e-6)
