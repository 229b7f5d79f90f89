"""Quality of the evaluators on held-out people: agreement of AUs, verification of identities, robustness to paint."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Generator, Tensor, nn

from gath_bench.augmentations import blur, ghost, paint, tint
from gath_bench.contracts import Features
from gath_bench.statistics import icc31, pearson
from gath_estimators.augmentations import adversarial_paint
from gath_estimators.data import Pool

Array = NDArray[np.float64]
#: float32 (B, 3, H, W) in [0, 1] -> features.
Evaluator = Callable[[Tensor], Features]
_CHUNK = 256
#: False accept rate among impostor pairs at the threshold.
FALSE_ACCEPTS = 1e-3


@dataclass(frozen=True)
class AUQuality:
    """Agreement of an AU estimator with the true coefficients.

    Attributes:
        mae, pcc, icc: per AU, (K,): mean absolute error, Pearson's correlation, ICC(3,1).
    """

    mae: Array
    pcc: Array
    icc: Array


@dataclass(frozen=True)
class Verification:
    """Verification performance of an identity encoder over pairs of images that share no scene.

    Attributes:
        auc: area under the ROC curve.
        eer: equal error rate.
        impostor_mean: mean cosine between images of different people.
        threshold: the cosine that one impostor pair in a thousand reaches.
        accepted: share of genuine pairs at or above the threshold.
    """

    auc: float
    eer: float
    impostor_mean: float
    threshold: float
    accepted: float


def au_quality(measured: Array, truth: Array) -> AUQuality:
    """Agreement per AU of measured and true coefficients, both (N, K); NaN where an AU is constant."""
    return AUQuality(np.abs(measured - truth).mean(0), pearson(measured, truth), icc31(measured, truth))


def verification(embeddings: Tensor, identity: Tensor) -> Verification:
    """Verification performance over all pairs of images.

    Args:
        embeddings: (N, D).
        identity: int64 (N,) labels.
    """
    unit = F.normalize(embeddings.double(), dim=1)
    first, second = torch.triu_indices(len(unit), len(unit), 1)
    cosines = (unit[first] * unit[second]).sum(1).numpy()
    is_genuine = (identity[first] == identity[second]).numpy()
    genuine, impostor = np.sort(cosines[is_genuine]), np.sort(cosines[~is_genuine])
    # The share of impostor pairs below each genuine one, averaged, is the area under the ROC curve.
    auc = float((np.searchsorted(impostor, genuine) / len(impostor)).mean())
    # Error rates with each impostor's cosine as the threshold, which a pair has to exceed.
    rejected_genuine = np.searchsorted(genuine, impostor, side="right") / len(genuine)
    accepted_impostors = 1 - np.arange(1, len(impostor) + 1) / len(impostor)
    eer = float(np.min(np.maximum(rejected_genuine, accepted_impostors)))
    threshold = float(np.quantile(impostor, 1 - FALSE_ACCEPTS, method="higher"))
    return Verification(auc, eer, float(impostor.mean()), threshold, float((genuine >= threshold).mean()))


def evaluate(evaluator: Evaluator, images: Tensor) -> Tensor:
    """The values of an evaluator for N images, computed in chunks, on the CPU."""
    values = [evaluator(images[i : i + _CHUNK]).values for i in range(0, len(images), _CHUNK)]
    return torch.cat([chunk.cpu() for chunk in values if isinstance(chunk, Tensor)])


def _jpeg(images: Tensor, quality: int) -> Tensor:
    decoded = []
    for image in (images * 255).round().byte().permute(0, 2, 3, 1).numpy():
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality)
        decoded.append(torch.from_numpy(np.asarray(Image.open(buffer)).copy()))
    return torch.stack(decoded).permute(0, 3, 1, 2).float() / 255


def _blur(images: Tensor) -> Tensor:
    weights = torch.tensor([0.25, 0.5, 0.25])
    kernel = (weights[:, None] * weights).expand(3, 1, 3, 3)
    return F.conv2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)


def _noise(images: Tensor) -> Tensor:
    noise = torch.randn(images.shape, generator=Generator().manual_seed(0))
    return (images + 0.03 * noise).clamp(0, 1)


def _shift(images: Tensor) -> Tensor:
    return F.pad(images, (2, 0, 2, 0), mode="replicate")[..., :-2, :-2]


#: Perturbations of the images under which quality is measured again.
PERTURBATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "unmodified": lambda images: images,
    "blurred (binomial 3 x 3)": _blur,
    "noise of 0.03": _noise,
    "JPEG, quality 50": lambda images: _jpeg(images, 50),
    "shifted by 2 pixels": _shift,
}


def as_images(pool: Pool) -> Tensor:
    """A pool's images, float32 (N, 3, H, W) in [0, 1]."""
    return pool.images.float() / 255


def paint_gain(evaluator: Evaluator, pool: Pool, attacker: nn.Module | None) -> float:
    """The error on painted faces over the error on the same faces without paint; 1 = paint gains nothing.

    The requested AUs of each face are those of another face. The face itself is not changed; only paint is added.

    Args:
        evaluator: the AU estimator under test.
        pool: the faces.
        attacker: a network whose gradient chooses the paint (ten steps of at most 0.03 on 8 x 8 colours, towards the
            requested AUs); None for random paint, tints, ghosts and blur.
    """
    images, requested = as_images(pool), pool.aus.roll(7, 0)
    if attacker is None:
        g = Generator().manual_seed(1)
        painted = images
        for augment in (paint, tint, ghost, partial(blur, passes=3, local=True)):
            painted = augment(painted, g).clamp(0, 1)
    else:
        chunks = []
        for i in range(0, len(images), _CHUNK):
            chunk = images[i : i + _CHUNK]
            for _ in range(10):
                chunk = adversarial_paint(attacker, chunk, requested[i : i + _CHUNK], 8, 0.03)
            chunks.append(chunk)
        painted = torch.cat(chunks)
    with_paint = (evaluate(evaluator, painted) - requested).abs().mean()
    without = (evaluate(evaluator, images) - requested).abs().mean()
    return float(with_paint / without)
