"""Counted work equals the formula; the machine is described without saying whose it is."""

from __future__ import annotations

import getpass
import json
import os
import platform

import torch
from torch import nn

from gath_bench.perf import count_flops, describe_machine


def test_a_convolution_counts_two_operations_a_weight_and_pixel():
    layer = nn.Conv2d(3, 8, 3, padding=1)
    assert count_flops(lambda: layer(torch.rand(2, 3, 16, 16))) == 2 * (3 * 8 * 9) * (2 * 16 * 16)


def test_pointwise_work_does_not_count():
    assert count_flops(lambda: torch.rand(9).exp()) == 0


def test_the_machine_is_described():
    described = describe_machine("cpu")
    assert described["torch"] == torch.__version__
    assert described["threads"] == torch.get_num_threads()
    assert described["cores"] == os.cpu_count()
    assert described["gpu"] is None


def test_the_description_is_json_and_names_nobody():
    text = json.dumps(describe_machine("cpu"))
    assert platform.node() not in text
    assert getpass.getuser() not in text
