"""Checks of what components return, per batch: a wrong output is a failure and never a wrong value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gath_bench.au import get_space
from gath_bench.contracts.batch import Batch, Sample, Unreadable
from gath_bench.contracts.dataset import DatasetInfo
from gath_bench.contracts.metric import CorpusFeatures, Measured
from gath_bench.contracts.model import Animated
from gath_bench.errors import ContractError, plain_text

#: A model's images are clipped to [0, 1]. If more than this share of the values is outside by more than
#: `OUTSIDE_BY`, the images have another range, such as [-1, 1], and clipping would hide it.
OUTSIDE_SHARE = 0.25
OUTSIDE_BY = 0.05
#: Rounding errors of a data set's images.
_ROUNDING = 1e-4


def checked_batch(batch: Any, samples: Sequence[Sample], info: DatasetInfo) -> Batch:
    """A data set's batch, if it holds exactly the requested samples as documented.

    Raises:
        ContractError: it does not.
    """
    if not isinstance(batch, Batch):
        raise ContractError(f"load() must return a Batch, not {type(batch).__name__}")
    _check_names(batch, samples)
    if batch.au_space != info.au_space:
        raise ContractError(
            f"the batch has AUs of {batch.au_space!r}, but the data set declares {info.au_space!r}"
        )
    count, side, labels = len(batch), info.resolution, get_space(info.au_space).labels
    images, aus = (count, 3, side, side), (count, len(labels))
    _check_values("source", batch.source, images)
    _check_values("target_aus", batch.target_aus, aus, unknown=True)
    if batch.target is not None:
        _check_values("target", batch.target, images)
    if batch.source_aus is not None:
        _check_values("source_aus", batch.source_aus, aus, unknown=True)
    if batch.face_mask is not None:
        _check_values("face_mask", batch.face_mask, (count, 1, side, side))
    for name in ("swept_au", "clip", "frame"):
        value = getattr(batch, name)
        if value is not None and (not isinstance(value, tuple) or len(value) != count):
            raise ContractError(f"{name} must be a tuple of {count} entries, not {value!r:.80}")
    if batch.swept_au is not None and not set(batch.swept_au) <= set(labels):
        raise ContractError(f"swept_au {batch.swept_au!r:.80} has a label that {info.au_space} does not have")
    return batch


def checked_animated(result: Any, count: int, side: int) -> Animated:
    """A model's result as `Animated`.

    Args:
        result: what ``animate`` returned.
        count: the number of portraits.
        side: the side that its images must have: that of the portraits.

    Raises:
        ContractError: not a batch of images, of another size, or with values that are no image.
    """
    import torch

    animated = result if isinstance(result, Animated) else Animated(result)
    images = animated.images
    if not isinstance(images, torch.Tensor):
        raise ContractError(f"animate() must return a tensor or Animated, not {type(images).__name__}")
    if images.ndim != 4 or images.shape[:2] != (count, 3):
        raise ContractError(
            f"animate() must return ({count}, 3, H, W) images, but it returned {tuple(images.shape)}"
        )
    if not images.is_floating_point():
        raise ContractError(f"animate() must return floating-point images in [0, 1], not {images.dtype}")
    if images.shape[2:] != (side, side):
        raise ContractError(
            f"animate() returned {images.shape[3]}x{images.shape[2]} images for {side}x{side} portraits: "
            "declare the side in ModelInfo.resolution, so that the key states the resize"
        )
    low, high = (float(value) for value in images.detach().aminmax())
    if low < -OUTSIDE_BY or high > 1 + OUTSIDE_BY:  # false for NaN, which is one missing image
        outside = ((images < -OUTSIDE_BY) | (images > 1 + OUTSIDE_BY)).float().mean().item()
        if outside > OUTSIDE_SHARE:
            raise ContractError(
                f"animate() must return images in [0, 1], but {outside:.0%} of the values are outside "
                f"(from {low:.3g} to {high:.3g})"
            )
    return Animated(images, checked_missing(animated.missing, count))


def checked_missing(missing: Any, count: int) -> dict[int, str]:
    """Position -> reason, with reasons that can be stored.

    Raises:
        ContractError: no mapping, or a key that is no position of the batch.
    """
    if not isinstance(missing, Mapping):
        raise ContractError(f"missing must map positions to reasons, not {missing!r:.80}")
    for position, reason in missing.items():
        if type(position) is not int or not 0 <= position < count:
            raise ContractError(f"missing has the key {position!r:.80}: positions are 0 to {count - 1}")
        if not isinstance(reason, str) or not reason.strip():
            raise ContractError(
                f"missing has the reason {reason!r:.80} at position {position}: give a sentence"
            )
    return {position: plain_text(reason) for position, reason in missing.items()}


def checked_measured(results: Any, expected: Sequence[str]) -> list[Measured]:
    """What a metric returned: one `Measured` per observation, the expected ones among them.

    Raises:
        ContractError: anything else, an observation that is there twice or is missing.
    """
    found = list(results)
    for result in found:
        if not isinstance(result, Measured):
            raise ContractError(f"measure() must return Measured objects, not {type(result).__name__}")
        if not isinstance(result.name, str) or not result.name.isprintable():
            raise ContractError(f"an observation has the name {result.name!r:.80}: give a text")
    names = [result.name for result in found]
    if len(set(names)) < len(names):
        raise ContractError(f"measure() returned an observation twice: {', '.join(names)}")
    for name in expected:
        if name not in names:
            raise ContractError(f"measure() returned no {name}: MetricInfo.summaries declares it")
    return found


def checked_corpus_features(result: Any, count: int) -> CorpusFeatures:
    """What the ``update`` of a corpus metric returned for ``count`` samples.

    Raises:
        ContractError: anything but features (count, D) of real numbers under names, and missing positions.
    """
    import torch

    if not isinstance(result, CorpusFeatures) or not isinstance(result.values, Mapping) or not result.values:
        raise ContractError(f"update() must return CorpusFeatures with values, not {result!r:.80}")
    for name, values in result.values.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise ContractError(f"features have the name {name!r:.80}: use letters, digits, and . _ -")
        if not isinstance(values, torch.Tensor) or not values.is_floating_point():
            kind = values.dtype if isinstance(values, torch.Tensor) else type(values).__name__
            raise ContractError(f"{name} must be a floating-point tensor, not {kind}")
        if values.ndim != 2 or len(values) != count:
            raise ContractError(
                f"{name} must be features ({count}, D), but it has the shape {tuple(values.shape)}"
            )
    copied = {name: values.detach().float().cpu() for name, values in result.values.items()}
    return CorpusFeatures(copied, checked_missing(result.missing, count))


def value_table(result: Measured, count: int) -> list[list[float]]:
    """The values of one observation, (B,) or (B, K), as one list of floats per sample.

    Raises:
        ContractError: no real numbers, or another shape.
    """
    import numpy as np
    import torch

    values = result.values
    array = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
    if array.dtype.kind not in "fiub" or array.ndim not in (1, 2):
        raise ContractError(
            f"measure() must return real values (B,) or (B, K): got {array.dtype} of shape {array.shape} in "
            f"{result.name}"
        )
    if len(array) != count:
        raise ContractError(
            f"measure() must return one value per sample: got {len(array)} for {count} samples in {result.name}"
        )
    table: list[list[float]] = array.reshape(count, -1).astype(np.float64).tolist()
    return table


def _check_names(batch: Batch, samples: Sequence[Sample]) -> None:
    """The loaded and the unreadable samples are the requested ones, each once, in their order."""
    if not isinstance(batch.unreadable, tuple) or not all(
        isinstance(item, Unreadable) and isinstance(item.reason, str) for item in batch.unreadable
    ):
        raise ContractError("Batch.unreadable must be a tuple of Unreadable, each with a reason")
    lost = [item.sample_id for item in batch.unreadable]
    wanted = [sample.sample_id for sample in samples if sample.sample_id not in lost]
    subjects = [sample.subject for sample in samples if sample.sample_id not in lost]
    if list(batch.sample_id) != wanted or len(lost) + len(wanted) != len(samples):
        raise ContractError(
            f"load() returned other samples than the {len(samples)} that were requested, or in another order: got "
            f"{len(batch)} and {len(batch.unreadable)} unreadable ones"
        )
    if list(batch.subject) != subjects:
        raise ContractError("load() returned other subjects than samples() lists")


def _check_values(name: str, values: Any, shape: tuple[int, ...], *, unknown: bool = False) -> None:
    """A tensor of numbers in [0, 1]; NaN where ``unknown`` values are allowed."""
    import torch

    if not isinstance(values, torch.Tensor) or not values.is_floating_point():
        kind = values.dtype if isinstance(values, torch.Tensor) else type(values).__name__
        raise ContractError(f"{name} must be a float32 tensor, not {kind}")
    if tuple(values.shape) != shape:
        raise ContractError(f"{name} must have the shape {shape}, not {tuple(values.shape)}")
    if values.numel() == 0:
        return
    known = values.nan_to_num(nan=0.0, posinf=torch.inf, neginf=-torch.inf) if unknown else values
    low, high = (float(value) for value in known.aminmax())
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):  # also for NaN
        raise ContractError(f"{name} must be in [0, 1], but its values are from {low:.3g} to {high:.3g}")
