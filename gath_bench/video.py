"""Videos in and out: frames with their times from any video file; MP4, GIF and WebP animations to a file.

What reading settles, since files differ:

- Frames come upright: the rotation in the container (phones write it) is applied.
- Colour becomes 8-bit sRGB by the matrix and range that the file names. HDR transfer functions are not mapped.
- Times are seconds since the first frame, as the file has them: a variable frame rate stays one.
- A file is streamed. No more than one frame is held in memory.

MP4 needs the package ``av`` (PyAV, extra ``video``); GIF and WebP need Pillow alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.errors import UsageError
from gath_bench.files import atomic_write
from gath_bench.provenance import Provenance, add_to_gif, append_to_mp4

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

#: File name endings that are taken for videos, in lower case.
SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
#: File name endings of animations that can be written, in lower case.
ANIMATION_SUFFIXES = (".mp4", ".gif", ".webp")
#: Frames with more pixels than 8K (7680 x 4320) are refused.
MAX_PIXELS = 7680 * 4320
#: The most that a GIF or WebP animation may hold in memory while it is written, in bytes.
MAX_BUFFER = 2 << 30
#: GIF counts time in hundredths of a second, and browsers slow down pictures shorter than two of them.
GIF_MAX_FPS = 50.0

#: x264's constant rate factor: visually lossless at its usual sizes.
_CRF = "18"
_COLOURS = 256
#: FFmpeg's disposition of a stream that holds a cover picture.
_COVER = 0x400
#: A video may end this many seconds before its stated duration (and 5 % of it): sound is often a little longer.
_CUT_OFF = 0.5
#: Frames that are nearer than this are decoded one by one rather than sought.
_SEEK_DISTANCE = 60
#: The palette of a GIF is taken from so many of its first frames.
_PALETTE_FRAMES = 48
#: ITU-T H.273 code points: BT.709 primaries and matrix, sRGB transfer, limited range.
_BT709, _SRGB, _LIMITED = 1, 13, 1


@dataclass(frozen=True)
class VideoFrame:
    """One frame.

    Attributes:
        index: its number in the file, from 0, in the order of display.
        time: seconds since the first frame.
        pixels: uint8 (H, W, 3), sRGB, upright.
    """

    index: int
    time: float
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class VideoInfo:
    """What the container says of a video.

    Attributes:
        width, height: size of the upright frames in pixels.
        fps: average frames per second.
        times: seconds of every frame since the first, in the order of display.
        rotation: degrees by which stored frames are turned counterclockwise to be upright: 0, 90, 180 or 270.
    """

    width: int
    height: int
    fps: float
    times: tuple[float, ...]
    rotation: int

    @property
    def duration(self) -> float:
        """Seconds, the last frame's own time included."""
        return self.times[-1] + 1 / self.fps


def probe(path: Path) -> VideoInfo:
    """Size, frame rate and the time of every frame. Packets are read; only the first frame is decoded.

    Raises:
        UsageError: the file is missing, empty, damaged, has no video stream or frames of more than
            `MAX_PIXELS`, or PyAV is not installed.
    """
    with _open(path) as (container, stream):
        first = next(container.decode(stream), None)
        if first is None:
            raise UsageError(f"{path} is damaged: its video stream holds no frame that can be decoded.")
        rotation = _rotation(first)
        height, width = (first.width, first.height) if rotation % 180 else (first.height, first.width)
    with _open(path) as (container, stream):
        stamps = _stamps(container, stream)
        fps = _frame_rate(stream, stamps, path)
        base = float(stream.time_base)
        _refuse_cut_off(stream, (stamps[-1] - stamps[0]) * base, path)
    return VideoInfo(width, height, fps, tuple((stamp - stamps[0]) * base for stamp in stamps), rotation)


def count_frames(path: Path) -> int:
    """The number of frames that the header states, or else that the packets hold. A header may state too many.

    Raises:
        UsageError: the file is missing, empty, has no video stream, or PyAV is not installed.
    """
    with _open(path) as (container, stream):
        return int(stream.frames) or len(_stamps(container, stream))


