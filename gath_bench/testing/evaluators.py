"""Checks of AU estimators, identity encoders, perceptual trunks and face detectors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

from gath_bench.au import get_space
from gath_bench.contracts.evaluator import Evaluator, EvaluatorInfo, Features, Role
from gath_bench.contracts.face import LANDMARKS, Face, FaceDetector, FaceDetectorInfo
from gath_bench.contracts.keys import NO_WEIGHTS
from gath_bench.errors import Unavailable
from gath_bench.evaluators import FeatureCache
from gath_bench.registry import Component
from gath_bench.testing.findings import DECLARATION, Check, require
from gath_bench.testing.samples import Bench, Samples, milliseconds

if TYPE_CHECKING:
    from torch import Tensor

#: Largest relative difference of features alone and in a batch: matrix products of other sizes.
_TOLERANCE = 1e-3


class EvaluatorChecks:
    """The checks of one AU estimator, identity encoder or perceptual trunk."""

    def __init__(self, evaluator: Component, bench: Bench) -> None:
        self.evaluator, self.bench = evaluator, bench

    def __iter__(self) -> Iterator[Check]:
        yield Check(DECLARATION, self.declaration)
        yield Check("shapes and ranges", self.shapes)
        yield Check("determinism", self.determinism)
        yield Check("batch invariance", self.batch_invariance)
        yield Check("NA behaviour", self.image_without_face)
        yield Check("speed", self.speed)

    def declaration(self) -> None:
        """``info`` has the documented type, a fingerprint, and an AU space that exists."""
        require(isinstance(self.evaluator.instance, Evaluator), "an evaluator has info, to() and __call__()")
        info: EvaluatorInfo = self.evaluator.info
        require(isinstance(info, EvaluatorInfo), f"info must be an EvaluatorInfo, not {info!r:.80}")
        check_fingerprint(info.fingerprint)
        require(info.domains, "info.domains is empty: name the domains that it is valid for")
        if self.evaluator.spec.kind == "au_estimator":
            require(info.au_space, "info.au_space is missing: name the AU space of the values")
            get_space(str(info.au_space))

    def shapes(self) -> str:
        """Features of the documented shape; AUs in [0, 1]; embeddings that are not zero."""
        features = self._features(self.samples.batch.source)
        kind, info = self.evaluator.spec.kind, self.evaluator.info
        if kind == "perceptual_trunk":
            layers = features.values if isinstance(features.values, tuple) else (features.values,)
            require(all(layer.ndim == 4 for layer in layers), "a trunk returns feature maps (B, C, h, w)")
            return f"{len(layers)} layers"
        require(not isinstance(features.values, tuple), "return one tensor (B, K), not feature maps")
        values = cast("Tensor", features.values)
        require(values.ndim == 2, f"return features (B, K), not the shape {tuple(values.shape)}")
        found = values[[position not in features.missing for position in range(len(values))]]
        if kind == "au_estimator":
            labels = get_space(info.au_space).labels
            require(
                values.shape[1] == len(labels),
                f"{info.au_space} has {len(labels)} AUs, not {values.shape[1]}",
            )
            known = found[~found.isnan()]
            require(
                ((known >= 0) & (known <= 1)).all(),
                f"AU coefficients must be in [0, 1], not {float(known.min()):.3g} to {float(known.max()):.3g}"
                if len(known)
                else "",
            )
            return f"{len(labels)} AUs"
        require(found.isfinite().all(), "an embedding contains NaN or Inf")
        require((found.norm(dim=1) > 0).all(), "an embedding is zero, so that its cosine is undefined")
        return f"{values.shape[1]} dimensions"

    def determinism(self) -> None:
        """Two calls give equal features."""
        one, two = (self._layers(self.samples.batch.source) for _ in range(2))
        require(
            all(_close(a, b, 0.0) for a, b in zip(one, two, strict=True)), "two calls on equal images differ"
        )

    def batch_invariance(self) -> None:
        """The features of an image do not depend on the other images."""
        images = self.samples.batch.source
        whole = self._layers(images)
        for position in range(len(images)):
            alone = self._layers(images[position : position + 1])
            require(
                all(_close(a[0], b[position], _TOLERANCE) for a, b in zip(alone, whole, strict=True)),
                f"the features of image {position} depend on the other images of its batch",
            )

    def image_without_face(self) -> str | None:
        """A grey image gives features or a reason, and no exception."""
        import torch

        grey = torch.full_like(self.samples.batch.source[:2], 128 / 255)
        try:
            features = self._features(grey)
        except Unavailable as reason:
            return f"a grey image is NA: {reason}"
        return f"a grey image is NA: {features.missing[0]}" if 0 in features.missing else None

    def speed(self) -> str:
        """The time of a call."""
        return milliseconds(
            lambda: self._features(self.samples.batch.source), len(self.samples), self.bench.device
        )

    @cached_property
    def samples(self) -> Samples:
        """Images of a domain that the evaluator is valid for."""
        if self.evaluator.info.fingerprint == NO_WEIGHTS:
            raise Unavailable(
                self.bench.registry.unavailable(self.evaluator.spec) or "its weights are missing"
            )
        return self.bench.samples(domains=self.evaluator.info.domains)

    def _features(self, images: Tensor) -> Features:
        pool, samples = self.bench.pool(self.evaluator), self.samples
        cache = FeatureCache(
            pool, {"source": images}, samples.dataset.info.domain, self.bench.framing(samples)
        )
        return cache.features(cast(Role, self.evaluator.spec.kind), str(self.evaluator.name), "source")

    def _layers(self, images: Tensor) -> tuple[Tensor, ...]:
        values = self._features(images).values
        return values if isinstance(values, tuple) else (values,)


class DetectorChecks:
    """The checks of one face detector."""

    def __init__(self, detector: Component, bench: Bench) -> None:
        self.detector, self.bench = detector, bench

    def __iter__(self) -> Iterator[Check]:
        yield Check(DECLARATION, self.declaration)
        yield Check("shapes and ranges", self.shapes)
        yield Check("determinism", self.determinism)
        yield Check("batch invariance", self.batch_invariance)
        yield Check("NA behaviour", self.image_without_face)
        yield Check("speed", self.speed)

    def declaration(self) -> None:
        """``info`` has the documented type and landmarks that exist."""
        require(
            isinstance(self.detector.instance, FaceDetector), "a face detector has info, to() and detect()"
        )
        info: FaceDetectorInfo = self.detector.info
        require(isinstance(info, FaceDetectorInfo), f"info must be a FaceDetectorInfo, not {info!r:.80}")
        check_fingerprint(info.fingerprint)
        require(
            all(0 <= index < LANDMARKS for index in info.landmarks),
            f"info.landmarks must be 0 to {LANDMARKS - 1}",
        )

    def shapes(self) -> str:
        """One list per image; boxes that are not empty, 68 landmarks, confidence in [0, 1], the largest face first."""
        images = self.images
        found = self._detect(images)
        require(
            len(found) == len(images),
            f"detect() must return one list per image: got {len(found)} for {len(images)}",
        )
        for faces in found:
            for face in faces:
                require(
                    isinstance(face, Face), f"detect() must return Face objects, not {type(face).__name__}"
                )
                require(
                    face.width > 0 and face.height > 0,
                    f"a box is empty: {face.width:.3g} x {face.height:.3g}",
                )
                shape = tuple(face.landmarks.shape)
                require(shape == (LANDMARKS, 2), f"landmarks must be ({LANDMARKS}, 2), not {shape}")
                require(0 <= face.confidence <= 1, f"confidence must be in [0, 1], not {face.confidence}")
            areas = [face.area for face in faces]
            require(
                areas == sorted(areas, reverse=True),
                "the faces of an image are not sorted, the largest first",
            )
        return f"{sum(map(len, found))} faces in {len(images)} images"

    def determinism(self) -> None:
        """Two calls find the same faces."""
        require(
            _same_faces(self._detect(self.images), self._detect(self.images)),
            "two calls on equal images differ",
        )

    def batch_invariance(self) -> None:
        """The faces of an image do not depend on the other images."""
        whole = self._detect(self.images)
        for position, image in enumerate(self.images):
            require(
                _same_faces(self._detect([image]), whole[position : position + 1]),
                f"the faces of image {position} depend on the other images",
            )

    def image_without_face(self) -> str:
        """A grey image of another size has a list as well."""
        import torch

        (found,) = self._detect([torch.full((3, 90, 60), 128 / 255)])
        return f"{len(found)} faces in a grey image"

    def speed(self) -> str:
        """The time of a call."""
        return milliseconds(lambda: self._detect(self.images), len(self.images), self.bench.device)

    @cached_property
    def images(self) -> list[Tensor]:
        """Images of a domain that the detector is valid for."""
        if self.detector.info.fingerprint == NO_WEIGHTS:
            raise Unavailable(
                self.bench.registry.unavailable(self.detector.spec) or "its weights are missing"
            )
        return list(self.bench.samples(domains=self.detector.info.domains).batch.source)

    @cached_property
    def moved(self) -> FaceDetector:
        """The detector on the device."""
        moved: FaceDetector = replace(
            self.detector, instance=self.detector.instance.to(self.bench.device)
        ).instance
        return moved

    def _detect(self, images: Sequence[Tensor]) -> list[list[Face]]:
        return self.moved.detect([image.clone() for image in images])


def check_fingerprint(fingerprint: object) -> None:
    """A fingerprint is SHA-256 in hex, or says that the weights are missing."""
    known = isinstance(fingerprint, str) and re.fullmatch("[0-9a-f]{64}", fingerprint)
    require(known or fingerprint == NO_WEIGHTS, f"the fingerprint {fingerprint!r:.80} is not SHA-256 in hex")


def _close(one: Tensor, two: Tensor, tolerance: float) -> bool:
    import torch

    scale = float(two.nan_to_num().abs().max()) if two.numel() else 0.0
    return torch.allclose(one, two, rtol=0, atol=tolerance * max(scale, 1e-6), equal_nan=True)


def _same_faces(one: Sequence[Sequence[Face]], two: Sequence[Sequence[Face]]) -> bool:
    """The same boxes and landmarks within a hundredth of a pixel."""
    import torch

    def points(faces: Sequence[Face]) -> Tensor:
        boxes = [[face.left, face.top, face.right, face.bottom] for face in faces]
        landmarks = [face.landmarks.flatten().tolist() for face in faces]
        return torch.tensor([box + more for box, more in zip(boxes, landmarks, strict=True)])

    return all(
        len(a) == len(b) and torch.allclose(points(a), points(b), rtol=0, atol=1e-2, equal_nan=True)
        for a, b in zip(one, two, strict=True)
    )
