"""The face detector ``synthfaces``: an image pyramid of proposals, then landmarks on aligned crops."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gath_bench.contracts import NO_WEIGHTS, Face, FaceDetectorInfo, file_hash, fingerprint
from gath_bench.errors import Unavailable
from gath_bench.faces import MIRROR, face_from_landmarks
from gath_estimators.detectors.frames import CROP_SCALE, Frames, crop_faces, fit_frames, shrink
from gath_estimators.detectors.networks import (
    CROP,
    SIZE_UNIT,
    STRIDE,
    LandmarkNetwork,
    ProposalNetwork,
)

WEIGHTS = Path(__file__).parent / "weights"
FILE, INDEX = "face-detector.safetensors", "weights.json"
DOMAINS = frozenset({"synthetic", "photo"})


@dataclass(frozen=True)
class Search:
    """How images are searched.

    Attributes:
        longest: larger images are reduced to this length of the longer side, in pixels.
        shortest: smaller images are enlarged to this length of the longer side.
        coarsest: the pyramid ends when the longer side falls below this.
        proposal: least probability of a proposal.
        proposals: the most proposals per image that go to the landmark network.
        confidence: least confidence of a face.
        rotations: angles in degrees by which an image without a face is turned and searched again.
        rotated_confidence: least confidence of a face that is found in a turned image.
    """

    longest: int = 640
    shortest: int = 96
    coarsest: int = 28
    proposal: float = 0.15
    proposals: int = 16
    confidence: float = 0.7
    rotations: tuple[float, ...] = (45.0, -45.0, 90.0, -90.0, 180.0)
    rotated_confidence: float = 0.97


class Detector(nn.Module):
    """Both networks; the state that is stored."""

    def __init__(self) -> None:
        super().__init__()
        self.proposals, self.landmarks = ProposalNetwork(), LandmarkNetwork()


@dataclass(frozen=True)
class Found:
    """N candidates: landmarks (N, 68, 2) in pixels, and the probabilities of their proposals (N,)."""

    landmarks: Tensor
    probability: Tensor


class SynthFacesDetector:
    """The bundled face detector (implements the ``FaceDetector`` contract).

    It was trained on procedural faces alone; ``weights/card.md`` and ``docs/faces.md`` say how well it does on photos.

    Args:
        threshold: least confidence of a face, in [0, 1].
        rotations: search again in turned images where no face was found.
        folder: where weights and index lie; the package's own by default.
    """

    def __init__(
        self, *, threshold: float = Search.confidence, rotations: bool = True, folder: Path | None = None
    ) -> None:
        self._search = replace(
            Search(),
            confidence=threshold,
            rotated_confidence=max(threshold, Search.rotated_confidence),
            rotations=Search.rotations if rotations else (),
        )
        self._folder = folder or WEIGHTS
        self._device = "cpu"
        self._network: Detector | None = None

    @cached_property
    def info(self) -> FaceDetectorInfo:
        """Read from the index, without loading the weights."""
        entry = self._entry()
        if entry is None:
            return FaceDetectorInfo(NO_WEIGHTS, DOMAINS)
        return FaceDetectorInfo(fingerprint(entry, repr(self._search), str(CROP_SCALE)), DOMAINS)

    def to(self, device: str) -> SynthFacesDetector:
        """The detector itself, computing on a device from now on."""
        self._device = device
        if self._network is not None:
            self._network = self._network.to(device)
        return self

    @torch.no_grad()
    def detect(self, images: Sequence[Tensor]) -> list[list[Face]]:
        """Faces of each image, the largest first.

        Args:
            images: float32 (3, H, W) each, in [0, 1].

        Raises:
            Unavailable: the weights are missing or damaged.
        """
        if self._network is None:
            self._network = self.load().to(self._device)
        return [find_faces(self._network, image.to(self._device), self._search) for image in images]

    def _entry(self) -> str | None:
        """The weights' SHA-256 according to the index."""
        path = self._folder / INDEX
        if not path.is_file() or not (self._folder / FILE).is_file():
            return None
        entry: str | None = json.loads(path.read_text(encoding="utf-8")).get(FILE, {}).get("sha256")
        return entry

    def load(self) -> Detector:
        """Both networks, float32 and frozen.

        Raises:
            Unavailable: the weights are missing or damaged.
        """
        from safetensors.torch import load_file

        entry, path = self._entry(), self._folder / FILE
        if entry is None:
            raise Unavailable(
                f"the weights {FILE} are missing: reinstall gath-bench, or make them with "
                "`gath-bench train-face-detector -o DIR` and name the detector synthfaces[folder=DIR]"
            )
        if file_hash(path) != entry:
            raise Unavailable(
                f"the bundled weights {FILE} are damaged (SHA-256 mismatch with {INDEX}): reinstall gath-bench"
            )
        with torch.device("meta"):  # initial weights would draw from the global random generator
            network = Detector()
        weights = {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
        network.load_state_dict(weights, assign=True)
        return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def write_weights(folder: Path, network: Detector) -> None:
    """The weights as float16, and their index."""
    from safetensors.torch import save_file

    from gath_bench.files import write_json

    folder.mkdir(parents=True, exist_ok=True)
    state = network.state_dict()
    save_file(
        {k: v.half().contiguous() if v.is_floating_point() else v for k, v in state.items()}, folder / FILE
    )
    write_json(folder / INDEX, {FILE: {"sha256": file_hash(folder / FILE)}})


def find_faces(network: Detector, image: Tensor, search: Search) -> list[Face]:
    """The faces of one image, the largest first.

    Args:
        network: on the image's device.
        image: float32 (3, H, W) in [0, 1].
        search: how to search.
    """
    base = _to_search_size(image, search)
    factor = torch.tensor(
        [image.shape[-1] / base.shape[-1], image.shape[-2] / base.shape[-2]], device=image.device
    )
    for degrees in (0.0, *search.rotations):
        turned, back = _rotate(base, math.radians(degrees)) if degrees else (base, lambda points: points)
        found = _candidates(network, turned, search)
        if not len(found.probability):
            continue
        points = (back(found.landmarks) + 0.5) * factor - 0.5
        least = search.rotated_confidence if degrees else search.confidence
        faces = _confirm(network, image, points, found.probability, least)
        if faces:
            return sorted(faces, key=lambda face: -face.area)
    return []


def _confirm(
    network: Detector, image: Tensor, points: Tensor, probability: Tensor, least: float
) -> list[Face]:
    """The last pass: landmarks from the image itself, which may be much larger than the searched one."""
    shape = network.landmarks.shape
    frames = fit_frames(points, shape)
    final, logits, spread = _refine(network, image, frames)
    moved = (final - points).norm(dim=-1).mean(1) / frames.size
    sure = confidence(probability, logits, spread + moved)
    kept = (sure >= least).nonzero().flatten()
    kept = kept[_suppress(fit_frames(final[kept], shape), sure[kept], 0.6)]
    return [face_from_landmarks(final[i], float(sure[i])) for i in kept.tolist()]


def confidence(probability: Tensor, logits: Tensor, disagreement: Tensor) -> Tensor:
    """A face's confidence, (N,) in [0, 1].

    The landmarks of a face agree between passes and with those of the mirrored crop; those of anything else do not.

    Args:
        probability: of the proposal.
        logits: of the landmark network.
        disagreement: mean distance of landmarks between passes and between mirror images, over the face size.
    """
    proposed = torch.logit(probability.clamp(1e-4, 1 - 1e-4))
    return torch.sigmoid(proposed + 0.5 * logits.clamp(-6, 6) + 4 - 70 * disagreement)


def _to_search_size(image: Tensor, search: Search) -> Tensor:
    longest = max(image.shape[-2:])
    if longest > search.longest:
        return shrink(image, longest / search.longest)
    if longest < search.shortest:
        factor = search.shortest / longest
        size = [max(1, round(side * factor)) for side in image.shape[-2:]]
        return F.interpolate(image[None], size=size, mode="bilinear", align_corners=False)[0]
    return image


def _candidates(network: Detector, image: Tensor, search: Search) -> Found:
    """Proposals whose landmarks were read twice, the second time from the aligned crop."""
    frames, scores = _propose(network.proposals, image, search)
    if not len(scores):
        return Found(image.new_zeros(0, 68, 2), scores)
    shape = network.landmarks.shape
    points = _read(network, image, frames)[0]
    points = _read(network, image, fit_frames(points, shape))[0]
    return Found(points, scores)


def _propose(network: ProposalNetwork, image: Tensor, search: Search) -> tuple[Frames, Tensor]:
    """Frames of possible faces in pixels of the image, the most probable first, and their probabilities."""
    rows, scores = [], []
    level = image
    while True:
        height, width = level.shape[-2:]
        pad = [(-side) % STRIDE for side in (width, height)]
        padded = F.pad(level[None], (0, pad[0], 0, pad[1]), mode="replicate")
        answer = network(padded.contiguous(memory_format=torch.channels_last))[0].float()
        probability = answer[0].sigmoid()
        peak = F.max_pool2d(probability[None], 3, 1, 1)[0]
        ys, xs = ((probability >= search.proposal) & (probability == peak)).nonzero().unbind(1)
        cell = answer[1:, ys, xs]
        size = SIZE_UNIT * 2 ** cell[2].clamp(-1.5, 1.5)
        norm = (cell[3] ** 2 + cell[4] ** 2).sqrt().clamp(min=1e-3)
        x = (xs + cell[0]) * STRIDE + (STRIDE - 1) / 2
        y = (ys + cell[1]) * STRIDE + (STRIDE - 1) / 2
        across, down = image.shape[-1] / width, image.shape[-2] / height
        rows.append(
            torch.stack(
                [
                    (x + 0.5) * across - 0.5,
                    (y + 0.5) * down - 0.5,
                    size * across,
                    cell[3] / norm,
                    cell[4] / norm,
                ]
            )
        )
        scores.append(probability[ys, xs])
        if max(height, width) / 2 < search.coarsest:
            break
        level = shrink(level, 2)
    table, sure = torch.cat(rows, 1), torch.cat(scores)
    order = sure.argsort(descending=True)[: 8 * search.proposals]
    table, sure = table[:, order], sure[order]
    frames = Frames(table[:2].T, table[2], table[3], table[4])
    kept = _suppress(frames, sure, 0.45)[: search.proposals]
    return frames[kept], sure[kept]


def _read(network: Detector, image: Tensor, frames: Frames) -> tuple[Tensor, Tensor]:
    """Landmarks (N, 68, 2) in pixels of the image, and logits (N,), of faces near the frames."""
    crops = crop_faces(image, frames, CROP)
    points, logits = network.landmarks(crops.contiguous(memory_format=torch.channels_last))
    return frames.to_image(points.float() * (CROP_SCALE / 2)), logits.float()


def _refine(network: Detector, image: Tensor, frames: Frames) -> tuple[Tensor, Tensor, Tensor]:
    """As `_read`, the mean over each crop and its mirror image; and their mean distance over the face size (N,)."""
    crops = crop_faces(image, frames, CROP)
    both = torch.cat([crops, crops.flip(-1)]).contiguous(memory_format=torch.channels_last)
    points, logits = (answer.float() for answer in network.landmarks(both))
    count = len(crops)
    other = points[count:, list(MIRROR)] * points.new_tensor([-1.0, 1.0])
    spread = (points[:count] - other).norm(dim=-1).mean(1) * (CROP_SCALE / 2)
    mean = (points[:count] + other) / 2
    return frames.to_image(mean * (CROP_SCALE / 2)), (logits[:count] + logits[count:]) / 2, spread


def _suppress(frames: Frames, scores: Tensor, overlap: float) -> Tensor:
    """Indices of the frames that are kept, best first: no two are closer than a share of the larger one's size."""
    distance = (frames.centre[:, None] - frames.centre[None]).norm(dim=-1)
    near = (distance < overlap * torch.maximum(frames.size[:, None], frames.size[None])).tolist()
    kept: list[int] = []
    for i in scores.argsort(descending=True).tolist():
        if not any(near[i][j] for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.long, device=scores.device)


def _rotate(image: Tensor, angle: float) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The whole image turned about its middle, and the map of points back."""
    height, width = image.shape[-2:]
    c, s = math.cos(angle), math.sin(angle)
    new_width = math.ceil(abs(width * c) + abs(height * s) - 1e-6)
    new_height = math.ceil(abs(width * s) + abs(height * c) - 1e-6)
    x = torch.arange(new_width, device=image.device) - (new_width - 1) / 2
    y = torch.arange(new_height, device=image.device) - (new_height - 1) / 2
    u = c * x[None, :] - s * y[:, None] + (width - 1) / 2
    v = s * x[None, :] + c * y[:, None] + (height - 1) / 2
    grid = torch.stack([(2 * u + 1) / width - 1, (2 * v + 1) / height - 1], -1)
    turned = F.grid_sample(image[None], grid[None], padding_mode="border", align_corners=False)[0]

    def back(points: Tensor) -> Tensor:
        px, py = points[..., 0] - (new_width - 1) / 2, points[..., 1] - (new_height - 1) / 2
        return torch.stack([c * px - s * py + (width - 1) / 2, s * px + c * py + (height - 1) / 2], -1)

    return turned, back