def read_frames(path: Path, indices: Sequence[int] | None = None) -> Iterator[VideoFrame]:
    """Stream the frames of a video.

    Args:
        path: the file.
        indices: frames to give, in ascending order; all by default. What lies between is skipped from key
            frame to key frame.

    Raises:
        UsageError: as `probe`; or the file ends within a frame, which is told once the frames before it were
            given; or it has no frame of such an index.
    """
    if indices is not None:
        if any(after <= before for before, after in pairwise(indices)):
            raise ValueError("indices must be in ascending order")
        if indices:
            with FrameReader(path) as reader:
                yield from map(reader.read, indices)
        return
    with _open(path) as (container, stream):
        first, index, time = 0, 0, 0.0
        for frame in container.decode(stream):
            stamp = index if frame.pts is None else frame.pts
            first = stamp if index == 0 else first
            time = (stamp - first) * float(stream.time_base)
            yield VideoFrame(index, time, _pixels(frame))
            index += 1
        if index == 0:
            raise UsageError(f"{path} is damaged: its video stream holds no frame that can be decoded.")
        _refuse_cut_off(stream, time, path)


class FrameReader:
    """Reads single frames of a video; frames in ascending order cost one pass over the file.

    Args:
        path: the file.

    Attributes:
        path: the file.
        times: seconds of every frame since the first, in the order of display.

    Raises:
        UsageError: as `probe`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _open(path) as (container, stream):
            self._stamps = _stamps(container, stream)
            base = float(stream.time_base)
        self.times = tuple((stamp - self._stamps[0]) * base for stamp in self._stamps)
        self._position = len(self._stamps)  # index of the last frame that was decoded
        self._frames: Iterator[Any] = iter(())
        self._stack = ExitStack()
        self._container, self._stream = self._stack.enter_context(_open(path))

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def read(self, index: int) -> VideoFrame:
        """The frame of an index.

        Raises:
            UsageError: there is none, or it cannot be decoded.
        """
        if not 0 <= index < len(self._stamps):
            raise UsageError(f"{self.path} has {len(self._stamps)} frames, none with index {index}.")
        with _one_sentence(self.path):
            # A seek lands on the key frame at or before the time stamp.
            if not self._position < index <= self._position + _SEEK_DISTANCE:
                self._container.seek(self._stamps[index], stream=self._stream, backward=True)
                self._frames = self._container.decode(self._stream)
            for frame in self._frames:
                if frame.pts is not None and frame.pts >= self._stamps[index]:
                    self._position = index
                    return VideoFrame(index, self.times[index], _pixels(frame))
        self._position = len(self._stamps)
        raise UsageError(f"{self.path} is damaged: its frame {index} cannot be decoded.")


def write_animation(
    path: Path, frames: Iterable[Image.Image], fps: float, provenance: Provenance, *, loop: bool = True
) -> int:
    """Write an MP4 (H.264, 4:2:0, index in front), GIF or WebP animation, atomically.

    An odd width or height gets one more column or row in MP4, since H.264 with 4:2:0 needs even sizes: the last
    one is repeated. GIF gets one palette of 256 colours for all frames, and pixels that do not change between
    frames stay as they are, so that nothing flickers. GIF above `GIF_MAX_FPS` leaves frames out.

    Args:
        path: the file; its ending says the format.
        frames: RGB images of one size. They are streamed into an MP4 file; GIF and WebP hold them in memory.
        fps: frames per second.
        provenance: written into the file.
        loop: whether GIF and WebP start again at the end.

    Returns:
        The number of frames written.

    Raises:
        UsageError: the ending or the frame rate is not valid, there are no frames, or too many for memory, PyAV
            is not installed, or the file cannot be written.
    """
    if path.suffix.lower() not in ANIMATION_SUFFIXES:
        raise UsageError(f"{path} is no animation: give a name that ends in {', '.join(ANIMATION_SUFFIXES)}.")
    if not 0.1 <= fps <= 240:
        raise UsageError(f"{fps:g} frames per second is not possible: give a rate from 0.1 to 240.")
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise UsageError(f"there are no frames to write to {path}.")
    writers = {".mp4": _write_mp4, ".gif": _write_gif, ".webp": _write_webp}
    try:
        with atomic_write(path) as file:
            return writers[path.suffix.lower()](file, chain([first], iterator), fps, provenance, loop)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}; check the folder.") from error


def frame_durations(count: int, fps: float, unit: float) -> list[int]:
    """Durations of frames in whole units, whose sums stay within half a unit of the exact times.

    >>> frame_durations(3, fps=30, unit=0.01)
    [3, 4, 3]

    Args:
        count: number of frames.
        fps: frames per second.
        unit: the unit in seconds.
    """
    edges = [int(number / fps / unit + 0.5) for number in range(count + 1)]
    return [end - start for start, end in pairwise(edges)]


# --- reading


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise UsageError(
            "videos need the package 'av' (PyAV): pip install 'gath-bench[video]' installs it."
        ) from None
    return av


@contextmanager
def _open(path: Path) -> Iterator[tuple[Any, Any]]:
    """Container and first video stream; every fault of the file becomes one sentence."""
    av = _av()
    if not path.is_file():
        raise UsageError(f"there is no file {path}: give a video.")
    if path.stat().st_size == 0:
        raise UsageError(f"{path} is empty: give a video.")
    with _one_sentence(path), av.open(str(path)) as container:
        # A cover picture is a video stream of its own, with one frame.
        streams = [s for s in container.streams.video if not int(s.disposition) & _COVER]
        if not streams:
            raise UsageError(f"{path} has no video stream: give a video.")
        stream = streams[0]
        if stream.width * stream.height > MAX_PIXELS:
            raise UsageError(
                f"{path} has frames of {stream.width} x {stream.height} pixels, more than 8K: scale it down."
            )
        stream.thread_type = "AUTO"
        yield container, stream


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    """Every fault of the file that a decoder reports becomes one sentence."""
    damaged: Any = _av().FFmpegError
    try:
        yield
    except (damaged, ValueError, EOFError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split()).rstrip(".")
        raise UsageError(f"{path} is damaged or not a video ({reason}): give another file.") from error


def _stamps(container: Any, stream: Any) -> list[int]:
    """Presentation time stamps of all frames, ascending."""
    found = [
        packet.pts
        for packet in container.demux(stream)
        if packet.pts is not None and packet.size and not packet.is_corrupt and not packet.is_discard
    ]
    return sorted(set(found)) or [0]


def _refuse_cut_off(stream: Any, last: float, path: Path) -> None:
    """Decoders do not complain about a file that was cut off: compare its last time with its stated duration."""
    if stream.duration is None:
        return
    duration = float(stream.duration * stream.time_base)
    if last < duration - max(_CUT_OFF, 0.05 * duration):
        raise UsageError(
            f"{path} is damaged: it ends after {last:.1f} s of {duration:.1f} s. Copy or download it again."
        )


def _frame_rate(stream: Any, stamps: Sequence[int], path: Path) -> float:
    if len(stamps) > 1:
        return (len(stamps) - 1) / float((stamps[-1] - stamps[0]) * stream.time_base)
    return float(stream.average_rate or stream.guessed_rate or 25)


def _rotation(frame: Any) -> int:
    """Degrees counterclockwise, a multiple of 90."""
    quarters: int = round(frame.rotation / 90) % 4
    return 90 * quarters


def _pixels(frame: Any) -> NDArray[np.uint8]:
    import numpy as np

    pixels: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(pixels, _rotation(frame) // 90))


# --- writing


def _write_mp4(
    file: Any, frames: Iterator[Image.Image], fps: float, provenance: Provenance, loop: bool
) -> int:
    av = _av()
    rate = Fraction(fps).limit_denominator(1001)
    count = 0
    # By name and not by file object: for "fast start" the muxer opens the file a second time.
    with av.open(file.name, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = str(provenance)
        stream = container.add_stream("libx264", rate=rate, options={"crf": _CRF, "preset": "medium"})
        for image in frames:
            if count == 0:
                stream.width, stream.height = image.width + image.width % 2, image.height + image.height % 2
                stream.pix_fmt = "yuv420p"
                context = stream.codec_context
                context.color_primaries, context.colorspace = _BT709, _BT709
                context.color_trc, context.color_range = _SRGB, _LIMITED
            frame = av.VideoFrame.from_ndarray(_even(image), format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            frame.pts, frame.time_base = count, 1 / rate
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode())
    append_to_mp4(Path(file.name), provenance.to_xmp())
    return count


def _even(image: Image.Image) -> NDArray[np.uint8]:
    """Pixels with an even height and width; the last row and column are repeated."""
    import numpy as np

    pixels: NDArray[np.uint8] = np.asarray(image)
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _write_gif(
    file: Any, frames: Iterator[Image.Image], fps: float, provenance: Provenance, loop: bool
) -> int:
    if fps > GIF_MAX_FPS:
        frames, fps = _thin(frames, fps / GIF_MAX_FPS), GIF_MAX_FPS
    head = list(islice(frames, _PALETTE_FRAMES))
    palette = _palette(head[:: max(1, len(head) // 8)])
    pictures = list(_bounded(_indexed(chain(head, frames), palette), bytes_per_pixel=1))
    data = io.BytesIO()
    pictures[0].save(
        data,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=[10 * hundredths for hundredths in frame_durations(len(pictures), fps, 0.01)],
        disposal=1,
        optimize=False,
        **({"loop": 0} if loop else {}),
    )
    file.write(add_to_gif(data.getvalue(), provenance.to_xmp()))
    return len(pictures)


def _write_webp(
    file: Any, frames: Iterator[Image.Image], fps: float, provenance: Provenance, loop: bool
) -> int:
    pictures = list(_bounded(frames, bytes_per_pixel=3))
    pictures[0].save(
        file,
        format="WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=frame_durations(len(pictures), fps, 0.001),
        loop=0 if loop else 1,
        quality=90,
        xmp=provenance.to_xmp(),
    )
    return len(pictures)


def _thin(frames: Iterable[Image.Image], factor: float) -> Iterator[Image.Image]:
    """Every ``factor``-th frame."""
    kept = 0
    for index, image in enumerate(frames):
        if index >= kept * factor:
            kept += 1
            yield image


def _palette(images: Sequence[Image.Image]) -> Image.Image:
    """One palette for small copies of some images."""
    from PIL import Image

    # Nearest, so that small spots of colour such as eyes and teeth are not averaged away.
    step = max(1, max(images[0].size) // 192)
    size = (max(1, images[0].width // step), max(1, images[0].height // step))
    sheet = Image.new("RGB", (size[0], size[1] * len(images)))
    for index, image in enumerate(images):
        sheet.paste(image.resize(size, Image.Resampling.NEAREST), (0, index * size[1]))
    return sheet.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)


def _indexed(frames: Iterable[Image.Image], palette: Image.Image) -> Iterator[Image.Image]:
    """Frames in the colours of a palette; a pixel that equals the one before keeps its colour."""
    import numpy as np
    from PIL import Image, ImageChops

    before: tuple[Image.Image, Image.Image] | None = None
    for image in frames:
        # Quantisation with dithering is slow: only the box that holds all changes is quantised.
        box = (0, 0, *image.size) if before is None else ImageChops.difference(image, before[0]).getbbox()
        indexed = Image.new("P", image.size) if before is None else before[1].copy()
        indexed.putpalette(palette.getpalette() or [])
        if box is not None:
            part = image.crop(box)
            fresh = part.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
            if before is not None:
                same = (np.asarray(part) == np.asarray(before[0].crop(box))).all(-1)
                fresh = Image.fromarray(np.where(same, np.asarray(before[1].crop(box)), np.asarray(fresh)))
            # Indices, not colours: an image in the same mode is pasted as it is.
            fresh.putpalette(palette.getpalette() or [])
            indexed.paste(fresh, box[:2])
        before = (image, indexed)
        yield indexed


def _bounded(frames: Iterable[Image.Image], bytes_per_pixel: int) -> Iterator[Image.Image]:
    held = 0
    for image in frames:
        held += image.width * image.height * bytes_per_pixel
        if held > MAX_BUFFER:
            raise UsageError(
                f"the animation needs more than {MAX_BUFFER >> 30} GiB of memory in this format: "
                "write .mp4, or make the frames smaller."
            )
        yield image
