"""``gath_bench.animate``, ``gath-bench animate``, and what they say of wrong input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from animation.conftest import noise
from animation.toy_animation import ToyDirect, ToyWarp
from cli.conftest import CommandResult
from PIL import Image

import gath_bench
from gath_bench import plugins
from gath_bench.cli.main import main
from gath_bench.errors import UsageError
from gath_bench.plugins import load_plugins
from gath_bench.provenance import read_provenance
from gath_bench.video import read_frames

Animate = Callable[..., CommandResult]


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python API sees the toy components alone."""
    loaded = load_plugins(("animation.toy_animation",), entry_point_group=None)
    monkeypatch.setattr(plugins, "load_plugins", lambda *_, **__: loaded)


@pytest.fixture
def animate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Animate:
    """Runs ``gath-bench animate`` in this process."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> CommandResult:
        toys = ["--no-plugins", "--plugin", "animation.toy_animation"]
        model = [] if "-m" in words else ["-m", "toy-warp"]
        monkeypatch.setattr(sys, "argv", ["gath-bench", *toys, "animate", *map(str, words), *model])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return CommandResult(int(ended.value.code or 0), said.out, said.err)

    return call


@pytest.mark.parametrize("model", ["toy-warp", ToyWarp(), ToyDirect()])
def test_a_photo_and_aus_in_an_image_of_its_size_out(photo: Path, model: str) -> None:
    image = gath_bench.animate(photo, "12E", model=model)
    assert isinstance(image, Image.Image)
    assert image.size == (300, 200)
    same = gath_bench.animate(noise(), {"AU12": 1.0}, model=model)
    assert np.array_equal(np.asarray(image), np.asarray(same))


def test_series_and_sweeps_give_an_iterator_of_images(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,AU12\n" + "\n".join(f"{i / 10},0.5" for i in range(5)))
    frames = gath_bench.animate(photo, csv=tmp_path / "a.csv", model="toy-warp")
    assert [frame.size for frame in frames] == [(300, 200)] * 5
    assert len(list(gath_bench.animate(photo, sweep="AU12", fps=10, model="toy-warp"))) == 20


def test_one_source_is_needed(photo: Path) -> None:
    with pytest.raises(UsageError, match="give one of aus, csv, livelink, drive, sweep"):
        gath_bench.animate(photo, model="toy-warp")
    with pytest.raises(UsageError, match="aus and sweep exclude each other"):
        gath_bench.animate(photo, "12E", sweep="12", model="toy-warp")  # type: ignore[call-overload]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_still_with_provenance_and_a_report_in_one_line(animate: Animate, photo: Path, suffix: str) -> None:
    said = animate(photo, "--aus", "12E", "-o", f"out.{suffix}")
    assert said.code == 0, said
    assert len(said.out.strip().splitlines()) == 1
    assert said.out.startswith("me.png: face of")
    assert said.out.strip().endswith(f"-> out.{suffix}")
    out = photo.parent / f"out.{suffix}"
    with Image.open(out) as image:
        assert image.size == (300, 200)
    mark = read_provenance(out)
    assert mark is not None
    assert mark.model.startswith("toy-warp@1#warp")
    assert mark.prompt == "AU12=1.0"


@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_an_expression_as_an_animation(animate: Animate, photo: Path, suffix: str) -> None:
    if suffix == "mp4":
        pytest.importorskip("av")
    said = animate(photo, "--preset", "happiness", "--fps", 10, "-o", f"out.{suffix}")
    assert said.code == 0, said
    assert "frames at 10 per second" in said.out
    assert "of it the model" in said.out
    mark = read_provenance(photo.parent / f"out.{suffix}")
    assert mark is not None
    assert mark.prompt == "AU06=0.8,AU12=0.8"


def openface(path: Path, seconds: float = 10, fps: int = 30) -> Path:
    rows = [f"{i / fps:.3f}, 1, {2.5 + 2.5 * np.sin(i / 9):.3f}" for i in range(round(seconds * fps))]
    path.write_text("\n".join(["timestamp, success, AU12_r", *rows]))
    return path


def test_ten_seconds_of_openface_become_an_mp4_of_ten_seconds(animate: Animate, photo: Path) -> None:
    av = pytest.importorskip("av")
    said = animate(photo, "--csv", openface(photo.parent / "a.csv"), "--size", 100, "-o", "out.mp4")
    assert said.code == 0, said
    with av.open(str(photo.parent / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.frames, float(stream.average_rate)) == (300, 30)
        assert float(stream.duration * stream.time_base) == pytest.approx(10)
        assert "trainedAlgorithmicMedia" in container.metadata["comment"]
        assert "toy-warp@1" in container.metadata["comment"]
    assert read_provenance(photo.parent / "out.mp4") is not None


def test_side_by_side_and_the_strip_of_a_sweep(animate: Animate, photo: Path) -> None:
    assert animate(photo, "--aus", "12E", "--side-by-side", "-o", "out.png").code == 0
    pair = np.asarray(Image.open(photo.parent / "out.png"))
    assert pair.shape == (200, 600, 3)
    assert np.array_equal(pair[:, :300], np.asarray(noise()))
    assert animate(photo, "--sweep", "12", "-o", "strip.png").code == 0
    strip = np.asarray(Image.open(photo.parent / "strip.png"))
    assert strip.shape == (200, 1500, 3)
    assert np.array_equal(strip[:, :300], np.asarray(noise()))


def test_a_driver_beside_the_result(animate: Animate, photo: Path) -> None:
    pytest.importorskip("av")
    from animation.test_motion import brightness_video

    brightness_video(photo.parent / "drive.mp4", np.linspace(0, 1, 20))
    said = animate(photo, "--drive", "drive.mp4", "--relative", "--side-by-side", "-o", "out.mp4")
    assert said.code == 0, said
    frames = list(read_frames(photo.parent / "out.mp4"))
    assert len(frames) == 20
    assert frames[0].pixels.shape == (200, 300 + 200 + 300, 3)
    assert frames[-1].pixels[:, 320:480].mean() > 200


def test_a_grid_has_a_row_per_au(animate: Animate, photo: Path) -> None:
    assert animate(photo, "--grid", "-o", "grid.png").code == 0
    with Image.open(photo.parent / "grid.png") as image:
        assert image.height > 17 * 100
    assert read_provenance(photo.parent / "grid.png") is not None


def test_several_photos_and_folders_give_a_file_each(animate: Animate, photo: Path) -> None:
    folder = photo.parent / "photos"
    folder.mkdir()
    for name in ("ann.jpg", "bob.png"):
        noise(120, 90).save(folder / name)
    said = animate(photo, folder, "--aus", "12E", "-o", "out.png")
    assert said.code == 0, said
    assert {path.name for path in photo.parent.glob("out*.png")} == {
        "out-me.png",
        "out-ann.png",
        "out-bob.png",
    }
    (folder / "bad.png").write_text("text")
    said = animate(photo, folder, "--aus", "12E", "-o", "out.png")
    assert said.code == 1
    assert len(said.out.strip().splitlines()) == 3
    assert "bad.png is not a PNG, JPEG or WebP image" in said.err


def test_wrong_input_gets_one_sentence(
    animate: Animate, photo: Path, faces: list[tuple[float, float, float]]
) -> None:
    av = pytest.importorskip("av")
    assert av
    noise().save("moving.gif")
    Path("bad.mp4").write_bytes(b"no video" * 100)
    Path("plain.csv").write_text("frame,gaze\n1,0.5\n")
    aus = ("--aus", "12E", "-o", "out.png")
    animate(photo, "--aus", "AU12=3", "-o", "out.png").refused("AU12=3 is above 1", "AU12=0.6", "12C")
    animate("moving.gif", *aus).refused("moving.gif is an animation", "--drive")
    animate("none.png", *aus).refused("there is no file none.png")
    animate(photo, "--drive", "bad.mp4", "-o", "out.mp4").refused("bad.mp4 is damaged or not a video")
    animate(photo, "--csv", "plain.csv", "-o", "out.mp4").refused("plain.csv has no AU columns")
    animate(photo, "--csv", "none.csv", "-o", "out.mp4").refused("cannot read none.csv")
    animate(photo, "--preset", "hapiness", "-o", "out.png").refused("did you mean happiness")
    animate(photo, "-o", "out.png").refused("nothing says what the face should do", "--grid")
    animate(photo, "--grid", *aus).refused("--aus and --grid")
    animate(photo, "--aus", "12E", "-o", "out.bmp").refused("no known ending")
    animate(photo, "--aus", "12E", "-o", "none/out.png").refused("there is no folder none")
    animate(photo, "--csv", openface(Path("a.csv"), 1), "-o", "out.png").refused(
        "is a still picture", "30 frames"
    )
    animate(photo, "--grid", "-o", "out.mp4").refused("--grid is one picture")
    animate(photo, *aus, "--fps", 500).refused("--fps 500")
    animate(photo, *aus, "-m", "toy-oracle").refused("toy-oracle needs target")
    animate(photo, *aus, "-m", "toy-wrap").refused("did you mean toy-warp")
    animate(photo, *aus, "--crop", "none").refused("me.png is 300 x 200, not square")
    Path("folder").mkdir()
    animate("folder", *aus).refused("folder holds no photos")
    faces[:] = []
    animate(photo, *aus).refused("no face was found in me.png")
    assert not list(Path().glob("out*"))


def test_two_faces_are_a_note_and_not_an_error(
    animate: Animate, photo: Path, faces: list[tuple[float, float, float]]
) -> None:
    faces.append((0.8, 0.3, 0.05))
    said = animate(photo, "--aus", "12E", "-o", "out.png")
    assert said.code == 0
    assert (
        said.err.strip()
        == "note: 2 faces were found in me.png: the largest is animated (--all-faces takes all)."
    )
    assert animate(photo, "--aus", "12E", "--all-faces", "-o", "out.png").out.count("face of") == 2
