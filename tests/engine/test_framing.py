"""The engine aligns where models, evaluators and data sets state unlike framings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from animation import toy_animation
from animation.toy_animation import ToyDetector, ToyDirect, ToyEstimator, make_face
from torch import Tensor

from gath_bench import hookimpl
from gath_bench.contracts import (
    AUEstimatorSpec,
    Batch,
    DatasetInfo,
    DatasetSpec,
    Face,
    FaceDetectorSpec,
    MetricSpec,
    ModelSpec,
    Sample,
)
from gath_bench.evaluation.run import evaluate
from gath_bench.faces import SYNTHFACES
from gath_bench.plugins import Plugins, load_plugins
from gath_bench.results import Run, load

SIZE = 96


class Scenes:
    """Four noise images; the detector finds a face in all but the second."""

    def __init__(self, *, framed: bool = False) -> None:
        self.framed = framed
        self.fingerprint = "scenes"
        self.info = DatasetInfo(
            "openface17",
            SIZE,
            "photo",
            ("same-subject",),
            ("test",),
            "none",
            False,
            SYNTHFACES if framed else None,
        )

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[Sample]:
        return [Sample(f"s{index}", f"p{index}") for index in range(4)]

    def load(self, samples: Sequence[Sample]) -> Batch:
        images = []
        for sample in samples:
            index = int(sample.sample_id[1:])
            image = torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(index)) * 0.6
            image[:, 0, 0] = index / 255  # what the detector reads
            images.append(image)
        aus = torch.zeros(len(samples), 17)
        aus[:, toy_animation.SMILE] = 1
        ids = tuple(sample.sample_id for sample in samples)
        return Batch(ids, tuple(sample.subject for sample in samples), torch.stack(images), aus, "openface17")


class Detector(ToyDetector):
    def detect(self, images: Sequence[Tensor]) -> list[list[Face]]:
        return [
            [] if round(float(image[0, 0, 0]) * 255) == 1 else [make_face(48, 48, 14)] for image in images
        ]


class Estimator(ToyEstimator):
    info = replace(ToyEstimator.info, template=SYNTHFACES)


@hookimpl
def gath_bench_models() -> list[ModelSpec]:
    return [ModelSpec("toy-direct", ToyDirect, "")]


@hookimpl
def gath_bench_datasets() -> list[DatasetSpec]:
    return [DatasetSpec("scenes", Scenes, "")]


@hookimpl
def gath_bench_metrics() -> list[MetricSpec]:
    return [
        MetricSpec("au-error", "gath_metrics.au_error:AUError", ""),
        MetricSpec("psnr", "engine.test_framing:SourceDifference", ""),
    ]


@hookimpl
def gath_bench_face_detectors() -> list[FaceDetectorSpec]:
    return [FaceDetectorSpec("synthfaces", Detector, "")]


@hookimpl
def gath_bench_au_estimators() -> list[AUEstimatorSpec]:
    return [AUEstimatorSpec("synthfaces", Estimator, "")]


class SourceDifference:
    """The mean absolute difference to the source, inside and outside the middle of the image."""

    from gath_bench.contracts import MetricInfo, Summary

    info = MetricInfo(summaries=(Summary("corner", "lower"), Summary("middle", "higher")))

    def measure(self, generated: Tensor, batch: Batch, evaluations: object) -> list[object]:
        from gath_bench.contracts import Measured

        change = (generated - batch.source).abs().mean(1)
        return [
            Measured("corner", change[:, :6, :6].mean((1, 2))),
            Measured("middle", change[:, 44:52, 44:52].mean((1, 2))),
        ]


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return load_plugins(("engine.test_framing",), entry_point_group=None)


def run(plugins: Plugins, dataset: str, metrics: list[str], folder: Path) -> Run:
    evaluate(
        models=["toy-direct"],
        datasets=[dataset],
        metrics=metrics,
        output=folder,
        references=False,
        device="cpu",
        images=False,
        plugins=plugins,
    )
    return load(folder)


def observations(finished: Run, observation: str) -> dict[str, dict[str, Any]]:
    rows = finished.observations.to_pylist()
    return {row["sample_id"]: row for row in rows if row["observation"] in (observation, None, "")} | {
        row["sample_id"]: row for row in rows if row["observation"] == observation
    }


def test_a_model_is_given_aligned_faces_and_its_result_is_put_back(plugins: Plugins, tmp_path: Path) -> None:
    finished = run(plugins, "scenes", ["psnr"], tmp_path / "run")
    middle, corner = observations(finished, "middle"), observations(finished, "corner")
    assert middle["s1"]["status"] == "na"
    assert middle["s1"]["reason"] == "no face was found in the source image"
    for sample in ("s0", "s2", "s3"):
        assert middle[sample]["value"] == pytest.approx(0.2, abs=0.01)
        assert corner[sample]["value"] == 0


def test_keys_state_the_alignment(plugins: Plugins, tmp_path: Path) -> None:
    aligned = run(plugins, "scenes", ["au-error"], tmp_path / "a").manifest.cells[0]
    assert "align=faces by synthfaces toy to synthfaces" in aligned.model_key
    assert "faces=synthfaces toy" in aligned.dataset_key
    framed = run(plugins, "scenes[framed=true]", ["au-error"], tmp_path / "b").manifest.cells[0]
    assert "align" not in framed.model_key
    assert "faces" not in framed.dataset_key


def test_an_evaluator_is_given_aligned_faces(plugins: Plugins, tmp_path: Path) -> None:
    """The toy estimator reads brightness: of the face and not of the image."""
    rows = run(plugins, "scenes", ["au-error"], tmp_path / "run").observations.to_pylist()
    assert {row["sample_id"] for row in rows if row["status"] == "ok"} == {"s0", "s2", "s3"}
    assert {row["reason"] for row in rows if row["sample_id"] == "s1"} == {
        "no face was found in the source image"
    }
