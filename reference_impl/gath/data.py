"""What the networks are trained on: two streams of unlike people, never pairs.

Drawing a face costs more than a training step looks at one, so a ``Pool`` keeps the first N images of a stream as
bytes and draws seeded batches from them. With N = 0 the stream is used as it comes, and no image twice.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from torch import Tensor

from gath_bench.contracts import DatasetAdapter, FramesBatch, StillsBatch, TrainingStreams
from gath_bench.errors import UsageError
from gath_bench.images import resize

StreamName = Literal["stills", "frames"]
#: Images drawn at a time to fill a pool.
_CHUNK = 128
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Batch:
    """Stills or frames.

    Attributes:
        images: float32 (B, 3, R, R) in [0, 1], on the training device.
        labels: stills: int64 (B,) identities; frames: float32 (B, K) AU coefficients.
    """

    images: Tensor
    labels: Tensor


class Source(Protocol):
    """Where a stage gets its batches."""

    def batch(self, step: int, size: int, rng: torch.Generator) -> Batch:
        """The batch of one step. ``rng`` is a CPU generator that is seeded for this step."""
        ...


class Streams:
    """The two streams of a data set, checked and brought to the resolution and AU space of the configuration.

    Args:
        adapter: a data set with ``stills`` and ``frames``.
        name: as the user wrote it.
        au_space, resolution: what the networks take.
        seed: of both streams.

    Raises:
        UsageError: the data set has no such streams, or its AU labels are of another space.
    """

    def __init__(self, adapter: object, name: str, *, au_space: str, resolution: int, seed: int) -> None:
        if not isinstance(adapter, TrainingStreams) or not isinstance(adapter, DatasetAdapter):
            raise UsageError(
                f"the data set {name!r} has no streams to train on (stills with identities, frames with AUs): "
                "name one that has, such as synthfaces."
            )
        if adapter.info.au_space != au_space:
            raise UsageError(
                f"the frames of {name!r} are labelled in {adapter.info.au_space}, but au_space is {au_space!r}: "
                "name another data set, or set au_space to that of the labels."
            )
        self.adapter, self.name, self.resolution, self.seed = adapter, name, resolution, seed
        self.identities = adapter.identities()
        self.fingerprint = adapter.fingerprint

    def follow(
        self, stream: StreamName, batch_size: int, start: int = 0
    ) -> Generator[tuple[Tensor, Tensor], None, None]:
        """Images float32 (B, 3, R, R) and labels, from step ``start`` on, for ever."""
        assert isinstance(self.adapter, TrainingStreams)
        follow = self.adapter.stills if stream == "stills" else self.adapter.frames
        for batch in follow(batch_size=batch_size, seed=self.seed, start=start):
            labels = batch.identity if isinstance(batch, StillsBatch) else _aus(batch)
            yield resize(batch.images, self.resolution), labels


def _aus(batch: FramesBatch) -> Tensor:
    return batch.aus


class Pool:
    """The first images of a stream, as bytes.

    Attributes:
        images: uint8 (N, 3, R, R).
        labels: (N,) or (N, K), as in `Batch`.
    """

    def __init__(self, images: Tensor, labels: Tensor, device: str = "cpu") -> None:
        self.images, self.labels, self.device = images, labels, device

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, step: int, size: int, rng: torch.Generator) -> Batch:
        return self.pick(torch.randint(len(self), (size,), generator=rng))

    def pick(self, rows: Tensor) -> Batch:
        """These rows of the pool."""
        images = self.images[rows].to(self.device, non_blocking=True).float() / 255
        return Batch(images, self.labels[rows].to(self.device))


class Endless:
    """A stream as it comes: step i of the training is step i of the stream, of every rank its own.

    A step that was already passed cannot be asked for again; a training that is resumed opens the stream there.
    """

    def __init__(
        self, streams: Streams, stream: StreamName, device: str, rank: int = 0, world: int = 1
    ) -> None:
        self.streams, self.stream, self.device = streams, stream, device
        self.rank, self.world = rank, world
        self._open: Iterator[tuple[Tensor, Tensor]] | None = None
        self._next, self._size = -1, 0

    def batch(self, step: int, size: int, rng: torch.Generator) -> Batch:
        if self._open is None or step != self._next or size != self._size:
            self._open = self.streams.follow(self.stream, size * self.world, start=step)
            self._next, self._size = step, size
        images, labels = next(self._open)
        self._next += 1
        mine = slice(self.rank * size, (self.rank + 1) * size)
        return Batch(images[mine].to(self.device), labels[mine].to(self.device))


def fill(streams: Streams, stream: StreamName, count: int, cache: Path, progress: Progress) -> Pool:
    """The first ``count`` images of a stream; read from ``cache`` if they were drawn before, else kept there.

    Args:
        cache: a folder.
        progress: called with the stream's name, how many there are, and how many there will be. If it raises, what
            was drawn so far is kept, and drawing goes on from there the next time.
    """
    place = cache / f"{stream}-{_key(streams, stream, count)}.pt"
    kept = _read(place)
    if kept is not None:
        return Pool(*kept)
    begun, size = _read(place.with_suffix(".part")), min(_CHUNK, count)
    made = [] if begun is None else [begun]
    done = 0 if begun is None else len(begun[0])
    # Closed when done: the stream draws ahead, and would go on drawing beside the training.
    with closing(streams.follow(stream, size, start=done // size)) as follow:
        try:
            while done < count:
                progress(stream, done, count)
                images, labels = next(follow)
                made.append(((images * 255).round().clamp(0, 255).byte(), labels))
                done += len(images)
        except BaseException:
            if made:
                _write(place.with_suffix(".part"), made)
            raise
    progress(stream, count, count)
    images, labels = _write(place, made, count)
    place.with_suffix(".part").unlink(missing_ok=True)
    return Pool(images, labels)


def _read(place: Path) -> tuple[Tensor, Tensor] | None:
    """Images and labels; None if there is no such file, or half of one: they are drawn again."""
    try:
        kept = torch.load(place, map_location="cpu", weights_only=True, mmap=True)
        return kept["images"], kept["labels"]
    except Exception:
        return None


def _write(place: Path, made: list[tuple[Tensor, Tensor]], count: int | None = None) -> tuple[Tensor, Tensor]:
    """Keep the first ``count`` of these images and labels, by rename; and give them back."""
    images, labels = (torch.cat(parts)[:count].clone() for parts in zip(*made, strict=True))
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_suffix(f".{os.getpid()}.tmp")
    torch.save({"images": images, "labels": labels}, partial)
    partial.replace(place)
    return images, labels


def _key(streams: Streams, stream: StreamName, count: int) -> str:
    what = [streams.fingerprint, streams.name, stream, count, streams.resolution, streams.seed]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
