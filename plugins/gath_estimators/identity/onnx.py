"""Identity encoders in ONNX files, with declared size, colour order, normalisation and template.

The engine aligns images to the template (`gath_bench.faces`) before an encoder sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor

from gath_bench.contracts import (
    NO_WEIGHTS,
    EvaluatorInfo,
    Features,
    Template,
    WeightsSpec,
    file_hash,
    fingerprint,
)
from gath_bench.errors import Unavailable, UsageError, did_you_mean
from gath_bench.faces import TEMPLATES
from gath_bench.images import resize
from gath_bench.weights import find_weights, missing_weights
from gath_estimators.known_weights import ARCFACE, MOBILEFACENET, SFACE

Colours = Literal["rgb", "bgr"]
Normalisation = Literal["unit", "symmetric", "bytes", "imagenet"]

#: Normalisation -> offset and scale per colour (R, G, B) of pixels in [0, 1]: the input is (pixel - offset) / scale.
NORMALISATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = MappingProxyType(
    {
        "unit": ((0.0,) * 3, (1.0,) * 3),  # [0, 1]
        "symmetric": ((0.5,) * 3, (0.5,) * 3),  # [-1, 1]
        "bytes": ((0.0,) * 3, (1 / 255,) * 3),  # [0, 255]
        "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    }
)


@dataclass(frozen=True)
class InputFormat:
    """What a network expects.

    Attributes:
        size: side of the input in pixels.
        colours: order of the channels.
        normalisation: a name of ``NORMALISATIONS``.
        template: name of the template in ``gath_bench.faces.TEMPLATES`` that faces are aligned to.
    """

    size: int = 112
    colours: Colours = "rgb"
    normalisation: Normalisation = "symmetric"
    template: str = "arcface"

    def prepare(self, images: Tensor) -> Tensor:
        """Aligned faces (B, 3, H, W) in [0, 1] -> network input (B, 3, size, size).

        >>> pixel = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1)
        >>> InputFormat(1, "bgr", "symmetric").prepare(pixel).flatten().tolist()
        [1.0, 0.0, -1.0]
        """
        offset, scale = (torch.tensor(values).view(3, 1, 1) for values in NORMALISATIONS[self.normalisation])
        values = (resize(images.cpu().float(), self.size) - offset) / scale
        return values.flip(1) if self.colours == "bgr" else values

    def scaled_template(self) -> Template:
        """The template at the size of the input, so that no resolution is lost.

        Raises:
            UsageError: there is no template of that name.
        """
        if self.template not in TEMPLATES:
            raise UsageError(
                f"there is no template {self.template!r}: {did_you_mean(self.template, TEMPLATES)}"
            )
        template = TEMPLATES[self.template]
        return Template(template.name, self.size, template.at(self.size))


class OnnxEncoder:
    """An identity encoder in an ONNX file (implements the ``IdentityEncoder`` contract). It runs on the CPU.

    Faces go through the network one by one, so that an embedding does not depend on the batch.

    Args:
        path: the file; None while it is missing.
        format: its input format.
        missing: the sentence for missing weights.
    """

    def __init__(self, path: Path | None, format: InputFormat, missing: str) -> None:
        self._path, self._format, self._missing = path, format, missing
        self._template = format.scaled_template()
        self._session: Any = None

    @cached_property
    def info(self) -> EvaluatorInfo:
        """Domain, template and fingerprint, which covers the file, its external data and the input format."""
        known = NO_WEIGHTS
        if self._path is not None:
            data = self._path.with_name(self._path.name + ".data")
            hashes = [file_hash(path) for path in (self._path, data) if path.is_file()]
            known = fingerprint(*hashes, repr(self._format))
        return EvaluatorInfo(known, frozenset({"photo"}), template=self._template)

    def to(self, device: str) -> OnnxEncoder:
        """The encoder itself; it always runs on the CPU."""
        return self

    def __call__(self, images: Tensor) -> Features:
        """Embeddings of aligned faces (B, 3, H, W) in [0, 1]: float32 (B, D), on the images' device.

        Raises:
            Unavailable: the file is missing, or is not a network from one image to one embedding.
        """
        if self._session is None:
            self._session = self._load()
        name = self._session.get_inputs()[0].name
        prepared = self._format.prepare(images)
        try:
            rows = [self._session.run(None, {name: face[None].numpy()})[0] for face in prepared]
        except Exception as error:  # onnxruntime raises its own types
            raise Unavailable(f"{self._file} does not take this input: {error}") from error
        embeddings = torch.stack([torch.from_numpy(row).float().flatten() for row in rows])
        return Features(embeddings.to(images.device))

    @property
    def _file(self) -> str:
        return self._path.name if self._path else ""

    def _load(self) -> Any:
        if self._path is None:
            raise Unavailable(self._missing)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors
        try:
            return onnxruntime.InferenceSession(str(self._path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises its own types
            raise Unavailable(f"{self._file} cannot be loaded by onnxruntime: {error}") from error


class CustomEncoder(OnnxEncoder):
    """The identity encoder ``onnx``: any ONNX file with its input format."""

    def __init__(
        self,
        *,
        weights: Path,
        size: int = 112,
        colours: Colours = "rgb",
        normalisation: Normalisation = "symmetric",
        template: str = "arcface",
    ) -> None:
        """Args:
        weights: path of the ONNX file.
        size: side of the input in pixels.
        colours: order of the channels.
        normalisation: ``unit`` for [0, 1], ``symmetric`` for [-1, 1], ``bytes`` for [0, 255], ``imagenet`` for
            ImageNet's mean and standard deviation.
        template: the template that faces are aligned to.
        """
        if not weights.is_file():
            raise UsageError(f"there is no weights file {weights}: give the path of an ONNX file.")
        super().__init__(weights, InputFormat(size, colours, normalisation, template), "")


class PresetEncoder(OnnxEncoder):
    """An ONNX encoder whose input format is known.

    Args:
        weights: path of the ONNX file; by default the search order of `gath_bench.weights`.
    """

    known: WeightsSpec
    format: InputFormat

    def __init__(self, *, weights: Path | None = None) -> None:
        missing = f"the identity encoder {missing_weights(self.known)}"
        super().__init__(find_weights(self.known, weights), self.format, missing)


class ArcFace(PresetEncoder):
    """The identity encoder ``arcface``: an ONNX file of InsightFace, such as ``w600k_r50.onnx`` of buffalo_l."""

    known = ARCFACE
    format = InputFormat(112, "rgb", "symmetric")


class SFace(PresetEncoder):
    """The identity encoder ``sface``: OpenCV Zoo's ``face_recognition_sface_2021dec.onnx``.

    Input as in OpenCV's ``FaceRecognizerSF::feature``: RGB in [0, 255].
    """

    known = SFACE
    format = InputFormat(112, "rgb", "bytes")


class MobileFaceNet(PresetEncoder):
    """The identity encoder ``mobilefacenet``: foamliu's MobileFaceNet as ONNX, with its external data beside it."""

    known = MOBILEFACENET
    format = InputFormat(112, "rgb", "imagenet")
