"""Training streams of disjoint subjects: stills (image, identity), frames (image, AUs), clips (two frames, AUs).

A batch is a function of (seed, step), so a stream can be resumed at any step. Batches are prefetched in a thread.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gath_bench.contracts import ClipsBatch, FramesBatch, LabelledBatch, StillsBatch
from gath_datasets.prefetching import prefetch as prefetch
from gath_datasets.synthfaces import AU_SPACE
from gath_datasets.synthfaces.rand import Draws, derive
from gath_datasets.synthfaces.render import render
from gath_datasets.synthfaces.samples import random_aus
from gath_datasets.synthfaces.scene import draw_scenes
from gath_datasets.synthfaces.splits import INDEX_BITS, subject_seeds
from gath_datasets.synthfaces.subject import draw_subjects

#: Identities in the stills stream; label i is the same subject for every seed of the stream.
IDENTITIES = 4096
#: Identities in the stream for evaluators, and consecutive images of each.
EVALUATOR_IDENTITIES = 1 << 28
SHOTS_EACH = 4
#: Share of neutral faces in each stream.
NEUTRAL_SHARE = 0.15
#: Share of neutral faces among the first and the second frames of clips.
CLIP_NEUTRAL_SHARES = (0.5, 0.1)
#: Share of clips whose frames differ in one AU only.
SINGLE_SHARE = 0.25


def _shot_seeds(name: str, batch_size: int, seed: int, step: int) -> Tensor:
    """One seed per image of a batch, int64 (B,)."""
    return derive(_positions(batch_size, step), name, seed)


def _positions(batch_size: int, step: int) -> Tensor:
    """Positions of a batch's images in the stream, int64 (B,)."""
    return torch.arange(batch_size, dtype=torch.int64) + step * batch_size


def _render(
    shots: Tensor, subjects: Tensor, size: int, randomise: float, device: str, compiled: bool
) -> tuple[Tensor, Tensor]:
    """Images of subjects in random scenes with random expressions, and their AUs.

    Args:
        shots: seeds of scenes and expressions, int64 (B,).
        subjects: seeds of subjects, int64 (B,).
    """
    people = draw_subjects(subjects).to(device)
    scenes = draw_scenes(derive(shots, "scene"), randomise=randomise).to(device)
    aus = random_aus(derive(shots, "aus"), neutral=NEUTRAL_SHARE).to(device)
    return render(people, scenes, aus, size, compiled=compiled).image.clone(), aus


def stills_batch(
    *,
    batch_size: int,
    seed: int,
    step: int,
    size: int = 128,
    identities: int = IDENTITIES,
    randomise: float = 0.0,
    device: str = "cpu",
    compiled: bool = False,
) -> StillsBatch:
    """One batch of portraits with identity labels, with random scenes and expressions."""
    shots = _shot_seeds("stills", batch_size, seed, step)
    labels = (Draws(shots).uniform("identity") * identities).long()
    subjects = subject_seeds("stills", 0, labels)
    images, _ = _render(shots, subjects, size, randomise, device, compiled)
    return StillsBatch(images, labels)


def frames_batch(
    *,
    batch_size: int,
    seed: int,
    step: int,
    size: int = 128,
    randomise: float = 0.0,
    device: str = "cpu",
    compiled: bool = False,
) -> FramesBatch:
    """One batch of frames with AU coefficients, each of another subject."""
    shots = _shot_seeds("frames", batch_size, seed, step)
    subjects = subject_seeds("frames", 0, (Draws(shots).uniform("subject") * (1 << INDEX_BITS)).long())
    images, aus = _render(shots, subjects, size, randomise, device, compiled)
    return FramesBatch(images, aus, AU_SPACE)


def clips_batch(
    *,
    batch_size: int,
    seed: int,
    step: int,
    size: int = 128,
    randomise: float = 0.0,
    device: str = "cpu",
    compiled: bool = False,
) -> ClipsBatch:
    """One batch of clips, each of another subject: two expressions of one person in one scene.

    In `SINGLE_SHARE` of the clips the frames differ in one AU, in the others the expressions are independent.
    """
    shots = _shot_seeds("clips", batch_size, seed, step)
    draws = Draws(shots)
    index = (draws.uniform("subject") * (1 << INDEX_BITS)).long()
    subjects = subject_seeds("clips", 0, index)
    source = random_aus(derive(shots, "source"), neutral=CLIP_NEUTRAL_SHARES[0])
    target = random_aus(derive(shots, "target"), neutral=CLIP_NEUTRAL_SHARES[1])
    changed = (draws.uniform("changed AU") * source.shape[1]).long()[:, None]
    single = source.scatter(1, changed, draws.uniform("intensity").float()[:, None])
    target = torch.where(draws.chance("single", SINGLE_SHARE)[:, None] > 0, single, target)
    people = draw_subjects(subjects.repeat(2)).to(device)
    scenes = draw_scenes(derive(shots, "scene").repeat(2), randomise=randomise).to(device)
    images = render(people, scenes, torch.cat([source, target]).to(device), size, compiled=compiled).image
    return ClipsBatch(
        images[:batch_size].clone(),
        source.to(device),
        images[batch_size:].clone(),
        target.to(device),
        AU_SPACE,
    )


def labelled_batch(
    *,
    batch_size: int,
    seed: int,
    step: int,
    size: int = 128,
    shots_each: int = SHOTS_EACH,
    randomise: float = 0.0,
    device: str = "cpu",
    compiled: bool = False,
) -> LabelledBatch:
    """One batch for evaluators: ``shots_each`` consecutive images of each subject, with random scenes and expressions.

    Another seed starts at another position in the list of identities.
    """
    shots = _shot_seeds("evaluators", batch_size, seed, step)
    first = int(derive(torch.tensor([seed]), "first identity")) % (1 << 16)
    labels = (_positions(batch_size, step) // shots_each + first) % EVALUATOR_IDENTITIES
    subjects = subject_seeds("evaluators", 0, labels)
    images, aus = _render(shots, subjects, size, randomise, device, compiled)
    return LabelledBatch(images, labels, aus, AU_SPACE)
