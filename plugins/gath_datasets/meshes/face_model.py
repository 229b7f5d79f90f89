"""The ICT face model: a neutral mesh, identity and expression shapes, the parts of the mesh, and its landmarks.

Source of file names, index ranges, landmarks and the distribution of identities: the README and scripts of ICT-FaceKit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.errors import UsageError
from gath_datasets.common.published import Published
from gath_datasets.meshes.obj import read_triangles, read_vertices

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEUTRAL = "generic_neutral_mesh.obj"
#: Shapes with a left and a right side, in files that end in ``_L`` and ``_R``.
_SIDED = (
    *("browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekSquint", "eyeBlink", "eyeLookDown"),
    *("eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown"),
    *("mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer"),
)
_SINGLE = (
    *(
        "jawForward",
        "jawLeft",
        "jawOpen",
        "jawRight",
        "mouthClose",
        "mouthFunnel",
        "mouthLeft",
        "mouthPucker",
    ),
    *("mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
)
#: The 53 expression shapes, as the files are called.
EXPRESSIONS = (*(f"{name}_{side}" for name in _SIDED for side in "LR"), *_SINGLE)
#: Shapes with two files that are one blendshape in ARKit.
_ONE_IN_ARKIT = ("browInnerUp", "cheekPuff")
_IDENTITY = re.compile(r"identity\d{3}\.obj")

#: Part -> its last polygon and its colour, linear RGB; None is not rendered (transparent surfaces of the eye), "skin"
#: and "iris" are colours of the subject. The parts follow each other, as in the owners' table.
_PARTS: tuple[tuple[int, str | tuple[float, float, float] | None], ...] = (
    (11143, "skin"),  # face, head and neck
    (14033, (0.10, 0.02, 0.02)),  # sockets of mouth and eyes
    (17005, (0.30, 0.05, 0.06)),  # gums and tongue
    (21495, (0.72, 0.70, 0.62)),  # teeth
    (22295, (0.75, 0.73, 0.70)),  # sclera, left
    (23093, "iris"),
    (23893, (0.75, 0.73, 0.70)),  # sclera, right
    (24691, "iris"),
    (25303, None),  # lacrimal fluid, blend and occlusion meshes
    (26383, (0.02, 0.015, 0.01)),  # eyelashes
)
#: The owners' narrow face area, which the landmarks need; what comes after it may be left out of the files.
FACE_VERTICES, FACE_POLYGONS = 6706, 6560
#: Vertices of the 68 landmarks in iBUG order; the points of the jaw are the owners' substitutes on its line.
LANDMARKS = (
    *(1278, 1272, 12, 1834, 243, 781, 2199, 1447, 966, 3661, 4390, 3022, 2484, 4036, 2253, 3490, 3496),
    *(268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509),
    *(978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360),
    *(1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732),
    *(5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841),
    *(5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966),
)
_EYES = (slice(36, 42), slice(42, 48))
#: A shape that moves vertices by more than this on average, in distances between the eyes, has another vertex order.
_FARTHEST = 0.5


def files_of(label: str) -> tuple[str, ...]:
    """The expression shapes of an ARKit blendshape.

    >>> files_of("mouthSmileLeft"), files_of("browInnerUp"), files_of("_neutral")
    (('mouthSmile_L',), ('browInnerUp_L', 'browInnerUp_R'), ())
    """
    if label in _SINGLE:
        return (label,)
    if label in _ONE_IN_ARKIT:
        return (f"{label}_L", f"{label}_R")
    for word in ("Left", "Right"):
        if label.endswith(word) and label.removesuffix(word) in _SIDED:
            return (f"{label.removesuffix(word)}_{word[0]}",)
    return ()


@dataclass(frozen=True, eq=False)
class FaceModel:
    """The meshes.

    Attributes:
        neutral: float32 (V, 3) in centimetres; x to the subject's left, y up, z to the front.
        identities: float32 (M, V, 3), displacements by one standard deviation of each mode.
        expressions: name -> float32 (V, 3), displacement by a coefficient of 1.
        triangles: int64 (T, 3), those that are rendered.
        parts: int64 (T,), position in `part_colours` of each.
        files: all files that were read.
    """

    neutral: NDArray[np.float32]
    identities: NDArray[np.float32]
    expressions: Mapping[str, NDArray[np.float32]]
    triangles: NDArray[np.int64]
    parts: NDArray[np.int64]
    files: tuple[Path, ...]

    @classmethod
    def read(cls, root: Path, published: Published) -> FaceModel:
        """Read the model. The last one is kept in memory, until a file changes.

        Raises:
            UsageError: a file is missing or damaged, or its vertices are not those of the neutral mesh.
        """
        folder = published.folder(root, "FaceXModel", ".")
        inside = "" if folder == root else f"{folder.name}/"
        neutral = published.file(root, inside + NEUTRAL)
        modes = sorted(path for path in folder.iterdir() if _IDENTITY.fullmatch(path.name))
        if not modes:
            raise published.error(root, f"no file {inside}identity000.obj")
        shapes = [published.file(root, f"{inside}{name}.obj") for name in EXPRESSIONS]
        files = (neutral, *modes, *shapes)
        return _parse(files, tuple((path.stat().st_mtime_ns, path.stat().st_size) for path in files))

    def identity(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The neutral face of a person, float64 (V, 3).

        Args:
            weights: (M,) in standard deviations.
        """
        import numpy as np

        return np.asarray(self.neutral + np.tensordot(weights, self.identities, 1), np.float64)

    def express(self, face: NDArray[np.float64], blendshapes: Mapping[str, float]) -> NDArray[np.float64]:
        """A face with an expression, float64 (V, 3): ``face + sum(coefficient * displacement)``.

        Args:
            face: (V, 3) of `identity`.
            blendshapes: ARKit label -> coefficient in [0, 1].
        """
        result = face.copy()
        for label, coefficient in blendshapes.items():
            for name in files_of(label):
                result += coefficient * self.expressions[name]
        return result


