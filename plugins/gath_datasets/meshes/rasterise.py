"""A rasteriser: which triangle is nearest in each pixel, and a shaded image of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Triangles with a smaller area, in square pixels, cover no pixel.
_DEGENERATE = 1e-9


def nearest_triangles(
    points: NDArray[np.float64], depth: NDArray[np.float64], triangles: NDArray[np.int64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest triangle at each pixel centre.

    A triangle covers a pixel if its centre is inside or on an edge. Both sides of a triangle are visible. Of two
    triangles at the same depth the later one counts.

    Args:
        points: (V, 2), x to the right and y down in pixels; pixel centres are integers, as in `Face`.
        depth: (V,), smaller is nearer; interpolated linearly in the image.
        triangles: (T, 3) positions of vertices.
        size: side of the square image in pixels.

    Returns:
        int64 (size, size), the triangle, -1 where there is none; and float64 (size, size, 3), the barycentric
        coordinates of the pixel centre in it.

    >>> import numpy as np
    >>> corners = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    >>> found, _ = nearest_triangles(corners, np.zeros(3), np.array([[0, 1, 2]]), 3)
    >>> found.tolist()
    [[0, 0, 0], [0, 0, -1], [0, -1, -1]]
    """
    import numpy as np

    corners = points[triangles]
    low = np.maximum(np.ceil(corners.min(1) - 1e-12), 0).astype(np.int64)
    high = np.minimum(np.floor(corners.max(1) + 1e-12), size - 1).astype(np.int64)
    spans = np.maximum(high - low + 1, 0)
    one, two, three = corners[:, 0], corners[:, 1], corners[:, 2]
    area = _cross(two - one, three - one)
    counts = np.where(np.abs(area) > _DEGENERATE, spans[:, 0] * spans[:, 1], 0)
    # Every pixel in the box of every triangle is a candidate.
    owner = np.repeat(np.arange(len(triangles)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    pixels = low[owner] + np.stack([place % spans[owner, 0], place // np.maximum(spans[owner, 0], 1)], 1)
    weights = (
        np.stack(
            [
                _cross(two[owner] - pixels, three[owner] - pixels),
                _cross(three[owner] - pixels, one[owner] - pixels),
                _cross(one[owner] - pixels, two[owner] - pixels),
            ],
            1,
        )
        / area[owner, None]
    )
    inside = (weights >= -1e-12).all(1)
    owner, pixels, weights = owner[inside], pixels[inside], weights[inside]
    at = pixels[:, 1] * size + pixels[:, 0]
    distance = (weights * depth[triangles[owner]]).sum(1)
    nearest = np.full(size * size, np.inf)
    np.minimum.at(nearest, at, distance)
    visible = distance == nearest[at]
    triangle = np.full(size * size, -1, dtype=np.int64)
    coordinates = np.zeros((size * size, 3))
    # Of repeated positions the last value is assigned.
    triangle[at[visible]] = owner[visible]
    coordinates[at[visible]] = weights[visible]
    return triangle.reshape(size, size), coordinates.reshape(size, size, 3)


def vertex_normals(positions: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Unit normals of vertices, float64 (V, 3): the sum of the normals of their triangles, weighted by area."""
    import numpy as np

    corners = positions[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sums = np.zeros_like(positions)
    for corner in range(3):
        for axis in range(3):
            sums[:, axis] += np.bincount(triangles[:, corner], normals[:, axis], len(positions))
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(length, 1e-12))


def shade(
    normals: NDArray[np.float64], colours: NDArray[np.float64], light: NDArray[np.float64], ambient: float
) -> NDArray[np.float64]:
    """Lambert's law: ``colour * (ambient + (1 - ambient) * max(0, normal . light))``.

    Args:
        normals: (..., 3), not necessarily of unit length; turned to the camera at +z, since both sides are visible.
        colours: (..., 3) linear RGB.
        light: (3,) unit vector to the light.
        ambient: in [0, 1].

    Returns:
        (..., 3) linear RGB.
    """
    import numpy as np

    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    towards = np.where(normals[..., 2:] < 0, -normals, normals) / np.maximum(length, 1e-12)
    lit = np.maximum(towards @ light, 0)[..., None]
    return np.asarray(colours * (ambient + (1 - ambient) * lit))


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The z component of the cross product of vectors (..., 2)."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
