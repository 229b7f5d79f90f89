"""Independent networks for validation: MediaPipe Face Landmarker and MobileFaceNet.

Neither is part of the project; their weights are in the folder that ``GATH_BENCH_WEIGHTS`` names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

WEIGHTS = "GATH_BENCH_WEIGHTS"
FILES = ("face_landmarker.task", "MobileFaceNet.onnx")
#: The 112 x 112 template of ArcFace: eye centres, nose tip, mouth corners.
TEMPLATE = ((38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20))


def missing() -> str | None:
    """Why the networks cannot be used here; None if they can."""
    folder = os.environ.get(WEIGHTS)
    if not folder:
        return f"{WEIGHTS} does not name a folder with {' and '.join(FILES)}"
    absent = [name for name in FILES if not (Path(folder) / name).exists()]
    if absent:
        return f"{folder} lacks {', '.join(absent)}"
    for package in ("mediapipe", "onnxruntime"):
        try:
            __import__(package)
        except ImportError:
            return f"{package} is not installed"
    return None


@dataclass(frozen=True)
class Found:
    """Output of the landmarker: 478 points in pixels (P, 2) and 52 blendshape scores by name."""

    points: np.ndarray
    scores: dict[str, float]


class Landmarker:
    """MediaPipe Face Landmarker on single images."""

    def __init__(self) -> None:
        from mediapipe.tasks.python import BaseOptions, vision

        path = str(Path(os.environ[WEIGHTS]) / FILES[0])
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=path), output_face_blendshapes=True, num_faces=1
        )
        self._task = vision.FaceLandmarker.create_from_options(options)

    def __call__(self, image: Tensor) -> Found | None:
        """Find the face in one image (3, H, W) in [0, 1]; None if there is none."""
        import mediapipe as mp

        array = np.ascontiguousarray((image * 255).round().byte().permute(1, 2, 0).numpy())
        result = self._task.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=array))
        if not result.face_landmarks:
            return None
        height, width = array.shape[:2]
        points = np.array([(p.x * width, p.y * height) for p in result.face_landmarks[0]])
        return Found(points, {c.category_name: c.score for c in result.face_blendshapes[0]})

    def close(self) -> None:
        """Free the task; it cannot be freed at interpreter exit."""
        self._task.close()


class Encoder:
    """MobileFaceNet on faces aligned by five points."""

    def __init__(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self._session = onnxruntime.InferenceSession(str(Path(os.environ[WEIGHTS]) / FILES[1]), options)
        self._input = self._session.get_inputs()[0].name

    def __call__(self, images: Tensor, points: Tensor) -> Tensor:
        """Unit embeddings of images (B, 3, H, W), aligned by 68 landmarks (B, 68, 2) in pixels -> (B, D)."""
        aligned = align(images, five_points(points))
        mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
        rows = [
            self._session.run(None, {self._input: ((a[None] - mean) / deviation).numpy()})[0] for a in aligned
        ]
        return F.normalize(torch.from_numpy(np.concatenate(rows)), dim=-1)


def five_points(points: Tensor) -> Tensor:
    """Eye centres, nose tip and mouth corners of 68 landmarks; (B, 68, 2) -> (B, 5, 2)."""
    eyes = [points[:, 36:42].mean(1), points[:, 42:48].mean(1)]
    return torch.stack([*eyes, points[:, 30], points[:, 48], points[:, 54]], 1)


def align(images: Tensor, points: Tensor) -> Tensor:
    """Similarity-aligned 112 x 112 faces by least squares onto the template; points (B, 5, 2)."""
    template = torch.tensor(TEMPLATE)
    size = images.shape[-1]
    grids = []
    axis = torch.arange(112, dtype=torch.float32)
    gy, gx = torch.meshgrid(axis, axis, indexing="ij")
    for found in points.float():
        # x' = a x - b y + c, y' = b x + a y + d from template to image
        x, y = template[:, 0], template[:, 1]
        one, zero = torch.ones(5), torch.zeros(5)
        rows = torch.cat([torch.stack([x, -y, one, zero], 1), torch.stack([y, x, zero, one], 1)])
        a, b, c, d = torch.linalg.lstsq(rows, torch.cat([found[:, 0], found[:, 1]])[:, None]).solution[:, 0]
        px, py = a * gx - b * gy + c, b * gx + a * gy + d
        grids.append(torch.stack([(px + 0.5) / size * 2 - 1, (py + 0.5) / size * 2 - 1], -1))
    return F.grid_sample(
        images, torch.stack(grids), mode="bilinear", padding_mode="border", align_corners=False
    )
