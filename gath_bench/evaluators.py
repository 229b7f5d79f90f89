"""Shared evaluators: one instance per name, and each network runs once per image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gath_bench.au import get_space
from gath_bench.capture import capture
from gath_bench.contracts.evaluator import EvaluatorInfo, Features, Role
from gath_bench.contracts.face import FaceDetector, Template
from gath_bench.contracts.metric import RoleRequest, Side
from gath_bench.contracts.specs import Kind
from gath_bench.errors import Unavailable, describe_error
from gath_bench.faces.framing import Framing
from gath_bench.registry import Component, label

if TYPE_CHECKING:
    from torch import Tensor

#: The limit of kept features of one data set under one protocol, so that memory does not grow with its size.
KEEP_FEATURES = 512 * 2**20
#: Domain -> its images in a sentence.
_DOMAIN_IMAGES = {"photo": "photos"}


@dataclass(frozen=True)
class EvaluatorPool:
    """The evaluators of a run, created on first use.

    Attributes:
        make: creates a component by role and name; ``Registry.make`` does.
        device: the device that ``get`` moves evaluators to; None leaves them where they were created.
    """

    make: Callable[[Kind, str], Component]
    device: str | None = None
    _created: dict[tuple[Kind, str], Future[Component]] = field(default_factory=dict, repr=False)
    _moved: dict[tuple[Kind, str], Future[Component]] = field(default_factory=dict, repr=False)

    def to(self, device: str) -> EvaluatorPool:
        """A pool of the same evaluators on a device."""
        return replace(self, device=device, _moved={})

    def find(self, role: Kind, name: str) -> Component:
        """The evaluator as it was created, for its key; on any device and for any domain.

        Raises:
            Unavailable: it is not installed or cannot be created, with the reason.
        """
        if (role, name) not in self._created:
            self._created[role, name] = capture(label(role, name), self._create, role, name)
        return self._created[role, name].result()

    def get(self, role: Kind, name: str, domain: str) -> Component:
        """The evaluator on the pool's device.

        Args:
            role: the role.
            name: the component's name.
            domain: the domain of the images, ``DatasetInfo.domain``.

        Raises:
            Unavailable: it is not installed, or it is not valid in this domain.
            Exception: what moving it to the device raised.
        """
        if (role, name) not in self._moved:
            self._moved[role, name] = capture(label(role, name), self._move, role, name)
        component = self._moved[role, name].result()
        info: EvaluatorInfo = component.info
        if domain not in info.domains:
            made_for = " and ".join(sorted(info.domains))
            tested = info.validation.get(domain)
            raise Unavailable(
                f"not valid here: {component.name} was made for {made_for} images, not {domain}"
                + (f" ({tested.statement})" if tested else "")
            )
        return component

    def framing(self, template: Template | None, detector: str, domain: str) -> Framing:
        """Alignment of the images of a data set.

        Args:
            template: how its images are framed, ``DatasetInfo.template``.
            detector: name of the face detector, which is created on first use.
            domain: the domain of the images.
        """

        def find() -> FaceDetector:
            found: FaceDetector = self.get("face_detector", detector, domain).instance
            return found

        return Framing(template, find)

    def _create(self, role: Kind, name: str) -> Component:
        try:
            component = self.make(role, name)
            _ = component.info
        except Exception as error:
            # A missing evaluator makes its metrics NA; everything else is measured.
            raise Unavailable(describe_error(error).rstrip(".")) from error
        return component

    def _move(self, role: Kind, name: str) -> Component:
        component = self.find(role, name)
        if self.device is None:
            return component
        return replace(component, instance=component.instance.to(self.device))


@dataclass
class SharedFeatures:
    """Features of source and target images, computed once for all models of a data set.

    Those that do not fit in ``keep_bytes`` are computed per model. Failures are not kept.
    """

    keep_bytes: int = KEEP_FEATURES
    _place: tuple[str, str] | None = None
    _batches: dict[int, BatchFeatures] = field(default_factory=dict, repr=False)
    _bytes: int = 0

    def of(self, place: tuple[str, str], number: int) -> BatchFeatures:
        """The kept features of one batch.

        Args:
            place: data set and protocol; those of another one are dropped.
            number: the number of the batch.
        """
        if place != self._place:
            self._place, self._batches, self._bytes = place, {}, 0
        return self._batches.setdefault(number, BatchFeatures(self))

    def fits(self, features: Features) -> bool:
        """Whether there is room for these features; if so, it is taken."""
        layers = features.values if isinstance(features.values, tuple) else (features.values,)
        size = sum(layer.nbytes for layer in layers)
        if self._bytes + size > self.keep_bytes:
            return False
        self._bytes += size
        return True


@dataclass(frozen=True)
class BatchFeatures:
    """The kept features of one batch, see `SharedFeatures`."""

    owner: SharedFeatures
    kept: dict[tuple[Role, str, Side], Features] = field(default_factory=dict, repr=False)

    def keep(self, what: tuple[Role, str, Side], features: Features) -> None:
        """Keep the features of one side by one evaluator, if they fit."""
        if self.owner.fits(features):
            self.kept[what] = features


@dataclass(frozen=True)
class FeatureCache:
    """The features of one batch. Each is computed on first use and kept for the batch's lifetime.

    Attributes:
        pool: the evaluators.
        images: the generated, source and target images, float32 (B, 3, H, W) in [0, 1]; None for a side
            that does not exist.
        domain: the data set's domain.
        framing: aligns the images for evaluators that expect another framing; None passes them on as they are.
        shared: the features of this batch's source and target images that earlier models needed; None shares none.
    """

    pool: EvaluatorPool
    images: Mapping[Side, Tensor | None]
    domain: str
    framing: Framing | None = None
    shared: BatchFeatures | None = None
    _features: dict[tuple[Role, str, Side], Future[Features]] = field(default_factory=dict, repr=False)

    def features(self, role: Role, name: str, side: Side) -> Features:
        """Features of one side of the batch by one evaluator."""
        if (role, name, side) not in self._features:
            self._features[role, name, side] = capture(label(role, name), self._compute, role, name, side)
        return self._features[role, name, side].result()

    def view(self, requests: tuple[RoleRequest, ...]) -> MetricEvaluations:
        """The evaluations of one metric: the roles that it requested."""
        return MetricEvaluations(self, {request.role: request.component for request in requests})

    def _compute(self, role: Role, name: str, side: Side) -> Features:
        if self.shared is None or side == "generated":
            return self._measure(role, name, side)
        what = (role, name, side)
        known = self.shared.kept.get(what)
        if known is None:
            known = self._measure(role, name, side)
            self.shared.keep(what, known)
        return known

    def _measure(self, role: Role, name: str, side: Side) -> Features:
        component = self.pool.get(role, name, self.domain)
        images = self.images[side]
        if images is None:
            raise Unavailable(f"no {side} image")
        info: EvaluatorInfo = component.info
        template = info.template
        if template is not None and self.framing is not None and self.framing.differs(template):
            features = _aligned_features(component, images, template, self.framing, side)
        else:
            # A copy: networks may normalise in place.
            features = _checked(component, component.instance(images.clone()), len(images))
            features = _copied(features)  # an evaluator may fill the same tensor again in its next call
        return _without_unvalidated_aus(features, info, self.domain)


def _without_unvalidated_aus(features: Features, info: EvaluatorInfo, domain: str) -> Features:
    """Features in which the AUs that the evaluator was not validated for in a domain are NaN, with that reason."""
    validation = info.validation.get(domain)
    if info.au_space is None or validation is None or validation.aus is None:
        return features
    if isinstance(features.values, tuple):
        raise TypeError("an AU estimator returns one tensor (B, K), not feature maps")
    labels = get_space(info.au_space).labels
    unknown = [label not in validation.aus for label in labels]
    values = features.values.clone()
    values[:, unknown] = float("nan")
    reason = f"not validated on {_DOMAIN_IMAGES.get(domain, f'{domain} images')}"
    missing = {label: reason for label, absent in zip(labels, unknown, strict=True) if absent}
    return replace(features, values=values, missing_aus={**features.missing_aus, **missing})


def _aligned_features(
    component: Component, images: Tensor, template: Template, framing: Framing, side: Side
) -> Features:
    """Features of the aligned faces; an image without a face has none, with that reason."""
    import torch

    aligned = framing.align(images, template, template.size, side)
    if not aligned.positions:
        raise Unavailable(next(iter(aligned.missing.values())))
    found = _checked(component, component.instance(aligned.crops), len(aligned.positions))
    positions = torch.tensor(aligned.positions, device=images.device)

    def spread(values: Tensor) -> Tensor:
        whole = values.new_zeros((len(images), *values.shape[1:]))
        whole[positions] = values
        return whole

    values = tuple(map(spread, found.values)) if isinstance(found.values, tuple) else spread(found.values)
    missing = {aligned.positions[index]: reason for index, reason in found.missing.items()}
    return Features(values, aligned.missing | missing, found.missing_aus)


def _checked(component: Component, features: Any, count: int) -> Features:
    """An evaluator's features, if they are numbers for each of the images.

    Raises:
        TypeError, ValueError: they are not.
    """
    import torch

    if not isinstance(features, Features):
        raise TypeError(f"{component.name} must return Features, not {type(features).__name__}")
    layers = features.values if isinstance(features.values, tuple) else (features.values,)
    for layer in layers:
        if not isinstance(layer, torch.Tensor) or not layer.is_floating_point():
            raise TypeError(f"{component.name} must return floating-point tensors, not {layer!r:.60}")
        if layer.ndim < 2 or len(layer) != count:
            raise ValueError(f"{component.name} returned the shape {tuple(layer.shape)} for {count} images")
    for position, reason in features.missing.items():
        if type(position) is not int or not 0 <= position < count or not isinstance(reason, str):
            raise ValueError(f"{component.name} has the missing position {position!r:.60}: {reason!r:.60}")
    return features


def _copied(features: Features) -> Features:
    """Features that no other component can write; a metric may work in place."""
    values = features.values
    copy = tuple(layer.clone() for layer in values) if isinstance(values, tuple) else values.clone()
    return Features(copy, dict(features.missing), dict(features.missing_aus))


@dataclass(frozen=True)
class MetricEvaluations:
    """The evaluators that one metric requested (implements the ``Evaluations`` contract)."""

    cache: FeatureCache
    names: Mapping[Role, str]

    def features(self, role: Role, side: Side) -> Features:
        return _copied(self.cache.features(role, self._name(role), side))

    def au_space(self, role: Role = "au_estimator") -> str:
        component = self._component(role)
        info: EvaluatorInfo = component.info
        if info.au_space is None:
            raise Unavailable(f"the {role.replace('_', ' ')} {component.name} names no AU space")
        return info.au_space

    def calibration(self, role: Role) -> Mapping[str, float]:
        info: EvaluatorInfo = self._component(role).info
        return dict(info.calibration)

    def _component(self, role: Role) -> Component:
        return self.cache.pool.get(role, self._name(role), self.cache.domain)

    def _name(self, role: Role) -> str:
        if role not in self.names:
            raise KeyError(f"the metric uses the role {role!r} without requesting it in MetricInfo.roles")
        return self.names[role]


@dataclass(frozen=True)
class RequestedEvaluators:
    """The evaluators that one metric requests, outside a run.

    Attributes:
        pool: the evaluators, on a device.
        requests: the roles, each with the evaluator's name.
        domain: the domain of the images.
        keys: role -> component key.
    """

    pool: EvaluatorPool
    requests: tuple[RoleRequest, ...]
    domain: str
    keys: Mapping[Role, str]

    @classmethod
    def load(
        cls, pool: EvaluatorPool, requests: Sequence[RoleRequest], *, domain: str
    ) -> RequestedEvaluators:
        """Create the evaluators and move them to the pool's device.

        Raises:
            Unavailable: an evaluator is not installed or not valid in this domain.
        """
        keys = {}
        for request in requests:
            evaluator = pool.get(request.role, request.component, domain)
            keys[request.role] = str(evaluator.key(evaluator.info.fingerprint))
        return cls(pool, tuple(requests), domain, keys)

    def on(self, images: Mapping[Side, Tensor | None]) -> MetricEvaluations:
        """The evaluations of one batch of images; features are computed once per image and side."""
        return FeatureCache(self.pool, images, self.domain).view(self.requests)
