"""The identity encoder ``dlib``: dlib's face recognition network, from the package ``face-recognition-models``."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gath_bench.contracts import NO_WEIGHTS, EvaluatorInfo, Features, Template, file_hash, fingerprint
from gath_bench.errors import Unavailable
from gath_bench.images import resize
from gath_estimators.dlib_models import model_file

FILE = "dlib_face_recognition_resnet_model_v1.dat"
SIZE = 150
#: Where dlib's ``get_face_chip`` puts eyes and nose at 150 pixels with a padding of 0.25.
TEMPLATE = Template(
    "dlib", SIZE, {"left_eye": (47.7, 47.1), "right_eye": (100.2, 47.1), "nose_base": (73.9, 87.7)}
)
#: dlib compares descriptors by their Euclidean distance, with a threshold of 0.6 for one person (dlib's
#: ``face_recognition.py``). Twice the threshold has the similarity 0.
L2_SCALE = 1.2


class DlibEncoder:
    """128 numbers per face, compared by Euclidean distance (implements the ``IdentityEncoder`` contract); on the CPU.

    The similarity of two faces is ``1 - L2 / 1.2``: 1 for equal descriptors, 0.5 at dlib's threshold. Their cosine says
    little, since descriptors of all people point in similar directions.
    """

    def __init__(self) -> None:
        self._network: Any = None

    @property
    def path(self) -> Path | None:
        """The weights file, or None if its package is not installed."""
        return model_file(FILE)

    @cached_property
    def info(self) -> EvaluatorInfo:
        """Domain, template, distance convention and fingerprint of the weights."""
        path = self.path
        known = fingerprint(file_hash(path), f"{TEMPLATE},{L2_SCALE}") if path else NO_WEIGHTS
        return EvaluatorInfo(
            known, frozenset({"photo"}), calibration={"l2_scale": L2_SCALE}, template=TEMPLATE
        )

    def to(self, device: str) -> DlibEncoder:
        """The encoder itself; it always runs on the CPU."""
        return self

    def __call__(self, images: Tensor) -> Features:
        """Descriptors of aligned faces (B, 3, H, W) in [0, 1]: float32 (B, 128), on the images' device.

        Raises:
            Unavailable: the package with the weights is missing.
        """
        if self._network is None:
            self._network = self._load()
        faces = (resize(images.detach().cpu().float(), SIZE).clamp(0, 1) * 255).round().byte()
        rows = [
            list(self._network.compute_face_descriptor(face.permute(1, 2, 0).contiguous().numpy()))
            for face in faces
        ]
        return Features(torch.tensor(rows, dtype=torch.float32).to(images.device))

    def _load(self) -> Any:
        import dlib

        if self.path is None:
            raise Unavailable(
                f"the identity encoder 'dlib' needs {FILE} of the package face-recognition-models: "
                "pip install 'gath-bench[photo]'"
            )
        return dlib.face_recognition_model_v1(str(self.path))
