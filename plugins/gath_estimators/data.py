"""What evaluators are trained on: a pool of labelled images, rendered once and kept as bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from gath_bench.contracts import CommandContext, DatasetAdapter, EvaluatorStream, LabelledBatch, fingerprint
from gath_bench.errors import UsageError
from gath_bench.images import resize

#: What every bundled evaluator looks at: the picture at SCALE x SCALE pixels, and of that the square of SIDE x SIDE
#: pixels that begins TOP from above and LEFT from the left, where the face of a synthfaces portrait is.
SCALE, SIDE, TOP, LEFT = 128, 96, 28, 16
#: Shares of the images by the side at which they are rendered: evaluators meet enlarged images too.
RENDERED = {128: 0.75, 64: 0.25}
#: Images of strangers on which finished evaluators are measured.
HELD_OUT = 2048
_BATCH = 256
#: Where the strangers begin in the stream, in batches: beyond every training.
_STRANGERS = 1 << 20


@dataclass(frozen=True)
class Pool:
    """N labelled images.

    Attributes:
        images: uint8 (N, 3, SIDE, SIDE).
        identity: int64 (N,).
        aus: float32 (N, K).
        au_space: of ``aus``.
        fingerprint: of the data set that drew them.
    """

    images: Tensor
    identity: Tensor
    aus: Tensor
    au_space: str
    fingerprint: str

    def __len__(self) -> int:
        return len(self.images)


def look_at(images: Tensor) -> Tensor:
    """The part of (B, 3, H, W) images that evaluators see, (B, 3, SIDE, SIDE); resized bicubically, antialiased."""
    return resize(images, SCALE)[..., TOP : TOP + SIDE, LEFT : LEFT + SIDE]


def render_pool(
    context: CommandContext, dataset: str, count: int, seed: int, progress: Callable[[int], None],
    strangers: int = 0,
) -> Pool:  # fmt: skip
    """The first ``count`` images (rounded up to whole batches) of a data set's stream for evaluators.

    Args:
        context: makes the data set.
        dataset: the name of an adapter with ``labelled`` and a parameter ``resolution``.
        count: how many images.
        seed: the stream's seed.
        progress: called with the number of images that were just added.
        strangers: if not 0, people from far down the stream, whom no training meets, rendered at this side alone.

    Raises:
        UsageError: the data set has no stream for evaluators.
    """
    shares = {strangers: 1.0} if strangers else RENDERED
    made: list[LabelledBatch] = []
    prints: set[str] = set()
    for side, share in shares.items():
        adapter = context.make("dataset", f"{dataset}[resolution={side}]")
        if not (isinstance(adapter, DatasetAdapter) and isinstance(adapter, EvaluatorStream)):
            raise UsageError(
                f"the data set {dataset!r} has no stream for evaluators (EvaluatorStream.labelled)."
            )
        prints.add(adapter.fingerprint)
        # The next side goes on where the last one stopped, so that no subject comes at both.
        start = len(made) + (_STRANGERS if strangers else 0)
        stream = adapter.labelled(batch_size=_BATCH, seed=seed, start=start)
        for batch in islice(stream, max(1, round(count * share / _BATCH))):
            images = (look_at(batch.images) * 255).round().byte()
            made.append(LabelledBatch(images, batch.identity, batch.aus, batch.au_space))
            progress(len(images))
    return Pool(
        torch.cat([batch.images for batch in made]),
        torch.cat([batch.identity for batch in made]),
        torch.cat([batch.aus for batch in made]),
        made[0].au_space,
        fingerprint(*sorted(prints)),
    )
