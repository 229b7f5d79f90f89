"""The stages of a training, in their order: E on frames, C on stills, then G against D with E and C frozen."""

from gath.training.stage import Stage
from gath.training.stages.adversarial import AdversarialStage
from gath.training.stages.classifier import ClassifierStage
from gath.training.stages.estimator import EstimatorStage

#: Every stage, in the order of the training.
STAGES: tuple[type[Stage], ...] = (EstimatorStage, ClassifierStage, AdversarialStage)
