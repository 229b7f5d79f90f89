"""AU time series for an animation: frame counts, gaps, rates, smoothing against scipy."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import savgol_filter

from gath_bench.au import make_timeline, read_au_csv, relative_to_first, smooth
from gath_bench.au.timecode import timecode_rate
from gath_bench.au.timeline import resample
from gath_bench.errors import UsageError


def openface(path: Path, aus: np.ndarray, fps: float = 30, success: np.ndarray | None = None) -> Path:
    """An OpenFace CSV with AU12_r and AU45_r (0 to 5) and times rounded to 1 ms."""
    lines = ["frame, face_id, timestamp, confidence, success, AU12_r, AU45_r"]
    for row, (smile, blink) in enumerate(aus * 5):
        ok = 1 if success is None else int(success[row])
        lines.append(f"{row + 1}, 0, {row / fps:.3f}, 0.98, {ok}, {smile:.2f}, {blink:.2f}")
    path.write_text("\n".join(lines))
    return path


def waves(count: int) -> np.ndarray:
    time = np.arange(count) / 30
    return np.stack([0.5 + 0.4 * np.sin(time), 0.5 + 0.4 * np.cos(3 * time)], axis=1)


@pytest.mark.parametrize("fps", [24, 25, 29.97, 30, 60])
def test_a_ten_second_file_gives_ten_seconds_of_frames(tmp_path: Path, fps: float) -> None:
    count = round(10 * fps)
    timeline = make_timeline(read_au_csv(openface(tmp_path / "a.csv", waves(count), fps)))
    assert len(timeline) == count
    assert timeline.fps == pytest.approx(fps, rel=1e-4)
    smile = timeline.values[:, timeline.space.index("AU12")]
    assert np.allclose(smile, waves(count)[:, 0], atol=0.01)
    assert not np.isnan(timeline.values).any()


@pytest.mark.parametrize("wanted", [10, 12.5, 24, 60])
def test_another_frame_rate_keeps_the_duration_and_the_curve(tmp_path: Path, wanted: float) -> None:
    timeline = make_timeline(read_au_csv(openface(tmp_path / "a.csv", waves(300))), fps=wanted)
    assert len(timeline) == round(10 * wanted)
    at = np.minimum(np.arange(len(timeline)) / wanted, 299 / 30)
    assert np.allclose(timeline.values[:, 16], 0.5 + 0.4 * np.cos(3 * at), atol=0.02)


def test_rows_on_which_the_tracker_failed_are_interpolated(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 11)[:, None].repeat(2, axis=1)
    damaged = ramp.copy()
    damaged[4:7] = 0
    success = np.ones(11)
    success[4:7] = 0
    timeline = make_timeline(read_au_csv(openface(tmp_path / "a.csv", damaged, 10, success)))
    assert np.allclose(timeline.values[:, 8], ramp[:, 0], atol=0.01)
    assert any("3 of 11 rows have no AUs: interpolated" in note for note in timeline.notes)


def test_ends_are_held_and_absent_aus_are_zero(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,AU12\n0,nan\n0.1,0.4\n0.2,0.6\n0.3,nan\n")
    timeline = make_timeline(read_au_csv(tmp_path / "a.csv"))
    assert timeline.values[:, 8].tolist() == pytest.approx([0.4, 0.4, 0.6, 0.6])
    assert timeline.values[:, 0].tolist() == [0, 0, 0, 0]
    assert timeline.fps == 10


def test_of_several_faces_the_one_with_the_most_rows_is_taken(tmp_path: Path) -> None:
    lines = ["frame,face_id,timestamp,success,AU12_r"]
    for frame in range(10):
        lines.append(f"{frame},0,{frame / 10},1,5")
        if frame % 2:
            lines.append(f"{frame},1,{frame / 10},1,0")
    (tmp_path / "a.csv").write_text("\n".join(lines))
    timeline = make_timeline(read_au_csv(tmp_path / "a.csv"))
    assert len(timeline) == 10
    assert (timeline.values[:, 8] == 1).all()
    assert any("face 0 of 2 is used" in note for note in timeline.notes)


def test_a_file_without_times_is_thirty_frames_per_second(tmp_path: Path) -> None:
    (tmp_path / "feat.csv").write_text("AU12,AU45\n" + "0.5,0.1\n" * 15)
    series = read_au_csv(tmp_path / "feat.csv")
    assert (make_timeline(series).fps, len(make_timeline(series))) == (30, 15)
    assert (make_timeline(series, fps=5).fps, len(make_timeline(series, fps=5))) == (5, 15)
    assert any("has no times" in note for note in make_timeline(series).notes)


def test_times_that_no_camera_makes_are_not_believed(tmp_path: Path) -> None:
    timeline = make_timeline(read_au_csv(openface(tmp_path / "a.csv", waves(90), fps=1000)))
    assert (timeline.fps, len(timeline)) == (30, 90)
    assert any("1000 frames per second" in note for note in timeline.notes)


def live_link(path: Path, fps: int, count: int, columns: int = 61) -> Path:
    names = ["EyeBlinkLeft", "EyeBlinkRight", "JawOpen", "MouthSmileLeft", "MouthSmileRight"]
    filler = [f"HeadYaw{index}" for index in range(columns - len(names))]
    lines = [",".join(["Timecode", "BlendShapeCount", *names, *filler])]
    for row in range(count):
        second, frame = divmod(row + fps * 3600 * 23, fps)
        stamp = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}:{frame:02d}.125"
        values = [f"{0.5 + 0.5 * np.sin(row / fps):.6f}"] * len(names)
        lines.append(",".join([stamp, str(columns), *values, *["0.01"] * len(filler)]))
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(("fps", "columns"), [(60, 61), (30, 51), (24, 61), (25, 61)])
def test_live_link_recordings_keep_their_rate(tmp_path: Path, fps: int, columns: int) -> None:
    timeline = make_timeline(read_au_csv(live_link(tmp_path / "rec.csv", fps, 4 * fps, columns)))
    assert timeline.fps == pytest.approx(fps, rel=1e-6)
    assert len(timeline) == 4 * fps
    smile = timeline.values[:, timeline.space.index("AU12")]
    assert np.corrcoef(smile, 0.5 + 0.5 * np.sin(np.arange(4 * fps) / fps))[0, 1] > 0.999


def test_a_recording_within_one_second_is_taken_as_sixty() -> None:
    assert timecode_rate(["01:00:00:03.0", "01:00:00:05.0"]) == 60
    assert timecode_rate(["01:00:00:55.0", "01:00:01:05.0"]) == 60


@given(
    st.integers(1, 60),
    st.sampled_from([(7, 2), (5, 2), (9, 3), (5, 1)]),
    st.integers(0, 2**31),
)
def test_smoothing_equals_scipys_savitzky_golay(count: int, filter_: tuple[int, int], seed: int) -> None:
    frames, order = filter_
    values = np.random.default_rng(seed).uniform(0.3, 0.7, (count, 3))
    found = smooth(values, frames, order)
    if count >= frames:
        wanted = savgol_filter(values, frames, order, axis=0, mode="interp").clip(0, 1)
        assert np.allclose(found, wanted, atol=1e-6)
    assert found.shape == values.shape
    assert (found >= 0).all()
    assert (found <= 1).all()


def test_smoothing_does_not_shift_and_keeps_a_blink() -> None:
    time = np.arange(120) / 30
    blink = np.exp(-(((time - 2) / 0.1) ** 2))[:, None]  # 0.24 s at half its height
    noisy = (blink + np.random.default_rng(0).normal(0, 0.05, blink.shape)).clip(0, 1)
    found = smooth(noisy)
    assert found.argmax() == blink.argmax()
    assert found.max() > 0.85
    assert np.abs(found - blink).mean() < np.abs(noisy - blink).mean()


def test_relative_starts_at_the_portraits_own_aus() -> None:
    driver = np.array([[0.5, 0.2], [0.7, 0.1], [0.1, 1.0]])
    found = relative_to_first(driver, [0.1, 0.6])
    assert np.allclose(found, [[0.1, 0.6], [0.3, 0.5], [0, 1]])


def test_resampling_at_the_same_rate_is_the_identity() -> None:
    values = np.random.default_rng(0).random((50, 4))
    assert np.allclose(resample(values, np.arange(50) / 25, 25, last=0.04), values, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("timestamp,success,AU12_r\n0,0,1\n0.1,0,1\n", "no usable row"),
        ("timestamp,AU12\n0,0.5\n1,0.5\n0.5,0.5\n", "do not ascend"),
        ("timestamp,AU12\n,0.5\n,0.5\n", "empty times"),
    ],
)
def test_series_that_cannot_drive_get_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        make_timeline(read_au_csv(tmp_path / "a.csv"))
    assert "a.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_rate_must_be_positive(tmp_path: Path) -> None:
    series = read_au_csv(openface(tmp_path / "a.csv", waves(5)))
    with pytest.raises(UsageError, match="positive rate"):
        make_timeline(series, fps=0)


@pytest.mark.skipif("GATH_BENCH_SAMPLES" not in os.environ, reason="GATH_BENCH_SAMPLES names no folder")
def test_a_real_openface_file() -> None:
    series = read_au_csv(Path(os.environ["GATH_BENCH_SAMPLES"]) / "openface_featureextraction.csv")
    timeline = make_timeline(series)
    assert (len(timeline), timeline.fps) == (len(series), 30)
    assert 0 < timeline.values.max() <= 1
