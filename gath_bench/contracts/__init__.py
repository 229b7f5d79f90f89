"""What a plugin implements: the dataclasses and protocols of the public API.

Nothing here computes or reads files. Tensors appear in annotations only, so that importing the contracts does not
import torch. A module is imported when one of its names is first used: every plugin imports this package when it is
registered, and needs the specs alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gath_bench.contracts.batch import Batch, Sample, Unreadable
    from gath_bench.contracts.command import CommandContext, LoadedComponent, LoadedEvaluators
    from gath_bench.contracts.dataset import (
        ClipsBatch,
        ClipStream,
        DatasetAdapter,
        DatasetInfo,
        EvaluatorStream,
        FramesBatch,
        FramesStream,
        HasImages,
        HasMeanPortrait,
        LabelledBatch,
        StillsBatch,
        StillsStream,
        TrainingStreams,
    )
    from gath_bench.contracts.evaluator import (
        ROLES,
        AUEstimator,
        Evaluator,
        EvaluatorInfo,
        Features,
        IdentityEncoder,
        PerceptualTrunk,
        Role,
        Validation,
    )
    from gath_bench.contracts.face import (
        LANDMARKS,
        Face,
        FaceDetector,
        FaceDetectorInfo,
        FaceEdit,
        HasEdit,
        LandmarkedBatch,
        LandmarkStream,
        Template,
    )
    from gath_bench.contracts.keys import NO_WEIGHTS, ComponentKey, ComponentName, file_hash, fingerprint
    from gath_bench.contracts.lifecycle import CellResult, RunInfo
    from gath_bench.contracts.metric import (
        CORPUS,
        CorpusFeatures,
        CorpusMetric,
        Direction,
        Evaluations,
        Measured,
        Metric,
        MetricInfo,
        RoleRequest,
        Side,
        Summary,
        SystemMetric,
        SystemUnderTest,
    )
    from gath_bench.contracts.model import (
        MODEL_NEEDS,
        Animated,
        AnimationModel,
        HasSourceAUs,
        ModelInfo,
        ReadsImages,
    )
    from gath_bench.contracts.specs import (
        KINDS,
        AUEstimatorSpec,
        CommandSpec,
        ComponentSpec,
        DatasetSpec,
        FaceDetectorSpec,
        IdentityEncoderSpec,
        Kind,
        MetricSpec,
        ModelSpec,
        PerceptualTrunkSpec,
        WeightsSpec,
    )

__all__ = [
    "CORPUS",
    "KINDS",
    "LANDMARKS",
    "MODEL_NEEDS",
    "NO_WEIGHTS",
    "ROLES",
    "AUEstimator",
    "AUEstimatorSpec",
    "Animated",
    "AnimationModel",
    "Batch",
    "CellResult",
    "ClipStream",
    "ClipsBatch",
    "CommandContext",
    "CommandSpec",
    "ComponentKey",
    "ComponentName",
    "ComponentSpec",
    "CorpusFeatures",
    "CorpusMetric",
    "DatasetAdapter",
    "DatasetInfo",
    "DatasetSpec",
    "Direction",
    "Evaluations",
    "Evaluator",
    "EvaluatorInfo",
    "EvaluatorStream",
    "Face",
    "FaceDetector",
    "FaceDetectorInfo",
    "FaceDetectorSpec",
    "FaceEdit",
    "Features",
    "FramesBatch",
    "FramesStream",
    "HasEdit",
    "HasImages",
    "HasMeanPortrait",
    "HasSourceAUs",
    "IdentityEncoder",
    "IdentityEncoderSpec",
    "Kind",
    "LabelledBatch",
    "LandmarkStream",
    "LandmarkedBatch",
    "LoadedComponent",
    "LoadedEvaluators",
    "Measured",
    "Metric",
    "MetricInfo",
    "MetricSpec",
    "ModelInfo",
    "ModelSpec",
    "PerceptualTrunk",
    "PerceptualTrunkSpec",
    "ReadsImages",
    "Role",
    "RoleRequest",
    "RunInfo",
    "Sample",
    "Side",
    "StillsBatch",
    "StillsStream",
    "Summary",
    "SystemMetric",
    "SystemUnderTest",
    "Template",
    "TrainingStreams",
    "Unreadable",
    "Validation",
    "WeightsSpec",
    "file_hash",
    "fingerprint",
]

#: Module -> the names that it defines.
_DEFINED_IN = {
    "batch": ("Batch", "Sample", "Unreadable"),
    "command": ("CommandContext", "LoadedComponent", "LoadedEvaluators"),
    "dataset": (
        "ClipsBatch",
        "ClipStream",
        "DatasetAdapter",
        "DatasetInfo",
        "EvaluatorStream",
        "FramesBatch",
        "FramesStream",
        "HasImages",
        "HasMeanPortrait",
        "LabelledBatch",
        "StillsBatch",
        "StillsStream",
        "TrainingStreams",
    ),
    "evaluator": (
        "ROLES",
        "AUEstimator",
        "Evaluator",
        "EvaluatorInfo",
        "Features",
        "IdentityEncoder",
        "PerceptualTrunk",
        "Role",
        "Validation",
    ),
    "face": (
        "LANDMARKS",
        "Face",
        "FaceDetector",
        "FaceDetectorInfo",
        "FaceEdit",
        "HasEdit",
        "LandmarkedBatch",
        "LandmarkStream",
        "Template",
    ),
    "keys": ("NO_WEIGHTS", "ComponentKey", "ComponentName", "file_hash", "fingerprint"),
    "lifecycle": ("CellResult", "RunInfo"),
    "metric": (
        "CORPUS",
        "CorpusFeatures",
        "CorpusMetric",
        "Direction",
        "Evaluations",
        "Measured",
        "Metric",
        "MetricInfo",
        "RoleRequest",
        "Side",
        "Summary",
        "SystemMetric",
        "SystemUnderTest",
    ),
    "model": ("MODEL_NEEDS", "Animated", "AnimationModel", "HasSourceAUs", "ModelInfo", "ReadsImages"),
    "specs": (
        "KINDS",
        "AUEstimatorSpec",
        "CommandSpec",
        "ComponentSpec",
        "DatasetSpec",
        "FaceDetectorSpec",
        "IdentityEncoderSpec",
        "Kind",
        "MetricSpec",
        "ModelSpec",
        "PerceptualTrunkSpec",
        "WeightsSpec",
    ),
}
_MODULE_OF = {name: module for module, names in _DEFINED_IN.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
