"""Floating-point operations of a call."""

from __future__ import annotations

from collections.abc import Callable


def count_flops(call: Callable[[], object]) -> int:
    """Floating-point operations of the convolutions, matrix products and attentions of one call.

    A multiplication and an addition are two operations. Pointwise operations and anything outside torch are not
    counted (``torch.utils.flop_counter``).

    >>> import torch
    >>> count_flops(lambda: torch.ones(2, 3) @ torch.ones(3, 5))
    60
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())
