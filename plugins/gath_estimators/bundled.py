"""The bundled evaluators: AU estimator, identity encoder and perceptual trunk with weights of this package."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from gath_bench.contracts import (
    NO_WEIGHTS,
    EvaluatorInfo,
    Features,
    Template,
    Validation,
    file_hash,
    fingerprint,
)
from gath_bench.errors import Unavailable
from gath_bench.faces import SYNTHFACES
from gath_bench.files import atomic_write, write_json
from gath_estimators.data import LEFT, SCALE, SIDE, TOP, crop_face
from gath_estimators.networks import TRUNK_WIDTH, AUEnsemble, ConvEncoder

WEIGHTS = Path(__file__).parent / "weights"
#: The index beside the weights: hash and metadata of each file.
INDEX = "weights.json"
#: How the networks were validated outside the domain of their training, beside the weights.
VALIDATION = "validation.json"
#: The domain that the networks were trained in.
DOMAINS = frozenset({"synthetic"})


class Entry(TypedDict):
    """The entry of a weights file in the index."""

    sha256: str
    outputs: int
    au_space: str | None
    calibration: dict[str, float]


class ValidationEntry(TypedDict):
    """How the network of a weights file was validated in one domain.

    Attributes:
        sha256: of the weights that were measured; the entry does not count for others.
        statement: as `Validation.statement`.
        aus: the AUs that are valid in the domain and the figure of each; None if the network is not valid there.
    """

    sha256: str
    statement: str
    aus: dict[str, float] | None


class BundledEvaluator:
    """Base class of the bundled evaluators. Images of any size are resized and cropped by `crop_face`.

    Args:
        folder: the folder with weights and index; the package's own by default.
    """

    file: str
    #: Perceptual trunks compare two images as they are: separate alignments would make them differ.
    template: Template | None = None

    def __init__(self, *, folder: Path | None = None) -> None:
        self._folder = folder or WEIGHTS
        self._device = "cpu"
        self._network: nn.Module | None = None

    def build(self, outputs: int) -> nn.Module:
        """The untrained network."""
        raise NotImplementedError

    def run(self, network: Any, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The network's features of (B, 3, SIDE, SIDE) images: by default its output."""
        values: Tensor = network(images)
        return values

    @cached_property
    def info(self) -> EvaluatorInfo:
        """Domains, AU space, calibration and fingerprint, read from the index without loading the weights."""
        entry = self._entry()
        if entry is None:
            return EvaluatorInfo(NO_WEIGHTS, DOMAINS)
        # Everything that the values depend on: weights, calibration, crop and the AUs that are valid.
        settings = json.dumps([entry["calibration"], (SCALE, SIDE, TOP, LEFT)], sort_keys=True)
        validation = self._validation(entry["sha256"])
        valid = {domain: sorted(found.aus) for domain, found in validation.items() if found.aus}
        return EvaluatorInfo(
            fingerprint(entry["sha256"], settings, *([json.dumps(valid, sort_keys=True)] if valid else [])),
            DOMAINS | set(valid),
            entry["au_space"],
            entry["calibration"],
            self.template,
            validation,
        )

    def to(self, device: str) -> BundledEvaluator:
        """Move the network to a device; returns the evaluator itself."""
        self._device = device
        if self._network is not None:
            self._network = self._network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        """Features of images (B, 3, H, W) in [0, 1].

        Raises:
            Unavailable: the weights are missing or do not match the index.
        """
        return self.evaluate_crops(crop_face(images.to(self._device)))

    @torch.no_grad()
    def evaluate_crops(self, crops: Tensor) -> Features:
        """Features of (B, 3, SIDE, SIDE) crops, the output of `crop_face`."""
        if self._network is None:
            self._network = self.load().to(self._device)
        return Features(self.run(self._network, crops.to(self._device)))

    def _entry(self) -> Entry | None:
        path = self._folder / INDEX
        if not path.is_file() or not (self._folder / self.file).is_file():
            return None
        entry: Entry | None = json.loads(path.read_text(encoding="utf-8")).get(self.file)
        return entry

    def _validation(self, sha256: str) -> dict[str, Validation]:
        """Domain -> how these weights were validated there."""
        path = self._folder / VALIDATION
        if not path.is_file():
            return {}
        entries: dict[str, ValidationEntry]
        entries = json.loads(path.read_text(encoding="utf-8")).get(self.file, {})
        return {
            domain: Validation(entry["statement"], entry["aus"])
            for domain, entry in entries.items()
            if entry["sha256"] == sha256
        }

    def load(self) -> nn.Module:
        """The network, float32 and frozen.

        Raises:
            Unavailable: the weights are missing or do not match the index.
        """
        from safetensors.torch import load_file

        entry, path = self._entry(), self._folder / self.file
        if entry is None:
            raise Unavailable(
                f"the weights {self.file} are missing: reinstall gath-bench, or train them with "
                "`gath-bench train-evaluators -o DIR` and name the component synthfaces[folder=DIR]"
            )
        if file_hash(path) != entry["sha256"]:
            raise Unavailable(
                f"the bundled weights {self.file} are damaged (SHA-256 mismatch with {INDEX}): "
                "reinstall gath-bench"
            )
        network = self.build(entry["outputs"])
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        return network.eval().requires_grad_(False)


class SynthFacesAUs(BundledEvaluator):
    """The AU estimator ``synthfaces``."""

    file = "au-estimator.safetensors"
    template = SYNTHFACES

    def build(self, outputs: int) -> nn.Module:
        return AUEnsemble(outputs)


class SynthFacesIdentity(BundledEvaluator):
    """The identity encoder ``synthfaces``."""

    file = "identity-encoder.safetensors"
    template = SYNTHFACES

    def build(self, outputs: int) -> nn.Module:
        return ConvEncoder(outputs)


class SynthFacesTrunk(BundledEvaluator):
    """The perceptual trunk ``synthfaces``."""

    file = "perceptual-trunk.safetensors"

    def build(self, outputs: int) -> nn.Module:
        return ConvEncoder(outputs, TRUNK_WIDTH)

    def run(self, network: Any, images: Tensor) -> tuple[Tensor, ...]:
        maps: tuple[Tensor, ...] = network.maps(images)
        return maps


def write_weights(
    folder: Path,
    file: str,
    network: nn.Module,
    outputs: int,
    *,
    au_space: str | None = None,
    calibration: dict[str, float] | None = None,
) -> None:
    """Write a network's weights as float16 and add its entry to the index. The folder is created."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    state = network.state_dict()
    half = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in state.items()}
    with atomic_write(folder / file) as target:
        target.write(save(half))
    entry = Entry(
        sha256=file_hash(folder / file), outputs=outputs, au_space=au_space, calibration=calibration or {}
    )
    path = folder / INDEX
    index = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    index[file] = entry
    write_json(path, dict(sorted(index.items())))


def write_validation(
    folder: Path, file: str, domain: str, statement: str, aus: dict[str, float] | None
) -> None:
    """Record how the weights of a file were validated in a domain; see `ValidationEntry`."""
    path = folder / VALIDATION
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    entry = ValidationEntry(sha256=file_hash(folder / file), statement=statement, aus=aus)
    content[file] = {**content.get(file, {}), domain: entry}
    write_json(path, dict(sorted(content.items())))
