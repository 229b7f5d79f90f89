"""Videos in and out: times, sizes, colours and rotation against PyAV and Pillow; damaged files in one sentence."""

from __future__ import annotations

import sys
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gath_bench.errors import UsageError
from gath_bench.provenance import Provenance
from gath_bench.video import frame_durations, probe, read_frames, write_animation

av = pytest.importorskip("av")
MARK = Provenance("model@1", "AU12=1")
COLOURS = [(200, 30, 40), (30, 180, 60), (40, 60, 220), (235, 200, 170), (16, 16, 16), (250, 250, 250)]


def flat(index: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A frame that tells its index by its brightness and its colour patch."""
    image = Image.new("RGB", size, (4 * index % 256,) * 3)
    image.paste(COLOURS[index % len(COLOURS)], (0, 0, 32, 32))
    return image


def flats(count: int, size: tuple[int, int] = (64, 48)) -> list[Image.Image]:
    return [flat(index, size) for index in range(count)]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_animation(tmp_path / "clip.mp4", flats(45), 30, MARK)
    return tmp_path / "clip.mp4"


def boxes(path: Path) -> list[str]:
    """The kinds of an MP4 file's top-level boxes."""
    data, position, found = path.read_bytes(), 0, []
    while position < len(data):
        found.append(data[position + 4 : position + 8].decode())
        position += int.from_bytes(data[position : position + 4], "big")
    return found


@pytest.mark.parametrize("fps", [10, 24, 25, 30000 / 1001, 30, 59.94, 60, 12.5])
def test_mp4_has_the_frame_rate_count_and_duration_asked_for(tmp_path: Path, fps: float) -> None:
    path = tmp_path / "out.mp4"
    assert write_animation(path, flats(31), fps, MARK) == 31
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.average_rate) == pytest.approx(fps, rel=1e-4)
        assert stream.frames == 31
        assert float(stream.duration * stream.time_base) == pytest.approx(31 / fps, rel=1e-3)
        assert sum(1 for _ in container.decode(stream)) == 31
        assert container.metadata["comment"].startswith("AI-generated (trainedAlgorithmicMedia) by model@1")


def test_mp4_has_its_index_in_front(clip: Path) -> None:
    found = boxes(clip)
    assert found.index("moov") < found.index("mdat")
    assert found[-1] == "uuid"


def test_mp4_has_the_colours_asked_for_and_names_their_matrix(clip: Path) -> None:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert int(stream.codec_context.colorspace) == int(stream.codec_context.color_primaries) == 1
        assert int(stream.codec_context.color_range) == 1
        for index, frame in enumerate(container.decode(stream)):
            patch = frame.to_ndarray(format="rgb24")[8:24, 8:24].reshape(-1, 3).mean(0)
            assert np.abs(patch - COLOURS[index % len(COLOURS)]).max() <= 4, index


def test_odd_sizes_are_padded_to_even_ones(tmp_path: Path) -> None:
    write_animation(tmp_path / "odd.mp4", flats(3, (61, 47)), 25, MARK)
    frames = list(read_frames(tmp_path / "odd.mp4"))
    assert frames[0].pixels.shape == (48, 62, 3)
    assert np.abs(frames[0].pixels[-1].astype(int) - frames[0].pixels[-2]).max() <= 3


def test_frames_come_with_their_times(clip: Path) -> None:
    frames = list(read_frames(clip))
    assert [frame.index for frame in frames] == list(range(45))
    assert np.allclose([frame.time for frame in frames], np.arange(45) / 30, atol=1e-4)
    info = probe(clip)
    assert (info.width, info.height, info.rotation) == (64, 48, 0)
    assert info.fps == pytest.approx(30, rel=1e-4)
    assert info.duration == pytest.approx(1.5, rel=1e-3)
    assert np.allclose(info.times, [frame.time for frame in frames])


@pytest.mark.parametrize("indices", [[0], [44], [0, 1, 2], [3, 40], [7, 19, 31, 44], []])
def test_chosen_frames_equal_those_of_the_whole_stream(tmp_path: Path, indices: list[int]) -> None:
    path = tmp_path / "long.mp4"
    write_animation(path, flats(45), 30, MARK)
    whole = list(read_frames(path))
    chosen = list(read_frames(path, indices))
    assert [frame.index for frame in chosen] == indices
    for frame in chosen:
        assert frame.time == whole[frame.index].time
        assert np.array_equal(frame.pixels, whole[frame.index].pixels)


