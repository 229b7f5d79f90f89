"""What a plugin implements: the public vocabulary of gath-bench.

Everything here is a frozen dataclass or a protocol; nothing here computes, reads or draws. Tensors are named
in annotations only, so that importing the contracts never imports torch.
"""

from gath_bench.contracts.batch import Batch, Sample, Unreadable
from gath_bench.contracts.command import CommandContext
from gath_bench.contracts.dataset import (
    ClipsBatch,
    ClipStream,
    DatasetAdapter,
    DatasetInfo,
    EvaluatorStream,
    FramesBatch,
    HasMeanPortrait,
    LabelledBatch,
    StillsBatch,
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
)
from gath_bench.contracts.keys import NO_WEIGHTS, ComponentKey, ComponentName, file_hash, fingerprint
from gath_bench.contracts.lifecycle import CellResult, RunInfo
from gath_bench.contracts.metric import (
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
from gath_bench.contracts.model import MODEL_NEEDS, Animated, AnimationModel, ModelInfo
from gath_bench.contracts.specs import (
    KINDS,
    AUEstimatorSpec,
    CommandSpec,
    ComponentSpec,
    DatasetSpec,
    IdentityEncoderSpec,
    Kind,
    MetricSpec,
    ModelSpec,
    PerceptualTrunkSpec,
)

__all__ = [
    "KINDS",
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
    "DatasetAdapter",
    "DatasetInfo",
    "DatasetSpec",
    "Direction",
    "Evaluations",
    "Evaluator",
    "EvaluatorInfo",
    "EvaluatorStream",
    "Features",
    "FramesBatch",
    "HasMeanPortrait",
    "IdentityEncoder",
    "IdentityEncoderSpec",
    "Kind",
    "LabelledBatch",
    "Measured",
    "Metric",
    "MetricInfo",
    "MetricSpec",
    "ModelInfo",
    "ModelSpec",
    "PerceptualTrunk",
    "PerceptualTrunkSpec",
    "Role",
    "RoleRequest",
    "RunInfo",
    "Sample",
    "Side",
    "StillsBatch",
    "Summary",
    "SystemMetric",
    "SystemUnderTest",
    "TrainingStreams",
    "Unreadable",
    "file_hash",
    "fingerprint",
]
