"""Inputs that several metrics take from a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor

    from gath_bench.contracts.batch import Batch


def target_of(batch: Batch) -> Tensor:
    """The target images.

    Raises:
        Unavailable: the batch has none.
    """
    if batch.target is None:
        raise Unavailable("no target image")
    return batch.target


def face_mask_of(batch: Batch) -> Tensor:
    """The face masks.

    Raises:
        Unavailable: the batch has none.
    """
    if batch.face_mask is None:
        raise Unavailable("no face mask")
    return batch.face_mask
