"""A model that is ready to animate photos, with the face detector and the AU estimator beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gath_bench.au import DEFAULT_SPACE, AUSpace, apply, find_map, get_space
from gath_bench.contracts import AnimationModel, AUEstimator, FaceDetector, HasEdit, HasSourceAUs, Kind
from gath_bench.contracts.keys import ComponentKey
from gath_bench.errors import Unavailable, UsageError, describe_error
from gath_bench.faces import SYNTHFACES, Template
from gath_bench.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

#: The model that is best on photos (docs/animate.md has the figures).
DEFAULT_MODEL = "gath-warp"
DEFAULT_DETECTOR = "synthfaces"
DEFAULT_ESTIMATOR = "synthfaces"
#: Side of the crop for a model that takes any size.
FREE_SIZE = 256


@dataclass(frozen=True)
class PhotoModel:
    """A model on its device.

    Attributes:
        model: the model.
        key: its component key.
        detector: finds the faces.
        estimator_name: the AU estimator for driving videos, and for the own AUs of a portrait where the model does
            not estimate them.
        registry: creates the estimator when it is needed.
        device: ``"cpu"`` or ``"cuda:i"``.
    """

    model: AnimationModel
    key: str
    detector: FaceDetector
    estimator_name: str
    registry: Registry
    device: str

    @classmethod
    def load(
        cls,
        model: str | AnimationModel,
        registry: Registry,
        *,
        detector: str | FaceDetector = DEFAULT_DETECTOR,
        estimator: str = DEFAULT_ESTIMATOR,
        device: str = "cpu",
    ) -> PhotoModel:
        """Create a model by name, or take an instance, and move it to a device.

        Raises:
            UsageError: there is no such component, its weights or packages are missing, or the model needs more than
                a portrait and AUs.
        """
        if isinstance(model, str):
            component = registry.make("model", model)
            instance, key = component.instance, str(component.key(component.instance.info.fingerprint))
        else:
            name = re.sub(r"[^a-z0-9]+", "-", type(model).__name__.lower()).strip("-") or "model"
            instance, key = model, str(ComponentKey(name, hash=model.info.fingerprint))
        lacking = sorted(instance.info.needs - {"source_aus"})
        if lacking:
            raise UsageError(
                f"the model {model if isinstance(model, str) else key} needs {', '.join(lacking)}, which a photo does "
                "not have: choose a model that takes a portrait and AUs, such as gath-warp."
            )
        try:
            ready = instance.to(device)
            finder = (
                registry.make("face_detector", detector).instance if isinstance(detector, str) else detector
            )
            return cls(ready, key, finder.to(device), estimator, registry, device)
        except Unavailable as error:
            raise UsageError(f"{describe_error(error).rstrip('.')}.") from error

    @property
    def space(self) -> AUSpace:
        """The AU space in which the model is driven."""
        return get_space(self.model.info.au_space or DEFAULT_SPACE)

    @property
    def size(self) -> int:
        """Side of the crops in pixels."""
        return self.model.info.resolution or FREE_SIZE

    @property
    def template(self) -> Template:
        """Where the model expects the parts of a face; the framing of synthfaces for a model that names none."""
        return self.model.info.template or SYNTHFACES

    @property
    def has_edit(self) -> bool:
        """Whether the result can be applied to the original pixels of a photo."""
        return isinstance(self.model, HasEdit)

    @cached_property
    def estimator(self) -> AUEstimator:
        """The AU estimator.

        Raises:
            UsageError: there is none of that name, or its weights are missing.
        """
        found: Any = self._make("au_estimator", self.estimator_name)
        return found.to(self.device)  # type: ignore[no-any-return]

    def _make(self, kind: Kind, name: str) -> Any:
        return self.registry.make(kind, name).instance

    def source_aus(self, crops: Tensor) -> Tensor:
        """The own AUs of portraits in the model's space, (B, 3, size, size) -> float32 (B, K), on the CPU.

        By the model itself where it estimates them, so that asking for them changes nothing.

        Raises:
            UsageError: there is no estimator, or its AU space has no map to the model's.
        """
        if isinstance(self.model, HasSourceAUs):
            return self.model.source_aus(crops.to(self.device)).float().cpu().clamp(0, 1)
        return self.estimate(crops)

    def estimate(self, crops: Tensor) -> Tensor:
        """AUs by the estimator, in the model's space, (B, 3, S, S) -> float32 (B, K), on the CPU.

        Raises:
            UsageError: the estimator's AU space has no map to the model's.
        """
        import torch

        try:
            values = self.estimator(crops.to(self.device)).values
        except Unavailable as error:
            raise UsageError(f"{describe_error(error).rstrip('.')}.") from error
        assert isinstance(values, torch.Tensor)
        au_map = find_map(self.estimator.info.au_space or DEFAULT_SPACE, self.space.name)
        return torch.nan_to_num(torch.as_tensor(apply(au_map, values.float().cpu()))).clamp(0, 1)
