"""How good the evaluators are, on people they have never met."""

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
from gath_estimators.augmentations import adversarial_paint
from gath_estimators.data import Pool

Array = NDArray[np.float64]
#: Looks at float32 (B, 3, H, W) in [0, 1].
Look = Callable[[Tensor], Features]
_CHUNK = 256
#: False accepts among impostor pairs at the threshold.
FALSE_ACCEPTS = 1e-3


@dataclass(frozen=True)
class AUQuality:
    """Agreement of an AU estimator with the truth.

    Attributes:
        mae, pcc, icc: one a AU: mean absolute error, Pearson's correlation, ICC(3,1).
    """

    mae: Array
    pcc: Array
    icc: Array


@dataclass(frozen=True)
class Verification:
    """How well an identity encoder tells people apart, over pairs of images that share no scene.

    Attributes:
        auc: area under the ROC curve.
        eer: equal error rate.
        impostor_mean: the mean cosine between images of unlike people.
        threshold: the cosine that one impostor pair in a thousand reaches.
        accepted: share of genuine pairs at or above the threshold.
    """

    auc: float
    eer: float
    impostor_mean: float
    threshold: float
    accepted: float


def au_quality(measured: Array, truth: Array) -> AUQuality:
    """Agreement AU by AU; both (N, K).

    ICC(3,1) = (MSR - MSE) / (MSR + MSE) for two raters (Shrout and Fleiss 1979); with two raters it equals
    2 cov / (var + var) of the centred values.
    """
    x, y = measured - measured.mean(0), truth - truth.mean(0)
    both = (x * y).sum(0)
    with np.errstate(invalid="ignore"):  # who never moves correlates with nothing: NaN
        return AUQuality(
            np.abs(measured - truth).mean(0),
            both / np.sqrt((x * x).sum(0) * (y * y).sum(0)),
            2 * both / ((x * x).sum(0) + (y * y).sum(0)),
        )


def verification(embeddings: Tensor, identity: Tensor) -> Verification:
    """Every pair of images, (N, D) embeddings and int64 (N,) labels."""
    unit = F.normalize(embeddings.double(), dim=1)
    first, second = torch.triu_indices(len(unit), len(unit), 1)
    cosines = (unit[first] * unit[second]).sum(1).numpy()
    genuine_pair = (identity[first] == identity[second]).numpy()
    genuine, impostor = np.sort(cosines[genuine_pair]), np.sort(cosines[~genuine_pair])
    # The share of impostor pairs below each genuine one, averaged, is the area under the ROC curve.
    auc = float((np.searchsorted(impostor, genuine) / len(impostor)).mean())
    # With each impostor's cosine as the threshold, which a pair has to exceed.
    missed = np.searchsorted(genuine, impostor, side="right") / len(genuine)
    accepted = 1 - np.arange(1, len(impostor) + 1) / len(impostor)
    eer = float(np.min(np.maximum(missed, accepted)))
    threshold = float(np.quantile(impostor, 1 - FALSE_ACCEPTS, method="higher"))
    return Verification(auc, eer, float(impostor.mean()), threshold, float((genuine >= threshold).mean()))


def see(look: Look, images: Tensor) -> Tensor:
    """What an evaluator sees in N images, chunk by chunk, on the CPU."""
    seen = [look(images[i : i + _CHUNK]).values for i in range(0, len(images), _CHUNK)]
    return torch.cat([values.cpu() for values in seen if isinstance(values, Tensor)])


def _jpeg(images: Tensor, quality: int) -> Tensor:
    made = []
    for image in (images * 255).round().byte().permute(0, 2, 3, 1).numpy():
        kept = io.BytesIO()
        Image.fromarray(image).save(kept, "JPEG", quality=quality)
        made.append(torch.from_numpy(np.asarray(Image.open(kept)).copy()))
    return torch.stack(made).permute(0, 3, 1, 2).float() / 255


def _blur(images: Tensor) -> Tensor:
    line = torch.tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line).expand(3, 1, 3, 3)
    return F.conv2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)


def _noise(images: Tensor) -> Tensor:
    drawn = torch.randn(images.shape, generator=Generator().manual_seed(0))
    return (images + 0.03 * drawn).clamp(0, 1)


def _shift(images: Tensor) -> Tensor:
    return F.pad(images, (2, 0, 2, 0), mode="replicate")[..., :-2, :-2]


#: What pictures go through before they are graded again.
STRESSES: dict[str, Callable[[Tensor], Tensor]] = {
    "as they are": lambda images: images,
    "blurred (binomial 3 x 3)": _blur,
    "noise of 0.03": _noise,
    "JPEG, quality 50": lambda images: _jpeg(images, 50),
    "shifted by 2 pixels": _shift,
}


def as_images(pool: Pool) -> Tensor:
    """A pool's images, float32 (N, 3, H, W) in [0, 1]."""
    return pool.images.float() / 255


def paint_gain(look: Look, pool: Pool, painter: nn.Module | None) -> float:
    """The error of painted, unmoved faces over the error of the same faces unpainted; 1 = paint gains nothing.

    Each face is asked for the AUs of another face. It does not move; it is painted.

    Args:
        look: the AU estimator under test.
        pool: the faces.
        painter: a network whose gradient chooses the paint (ten steps of at most 0.03 on 8 x 8 colours, towards
            the AUs asked for); None for random paint, tints, ghosts and blur.
    """
    images, wanted = as_images(pool), pool.aus.roll(7, 0)
    if painter is None:
        g = Generator().manual_seed(1)
        worn = images
        for artefact in (paint, tint, ghost, partial(blur, passes=3, local=True)):
            worn = artefact(worn, g)
    else:
        chunks = []
        for i in range(0, len(images), _CHUNK):
            worn = images[i : i + _CHUNK]
            for _ in range(10):
                worn = adversarial_paint(painter, worn, wanted[i : i + _CHUNK], 8, 0.03)
            chunks.append(worn)
        worn = torch.cat(chunks)
    with_paint = (see(look, worn) - wanted).abs().mean()
    without = (see(look, images) - wanted).abs().mean()
    return float(with_paint / without)
