"""Training streams over an `ImageIndex`: batches are read when they are needed, and a few in advance.

A batch is a function of (seed, step). Images are drawn with replacement; one that cannot be read is replaced by the
next draw of its position.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from gath_bench.au import get_space
from gath_bench.contracts import ClipsBatch, FramesBatch, StillsBatch
from gath_bench.errors import Unavailable, UsageError
from gath_datasets.common.index import ImageIndex
from gath_datasets.common.splits import share
from gath_datasets.cropping import Cropped
from gath_datasets.prefetching import prefetch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

B = TypeVar("B")
#: Threads that decode images; Pillow and torch release the interpreter lock.
WORKERS = min(4, os.cpu_count() or 1)
#: Draws for one position of a batch before the stream gives up.
_DRAWS = 20
_STREAMS = ("stills", "frames", "clips")


class ImageStreams:
    """The streams ``stills``, ``frames`` and ``clips`` of the split ``train``, of disjoint subjects.

    A subject is in one stream: by hash, among the streams that the labels allow. ``frames`` and ``clips`` show images
    of which every AU is known that any label of the split covers. AUs that no label covers are NaN: the training sets
    them to 0 and states that it did not learn them.

    Args:
        name: the data set, for messages.
        index: its images.
        au_space: the AU space of its labels.
        picture: reads and crops an image; called from several threads.
        has_identities: whether subjects are people.
    """

    def __init__(
        self,
        name: str,
        index: ImageIndex,
        au_space: str,
        picture: Callable[[int], Cropped],
        *,
        has_identities: bool,
    ) -> None:
        import numpy as np

        self._name, self._index, self._au_space, self._picture = name, index, au_space, picture
        self._has_identities = has_identities
        train = np.array([split == "train" for split in index.splits], dtype=bool)
        known = paired = np.zeros(len(index), dtype=bool)
        self._labelled_aus: tuple[str, ...] = ()
        if index.aus is not None:
            labelled = ~np.isnan(index.aus)
            covered = labelled[train].any(0)
            known = labelled[:, covered].all(1) & covered.any()
            names = get_space(au_space).labels
            self._labelled_aus = tuple(name for name, ok in zip(names, covered, strict=True) if ok)
        if index.reference is not None:
            paired = known & (index.reference >= 0) & known[index.reference]
        allowed = {"stills": train & has_identities, "frames": train & known, "clips": train & paired}
        served = [stream for stream in _STREAMS if allowed[stream].any()]
        self._served = served
        stream_of = {
            subject: served[int(share(subject, "stream") * len(served))] if served else ""
            for subject in set(index.subjects)
        }
        self._images = {
            stream: np.array(
                [
                    i
                    for i in np.flatnonzero(allowed[stream]).tolist()
                    if stream_of[index.subjects[i]] == stream
                ],
                dtype=np.int64,
            )
            for stream in _STREAMS
        }
        people = sorted({index.subjects[i] for i in self._images["stills"]})
        self._label = {subject: position for position, subject in enumerate(people)}

    @property
    def identities(self) -> int:
        """The number of identity labels of the stills."""
        self._require("stills")
        return len(self._label)

    def positions(self, stream: str) -> NDArray[np.int64]:
        """The positions in the index that a stream draws from, int64 (N,), ascending.

        Raises:
            UsageError: the labels of the data set do not allow the stream.
        """
        self._require(stream)
        return self._images[stream]

    def stills(self, batch_size: int, seed: int, start: int) -> Iterator[StillsBatch]:
        """See `gath_bench.contracts.TrainingStreams`."""

        def finish(chosen: list[int], images: list[Tensor], _: list[Tensor]) -> StillsBatch:
            import torch

            labels = [self._label[self._index.subjects[i]] for i in chosen]
            return StillsBatch(torch.stack(images), torch.tensor(labels, dtype=torch.int64))

        return self._stream("stills", batch_size, seed, start, finish)

    def frames(self, batch_size: int, seed: int, start: int) -> Iterator[FramesBatch]:
        """See `gath_bench.contracts.TrainingStreams`."""

        def finish(chosen: list[int], images: list[Tensor], _: list[Tensor]) -> FramesBatch:
            import torch

            return FramesBatch(torch.stack(images), self._aus(chosen), self._au_space)

        return self._stream("frames", batch_size, seed, start, finish)

    def clips(self, batch_size: int, seed: int, start: int) -> Iterator[ClipsBatch]:
        """See `gath_bench.contracts.ClipStream`."""

        def finish(chosen: list[int], images: list[Tensor], sources: list[Tensor]) -> ClipsBatch:
            import torch

            assert self._index.reference is not None
            references = [int(self._index.reference[i]) for i in chosen]
            return ClipsBatch(
                torch.stack(sources),
                self._aus(references),
                torch.stack(images),
                self._aus(chosen),
                self._au_space,
            )

        return self._stream("clips", batch_size, seed, start, finish)

    def _aus(self, chosen: list[int]) -> Tensor:
        import torch

        assert self._index.aus is not None
        return torch.from_numpy(self._index.aus[chosen])

    def _stream(
        self,
        stream: str,
        batch_size: int,
        seed: int,
        start: int,
        finish: Callable[[list[int], list[Tensor], list[Tensor]], B],
    ) -> Iterator[B]:
        images = self.positions(stream)

        def draw(step: int, position: int) -> tuple[int, Tensor, Tensor | None]:
            import numpy as np
            import torch

            random = np.random.default_rng([seed, _STREAMS.index(stream), step, position])
            reason = ""
            for _ in range(_DRAWS):
                chosen = int(images[random.integers(len(images))])
                try:
                    with torch.inference_mode():
                        image = self._picture(chosen).image
                        source = None
                        if stream == "clips":
                            assert self._index.reference is not None
                            source = self._picture(int(self._index.reference[chosen])).image
                    return chosen, image, source
                except Unavailable as error:
                    reason = reason or str(error).rstrip(".")
            raise UsageError(
                f"{_DRAWS} images of {self._name} in a row cannot be used ({reason}): repair the folder, or "
                "choose another crop."
            )

        def batches() -> Iterator[B]:
            with ThreadPoolExecutor(WORKERS, thread_name_prefix="decode") as pool:

                def make(step: int) -> B:
                    drawn = list(pool.map(lambda position: draw(step, position), range(batch_size)))
                    sources = [source for _, _, source in drawn if source is not None]
                    return finish([item[0] for item in drawn], [item[1] for item in drawn], sources)

                yield from prefetch(make, start)

        return batches()

    def _require(self, stream: str) -> None:
        """Check that a stream has images.

        Raises:
            UsageError: no image of the split ``train`` has the labels that a stream needs.
        """
        if len(self._images[stream]):
            return
        if stream in self._served:
            raise UsageError(
                f"{self._name} has too few training subjects: each is in one stream by hash, and none is in {stream}. "
                "Add subjects, or take the stills of another data set with --stills."
            )
        if stream == "stills" and not self._has_identities:
            lacks = "has no identity labels, which stills need: use a data set with a folder per subject, or CelebA."
        elif self._index.aus is None:
            lacks = f"has no AU labels, which {stream} need: label it first, or use a data set with AUs."
        elif stream == "clips" and self._index.reference is None:
            lacks = "has no two labelled images of one clip, which clips need: use a data set of videos."
        elif not self._labelled_aus:
            lacks = (
                f"has no image with an AU label in the split train, which {stream} need: change the splits."
            )
        else:
            lacks = (
                f"has no image in the split train with what {stream} need (every AU that its labels cover: "
                f"{', '.join(self._labelled_aus)})."
            )
        raise UsageError(f"{self._name} {lacks}")
