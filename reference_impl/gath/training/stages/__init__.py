"""The stages of a training, in their order: E on frames, C on stills, then G against D with E and C frozen."""

from gath.config import Config
from gath.training.stage import Stage
from gath.training.stages.adversarial import AdversarialStage
from gath.training.stages.classifier import ClassifierStage
from gath.training.stages.clips import ClipStage
from gath.training.stages.estimator import EstimatorStage


def stages_of(config: Config) -> tuple[type[Stage], ...]:
    """The stages of a configuration, in their order: G is trained on unpaired data, or on clips as well."""
    generator = AdversarialStage if config.data.clips is None else ClipStage
    return EstimatorStage, ClassifierStage, generator
