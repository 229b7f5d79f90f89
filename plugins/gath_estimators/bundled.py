"""The bundled evaluators: weights of the package, checked, behind the contracts of the three roles."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from gath_bench.contracts import NO_WEIGHTS, EvaluatorInfo, Features, file_hash, fingerprint
from gath_bench.errors import Unavailable
from gath_estimators.data import LEFT, SCALE, SIDE, TOP, look_at
from gath_estimators.networks import TRUNK_WIDTH, AUEnsemble, Plain

WEIGHTS = Path(__file__).parent / "weights"
#: What stands beside the weights: hash and facts of each file.
INDEX = "weights.json"
#: The embedded data set's domain, in which alone these networks know anything.
DOMAINS = frozenset({"synthetic"})


class Entry(TypedDict):
    """What the index says of a weights file."""

    sha256: str
    outputs: int
    au_space: str | None
    calibration: dict[str, float]


class Bundled:
    """One evaluator. It looks at the middle of the picture, at 128 pixels a side (`look_at`).

    Args:
        folder: where weights and index lie; the package's own by default.
    """

    file: str

    def __init__(self, *, folder: Path | None = None) -> None:
        self._folder = folder or WEIGHTS
        self._device = "cpu"
        self._network: nn.Module | None = None

    def build(self, outputs: int) -> nn.Module:
        """The network, untrained."""
        raise NotImplementedError

    def look(self, network: Any, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What the network says of (B, 3, SIDE, SIDE) images."""
        raise NotImplementedError

    @cached_property
    def info(self) -> EvaluatorInfo:
        """From the index, so that asking costs no loading."""
        entry = self._entry()
        if entry is None:
            return EvaluatorInfo(NO_WEIGHTS, DOMAINS)
        # All that its values follow from: weights, calibration, and where it looks.
        looks = (SCALE, SIDE, TOP, LEFT)
        known = fingerprint(entry["sha256"], json.dumps([entry["calibration"], looks], sort_keys=True))
        return EvaluatorInfo(known, DOMAINS, entry["au_space"], entry["calibration"])

    def to(self, device: str) -> Bundled:
        """Itself, computing on a device from now on."""
        self._device = device
        if self._network is not None:
            self._network = self._network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        """Features of images in [0, 1].

        Raises:
            Unavailable: the weights are missing or not those of the index, with what to do.
        """
        return self.judge(look_at(images.to(self._device)))

    @torch.no_grad()
    def judge(self, views: Tensor) -> Features:
        """Features of what `look_at` leaves of images."""
        if self._network is None:
            self._network = self.load().to(self._device)
        return Features(self.look(self._network, views.to(self._device)))

    def _entry(self) -> Entry | None:
        path = self._folder / INDEX
        if not path.is_file() or not (self._folder / self.file).is_file():
            return None
        entry: Entry | None = json.loads(path.read_text(encoding="utf-8")).get(self.file)
        return entry

    def load(self) -> nn.Module:
        """The network, float32 and frozen.

        Raises:
            Unavailable: the weights are missing or not those of the index, with what to do.
        """
        from safetensors.torch import load_file

        entry, path = self._entry(), self._folder / self.file
        if entry is None:
            raise Unavailable(
                f"the weights {self.file} are missing: reinstall gath-bench, or make them with "
                "`gath-bench train-evaluators -o DIR` and name the component synthfaces[folder=DIR]"
            )
        if file_hash(path) != entry["sha256"]:
            raise Unavailable(
                f"the bundled weights {self.file} are damaged (their SHA-256 is not the one in {INDEX}): "
                "reinstall gath-bench"
            )
        network = self.build(entry["outputs"])
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        return network.eval().requires_grad_(False)


class SynthFacesAUs(Bundled):
    """The AU estimator ``synthfaces``."""

    file = "au-estimator.safetensors"

    def build(self, outputs: int) -> nn.Module:
        return AUEnsemble(outputs)

    def look(self, network: Any, images: Tensor) -> Tensor:
        answer: Tensor = network(images)
        return answer


class SynthFacesIdentity(Bundled):
    """The identity encoder ``synthfaces``."""

    file = "identity-encoder.safetensors"

    def build(self, outputs: int) -> nn.Module:
        return Plain(outputs)

    def look(self, network: Any, images: Tensor) -> Tensor:
        answer: Tensor = network(images)
        return answer


class SynthFacesTrunk(Bundled):
    """The perceptual trunk ``synthfaces``."""

    file = "perceptual-trunk.safetensors"

    def build(self, outputs: int) -> nn.Module:
        return Plain(outputs, TRUNK_WIDTH)

    def look(self, network: Any, images: Tensor) -> tuple[Tensor, ...]:
        maps: tuple[Tensor, ...] = network.maps(images)
        return maps


def write_weights(
    folder: Path, file: str, network: nn.Module, outputs: int, *, au_space: str | None = None,
    calibration: dict[str, float] | None = None,
) -> None:  # fmt: skip
    """One network's weights as float16, and its entry in the index."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = network.state_dict()
    save_file(
        {k: v.half().contiguous() if v.is_floating_point() else v for k, v in state.items()}, folder / file
    )
    entry = Entry(
        sha256=file_hash(folder / file), outputs=outputs, au_space=au_space, calibration=calibration or {}
    )
    path = folder / INDEX
    index = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    index[file] = entry
    path.write_text(json.dumps(dict(sorted(index.items())), indent=2) + "\n", encoding="utf-8")
