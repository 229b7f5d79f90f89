"""``gath-bench label``: the AUs that an estimator measures on the images of a data set, as a label file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.contracts.batch import Sample
from gath_bench.contracts.dataset import DatasetAdapter, HasImages
from gath_bench.contracts.evaluator import EvaluatorInfo
from gath_bench.contracts.face import FaceDetector, Template
from gath_bench.contracts.keys import NO_WEIGHTS, ComponentName
from gath_bench.engine.device import resolve_device
from gath_bench.errors import Unavailable, UsageError
from gath_bench.evaluation.components import installed_plugins
from gath_bench.faces import align, between, extract
from gath_bench.labels import CONTENT_DIGITS, Label, LabelInfo, LabelWriter
from gath_bench.plugins import Plugins
from gath_bench.registry import Component, Registry
from gath_bench.suite.plan import slug

if TYPE_CHECKING:
    from torch import Tensor

#: Images that are read and given to the estimator at a time.
BATCH = 16
#: A shard is written when the last one is this long ago: the most work that a killed process loses.
FLUSH_SECONDS = 5.0
#: Called with the number of images that have a label, and the number of all images.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Labelled:
    """The result of ``label``.

    Attributes:
        path: the label file.
        estimator: component key of the AU estimator.
        images: the number of images.
        found: the number of images with AUs.
        measured: the number of images that this call measured.
        note: the estimator was not validated on such images, in words; empty if it was.
    """

    path: Path
    estimator: str
    images: int
    found: int
    measured: int
    note: str = ""


def label(
    dataset: str,
    estimator: str,
    *,
    output: Path | None = None,
    detector: str = "synthfaces",
    device: str = "auto",
    progress: Progress = lambda done, total: None,
    plugins: Plugins | None = None,
) -> Labelled:
    """Measure the AUs of every image of a data set, and write them to a label file.

    Images are aligned as the estimator expects: by the face detector, unless the data set states how its images are
    framed. Labels that the file or the shards of a killed process hold are kept, if they are of the same estimator and
    detector and the image's file has not changed.

    Args:
        dataset: component name. A data set that lists its images (``HasImages``) has each image labelled once; of
            another, the target images (the source portraits if it has none) of the first split and protocol.
        estimator: component name of the AU estimator.
        output: the file; by default in the folder ``labels``, named after data set and estimator key.
        detector: component name of the face detector.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        progress: called after each batch.
        plugins: the plugins that names refer to; None takes the installed ones.

    Raises:
        UsageError: an unknown name, missing weights, a data set without images, or a file of other labels.
    """
    registry = Registry.of(plugins or installed_plugins())
    adapter: DatasetAdapter = registry.make("dataset", dataset).instance
    images = _FileImages(adapter) if isinstance(adapter, HasImages) else _SampleImages(adapter)
    if not images.samples:
        raise UsageError(f"{dataset} has no images to label: check its folder.")
    measure = _Measurement.prepare(registry, estimator, detector, images.template, resolve_device(device))
    if output is None:
        maker = slug(measure.info.estimator.replace("#", "-"))
        output = Path("labels", f"{slug(str(ComponentName.parse(dataset)))}.{maker}.parquet")
    writer = LabelWriter(output, measure.info)
    todo = [
        sample
        for sample in images.samples
        if sample.sample_id not in writer.labels
        or writer.labels[sample.sample_id].content != images.content(sample)[:CONTENT_DIGITS]
    ]
    done, flushed, pending = len(images.samples) - len(todo), time.monotonic(), list[Label]()
    progress(done, len(images.samples))
    for start in range(0, len(todo), BATCH):
        samples = todo[start : start + BATCH]
        pending += measure(samples, images)
        if time.monotonic() - flushed > FLUSH_SECONDS:
            writer.add(pending)
            pending, flushed = [], time.monotonic()
        done += len(samples)
        progress(done, len(images.samples))
    writer.add(pending)
    writer.finish(sample.sample_id for sample in images.samples)
    found = sum(writer.labels[sample.sample_id].values is not None for sample in images.samples)
    domains = measure.estimator.info.domains
    note = ""
    if adapter.info.domain not in domains:
        made_for = " and ".join(sorted(domains))
        note = f"{estimator} was validated on {made_for} images, and these are {adapter.info.domain} images."
    return Labelled(output, measure.info.estimator, len(images.samples), found, len(todo), note)


class _FileImages:
    """The images of a data set that lists them, as they are in their files."""

    template: Template | None = None

    def __init__(self, adapter: HasImages) -> None:
        self._adapter = adapter
        self.samples: Sequence[Sample] = adapter.image_samples()

    def content(self, sample: Sample) -> str:
        return self._adapter.image_content(sample)

    def read(self, samples: Sequence[Sample]) -> Iterator[Tensor | str]:
        """Each image, float32 (3, H, W), or why it cannot be read."""
        for sample in samples:
            try:
                yield self._adapter.read_image(sample)
            except Unavailable as reason:
                yield str(reason)


class _SampleImages:
    """The target images of a data set's samples, or the source portraits where it has no targets."""

    def __init__(self, adapter: DatasetAdapter) -> None:
        self._adapter, info = adapter, adapter.info
        self.template = info.template
        self.samples = adapter.samples(info.splits[0], info.protocols[0], 0)
        self._fingerprint = adapter.fingerprint

    def content(self, sample: Sample) -> str:
        return self._fingerprint

    def read(self, samples: Sequence[Sample]) -> Iterator[Tensor | str]:
        """Each image, float32 (3, H, W), or why it cannot be read."""
        batch = self._adapter.load(samples)
        images = batch.source if batch.target is None else batch.target
        found: dict[str, Tensor | str] = dict(zip(batch.sample_id, images, strict=True))
        found |= {lost.sample_id: lost.reason for lost in batch.unreadable}
        for sample in samples:
            yield found[sample.sample_id]


