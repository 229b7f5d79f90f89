"""The description of the machine: complete, without the names of host and user."""

from __future__ import annotations

import getpass
import json
import os
import platform

import torch

from gath_bench.perf import describe_hardware, describe_machine


def test_the_machine_is_described():
    described = describe_machine("cpu")
    assert described["torch"] == torch.__version__
    assert described["threads"] == torch.get_num_threads()
    assert described["cores"] == os.cpu_count()
    assert described["gpu"] is None


def test_hardware_is_part_of_the_description():
    assert describe_hardware().items() <= describe_machine("cpu").items()


def test_the_description_is_json_and_has_no_host_or_user_name():
    text = json.dumps(describe_machine("cpu"))
    assert platform.node() not in text
    assert getpass.getuser() not in text
