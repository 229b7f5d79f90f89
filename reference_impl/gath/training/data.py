"""Training data: streams of unrelated people, kept in pools.

Rendering a face is more expensive than one training step on it, so a `Pool` keeps the first N images of a stream as
bytes and draws seeded batches from them. With N = 0 an `EndlessSource` uses each image of the stream once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

import torch
from torch import Tensor

from gath.config import Config, DataConfig
from gath.training.stopping import Interrupted, StopRequest
from gath_bench.au import get_space
from gath_bench.contracts import (
    ClipStream,
    CommandContext,
    DatasetAdapter,
    FramesStream,
    StillsBatch,
    StillsStream,
)
from gath_bench.distributed import Ranks
from gath_bench.errors import UsageError
from gath_bench.files import atomic_write
from gath_bench.images import resize

StreamName = Literal["stills", "frames", "clips"]
#: Called with the name of a stream, the number of images so far, and their final number.
Progress = Callable[[str, int, int], None]
#: Images that are requested at a time to fill a pool.
_CHUNK = 128


@dataclass(frozen=True)
class Batch:
    """Stills, frames or clips.

    Attributes:
        images: float32 (B, 3, R, R) in [0, 1], on the training device; clips: (B, 2, 3, R, R), source and target.
        labels: stills: int64 (B,) identities; frames: float32 (B, K) AU coefficients; clips: float32 (B, 2, K).
    """

    images: Tensor
    labels: Tensor


class Source(Protocol):
    """Where a stage gets its batches from."""

    def batch(self, step: int, size: int, rng: torch.Generator) -> Batch:
        """The batch of one step. ``rng`` is a CPU generator that is seeded for this step."""
        ...


class TrainingData(Protocol):
    """The sources of a training."""

    @property
    def stills(self) -> Source: ...

    @property
    def frames(self) -> Source: ...

    @property
    def clips(self) -> Source: ...

    @property
    def identities(self) -> int:
        """The number of identity labels of the stills."""
        ...


@dataclass(frozen=True)
class FixedData:
    """Sources that exist already."""

    stills: Source
    frames: Source
    identities: int
    clips: Source = field(default_factory=lambda: Pool(torch.empty(0), torch.empty(0)))


class Streams:
    """The training streams of a data set, at the resolution and in the AU space of the configuration.

    Args:
        adapter: a data set with ``frames``, and ``stills`` unless another one has them.
        name: as the user wrote it.
        au_space, resolution: of the networks.
        seed: of the streams.
        stills: the data set of the stills, and its name; None takes the stills of ``adapter``.

    Raises:
        UsageError: a data set has no such stream, or its AU labels are of another space.
    """

    def __init__(
        self,
        adapter: object,
        name: str,
        *,
        au_space: str,
        resolution: int,
        seed: int,
        stills: tuple[object, str] | None = None,
    ) -> None:
        if not isinstance(adapter, FramesStream) or not isinstance(adapter, DatasetAdapter):
            raise UsageError(
                f"the data set {name!r} has no streams to train on (stills with identities, frames with AUs): "
                "choose one that has them, such as synthfaces."
            )
        portraits, self.stills_name = stills or (adapter, name)
        if not isinstance(portraits, StillsStream) or not isinstance(portraits, DatasetAdapter):
            raise UsageError(
                f"the data set {self.stills_name!r} has no stills (portraits with identity labels): give another "
                "one for them with --stills."
            )
        if adapter.info.au_space != au_space:
            raise UsageError(
                f"the frames of {name!r} are labelled in {adapter.info.au_space}, but au_space is {au_space!r}: "
                "choose another data set, or set au_space to that of the labels."
            )
        self.adapter, self.name, self.resolution, self.seed = adapter, name, resolution, seed
        self.portraits = portraits
        self.has_own_stills = stills is not None
        self.identities = portraits.identities()
        self.fingerprint = adapter.fingerprint
        #: AUs that the labels of the data set do not cover; known when the first frames were read.
        self.unlabelled: tuple[str, ...] = ()

    @classmethod
    def load(cls, config: Config, context: CommandContext) -> Streams:
        """The streams of a configuration."""
        data = config.data
        stills = data.stills_name and (context.make("dataset", data.stills_name), data.stills_name)
        return cls(
            context.make("dataset", data.name),
            data.name,
            au_space=config.au_space,
            resolution=config.resolution,
            seed=data.seed,
            stills=stills or None,
        )

    def describe(self) -> dict[str, object]:
        """Fingerprint and name of the data, and the estimators of its AU labels, for the metadata of weights files."""
        described: dict[str, object] = {"data": self.fingerprint, "data_name": self.name}
        if self.has_own_stills:
            described |= {"stills": self.portraits.fingerprint, "stills_name": self.stills_name}
        if self.unlabelled:
            described["unlabelled"] = list(self.unlabelled)
        if self.adapter.info.labelled_by:
            described["labelled_by"] = list(self.adapter.info.labelled_by)
        return described

    def without_gaps(self, labels: Tensor) -> Tensor:
        """AU labels (..., K) with 0 for the AUs that the data set does not cover: they are not learned.

        Identity labels are returned as they are.

        Raises:
            UsageError: the label of an AU is missing for some images only.
        """
        if not labels.is_floating_point():
            return labels
        missing = labels.isnan().reshape(-1, labels.shape[-1])
        if missing.any():
            if (missing.any(0) != missing.all(0)).any():
                raise UsageError(
                    f"the frames of {self.name!r} have AU labels with gaps: label them by one estimator, or leave "
                    "out the frames without labels."
                )
            names = get_space(self.adapter.info.au_space).labels
            self.unlabelled = tuple(
                name for name, gap in zip(names, missing.all(0).tolist(), strict=True) if gap
            )
        return torch.nan_to_num(labels)

    def batches(
        self, stream: StreamName, batch_size: int, start: int = 0
    ) -> Generator[tuple[Tensor, Tensor], None, None]:
        """Images float32 (B, 3, R, R) and labels, from step ``start`` on, without end."""
        if stream == "clips":
            yield from self._clips(batch_size, start)
        source = self.portraits.stills if stream == "stills" else self.adapter.frames
        for batch in source(batch_size=batch_size, seed=self.seed, start=start):
            labels = batch.identity if isinstance(batch, StillsBatch) else batch.aus
            yield resize(batch.images, self.resolution), labels

    def _clips(self, batch_size: int, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        if not isinstance(self.adapter, ClipStream):
            raise UsageError(
                f"the data set {self.name!r} has no clips (two frames of one person with AUs), but data.clips is set: "
                "choose one that has them, such as synthfaces, or remove data.clips."
            )
        for batch in self.adapter.clips(batch_size=batch_size, seed=self.seed, start=start):
            frames = [resize(images, self.resolution) for images in (batch.source, batch.target)]
            yield torch.stack(frames, 1), torch.stack([batch.source_aus, batch.target_aus], 1)


class Pool:
    """The first images of a stream, as bytes.

    Attributes:
        images: uint8 (N, 3, R, R), or (N, 2, 3, R, R) for clips.
        labels: (N,), (N, K) or (N, 2, K), as in `Batch`.
    """

    def __init__(self, images: Tensor, labels: Tensor, device: str = "cpu") -> None:
        self.images, self.labels, self.device = images, labels, device

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, step: int, size: int, rng: torch.Generator) -> Batch:
        return self.take(torch.randint(len(self), (size,), generator=rng))

    def take(self, indices: Tensor) -> Batch:
        """The images at these positions."""
        images = self.images[indices].to(self.device, non_blocking=True).float() / 255
        return Batch(images, self.labels[indices].to(self.device))


class EndlessSource:
    """An endless stream: training step i uses batch i of the stream, a different part on each rank.

    Steps must be requested in ascending order; a resumed training opens the stream at its step.
    """

    def __init__(self, streams: Streams, stream: StreamName, device: str, ranks: Ranks) -> None:
        self.streams, self.stream, self.device, self.ranks = streams, stream, device, ranks
        self._batches: Iterator[tuple[Tensor, Tensor]] | None = None
        self._next, self._size = -1, 0

    def batch(self, step: int, size: int, rng: torch.Generator) -> Batch:
        if self._batches is None or step != self._next or size != self._size:
            self._batches = self.streams.batches(self.stream, size * self.ranks.world, start=step)
            self._next, self._size = step, size
        images, labels = next(self._batches)
        self._next += 1
        part = slice(self.ranks.rank * size, (self.ranks.rank + 1) * size)
        return Batch(images[part].to(self.device), self.streams.without_gaps(labels)[part].to(self.device))


class FramesOfClips:
    """One frame of each clip, with its AUs."""

    def __init__(self, clips: Source) -> None:
        self.clips = clips

    def batch(self, step: int, size: int, rng: torch.Generator) -> Batch:
        clips = self.clips.batch(step, size, rng)
        index = torch.arange(size)
        which = torch.randint(2, (size,), generator=rng)
        return Batch(clips.images[index, which], clips.labels[index, which])


class Pools:
    """The data of a training run; each pool is filled when a stage first uses it.

    Args:
        streams: the data set.
        config: the sizes of the pools.
        cache: folder of the pools; existing ones are read.
        device: of the batches.
        ranks: the first rank renders, the others wait and read its files.
        progress: shows how far the rendering is.
        stop: asked between chunks.
    """

    def __init__(
        self,
        streams: Streams,
        config: DataConfig,
        *,
        cache: Path,
        device: str,
        ranks: Ranks,
        progress: Progress,
        stop: StopRequest,
    ) -> None:
        self.streams, self.config, self.cache = streams, config, cache
        self.device, self.ranks, self.progress, self.stop = device, ranks, progress, stop

    @property
    def identities(self) -> int:
        return self.streams.identities

    @cached_property
    def stills(self) -> Source:
        """The source of stills.

        Raises:
            Interrupted: a stop was requested while the pool was filled; it is kept as far as it is.
        """
        return self._source("stills", self.config.stills)

    @cached_property
    def frames(self) -> Source:
        """The source of frames; see `stills`. With clips, these are the frames of the clips."""
        if self.config.clips is not None:
            return FramesOfClips(self.clips)
        return self._source("frames", self.config.frames)

    @cached_property
    def clips(self) -> Source:
        """The source of clips; see `stills`."""
        assert self.config.clips is not None
        return self._source("clips", self.config.clips)

    def _source(self, stream: StreamName, count: int) -> Source:
        if not count:
            return EndlessSource(self.streams, stream, self.device, self.ranks)
        interrupted = False
        if self.ranks.first:
            try:
                fill_pool(self.streams, stream, count, self.cache, self._report)
            except Interrupted:
                interrupted = True
        if self.ranks.any(interrupted, self.device):
            raise Interrupted(f"the {stream} were rendered")
        pool = fill_pool(self.streams, stream, count, self.cache, lambda *_: None)
        pool.device, pool.labels = self.device, self.streams.without_gaps(pool.labels)
        return pool

    def _report(self, stream: str, done: int, total: int) -> None:
        self.progress(stream, done, total)
        if self.stop.requested and 0 < done < total:
            raise Interrupted


def fill_pool(streams: Streams, stream: StreamName, count: int, cache: Path, progress: Progress) -> Pool:
    """The first ``count`` images of a stream: read from the cache, or rendered and written to it.

    Args:
        streams: the data set.
        stream: which of its streams.
        count: the number of images.
        cache: a folder.
        progress: called before each chunk. If it raises, the images so far are kept, and the next call resumes there.
    """
    path = cache / f"{stream}-{_key(streams, stream, count)}.pt"
    kept = _read_pool(path)
    if kept is not None:
        return Pool(*kept)
    unfinished, size = path.with_suffix(".unfinished"), min(_CHUNK, count)
    begun = _read_pool(unfinished)
    parts = [] if begun is None else [begun]
    done = 0 if begun is None else len(begun[0])
    # Closed at the end: the stream renders ahead, and would otherwise compete with the training.
    with closing(streams.batches(stream, size, start=done // size)) as batches:
        try:
            while done < count:
                progress(stream, done, count)
                images, labels = next(batches)
                parts.append(((images * 255).round().clamp(0, 255).byte(), labels))
                done += len(images)
        except BaseException:
            if parts:
                _write_pool(unfinished, parts)
            raise
    progress(stream, count, count)
    images, labels = _write_pool(path, parts, count)
    unfinished.unlink(missing_ok=True)
    return Pool(images, labels)


def _read_pool(path: Path) -> tuple[Tensor, Tensor] | None:
    """Images and labels; None if the file does not exist or is damaged, and has to be made again."""
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return kept["images"], kept["labels"]
    except Exception:
        return None


def _write_pool(
    path: Path, parts: list[tuple[Tensor, Tensor]], count: int | None = None
) -> tuple[Tensor, Tensor]:
    """Write and return the first ``count`` images and labels."""
    images, labels = (torch.cat(tensors)[:count].clone() for tensors in zip(*parts, strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        torch.save({"images": images, "labels": labels}, file)
    return images, labels


def _key(streams: Streams, stream: StreamName, count: int) -> str:
    origin = [streams.fingerprint, streams.name]
    if stream == "stills" and streams.has_own_stills:
        origin = [streams.portraits.fingerprint, streams.stills_name]
    identity = [*origin, stream, count, streams.resolution, streams.seed]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
