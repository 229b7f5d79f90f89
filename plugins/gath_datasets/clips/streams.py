"""Training streams of clips: stills (image, identity), frames (image, AUs) and clips (two frames, AUs).

A stream is a sequence of chunks of `CHUNK` items, and an item is a function of (seed, position): a stream can be
resumed at any step, whatever the batch size. The items of a chunk come from a few clips, whose frames are decoded in
ascending order and then shuffled, since seeking in a video is expensive. Crops are kept as bytes, up to `CACHE` bytes,
so that a small data set is decoded once and a large one takes constant memory.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gath_bench.contracts import ClipsBatch, FramesBatch, StillsBatch
from gath_bench.errors import Unavailable, UsageError
from gath_datasets.clips.clip import Clip, OpenClips
from gath_datasets.common.splits import share
from gath_datasets.cropping import Cropper

if TYPE_CHECKING:
    from torch import Tensor

#: Items per chunk, and the draws of a clip in it.
CHUNK, CLIPS_PER_CHUNK = 64, 8
#: Bytes of crops that are kept.
CACHE = 128 << 20
#: Chunks without any face after which a stream gives up.
_EMPTY_CHUNKS = 4


@dataclass(frozen=True, eq=False)
class Item:
    """One or two frames of a clip.

    Attributes:
        clip: the clip.
        frames: one frame, or source and target.
    """

    clip: Clip
    frames: tuple[int, ...]


class ClipStreams:
    """The training streams of the training subjects of a data set.

    Half of the subjects are in ``stills``, the others in ``frames`` and ``clips``: images with identity labels and
    images with AUs never show the same person. Only frames that have all AU labels are in ``frames`` and
    ``clips``; AUs that no label covers are NaN.

    Args:
        name: of the data set, for messages.
        clips: the clips of the training subjects.
        cropper: crops the frames.
        opened: reads the frames.
        step: every ``step``-th frame is used.
        au_space: of the clips' AUs.
    """

    def __init__(
        self, name: str, clips: Sequence[Clip], cropper: Cropper, opened: OpenClips, step: int, au_space: str
    ) -> None:
        self._name, self._cropper, self._opened = name, cropper, opened
        self._step, self._space = step, au_space
        subjects = sorted({clip.file.subject for clip in clips}, key=lambda subject: share(subject, "stream"))
        self._still_subjects = sorted(subjects[: max(2, (len(subjects) + 1) // 2)])
        self._subjects = len(subjects)
        self._labelled = [clip for clip in clips if clip.file.subject not in self._still_subjects]
        self._stills = [clip for clip in clips if clip.file.subject in self._still_subjects]
        self._crops: OrderedDict[tuple[Clip, int], Tensor | str] = OrderedDict()
        self._bytes = 0

    @property
    def still_subjects(self) -> list[str]:
        """The subjects of ``stills``: label i is the i-th of them.

        Raises:
            UsageError: there are too few training subjects.
        """
        self._usable("stills")
        return self._still_subjects

    def subjects(self, stream: str) -> set[str]:
        """The subjects that a stream shows.

        Raises:
            UsageError: the stream cannot be served.
        """
        return {clip.file.subject for clip in self._usable(stream)}

    def stills(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[StillsBatch]:
        """As in `gath_bench.contracts.TrainingStreams`."""
        label = {subject: position for position, subject in enumerate(self.still_subjects)}
        batches = self._batches("stills", 1, self._usable("stills"), batch_size, seed, start)
        return (StillsBatch(self._images(items, 0), _identity(items, label)) for items in batches)

    def frames(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[FramesBatch]:
        """As in `gath_bench.contracts.TrainingStreams`."""
        batches = self._batches("frames", 1, self._usable("frames"), batch_size, seed, start)
        return (FramesBatch(self._images(items, 0), _aus(items, 0), self._space) for items in batches)

    def clips(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[ClipsBatch]:
        """As in `gath_bench.contracts.ClipStream`: two frames of one clip, drawn at random."""
        batches = self._batches("clips", 2, self._usable("clips"), batch_size, seed, start)
        return (self._pair(items) for items in batches)

    def _pair(self, items: Sequence[Item]) -> ClipsBatch:
        source, target = (self._images(items, which) for which in (0, 1))
        return ClipsBatch(source, _aus(items, 0), target, _aus(items, 1), self._space)

    def _usable(self, stream: str) -> dict[Clip, Sequence[int]]:
        """The frames of each clip that a stream can draw.

        Raises:
            UsageError: there are none.
        """
        if self._subjects < 3:
            raise UsageError(
                f"{self._name} has {self._subjects} training subjects: training needs three or more, two in stills and "
                "one in frames or clips. Add subjects, or change the splits."
            )
        if stream == "stills":
            return {clip: range(0, len(clip.frames), self._step) for clip in self._stills}
        return self._frames_with_aus(stream, 2 if stream == "clips" else 1)

    def _frames_with_aus(self, stream: str, least: int) -> dict[Clip, Sequence[int]]:
        """The usable frames of each clip that has at least so many.

        Raises:
            UsageError: no clip has.
        """
        import numpy as np

        known = [~np.isnan(clip.aus[:: self._step]) for clip in self._labelled]
        covered = np.any([rows.any(axis=0) for rows in known], axis=0)
        if not np.any(covered):
            raise UsageError(
                f"{self._name} has no AU labels for its training subjects, which {stream} need: write CSVs, or give a "
                "label file of `gath-bench label` as labels=FILE."
            )
        usable: dict[Clip, Sequence[int]] = {}
        for clip, rows in zip(self._labelled, known, strict=True):
            indices = np.flatnonzero(rows[:, covered].all(axis=1)) * self._step
            if len(indices) >= least:
                usable[clip] = indices.tolist()
        if not usable:
            raise UsageError(
                f"{self._name} has no clip with {least} frames that have all AU labels, which {stream} need."
            )
        return usable

    def _batches(
        self, stream: str, width: int, frames: Mapping[Clip, Sequence[int]], size: int, seed: int, start: int
    ) -> Iterator[list[Item]]:
        """The items of each step from ``start`` on, without end; the crops of a batch are in the cache."""
        by_subject: dict[str, list[Clip]] = {}
        for clip in frames:
            by_subject.setdefault(clip.file.subject, []).append(clip)
        chunks: OrderedDict[int, list[Item]] = OrderedDict()

        def item(position: int) -> Item:
            number, place = divmod(position, CHUNK)
            if number not in chunks:
                chunks[number] = self._chunk(stream, width, frames, by_subject, seed, number)
                while len(chunks) > 2:
                    chunks.popitem(last=False)
            return chunks[number][place]

        step = start
        while True:
            yield [item(position) for position in range(step * size, (step + 1) * size)]
            step += 1

    def _chunk(
        self,
        stream: str,
        width: int,
        frames: Mapping[Clip, Sequence[int]],
        by_subject: Mapping[str, Sequence[Clip]],
        seed: int,
        number: int,
    ) -> list[Item]:
        """The items of one chunk. Those whose frames show no face are replaced by others of the chunk.

        Raises:
            UsageError: no face was found in several chunks in a row.
        """
        reason = ""
        for attempt in range(_EMPTY_CHUNKS):
            draw = random.Random(f"{stream} {seed} {number} {attempt}")
            drawn: list[Item] = []
            for _ in range(CLIPS_PER_CHUNK):
                clip = draw.choice(by_subject[draw.choice(sorted(by_subject))])
                drawn += [
                    Item(clip, tuple(draw.sample(frames[clip], width)))
                    for _ in range(CHUNK // CLIPS_PER_CHUNK)
                ]
            wanted = {(item.clip, index) for item in drawn for index in item.frames}
            missing = set()
            for clip, index in sorted(wanted, key=lambda frame: (frame[0].file.name, frame[1])):
                crop = self._crop(clip, index)
                if isinstance(crop, str):
                    missing.add((clip, index))
                    reason = crop
            found = [
                item for item in drawn if not any((item.clip, index) in missing for index in item.frames)
            ]
            if found:
                found += [draw.choice(found) for _ in range(CHUNK - len(found))]
                draw.shuffle(found)
                return found
        raise UsageError(
            f"the {stream} of {self._name} cannot be read ({reason.rstrip('.')}): check the videos."
        )

    def _images(self, items: Sequence[Item], which: int) -> Tensor:
        import torch

        crops = [self._crop(item.clip, item.frames[which]) for item in items]
        return torch.stack([crop for crop in crops if not isinstance(crop, str)]).float() / 255

    def _crop(self, clip: Clip, index: int) -> Tensor | str:
        """A frame, cropped, uint8 (3, size, size); the reason if it cannot be used."""
        with self._opened.lock:
            key = (clip, index)
            if key not in self._crops:
                try:
                    image = self._opened.read(clip, index)
                    crop = self._cropper(image, f"frame {index} of {clip.file.relative}").image
                    self._crops[key] = (crop * 255).round().byte()
                except (Unavailable, UsageError) as reason:
                    self._crops[key] = str(reason)
                self._bytes += _size(self._crops[key])
                while self._bytes > CACHE and len(self._crops) > 1:
                    self._bytes -= _size(self._crops.popitem(last=False)[1])
            self._crops.move_to_end(key)
            return self._crops[key]


def _size(crop: Tensor | str) -> int:
    return len(crop) if isinstance(crop, str) else crop.numel()


def _identity(items: Sequence[Item], label: Mapping[str, int]) -> Tensor:
    import torch

    return torch.tensor([label[item.clip.file.subject] for item in items])


def _aus(items: Sequence[Item], which: int) -> Tensor:
    import numpy as np
    import torch

    return torch.from_numpy(np.stack([item.clip.aus[item.frames[which]] for item in items]))
