"""The data set ``ict-facekit``: renderings of the ICT face model, with exact AUs and exact target images."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, ClassVar

from gath_bench.au import DEFAULT_SPACE, find_map, get_space
from gath_bench.contracts import Template, file_hash, fingerprint
from gath_bench.errors import UsageError
from gath_bench.faces import SYNTHFACES, estimate, face_from_landmarks, hull_mask
from gath_bench.images import to_8bit
from gath_datasets.common.adapter import ImageSet
from gath_datasets.common.index import ImageIndex
from gath_datasets.common.published import Published
from gath_datasets.common.splits import hashed_split
from gath_datasets.cropping import Cropped
from gath_datasets.meshes.face_model import LANDMARKS, FaceModel, part_colours
from gath_datasets.meshes.rasterise import nearest_triangles, shade, vertex_normals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

#: Version of subjects, scenes and rendering: part of the fingerprint.
VERSION = 1
#: Scenes per subject, and expressions per scene; the first of each is the source portrait of the others.
SCENES, EXPRESSIONS = 2, 5
#: Expected number of active AUs in an expression, and the share of neutral faces among source portraits.
ACTIVE, NEUTRAL = 5.0, 0.5
#: Distance of the camera from the middle of the eyes, in centimetres.
_CAMERA = 60.0
#: Samples per pixel along each axis.
_SUPERSAMPLING = 3
#: Largest angles of the head in degrees.
_YAW, _PITCH = 15.0, 8.0
_AMBIENT = 0.35
#: Projected coordinates are multiplied by this, so that they are of the size of pixels.
_UNIT = 1000.0
_PEOPLE = 16
_ARKIT = "arkit52"


@dataclass(frozen=True)
class Person:
    """What all images of a subject share.

    Attributes:
        face: float64 (V, 3), the neutral face.
        colours: float64 (P, 3), linear RGB of the parts of the mesh.
    """

    face: NDArray[np.float64]
    colours: NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """What the images of a scene share besides the subject.

    Attributes:
        yaw, pitch: of the head, in radians.
        light: unit vector to the light; +z is towards the camera.
        background: linear RGB.
    """

    yaw: float
    pitch: float
    light: tuple[float, float, float]
    background: tuple[float, float, float]


class ICTFaceKit(ImageSet):
    """Renderings of ICT-FaceKit.

    A subject has random weights of the identity shapes, from the standard normal distribution as the owners' scripts
    draw them, and random colours. Each of its scenes has a pose, a light and a background. The first expression of a
    scene is the source portrait; the target image shows the same scene with other AUs, so that it is exact.

    The images are shaded by Lambert's law, without texture or hair, and framed as the template of synthfaces by the
    landmarks of the neutral face.

    Args:
        root: the folder of ICT-FaceKit, or its folder ``FaceXModel``.
        size: the evaluation resolution in pixels.
        au_space: ``arkit52``, or a space that maps to it. In ``arkit52`` every label but ``_neutral`` is an expression
            shape of the model; other spaces drive the shapes by the map of `gath_bench.au`.
        subjects: the number of subjects, of all splits.
        splits: see `ImageSet`; the subjects are ``s0000``, ``s0001``, ...

    Raises:
        UsageError: a file is missing or damaged, or a parameter is out of range.
    """

    published: ClassVar[Published] = Published(
        "ict-facekit",
        (
            "FaceXModel/generic_neutral_mesh.obj",
            "FaceXModel/identity000.obj (and further modes)",
            "FaceXModel/jawOpen.obj (and the other 52 expressions)",
        ),
        "MIT, copyright 2020 USC Institute for Creative Technologies",
        "Li et al., Learning Formation of Physically-Based Face Attributes, CVPR 2020",
    )
    domain: ClassVar[str] = "mesh"
    native_template: ClassVar[Template | None] = SYNTHFACES

    def __init__(
        self,
        *,
        root: Path,
        size: int = 128,
        au_space: str = DEFAULT_SPACE,
        subjects: int = 256,
        splits: Path | None = None,
    ) -> None:
        if subjects < 1:
            raise UsageError(f"subjects={subjects} is not possible: give the number of subjects.")
        self.subjects = subjects
        self._weights = _weights(au_space)
        self._person: Callable[[str], Person] = lru_cache(maxsize=_PEOPLE)(self._draw_person)
        super().__init__(root=root, size=size, crop="none", au_space=au_space, splits=splits)

    def settings(self) -> str:
        return f"{VERSION} {self.subjects} {_SUPERSAMPLING}"

    @cached_property
    def fingerprint(self) -> str:
        # Not over the images, which do not exist as files.
        files = (f"{path.name} {file_hash(path)}" for path in self.model.files)
        settings = f"{self.published.name} {self.au_space} {self.size} {self.settings()}"
        return fingerprint(settings, " ".join(self.index.splits), *files)

    @cached_property
    def model(self) -> FaceModel:
        """The meshes."""
        return FaceModel.read(self.root, self.published)

    def read_index(self) -> ImageIndex:
        import numpy as np

        files = self.model.files
        paths: list[str] = []
        subjects: list[str] = []
        aus: list[list[float]] = []
        reference: list[int] = []
        for subject in range(self.subjects):
            for scene in range(SCENES):
                source = len(paths)
                for expression in range(EXPRESSIONS):
                    name = f"s{subject:04d}_{scene}_{expression:02d}"
                    paths.append(f"{name}.png")
                    subjects.append(f"s{subject:04d}")
                    aus.append(self._draw_aus(name, neutral=NEUTRAL if expression == 0 else 0.0))
                    reference.append(source if expression else -1)
        return ImageIndex(
            files[0].parent,
            paths,
            subjects,
            [hashed_split(subject) for subject in subjects],
            np.array(aus, dtype=np.float32),
            np.array(reference, dtype=np.int64),
            label_files=files,
        )

    def read(self, index: int) -> Tensor:
        """An image, float32 (3, size, size)."""
        return self._render(index)[0]

    def picture(self, index: int) -> Cropped:
        """An image at the evaluation resolution, with the mask of its face."""
        image, landmarks = self._render(index)
        return Cropped(to_8bit(image), hull_mask(landmarks, self.size, self.size).float())

    def landmarks(self, index: int) -> Tensor:
        """The exact landmarks of an image, float32 (68, 2) in pixels, iBUG order."""
        return self._render(index)[1]

    def blendshapes(self, index: int) -> dict[str, float]:
        """The ARKit coefficients of an image that are not 0."""
        import numpy as np

        assert self.index.aus is not None
        values = np.nan_to_num(self.index.aus[index].astype(np.float64)) @ self._weights
        labels = get_space(_ARKIT).labels
        return {
            label: value for label, value in zip(labels, values.clip(0, 1).tolist(), strict=True) if value
        }

    # Random choices: functions of names alone.

    def _draw_aus(self, name: str, *, neutral: float) -> list[float]:
        """AU coefficients of an image; NaN for a label that moves nothing."""
        draw = random.Random(f"{self.published.name} {VERSION} {name} aus")
        labels = get_space(self.au_space).labels
        moving = [bool(row.any()) for row in self._weights]
        share = 0.0 if draw.random() < neutral else ACTIVE / sum(moving)
        values = {label: draw.random() if draw.random() < share else 0.0 for label in labels}
        if "mouthClose" in values:  # it closes the lips over an open jaw
            values["mouthClose"] *= values["jawOpen"]
        return [value if moves else math.nan for value, moves in zip(values.values(), moving, strict=True)]

    def _draw_person(self, subject: str) -> Person:
        import numpy as np

        draw = random.Random(f"{self.published.name} {VERSION} {subject} person")
        normal = NormalDist()
        # Not random.gauss, whose results are not promised to stay the same.
        weights = [normal.inv_cdf(min(max(draw.random(), 1e-6), 1 - 1e-6)) for _ in self.model.identities]
        tone, warmth = draw.random(), draw.random()
        skin = (0.15 + 0.55 * tone, 0.07 + 0.36 * tone, 0.04 + (0.20 + 0.06 * warmth) * tone)
        dark = draw.random()
        iris = (0.04 + 0.10 * dark, 0.03 + 0.12 * dark, 0.02 + 0.16 * dark * draw.random())
        return Person(self.model.identity(np.array(weights)), part_colours(skin, iris))

    def _draw_scene(self, name: str) -> Scene:
        draw = random.Random(f"{self.published.name} {VERSION} {name} scene")
        azimuth, height = math.radians(60 * (2 * draw.random() - 1)), math.radians(50 * draw.random())
        light = (
            math.cos(height) * math.sin(azimuth),
            math.sin(height),
            math.cos(height) * math.cos(azimuth),
        )
        return Scene(
            math.radians(_YAW) * (2 * draw.random() - 1),
            math.radians(_PITCH) * (2 * draw.random() - 1),
            light,
            (0.6 * draw.random(), 0.6 * draw.random(), 0.6 * draw.random()),
        )

    # Rendering.

    def _render(self, index: int) -> tuple[Tensor, Tensor]:
        """An image, float32 (3, size, size) sRGB in [0, 1], and its landmarks (68, 2) in pixels."""
        import numpy as np
        import torch

        name = self.index.name(index)
        person, scene = self._person(self.index.subjects[index]), self._draw_scene(name.rsplit("_", 1)[0])
        turn, centre = _rotation(scene), person.face[list(LANDMARKS[36:48])].mean(0)
        neutral, _ = _project((person.face - centre) @ turn.T)
        face = face_from_landmarks(torch.from_numpy(neutral[list(LANDMARKS)]).float(), 1.0)
        frame = estimate(face, SYNTHFACES, self.size)
        shown = (self.model.express(person.face, self.blendshapes(index)) - centre) @ turn.T
        points, depth = _project(shown)
        pixels = np.stack(frame.invert(points[:, 0], points[:, 1]), 1)  # type: ignore[arg-type]
        image = self._shaded(pixels, depth, shown, person, scene)
        return image, torch.from_numpy(pixels[list(LANDMARKS)]).float()

    def _shaded(
        self,
        pixels: NDArray[np.float64],
        depth: NDArray[np.float64],
        positions: NDArray[np.float64],
        person: Person,
        scene: Scene,
    ) -> Tensor:
        import numpy as np
        import torch

        triangles, fine = self.model.triangles, self.size * _SUPERSAMPLING
        samples = (pixels + 0.5) * _SUPERSAMPLING - 0.5
        nearest, weights = nearest_triangles(samples, depth, triangles, fine)
        hit = nearest >= 0
        corners = triangles[nearest[hit]]
        normals = (vertex_normals(positions, triangles)[corners] * weights[hit][..., None]).sum(1)
        colours = person.colours[self.model.parts[nearest[hit]]]
        linear = np.empty((fine, fine, 3))
        linear[:] = scene.background
        linear[hit] = shade(normals, colours, np.array(scene.light), _AMBIENT)
        shape = (self.size, _SUPERSAMPLING, self.size, _SUPERSAMPLING, 3)
        mean = linear.reshape(shape).mean((1, 3)).clip(0, 1)
        # The transfer function of sRGB (IEC 61966-2-1).
        encoded = np.where(mean <= 0.0031308, 12.92 * mean, 1.055 * mean ** (1 / 2.4) - 0.055)
        return torch.from_numpy(encoded).permute(2, 0, 1).float().contiguous()


def _weights(au_space: str) -> NDArray[np.float64]:
    """The map from an AU space to the shapes of the model, float64 (K, 52): rows of 0 for labels that move nothing.

    Raises:
        UsageError: there is no map.
    """
    import numpy as np

    weights = np.array(find_map(au_space, _ARKIT).weights, dtype=np.float64)
    weights[:, get_space(_ARKIT).labels.index("_neutral")] = 0
    return weights


def _rotation(scene: Scene) -> NDArray[np.float64]:
    """The rotation matrix of the head: pitch, then yaw."""
    import numpy as np

    cos_y, sin_y, cos_p, sin_p = (
        function(angle) for angle in (scene.yaw, scene.pitch) for function in (math.cos, math.sin)
    )
    yaw = np.array([[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]])
    pitch = np.array([[1, 0, 0], [0, cos_p, -sin_p], [0, sin_p, cos_p]])
    return np.asarray(yaw @ pitch)


def _project(positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Perspective projection of positions relative to the middle of the eyes.

    Returns:
        Points (V, 2), x to the right and y down; and a depth (V,) that is linear in the image, smaller if nearer.
    """
    import numpy as np

    distance = _CAMERA - positions[:, 2]
    points = _UNIT * np.stack([positions[:, 0], -positions[:, 1]], 1) / distance[:, None]
    return points, -1 / distance
