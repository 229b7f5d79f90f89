"""Reads Wavefront OBJ files: vertex positions, and polygons as triangles."""

from __future__ import annotations

import re
import warnings
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Consecutive lines of vertices: one match is faster than one per line.
_VERTICES = re.compile(rb"(?:^v[ \t][^\n]*\n?)+", re.MULTILINE)
_POLYGON = re.compile(rb"^f[ \t]+([^\r\n]*)", re.MULTILINE)


def read_vertices(path: Path) -> NDArray[np.float32]:
    """Vertex positions, float32 (V, 3).

    Raises:
        UsageError: the file cannot be read, or its vertices are not three finite numbers each.
    """
    import numpy as np

    lines = b"".join(_VERTICES.findall(_content(path)))
    count = lines.count(b"v")
    with warnings.catch_warnings():
        # Text that is not a number ends the result early, which the number of values shows.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            text = lines.replace(b"v", b" ").decode("ascii", "replace")
            values = np.fromstring(text, dtype=np.float32, sep=" ")
        except ValueError:
            values = np.zeros(0, np.float32)
    if not count or values.size != 3 * count or not np.isfinite(values).all():
        raise UsageError(
            f"{path} has no vertices of three numbers each: the file is damaged; download it again."
        )
    return values.reshape(-1, 3)


def read_triangles(path: Path, vertices: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The polygons of a mesh as fans of triangles.

    Args:
        path: the file.
        vertices: the number of its vertices.

    Returns:
        int64 (T, 3) positions of vertices, and int64 (T,) the position of the polygon of each triangle, both from 0.

    Raises:
        UsageError: the file cannot be read, or a polygon refers to a vertex that does not exist.
    """
    import numpy as np

    triangles: list[tuple[int, int, int]] = []
    owners: list[int] = []
    try:
        for number, row in enumerate(_POLYGON.findall(_content(path))):
            corners = [int(corner.split(b"/")[0]) - 1 for corner in row.split()]
            for second, third in pairwise(corners[1:]):
                triangles.append((corners[0], second, third))
                owners.append(number)
    except ValueError:
        triangles = []
    result = np.array(triangles, dtype=np.int64).reshape(-1, 3)
    if not len(result) or result.min() < 0 or result.max() >= vertices:
        raise UsageError(
            f"{path} has no polygons of its {vertices} vertices: it is damaged; download it again."
        )
    return result, np.array(owners, dtype=np.int64)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}; check the path.") from error
