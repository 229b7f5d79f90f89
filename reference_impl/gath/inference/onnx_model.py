"""Any generator in an ONNX file as a model of the benchmark, exported by this project or not."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.au import SPACES
from gath_bench.contracts import ModelInfo, file_hash
from gath_bench.errors import Unavailable, UsageError, did_you_mean

if TYPE_CHECKING:
    from torch import Tensor


class OnnxModel:
    """Runs a graph with two inputs, images (B, 3, R, R) and AU coefficients (B, K), and images as first output.

    Arguments that are part of the file's metadata can be left out; ``gath-bench export`` writes all of them.

    Args:
        path: the ONNX file.
        au_space: the space of its AU input.
        resolution: R; 0 for that of the graph, or any if the graph does not fix it.
        signed: its images are in [-1, 1] instead of [0, 1].

    Raises:
        UsageError: there is no such file, it is not such a graph, or its AU space is unknown.
    """

    def __init__(self, *, path: Path, au_space: str = "", resolution: int = 0, signed: bool = False) -> None:
        if not path.is_file():
            raise UsageError(
                f"there is no file {path}: give an ONNX file, such as one that `gath-bench export` wrote."
            )
        self.path, self.signed, self.device = path, signed, "cpu"
        self._session = self._open(("CPUExecutionProvider",))
        self._images, self._aus = self._inputs()
        about = self._metadata()
        self.au_space = au_space or about.get("au_space", "")
        if self.au_space not in SPACES:
            raise UsageError(
                f"the AU space of {path.name} is {self.au_space!r}: give it as onnx[path=...,au_space=openface17]; "
                + did_you_mean(self.au_space, SPACES)
            )
        width = self._aus.shape[1]
        if isinstance(width, int) and width != len(SPACES[self.au_space]):
            raise UsageError(
                f"{path.name} takes {width} AU coefficients, but {self.au_space} has {len(SPACES[self.au_space])}: "
                "give the right au_space."
            )
        side = self._images.shape[-1]
        self.resolution = (
            resolution or (side if isinstance(side, int) else int(about.get("resolution", 0))) or None
        )
        self.trained_against = tuple(about.get("trained_against", ()))

    @cached_property
    def info(self) -> ModelInfo:
        return ModelInfo(
            fingerprint=file_hash(self.path),
            au_space=self.au_space,
            resolution=self.resolution,
            trained_against=self.trained_against,
        )

    def to(self, device: str) -> OnnxModel:
        """Move the graph to a device.

        Raises:
            Unavailable: this onnxruntime does not support CUDA.
        """
        if device.startswith("cuda"):
            import onnxruntime

            if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
                raise Unavailable(
                    "this onnxruntime runs on the CPU only: pip install onnxruntime-gpu, or use --device cpu."
                )
            number = device.partition(":")[2] or "0"
            self._session = self._open(
                (("CUDAExecutionProvider", {"device_id": number}), "CPUExecutionProvider")
            )
        self.device = device
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: object) -> Tensor:
        """Generate images: float32 (B, 3, R, R) in [0, 1]."""
        import torch

        images = portraits * 2 - 1 if self.signed else portraits
        inputs = {self._images.name: images.cpu().numpy(), self._aus.name: target_aus.cpu().numpy()}
        generated = torch.from_numpy(self._session.run(None, inputs)[0]).to(portraits.device)
        return (generated + 1) / 2 if self.signed else generated

    def _open(self, providers: tuple[Any, ...]) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors are raised as exceptions
        try:
            return onnxruntime.InferenceSession(str(self.path), options, providers=list(providers))
        except Exception as error:
            first = str(error).splitlines()[0]
            raise UsageError(
                f"{self.path.name} is not an ONNX graph that onnxruntime can run: {first}."
            ) from error

    def _inputs(self) -> tuple[Any, Any]:
        """The inputs for images and for AUs, distinguished by their number of axes."""
        found = {len(entry.shape): entry for entry in self._session.get_inputs()}
        if set(found) != {2, 4} or len(self._session.get_inputs()) != 2:
            shapes = ", ".join(f"{entry.name} {entry.shape}" for entry in self._session.get_inputs())
            raise UsageError(
                f"{self.path.name} takes {shapes}, but a generator takes images (B, 3, R, R) and AUs (B, K) only."
            )
        return found[4], found[2]

    def _metadata(self) -> dict[str, Any]:
        text = self._session.get_modelmeta().custom_metadata_map.get("gath", "{}")
        about = json.loads(text)
        return about if isinstance(about, dict) else {}
