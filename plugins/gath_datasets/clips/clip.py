"""A clip: frames of one person in one scene, their AUs, and where the frames are read from."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from gath_bench.video import FrameReader, VideoFrame, VideoInfo, count_frames, probe
from gath_datasets.files import MediaFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

#: Clips held open; each holds one frame and the state of its decoder.
_OPEN = 4


class VideoFrames:
    """The frames of a video file.

    Args:
        path: the file.
        scan: read the times of all frames now, which finds a truncated file; otherwise only the header is read, and
            damaged frames are found when they are loaded.

    Raises:
        UsageError: the file cannot be opened, holds no video, or ``scan`` finds it truncated.
    """

    def __init__(self, path: Path, *, scan: bool = False) -> None:
        self.path = path
        self._info = probe(path) if scan else None
        self._count = len(self._info.times) if self._info else count_frames(path)

    @cached_property
    def info(self) -> VideoInfo:
        """Size, frame rate and times."""
        return self._info or probe(self.path)

    def __len__(self) -> int:
        return self._count

    def open(self) -> FrameReader:
        """Open the file for reading frames; frames in ascending order cost one pass over it."""
        return FrameReader(self.path)


@dataclass(frozen=True, eq=False)
class Clip:
    """One clip.

    Attributes:
        file: the file or folder, its name in sample ids and its subject.
        frames: where the frames are read from.
        aus: float32 (frames, K) in [0, 1]; NaN in the rows of frames without AUs.
        labels: what the AUs come from, for messages; empty for a clip without labels.
    """

    file: MediaFile
    frames: VideoFrames
    aus: NDArray[np.float32]
    labels: str

    def reason(self, index: int) -> str | None:
        """Why a frame has no AUs; None if it has."""
        import numpy as np

        if not np.isnan(self.aus[index]).all():
            return None
        if not self.labels:
            return f"{self.file.relative} has no AU labels"
        return f"{self.labels} has no AUs for frame {index} of {self.file.relative}"

    @cached_property
    def source_index(self) -> int | None:
        """The first frame that has AUs; None if there is none."""
        import numpy as np

        known = np.flatnonzero(~np.isnan(self.aus).all(axis=1))
        return int(known[0]) if known.size else None


class OpenClips:
    """Reads frames of many clips; the files of the last few stay open. Threads take turns."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._open: OrderedDict[Path, FrameReader] = OrderedDict()

    def read(self, clip: Clip, index: int) -> Tensor:
        """A frame, float32 (3, H, W), sRGB in [0, 1].

        Raises:
            UsageError: it cannot be decoded.
        """
        path = clip.frames.path
        with self.lock:
            if path not in self._open:
                while len(self._open) >= _OPEN:
                    self._open.popitem(last=False)[1].close()
                self._open[path] = clip.frames.open()
            self._open.move_to_end(path)
            return to_image(self._open[path].read(index))


def image_name(file: MediaFile, index: int) -> str:
    """What sample ids call a frame; it depends on file names and the frame number alone."""
    return f"{file.name}--{index:06d}"


def to_image(frame: VideoFrame) -> Tensor:
    """A frame as float32 (3, H, W), sRGB in [0, 1]."""
    import torch

    return torch.from_numpy(frame.pixels).permute(2, 0, 1).float() / 255