@lru_cache(maxsize=1)
def _parse(files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> FaceModel:
    """The model in files: the neutral mesh, the modes, and the expressions in the order of `EXPRESSIONS`.

    Args:
        files: the files.
        stamps: time of change and size of each, so that a file that has changed is read again.
    """
    import numpy as np

    neutral_file = files[0]
    neutral = read_vertices(neutral_file)
    triangles, polygons = read_triangles(neutral_file, len(neutral))
    if len(neutral) < FACE_VERTICES or polygons[-1] + 1 < FACE_POLYGONS:
        raise UsageError(
            f"{neutral_file} has {len(neutral)} vertices and {polygons[-1] + 1} polygons; the narrow face area "
            f"alone has {FACE_VERTICES} and {FACE_POLYGONS}: take the published file."
        )
    between_eyes = _distance_between_eyes(neutral, neutral_file)
    parts = np.searchsorted([last for last, _ in _PARTS], polygons)
    if parts[-1] == len(_PARTS):
        raise UsageError(
            f"{neutral_file} has {polygons[-1] + 1} polygons, not {_PARTS[-1][0] + 1}: take the published file."
        )
    shown = np.array([colour is not None for _, colour in _PARTS])[parts]

    def displacement(path: Path) -> NDArray[np.float32]:
        vertices = read_vertices(path)
        if vertices.shape != neutral.shape:
            raise UsageError(
                f"{path} has {len(vertices)} vertices, and {NEUTRAL} has {len(neutral)}: take the files of one "
                "release."
            )
        moved = vertices - neutral
        if float(np.linalg.norm(moved, axis=1).mean()) > _FARTHEST * between_eyes:
            raise UsageError(
                f"{path} has its vertices in another order than {NEUTRAL}: take the files of one release."
            )
        return moved

    first = len(files) - len(EXPRESSIONS)
    return FaceModel(
        neutral,
        np.stack([displacement(path) for path in files[1:first]]),
        {name: displacement(path) for name, path in zip(EXPRESSIONS, files[first:], strict=True)},
        triangles[shown],
        parts[shown],
        files,
    )


def part_colours(skin: tuple[float, float, float], iris: tuple[float, float, float]) -> NDArray[np.float64]:
    """Linear RGB of each part, float64 (P, 3)."""
    import numpy as np

    own = {"skin": skin, "iris": iris}
    return np.array(
        [own[colour] if isinstance(colour, str) else colour or (0.0, 0.0, 0.0) for _, colour in _PARTS]
    )


def _distance_between_eyes(vertices: NDArray[np.float32], path: Path) -> float:
    """Distance of the eyes by the landmarks.

    Raises:
        UsageError: the landmarks are not where those of a face are.
    """
    points = vertices[list(LANDMARKS)]
    (right, left), mouth, chin = (points[eye].mean(0) for eye in _EYES), points[48:60].mean(0), points[8]
    if not (right[0] < left[0] and min(right[1], left[1]) > mouth[1] > chin[1]):
        raise UsageError(
            f"{path} has its vertices in another order than the published landmarks: take the published file."
        )
    return float(((left - right) ** 2).sum() ** 0.5)
