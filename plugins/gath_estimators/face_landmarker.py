"""MediaPipe's Face Landmarker, shared by the face detector and the AU estimator ``mediapipe``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor


def load_landmarker(path: Path, *, faces: int, threshold: float, blendshapes: bool = False) -> Any:
    """The Face Landmarker in image mode: no state is kept between images. It runs on the CPU.

    Args:
        path: ``face_landmarker.task``.
        faces: the largest number of faces per image.
        threshold: least confidence of detection and of presence, in [0, 1].
        blendshapes: also give the 52 blendshapes.

    Raises:
        Unavailable: the file cannot be read by MediaPipe.
    """
    from mediapipe.tasks import python as tasks

    try:
        options = tasks.vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_buffer=path.read_bytes()),
            num_faces=faces,
            min_face_detection_confidence=threshold,
            min_face_presence_confidence=threshold,
            output_face_blendshapes=blendshapes,
        )
        landmarker = tasks.vision.FaceLandmarker.create_from_options(options)
        landmarker.__class__ = _quiet(type(landmarker))
        return landmarker
    except Exception as error:  # a damaged file makes it raise several types
        raise Unavailable(f"{path.name} cannot be used by MediaPipe: {error}") from error


def detect(landmarker: Any, image: Tensor) -> Any:
    """MediaPipe's result for one image, float32 (3, H, W) in [0, 1], rounded to 8 bits."""
    import mediapipe

    pixels = (image.detach().cpu().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels))


def _quiet(landmarker: Any) -> Any:
    """MediaPipe's class without the traceback that its ``__del__`` prints while the interpreter shuts down."""

    class Landmarker(landmarker):  # type: ignore[misc]
        def __del__(self) -> None:
            with suppress(Exception):
                self.close()

    return Landmarker
