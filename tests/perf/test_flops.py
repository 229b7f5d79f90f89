"""Counted operations equal the formula."""

from __future__ import annotations

import torch
from torch import nn

from gath_bench.perf import count_flops


def test_a_convolution_counts_two_operations_per_weight_and_pixel():
    layer = nn.Conv2d(3, 8, 3, padding=1)
    assert count_flops(lambda: layer(torch.rand(2, 3, 16, 16))) == 2 * (3 * 8 * 9) * (2 * 16 * 16)


def test_pointwise_operations_do_not_count():
    assert count_flops(lambda: torch.rand(9).exp()) == 0