@dataclass(frozen=True)
class _Measurement:
    """An AU estimator and the alignment of images for it.

    Attributes:
        estimator: on its device.
        detector: the face detector; None where faces are not looked for.
        template: how the images are framed; None where that is not known.
        info: the identity of the labels.
        device: ``"cpu"`` or ``"cuda:i"``.
    """

    estimator: Component
    detector: FaceDetector | None
    template: Template | None
    info: LabelInfo
    device: str

    @classmethod
    def prepare(
        cls, registry: Registry, estimator: str, detector: str, template: Template | None, device: str
    ) -> _Measurement:
        component = registry.make("au_estimator", estimator)
        known: EvaluatorInfo = component.info
        if known.fingerprint == NO_WEIGHTS or known.au_space is None:
            lacks = "has no weights here" if known.au_space else "names no AU space"
            raise UsageError(
                f"the AU estimator {estimator} {lacks}: `gath-bench list estimators` shows others."
            )
        component = replace(component, instance=component.instance.to(device))
        finder, finder_key = None, ""
        if template is None and known.template is not None:
            found = registry.make("face_detector", detector)
            finder = found.instance.to(device)
            finder_key = str(found.key(finder.info.fingerprint))
        info = LabelInfo(str(component.key(known.fingerprint)), known.au_space, finder_key)
        return cls(component, finder, template, info, device)

    def __call__(self, samples: Sequence[Sample], images: _FileImages | _SampleImages) -> list[Label]:
        """The labels of a batch.

        Raises:
            UsageError: the estimator or the detector cannot be used.
        """
        import torch

        crops: dict[int, Tensor] = {}
        confidence: dict[int, float] = {}
        reasons: dict[int, str] = {}
        for number, image in enumerate(images.read(samples)):
            try:
                if isinstance(image, str):
                    raise Unavailable(image)
                crops[number], sure = self._crop(image.to(self.device))
                if sure is not None:
                    confidence[number] = sure
            except Unavailable as reason:
                reasons[number] = str(reason).rstrip(".")
        values: dict[int, tuple[float, ...]] = {}
        for _, group in groupby(crops, lambda number: crops[number].shape):
            numbers = list(group)
            try:
                features = self.estimator.instance(torch.stack([crops[number] for number in numbers]))
            except Unavailable as reason:
                raise UsageError(
                    f"{self.estimator.name} cannot be used: {str(reason).rstrip('.')}."
                ) from reason
            for place, (number, row) in enumerate(zip(numbers, features.values.tolist(), strict=True)):
                if place in features.missing:
                    reasons[number] = features.missing[place]
                else:
                    values[number] = tuple(row)
        return [
            Label(
                sample.sample_id,
                images.content(sample)[:CONTENT_DIGITS],
                values.get(number),
                confidence.get(number),
                reasons.get(number),
            )
            for number, sample in enumerate(samples)
        ]

    def _crop(self, image: Tensor) -> tuple[Tensor, float | None]:
        """The image as the estimator expects it, and the confidence of the face detector.

        Raises:
            Unavailable: no face was found.
        """
        wanted: Template | None = self.estimator.info.template
        if wanted is None or wanted == self.template:
            return image, None
        if self.template is not None:
            return extract(
                image, between(self.template, image.shape[-1], wanted, wanted.size), wanted.size
            ), None
        assert self.detector is not None
        faces = self.detector.detect([image])[0]
        if not faces:
            raise Unavailable("no face was found")
        crop, _ = align(image, faces[0], wanted, wanted.size)
        return crop, faces[0].confidence