def test_far_frames_are_sought_and_are_the_right_ones(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    write_animation(path, flats(600), 30, MARK)
    whole = {frame.index: frame.pixels for frame in read_frames(path) if frame.index in (1, 290, 555)}
    for frame in read_frames(path, [1, 290, 555]):
        assert np.array_equal(frame.pixels, whole[frame.index])


def test_a_variable_frame_rate_stays_one(tmp_path: Path) -> None:
    stamps = [0, 10, 15, 40, 100]
    with av.open(str(tmp_path / "vfr.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=100)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 100)
        for stamp in stamps:
            frame = av.VideoFrame.from_image(flat(stamp))
            frame.pts, frame.time_base = stamp + 7, Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    times = [frame.time for frame in read_frames(tmp_path / "vfr.mkv")]
    assert np.allclose(times, np.array(stamps) / 100)
    assert np.allclose(probe(tmp_path / "vfr.mkv").times, times)


@pytest.mark.parametrize(
    ("matrix", "quarters"),
    [((0, 1, -1, 0), -1), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 1)],
)
def test_the_rotation_of_the_container_is_applied(clip: Path, matrix: tuple[int, ...], quarters: int) -> None:
    """The matrix maps (x, y) to (ax + cy, bx + dy): (0, 1, -1, 0) turns a picture clockwise."""
    stored = next(read_frames(clip)).pixels
    data = bytearray(clip.read_bytes())
    place = data.index((0x10000).to_bytes(4, "big") + bytes(12), data.index(b"tkhd"))
    a, b, c, d = (int(value * 0x10000).to_bytes(4, "big", signed=True) for value in matrix)
    data[place : place + 20] = a + b + bytes(4) + c + d
    clip.write_bytes(data)
    assert np.array_equal(next(read_frames(clip)).pixels, np.rot90(stored, quarters))
    info = probe(clip)
    assert (info.height, info.width) == next(read_frames(clip)).pixels.shape[:2]
    assert info.rotation == quarters % 4 * 90


@pytest.mark.parametrize(("suffix", "unit"), [(".gif", 0.01), (".webp", 0.001)])
@pytest.mark.parametrize("fps", [10, 12.5, 24, 30])
def test_gif_and_webp_have_the_right_duration(tmp_path: Path, suffix: str, unit: float, fps: float) -> None:
    path = tmp_path / f"out{suffix}"
    assert write_animation(path, flats(20), fps, MARK) == 20
    with Image.open(path) as image:
        shown = []
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            shown.append(image.info["duration"] / 1000)
        assert image.info["loop"] == 0
    assert len(shown) == 20
    assert sum(shown) == pytest.approx(20 / fps, abs=unit / 2 + 1e-9)


def test_pixels_that_do_not_change_stay_in_a_gif(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    frames = []
    for index in range(6):
        picture = Image.fromarray(noise)
        picture.paste((255, 40 * index, 0), (20, 20, 30, 30))
        frames.append(picture)
    write_animation(tmp_path / "out.gif", frames, 10, MARK)
    with Image.open(tmp_path / "out.gif") as image:
        shown = []
        for index in range(image.n_frames):
            image.seek(index)
            shown.append(np.asarray(image.convert("RGB")))
    assert len(shown) == 6
    for pixels in shown:
        same = (pixels == shown[0]).all(-1)
        same[20:30, 20:30] = True
        assert same.all()
    assert not np.array_equal(shown[0][20:30, 20:30], shown[5][20:30, 20:30])


def test_gif_leaves_frames_out_above_its_highest_rate(tmp_path: Path) -> None:
    assert write_animation(tmp_path / "out.gif", flats(60), 100, MARK) == 30


def test_durations_add_up() -> None:
    for fps in (7, 23.976, 30, 60):
        found = frame_durations(1000, fps, 0.01)
        assert abs(np.cumsum(found) * 0.01 - np.arange(1, 1001) / fps).max() <= 0.005 + 1e-9


def audio(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(8000))
    return path


def test_files_that_are_no_video_get_one_sentence(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video " * 100)
    (tmp_path / "headless.mp4").write_bytes(clip.read_bytes()[2000:])
    (tmp_path / "index.mp4").write_bytes(clip.read_bytes()[:300])
    cases = {
        tmp_path / "none.mp4": "there is no file",
        tmp_path / "empty.mp4": "is empty",
        tmp_path / "text.mp4": "damaged or not a video",
        tmp_path / "headless.mp4": "damaged or not a video",
        tmp_path / "index.mp4": "has no video stream",
        audio(tmp_path / "audio.wav"): "has no video stream",
    }
    for path, sentence in cases.items():
        for read in (probe, lambda path: list(read_frames(path)), lambda path: list(read_frames(path, [0]))):
            with pytest.raises(UsageError, match=sentence) as caught:
                read(path)
            assert str(path) in str(caught.value)
            assert "\n" not in str(caught.value)


def test_a_file_that_was_cut_off_gives_its_frames_and_then_the_sentence(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 96, 96, 3)).astype(np.uint8)
    write_animation(tmp_path / "whole.mp4", map(Image.fromarray, noise), 30, MARK)
    data = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    frames = read_frames(tmp_path / "cut.mp4")
    assert [next(frames).index for _ in range(5)] == list(range(5))
    with pytest.raises(UsageError, match=r"cut\.mp4 is damaged"):
        list(frames)


def test_no_frame_of_that_index(clip: Path) -> None:
    with pytest.raises(UsageError, match="has 45 frames, none with index 99"):
        list(read_frames(clip, [0, 99]))


def test_wrong_output_gets_one_sentence_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.mp4, \.gif, \.webp"):
        write_animation(tmp_path / "out.avi", flats(2), 30, MARK)
    with pytest.raises(UsageError, match=r"from 0\.1 to 240"):
        write_animation(tmp_path / "out.mp4", flats(2), 1000, MARK)
    with pytest.raises(UsageError, match="no frames"):
        write_animation(tmp_path / "out.mp4", [], 30, MARK)
    with pytest.raises(UsageError, match="cannot write"):
        write_animation(tmp_path / "none" / "out.mp4", flats(2), 30, MARK)

    def failing():
        yield flat(0)
        raise UsageError("the driver failed")

    with pytest.raises(UsageError, match="the driver failed"):
        write_animation(tmp_path / "out.mp4", failing(), 30, MARK)
    assert list(tmp_path.iterdir()) == []


def test_without_pyav_the_sentence_names_the_command(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for work in (
        lambda: probe(clip),
        lambda: list(read_frames(clip)),
        lambda: write_animation(clip.with_name("out.mp4"), flats(2), 30, MARK),
    ):
        with pytest.raises(UsageError, match=r"pip install 'gath-bench\[video\]'"):
            work()
    assert write_animation(clip.with_name("out.gif"), flats(2), 30, MARK) == 2
