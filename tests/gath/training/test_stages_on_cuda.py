"""A step of every stage on fake CUDA tensors: nothing mixes devices, and what is logged is on the GPU."""

from __future__ import annotations

import pytest
import torch
from fake_cuda import CudaGenerator, devices, fake_cuda
from gath.config import read_config
from gath.training.context import TrainContext
from gath.training.data import FixedData, Pool
from gath.training.stage import Stage
from gath.training.stages.adversarial import AdversarialStage
from gath.training.stages.classifier import ClassifierStage
from gath.training.stages.clips import ClipStage
from gath.training.stages.estimator import EstimatorStage

from gath_bench.distributed import Ranks


class Context(TrainContext):
    """Its generators on the GPU need no driver."""

    def rng(self, *names: object, device: str = "cpu") -> torch.Generator:
        return torch.Generator() if device == "cpu" else CudaGenerator()


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("tiny", EstimatorStage),
        ("tiny", ClassifierStage),
        ("tiny", AdversarialStage),
        ("tiny-warp", ClipStage),
    ],
)
@pytest.mark.filterwarnings("ignore:Accessing the data pointer", "ignore:CUDA is not available")
def test_a_step_stays_on_the_gpu(name: str, stage: type[Stage]) -> None:
    config = read_config(name, ("accumulate=2",))
    with fake_cuda():
        images = torch.zeros(8, 3, config.resolution, config.resolution, dtype=torch.uint8)
        stills = Pool(images, torch.zeros(8, dtype=torch.int64), "cuda")
        frames = Pool(images, torch.zeros(8, config.aus), "cuda")
        clips = Pool(torch.stack([images, images], 1), torch.zeros(8, 2, config.aus), "cuda")
        data = FixedData(stills, frames, 2, clips)
        trained = stage.create_untrained(Context(config, "cuda", Ranks(), data))
        for step in (0, 1):  # the first one has a gradient penalty
            values = trained.step(step)
            assert any(name.endswith("loss") for name in values)
            assert devices(values) == {"cuda"}
        assert devices([*trained.networks[next(iter(trained.networks))].parameters()]) == {"cuda"}


def test_mixed_devices_fail() -> None:
    with fake_cuda(), pytest.raises(RuntimeError, match="device"):
        torch.zeros(3, device="cuda") + torch.zeros(3)
