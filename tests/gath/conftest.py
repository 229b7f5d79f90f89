"""Fixtures: tiny trainings on toy faces."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from gath.config import Config, read_config  # noqa: E402
from gath.training.loop import train  # noqa: E402
from gath.training.run import TrainingRun  # noqa: E402
from toy_faces import ToyFaces  # noqa: E402

#: The estimator of the labels of the data set ``labelled-toy-faces``.
LABELLER = "labeller@1#ab12cd34"


class ToyContext:
    """The command context of the tests: toy faces, and a fixed validation result."""

    def __init__(self) -> None:
        self.evaluated: list[Any] = []

    def make(self, kind: str, name: str) -> Any:
        labelled_by = LABELLER if "labelled" in name else ""
        return ToyFaces(au_space="facewarehouse46" if "46" in name else "openface17", labelled_by=labelled_by)

    def evaluate(self, model: Any, *, metrics: Sequence[str], **choices: Any) -> Mapping[str, float]:
        images = model.to("cpu").animate(torch.rand(2, 3, 64, 64), torch.rand(2, 17))
        self.evaluated.append((images.shape, choices))
        return {"au-error.mae": 0.25}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny() -> Callable[..., Config]:
    """The tiny configuration on toy faces, with changes."""
    return lambda *changes: read_config("tiny", ("data.name=toy-faces", *changes))


@pytest.fixture
def make_run(tmp_path: Path, tiny: Callable[..., Config]) -> Callable[..., TrainingRun]:
    """A training in a folder of its own."""

    def make(name: str = "run", *changes: str, **options: Any) -> TrainingRun:
        return TrainingRun(tiny(*changes), ToyContext(), tmp_path / name, cache=tmp_path / "pools", **options)

    return make


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished tiny training."""
    folder = tmp_path_factory.mktemp("trained")
    assert train(TrainingRun(read_config("tiny", ("data.name=toy-faces",)), ToyContext(), folder))
    return folder
