"""Fields of one chunk of faces on the canonical grid, and windows into them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gath_datasets.synthfaces.geometry import Grid
from gath_datasets.synthfaces.layout import Face


@dataclass
class Canvas:
    """Fields over the canonical grid, which the feature modules modify in place.

    Attributes:
        grid: the canonical grid.
        face: subjects with their expressions.
        skin_x, skin_y: neutral skin coordinates of each pixel, (B, H, W); skin texture follows them.
        noise: blotches, mottle and pores of the skin, (B, 3, H, W), about unit variance.
        relief: height above the rings of the head, face units, (B, H, W).
        shadow: approximate occlusion, factor in [0, 1], (B, H, W).
        colour: linear light (B, 3, H, W): albedo until the shading, then radiance.
        gloss: strength of highlights, (B, H, W).
        light: grey light on the surface, (B, H, W), set by the shading.
        eyes, mouth: masks, (B, H, W).
    """

    grid: Grid
    face: Face
    skin_x: Tensor
    skin_y: Tensor
    noise: Tensor
    relief: Tensor
    shadow: Tensor
    colour: Tensor
    gloss: Tensor
    light: Tensor
    eyes: Tensor
    mouth: Tensor


@dataclass(frozen=True)
class Window:
    """A rectangle of the canonical grid: slices, and coordinates x (1, 1, w), y (1, h, 1)."""

    rows: slice
    cols: slice
    x: Tensor
    y: Tensor

    def of(self, field: Tensor) -> Tensor:
        """The part of a field (..., H, W) inside the window, as a view."""
        return field[..., self.rows, self.cols]


@dataclass(frozen=True)
class MirroredWindow:
    """The same rectangle on both sides; a field in it is (B, 2, ..., h, w), with the left side mirrored.

    x (1, 1, 1, w) is the distance from the mid-line, y (1, 1, h, 1).
    """

    rows: slice
    left: slice
    right: slice
    x: Tensor
    y: Tensor

    def of(self, field: Tensor) -> Tensor:
        """A copy of a field (B, ..., H, W) inside both rectangles."""
        left = field[..., self.rows, self.left].flip(-1)
        return torch.stack([left, field[..., self.rows, self.right]], 1)

    def put(self, field: Tensor, value: Tensor) -> None:
        """Write both rectangles back to a field."""
        field[..., self.rows, self.left] = value[:, 0].flip(-1)
        field[..., self.rows, self.right] = value[:, 1]


def _span(axis: tuple[float, ...], low: float, high: float, multiple: int) -> slice:
    first = sum(1 for a in axis if a < low)
    last = sum(1 for a in axis if a <= high)
    size = min(-(-max(last - first, 1) // multiple) * multiple, len(axis))
    first = max(0, min(first, len(axis) - size))
    return slice(first, first + size)


_Key = tuple[float, int, str, tuple[float, ...], bool]
_WINDOWS: dict[_Key, Window | MirroredWindow] = {}


def _key(grid: Grid, box: tuple[float, ...], both: bool) -> _Key:
    return grid.dy, len(grid.x), str(grid.x.device), box, both


def window(grid: Grid, x0: float, x1: float, y0: float, y1: float) -> Window:
    """The window of a rectangle in face units; width and height are rounded up to multiples of 8 and 4 pixels."""
    key = _key(grid, (x0, x1, y0, y1), False)
    if key not in _WINDOWS:
        cols = _span(tuple(grid.x.tolist()), x0, x1, 8)
        rows = _span(tuple(grid.y.tolist()), y0, y1, 4)
        _WINDOWS[key] = Window(rows, cols, grid.x[cols][None, None, :], grid.y[rows][None, :, None])
    found = _WINDOWS[key]
    assert isinstance(found, Window)
    return found


def mirrored_window(grid: Grid, x0: float, x1: float, y0: float, y1: float) -> MirroredWindow:
    """The window of a rectangle and its mirror image; x0 and x1 are distances from the mid-line."""
    key = _key(grid, (x0, x1, y0, y1), True)
    if key not in _WINDOWS:
        width = len(grid.x)
        cols = _span(tuple(grid.x.tolist()), x0, x1, 8)
        rows = _span(tuple(grid.y.tolist()), y0, y1, 4)
        left = slice(width - cols.stop, width - cols.start)
        _WINDOWS[key] = MirroredWindow(
            rows, left, cols, grid.x[cols][None, None, None, :], grid.y[rows][None, None, :, None]
        )
    found = _WINDOWS[key]
    assert isinstance(found, MirroredWindow)
    return found
