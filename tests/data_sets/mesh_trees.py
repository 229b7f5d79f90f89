"""A small tree in the layout of ICT-FaceKit: a relief of the face area alone, with its landmarks and shapes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from gath_datasets.meshes.face_model import EXPRESSIONS, FACE_POLYGONS, FACE_VERTICES, LANDMARKS
from numpy.typing import NDArray

#: Side of the grid of vertices, the smallest with the narrow face area.
SIDE = 82
#: Identity modes of the tree.
MODES = 3


def ellipse(
    count: int, x: float, y: float, width: float, height: float, start: float
) -> list[tuple[float, float]]:
    """Points on an ellipse, clockwise on the screen, from an angle in turns on."""
    angles = [2 * math.pi * (start - place / count) for place in range(count)]
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


def landmark_positions() -> NDArray[np.float64]:
    """The 68 landmarks in centimetres, x to the subject's left, y up: iBUG order."""
    jaw = [(-7 * math.cos(math.pi * i / 16), -1 - 7 * math.sin(math.pi * i / 16)) for i in range(17)]
    brows = [(side * x, 3.6) for side, xs in ((-1, range(5, 0, -1)), (1, range(1, 6))) for x in xs]
    nose = [(0.0, 1.5 - i) for i in range(4)] + [(x * 0.6, -2.2) for x in range(-2, 3)]
    eyes = ellipse(6, -3, 2, 1.2, 0.5, 0.5) + ellipse(6, 3, 2, 1.2, 0.5, 0.5)
    mouth = ellipse(12, 0, -4.5, 2.5, 1.0, 0.5) + ellipse(8, 0, -4.5, 1.8, 0.35, 0.5)
    return np.array(jaw + brows + nose + eyes + mouth)


def positions() -> NDArray[np.float64]:
    """The vertices (V, 3): a grid on a relief, each landmark at its published index."""
    axis = np.linspace(-9, 9, SIDE)
    x, y = (grid.ravel() for grid in np.meshgrid(axis, axis))
    return np.stack([x, y, 6 - (x**2 + y**2) / 20 + 2 * np.exp(-(x**2 + (y + 1) ** 2) / 2)], 1)


def order() -> NDArray[np.int64]:
    """For each vertex of the grid its index in the file: landmarks change places with the vertices nearest to them."""
    grid, index = positions(), np.arange(SIDE * SIDE)
    taken: set[int] = set()
    for landmark, (x, y) in zip(LANDMARKS, landmark_positions(), strict=True):
        distance = (grid[:, 0] - x) ** 2 + (grid[:, 1] - y) ** 2
        distance[list(taken)] = np.inf
        nearest = int(distance.argmin())
        taken.add(nearest)
        holder = int(np.flatnonzero(index == landmark)[0])
        index[holder], index[nearest] = index[nearest], landmark
    return index


def bump(x: float, y: float, move: tuple[float, float, float]) -> NDArray[np.float64]:
    """A displacement (V, 3) around a place of the grid."""
    grid = positions()
    weight = np.exp(-((grid[:, 0] - x) ** 2 + (grid[:, 1] - y) ** 2) / 2)
    return weight[:, None] * np.array(move)


def write_obj(path: Path, vertices: NDArray[np.float64], polygons: str = "") -> None:
    rows = "v %.3f %.3f %.3f\n" * len(vertices) % tuple(vertices.ravel().tolist())
    path.write_text(f"# a relief\n{rows}vt 0.5 0.5\n{polygons}")


def ict_facekit(root: Path) -> Path:
    """Modes and expressions move places of their own, so that every one shows."""
    folder = root / "FaceXModel"
    folder.mkdir(parents=True)
    index = order()
    assert len(index) >= FACE_VERTICES
    quads = [
        [index[row * SIDE + column + step] + 1 for step in (0, 1, SIDE + 1, SIDE)]
        for row in range(SIDE - 1)
        for column in range(SIDE - 1)
    ]
    assert len(quads) >= FACE_POLYGONS
    polygons = "\n".join("f " + " ".join(f"{corner}/1" for corner in quad) for quad in quads)
    base = np.empty((SIDE * SIDE, 3))
    base[index] = positions()
    write_obj(folder / "generic_neutral_mesh.obj", base, polygons)
    for mode in range(MODES):
        move = np.zeros_like(base)
        move[index] = bump(3 * mode - 3, -2 * mode, (0.2, 0.1, 0.3))
        write_obj(folder / f"identity{mode:03d}.obj", base + move)
    places = landmark_positions()
    for number, name in enumerate(EXPRESSIONS):
        x, y = places[17 + number % 51]
        move = np.zeros_like(base)
        move[index] = bump(x, y, (0.3 * (-1) ** number, 0.4, 0.5))
        write_obj(folder / f"{name}.obj", base + move)
    return root
