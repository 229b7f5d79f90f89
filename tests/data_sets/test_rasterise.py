"""The rasteriser against a triangle-by-triangle reference, and the laws of shading."""

from __future__ import annotations

import numpy as np
import pytest
from gath_datasets.meshes.rasterise import nearest_triangles, shade, vertex_normals
from numpy.typing import NDArray

SIZE = 24


def reference(
    points: NDArray[np.float64], depth: NDArray[np.float64], triangles: NDArray[np.int64]
) -> list[list[int]]:
    """Pixel by pixel: solve for the barycentric coordinates in every triangle, take the nearest."""
    found = [[-1] * SIZE for _ in range(SIZE)]
    for y in range(SIZE):
        for x in range(SIZE):
            best = np.inf
            for number, corners in enumerate(triangles):
                system = np.vstack([points[corners].T, np.ones(3)])
                weights = np.linalg.solve(system, [x, y, 1.0])
                if (weights >= 0).all() and weights @ depth[corners] <= best:
                    best, found[y][x] = weights @ depth[corners], number
    return found


def test_it_equals_the_reference_on_random_triangles() -> None:
    random = np.random.default_rng(0)
    points = random.uniform(-4, SIZE + 4, (30, 2))
    depth = random.uniform(0, 1, 30)
    triangles = random.permutation(30).reshape(-1, 3)
    found, weights = nearest_triangles(points, depth, triangles, SIZE)
    assert found.tolist() == reference(points, depth, triangles)
    hit = found >= 0
    assert hit.any()
    assert weights[hit].sum(-1) == pytest.approx(np.ones(hit.sum()))
    places = (points[triangles[found[hit]]] * weights[hit][..., None]).sum(1)
    np.testing.assert_allclose(places, np.argwhere(hit)[:, ::-1], atol=1e-9)


def test_a_grid_of_triangles_has_no_holes_at_its_edges() -> None:
    """Vertices at pixel centres: every pixel of the square lies on edges."""
    axis = np.arange(SIZE, dtype=np.float64)
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    corner = (np.arange(SIZE - 1)[:, None] * SIZE + np.arange(SIZE - 1)).ravel()
    quads = np.stack([corner, corner + 1, corner + SIZE + 1, corner + SIZE], 1)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    found, _ = nearest_triangles(points, np.zeros(len(points)), triangles, SIZE)
    assert (found >= 0).all()


def test_degenerate_and_outside_triangles_cover_nothing() -> None:
    points = np.array([[1.0, 1], [5, 5], [9, 9], [-9, -9], [-5, -9], [-9, -5]])
    found, _ = nearest_triangles(points, np.zeros(6), np.array([[0, 1, 2], [3, 4, 5]]), SIZE)
    assert (found == -1).all()


def test_normals_of_a_sphere_are_radial() -> None:
    angle, height = np.meshgrid(np.linspace(0, 2 * np.pi, 60, endpoint=False), np.linspace(-1.4, 1.4, 40))
    sphere = np.stack(
        [np.cos(height) * np.cos(angle), np.sin(height), np.cos(height) * np.sin(angle)], -1
    ).reshape(-1, 3)
    rows, columns = (grid.ravel() for grid in np.meshgrid(np.arange(39), np.arange(60), indexing="ij"))
    right = (columns + 1) % 60
    one, two = rows * 60 + columns, rows * 60 + right
    triangles = np.concatenate([np.stack([one, one + 60, two], 1), np.stack([two, one + 60, two + 60], 1)])
    cosine = (vertex_normals(sphere, triangles) * sphere).sum(1)
    assert np.abs(cosine)[120:-120].min() > 0.999


def test_shading_is_lamberts_law() -> None:
    colour, light = np.array([0.8, 0.4, 0.2]), np.array([0.0, 0.0, 1.0])
    for angle in (0.0, 0.5, 1.2):
        normal = np.array([np.sin(angle), 0, np.cos(angle)])
        expected = colour * (0.3 + 0.7 * np.cos(angle))
        np.testing.assert_allclose(shade(normal, colour, light, 0.3), expected)
        np.testing.assert_allclose(shade(-5 * normal, colour, light, 0.3), expected)
    np.testing.assert_allclose(shade(np.array([1.0, 0, 0]), colour, light, 0.3), 0.3 * colour)
