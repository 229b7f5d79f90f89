"""How much arithmetic a call does."""

from __future__ import annotations

from collections.abc import Callable


def count_flops(call: Callable[[], object]) -> int:
    """The floating-point operations of the convolutions, matrix products and attentions of one call.

    A multiplication and an addition are two operations; pointwise work is not counted, nor is anything
    outside torch (``torch.utils.flop_counter``).

    >>> import torch
    >>> count_flops(lambda: torch.ones(2, 3) @ torch.ones(3, 5))
    60
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())
