"""Which AUs are asked for: expressions, sweeps, series, driving videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from animation.toy_animation import SMILE
from PIL import Image

from gath_bench.animation import motion
from gath_bench.animation.driver import estimate_video, frames_at
from gath_bench.animation.model import PhotoModel
from gath_bench.au import AUSpace, get_space
from gath_bench.errors import UsageError
from gath_bench.provenance import Provenance
from gath_bench.video import write_animation

SPACE: AUSpace = get_space("openface17")


def test_an_expression_as_a_still_is_one_row() -> None:
    found = motion.expression("6C+12D", SPACE, animated=False)
    assert found.fps is None
    assert found.aus.shape == (1, 17)
    assert found.aus[0, SMILE] == pytest.approx(0.8)
    assert found.prompt == "AU06=0.6,AU12=0.8"
    assert torch.equal(found.targets(None), found.aus)


def test_an_animated_expression_starts_and_ends_at_the_portrait_as_it_is() -> None:
    found = motion.expression("12E", SPACE, animated=True, fps=20)
    own = torch.rand(17)
    targets = found.targets(own)
    assert torch.allclose(targets[0], own)
    assert torch.allclose(targets[-1], own)
    assert (targets - found.aus).abs().amax(1).min() < 1e-6  # it is reached
    assert found.fps == 20
    assert len(targets) == round((2 * motion.RISE + motion.HOLD + motion.PAUSE) * 20)


def test_relative_adds_to_the_portraits_own_aus() -> None:
    own = torch.full((17,), 0.5)
    found = motion.expression("12C", SPACE, animated=False, relative=True).targets(own)
    assert found[0, SMILE] == 1  # clipped
    assert found[0, 0] == 0.5


def test_a_sweep_moves_one_au_there_and_back() -> None:
    found = motion.sweep("12", SPACE, animated=True, fps=10)
    levels = found.aus[:, SMILE]
    assert levels[0] == 0
    assert levels.max() == pytest.approx(1)
    assert levels.argmax() == len(levels) // 2
    assert found.aus[:, :SMILE].abs().max() == 0
    strip = motion.sweep("AU12", SPACE, animated=False)
    assert strip.aus[:, SMILE].tolist() == [0, 0.25, 0.5, 0.75, 1]
    for wrong in ("12E", "AU12=0.5", "AU99"):
        with pytest.raises(UsageError):
            motion.sweep(wrong, SPACE, animated=True)


def test_facs_notation_drives_a_model_of_another_space() -> None:
    arkit = get_space("arkit52")
    found = motion.expression("26E", arkit, animated=False)
    assert found.aus[0, arkit.index("jawOpen")] > 0
    native = motion.expression("jawOpen=0.5", arkit, animated=False)
    assert native.aus[0, arkit.index("jawOpen")] == 0.5


def test_a_csv_of_ten_seconds_drives_three_hundred_frames(tmp_path: Path) -> None:
    lines = ["timestamp,success,AU12_r"] + [f"{row / 30:.3f},1,{row / 299 * 5:.3f}" for row in range(300)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    found = motion.series(tmp_path / "a.csv", SPACE)
    assert (len(found.aus), found.fps) == (300, 30)
    assert torch.allclose(found.targets(None)[:, SMILE], torch.linspace(0, 1, 300), atol=0.01)
    relative = motion.series(tmp_path / "a.csv", SPACE, relative=True)
    own = torch.full((17,), 0.3)
    assert relative.targets(own)[0, SMILE] == pytest.approx(0.3, abs=0.01)
    assert relative.targets(own)[150, SMILE] == pytest.approx(0.8, abs=0.01)


def test_livelink_wants_a_recording(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,AU12\n0,0.5\n")
    with pytest.raises(UsageError, match="is no Live Link Face recording"):
        motion.live_link(tmp_path / "a.csv", SPACE)
    rows = [f"00:00:0{row // 60}:{row % 60:02d}.0,61,{row / 120}" for row in range(120)]
    (tmp_path / "b.csv").write_text("\n".join(["Timecode,BlendShapeCount,JawOpen", *rows]))
    found = motion.live_link(tmp_path / "b.csv", SPACE)
    assert (len(found.aus), found.fps) == (120, 60)
    assert found.aus[:, SPACE.index("AU26")].max() > 0


def brightness_video(path: Path, levels: np.ndarray, fps: float = 20) -> None:
    """The toy estimator reads a frame's brightness as AU12."""
    write_animation(
        path,
        [Image.new("RGB", (96, 96), (round(255 * level),) * 3) for level in levels],
        fps,
        Provenance("x"),
    )


def test_a_driving_video_gives_its_aus_frame_by_frame(warp: PhotoModel, tmp_path: Path) -> None:
    pytest.importorskip("av")
    levels = 0.5 + 0.4 * np.sin(np.arange(60) / 8)
    brightness_video(tmp_path / "drive.mp4", levels)
    seen: list[tuple[int, int]] = []
    found = motion.driven(
        tmp_path / "drive.mp4", warp, progress=lambda done, total: seen.append((done, total))
    )
    assert (len(found.aus), found.fps, found.driver) == (60, pytest.approx(20), tmp_path / "drive.mp4")
    assert np.corrcoef(found.aus[:, SMILE], levels)[0, 1] > 0.99
    assert np.abs(found.aus[:, SMILE].numpy() - levels).max() < 0.03
    assert seen[-1] == (120, 120)
    assert len(motion.driven(tmp_path / "drive.mp4", warp, fps=10).aus) == 30


def test_frames_without_a_face_are_interpolated(
    warp: PhotoModel, tmp_path: Path, faces: list[tuple[float, float, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("av")
    levels = np.linspace(0.2, 0.8, 90)
    brightness_video(tmp_path / "drive.mp4", levels, fps=30)
    detect = type(warp.detector).detect
    monkeypatch.setattr(
        type(warp.detector),
        "detect",
        # No face in the second half: too far from the last face to interpolate its landmarks.
        lambda self, images: detect(self, images) if images[0].mean() < 0.5 else [[]],
    )
    found = estimate_video(tmp_path / "drive.mp4", warp)
    assert len(found) == 90
    assert "no face was found in" in found.notes[0]
    assert "of 90 frames of drive.mp4: interpolated" in found.notes[0]
    assert found.values[:45, SMILE] == pytest.approx(levels[:45], abs=0.03)
    assert len(set(found.values[75:, SMILE].tolist())) == 1  # held
    faces[:] = []
    with pytest.raises(UsageError, match=r"no face was found in .*drive\.mp4"):
        estimate_video(tmp_path / "drive.mp4", warp)


@pytest.mark.parametrize(("fps", "count"), [(20, 40), (10, 20), (30, 60)])
def test_frames_of_the_driver_at_the_output_rate(tmp_path: Path, fps: float, count: int) -> None:
    pytest.importorskip("av")
    brightness_video(tmp_path / "drive.mp4", np.linspace(0, 1, 40))
    shown = [np.asarray(frame).mean() / 255 for frame in frames_at(tmp_path / "drive.mp4", fps, count)]
    assert len(shown) == count
    wanted = np.linspace(0, 1, 40)[np.minimum((np.arange(count) / fps * 20 + 0.25).astype(int), 39)]
    assert shown == pytest.approx(wanted, abs=0.03)
