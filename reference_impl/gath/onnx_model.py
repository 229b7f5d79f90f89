"""Any generator in an ONNX file as a model of the suite: this project's exports, and anybody else's."""

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

    What the file's metadata says (an export of ``gath-bench export`` says it all) need not be given.

    Args:
        path: the ONNX file.
        au_space: the space of its AU input.
        resolution: R; 0 for what the graph says, or any if the graph says nothing.
        signed: its images lie in [-1, 1] rather than [0, 1].

    Raises:
        UsageError: no such file, it is no such graph, or its AU space is not known.
    """

    def __init__(self, *, path: Path, au_space: str = "", resolution: int = 0, signed: bool = False) -> None:
        if not path.is_file():
            raise UsageError(f"there is no file {path}: give an ONNX file; `gath-bench export` writes one.")
        self.path, self.signed, self.device = path, signed, "cpu"
        self._session = self._open(("CPUExecutionProvider",))
        self._images, self._aus = self._inputs()
        about = self._about()
        self.au_space = au_space or about.get("au_space", "")
        if self.au_space not in SPACES:
            raise UsageError(
                f"the AU space of {path.name} is {self.au_space!r}, so name it as onnx[path=...,au_space=openface17]; "
                + did_you_mean(self.au_space, SPACES)
            )
        width = self._aus.shape[1]
        if isinstance(width, int) and width != len(SPACES[self.au_space]):
            raise UsageError(
                f"{path.name} takes {width} AU coefficients, but {self.au_space} has {len(SPACES[self.au_space])}: "
                "name the right au_space."
            )
        side = self._images.shape[-1]
        self.resolution = (
            resolution or (side if isinstance(side, int) else int(about.get("resolution", 0))) or None
        )
        self.trained_against = tuple(about.get("trained_against", ()))

    @cached_property
    def info(self) -> ModelInfo:
        return ModelInfo(
            fingerprint=file_hash(self.path), au_space=self.au_space, resolution=self.resolution,
            trained_against=self.trained_against,
        )  # fmt: skip

    def to(self, device: str) -> OnnxModel:
        """The graph on a device.

        Raises:
            Unavailable: this onnxruntime has no CUDA.
        """
        if device.startswith("cuda"):
            import onnxruntime

            if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
                raise Unavailable(
                    "this onnxruntime runs on the CPU only: pip install onnxruntime-gpu, or --device cpu."
                )
            number = device.partition(":")[2] or "0"
            self._session = self._open(
                (("CUDAExecutionProvider", {"device_id": number}), "CPUExecutionProvider")
            )
        self.device = device
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: object) -> Tensor:
        """The graph's images, float32 (B, 3, R, R) in [0, 1]."""
        import torch

        images = portraits * 2 - 1 if self.signed else portraits
        given = {self._images.name: images.cpu().numpy(), self._aus.name: target_aus.cpu().numpy()}
        painted = torch.from_numpy(self._session.run(None, given)[0]).to(portraits.device)
        return (painted + 1) / 2 if self.signed else painted

    def _open(self, providers: tuple[Any, ...]) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # what is wrong comes as an exception
        try:
            return onnxruntime.InferenceSession(str(self.path), options, providers=list(providers))
        except Exception as error:
            first = str(error).splitlines()[0]
            raise UsageError(
                f"{self.path.name} is no ONNX graph that onnxruntime can run: {first}."
            ) from error

    def _inputs(self) -> tuple[Any, Any]:
        """The inputs for images and for AUs, told apart by their number of axes."""
        found = {len(entry.shape): entry for entry in self._session.get_inputs()}
        if set(found) != {2, 4} or len(self._session.get_inputs()) != 2:
            shapes = ", ".join(f"{entry.name} {entry.shape}" for entry in self._session.get_inputs())
            raise UsageError(
                f"{self.path.name} takes {shapes}: a generator takes images (B, 3, R, R) and AUs (B, K), nothing else."
            )
        return found[4], found[2]

    def _about(self) -> dict[str, Any]:
        said = self._session.get_modelmeta().custom_metadata_map.get("gath", "{}")
        about = json.loads(said)
        return about if isinstance(about, dict) else {}
