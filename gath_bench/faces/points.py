"""Named points of a face, computed from its 68 landmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.contracts.face import LANDMARKS, Face

if TYPE_CHECKING:
    from torch import Tensor

#: Name -> the landmarks whose mean it is. "Left" is the left side of the image.
POINTS: dict[str, tuple[int, ...]] = {
    "left_eye": (36, 37, 38, 39, 40, 41),
    "right_eye": (42, 43, 44, 45, 46, 47),
    "nose_tip": (30,),
    "nose_base": (33,),
    "left_mouth": (48,),
    "right_mouth": (54,),
    "mouth": (48, 54, 62, 66),
    "chin": (8,),
}
#: Points that are still meaningful as the mean of these landmarks, where a detector gives no others: an eye's
#: centre is near the middle between its corners.
_REDUCED: dict[str, tuple[int, ...]] = {"left_eye": (36, 39), "right_eye": (42, 45), "mouth": (48, 54)}

#: Landmark i of a mirrored image is landmark ``MIRROR[i]`` of the image.
MIRROR: tuple[int, ...] = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),
    *range(59, 54, -1),
    *range(64, 59, -1),
    *(67, 66, 65),
)


def named_points(landmarks: Tensor) -> dict[str, tuple[float, float]]:
    """The named points that can be computed from landmarks.

    Args:
        landmarks: (68, 2), (x, y) in pixels, iBUG order; NaN where a detector gives no point.

    Returns:
        Name -> (x, y). A point is left out if its landmarks are NaN.

    >>> import torch
    >>> five = torch.full((68, 2), torch.nan)
    >>> five[36], five[39] = torch.tensor([10.0, 20.0]), torch.tensor([14.0, 20.0])
    >>> named_points(five)
    {'left_eye': (12.0, 20.0)}
    """
    if tuple(landmarks.shape) != (LANDMARKS, 2):
        raise ValueError(f"landmarks must have the shape ({LANDMARKS}, 2), not {tuple(landmarks.shape)}")
    found = {}
    for name, indices in POINTS.items():
        for chosen in (indices, _REDUCED.get(name)):
            if chosen is None:
                continue
            x, y = landmarks[list(chosen)].double().mean(0).tolist()
            if x == x and y == y:  # not NaN
                found[name] = (x, y)
                break
    return found


def face_from_landmarks(landmarks: Tensor, confidence: float) -> Face:
    """A `Face` whose box encloses its landmarks.

    Args:
        landmarks: (68, 2), in pixels; NaN points are ignored.
        confidence: in [0, 1].

    Raises:
        ValueError: all landmarks are NaN.
    """
    points = landmarks.detach().cpu().float()
    finite = points[~points.isnan().any(1)]
    if not len(finite):
        raise ValueError("a face needs at least one landmark that is not NaN")
    (left, top), (right, bottom) = finite.amin(0).tolist(), finite.amax(0).tolist()
    return Face(left, top, right, bottom, points, confidence)
