"""Training data of the evaluators: labelled images, rendered once and held as bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from gath_bench.contracts import CommandContext, DatasetAdapter, EvaluatorStream, LabelledBatch, fingerprint
from gath_bench.errors import UsageError
from gath_bench.images import resize

#: The input of every bundled evaluator: the image resized to SCALE x SCALE pixels, and of that the SIDE x SIDE crop
#: whose upper left corner is at row TOP and column LEFT, which holds the face of a synthfaces portrait.
SCALE, SIDE, TOP, LEFT = 128, 96, 28, 16
#: Rendered side in pixels -> share of the training images. Evaluators are also trained on enlarged images.
RENDERED = {128: 0.75, 64: 0.25}
#: Number of held-out images on which finished evaluators are measured.
HELD_OUT = 2048
_BATCH = 256
#: First batch of the held-out images in the stream, beyond those of any training.
_HELD_OUT_START = 1 << 20


@dataclass(frozen=True)
class Pool:
    """N labelled images.

    Attributes:
        images: uint8 (N, 3, SIDE, SIDE).
        identity: int64 (N,).
        aus: float32 (N, K).
        au_space: the AU space of ``aus``.
        fingerprint: of the data set that rendered them.
    """

    images: Tensor
    identity: Tensor
    aus: Tensor
    au_space: str
    fingerprint: str

    def __len__(self) -> int:
        return len(self.images)


def crop_face(images: Tensor) -> Tensor:
    """The evaluators' input: (B, 3, H, W) images in [0, 1], resized and cropped to (B, 3, SIDE, SIDE)."""
    return resize(images, SCALE)[..., TOP : TOP + SIDE, LEFT : LEFT + SIDE]


def render_pool(
    context: CommandContext,
    dataset: str,
    count: int,
    seed: int,
    progress: Callable[[int], None],
    held_out: int = 0,
) -> Pool:
    """The first ``count`` images (rounded to whole batches) of a data set's stream for evaluators.

    Args:
        context: creates the data set.
        dataset: the name of an adapter with ``labelled`` and a parameter ``resolution``.
        count: number of images.
        seed: the stream's seed.
        progress: called with the number of images that were just added.
        held_out: the rendered side in pixels of held-out images, whose subjects are in no training; 0 for training
            images.

    Raises:
        UsageError: the data set has no stream for evaluators.
    """
    shares = {held_out: 1.0} if held_out else RENDERED
    batches: list[LabelledBatch] = []
    fingerprints: set[str] = set()
    for side, share in shares.items():
        adapter = context.make("dataset", f"{dataset}[resolution={side}]")
        if not (isinstance(adapter, DatasetAdapter) and isinstance(adapter, EvaluatorStream)):
            raise UsageError(
                f"the data set {dataset!r} has no stream for evaluators (EvaluatorStream.labelled)."
            )
        fingerprints.add(adapter.fingerprint)
        # Each side continues where the last one stopped, so that no subject is rendered at both.
        start = len(batches) + (_HELD_OUT_START if held_out else 0)
        stream = adapter.labelled(batch_size=_BATCH, seed=seed, start=start)
        for batch in islice(stream, max(1, round(count * share / _BATCH))):
            images = (crop_face(batch.images) * 255).round().byte()
            batches.append(LabelledBatch(images, batch.identity, batch.aus, batch.au_space))
            progress(len(images))
    return Pool(
        torch.cat([batch.images for batch in batches]),
        torch.cat([batch.identity for batch in batches]),
        torch.cat([batch.aus for batch in batches]),
        batches[0].au_space,
        fingerprint(*sorted(fingerprints)),
    )
