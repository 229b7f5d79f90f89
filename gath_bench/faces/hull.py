"""A mask of the face from its landmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor

#: Height of the forehead as a share of the distance from the brows to the chin.
FOREHEAD = 0.5
#: Width of the margin around the hull as a share of the distance from the brows to the chin.
MARGIN = 0.08
_BROWS, _JAW, _CHIN = slice(17, 27), slice(0, 17), 8


def hull_mask(
    landmarks: Tensor, height: int, width: int, *, forehead: float = FOREHEAD, margin: float = MARGIN
) -> Tensor:
    """Pixels inside the convex hull of a face's landmarks, with the forehead and a margin.

    The 68 landmarks end at the brows. The hull therefore also encloses the brows moved up, away from the chin.

    Args:
        landmarks: (68, 2), in pixels; NaN points are ignored.
        height, width: of the image.
        forehead: how far the brows are moved up, as a share of the distance from the brows' middle to the chin.
        margin: distance around the hull that still belongs to the mask, as a share of the same distance.

    Returns:
        bool (1, height, width), True on the face.

    Raises:
        Unavailable: there are too few landmarks for a hull.
    """
    import torch
    from scipy.spatial import ConvexHull, QhullError

    points = landmarks.detach().cpu().double()
    up = points[_BROWS].mean(0) - points[_CHIN]
    if bool(up.isnan().any()):
        raise Unavailable(
            "a face mask needs the landmarks of brows and jaw, which this face detector does not give."
        )
    points = torch.cat([points, points[_BROWS] + forehead * up])
    points = points[~points.isnan().any(1)]
    try:
        corners = points[torch.from_numpy(ConvexHull(points.numpy()).vertices).long()]
    except QhullError:
        raise Unavailable("the landmarks of this face lie on a line: they enclose no area.") from None
    reach = float(margin * up.norm())
    mask = torch.zeros(1, height, width, dtype=torch.bool)
    low = (corners.amin(0) - reach).floor().long().clamp(min=0)
    high = (corners.amax(0) + reach).ceil().long() + 1
    left, top, right, bottom = int(low[0]), int(low[1]), min(int(high[0]), width), min(int(high[1]), height)
    if right <= left or bottom <= top:
        return mask
    x = torch.arange(left, right, dtype=torch.float64)[None, :]
    y = torch.arange(top, bottom, dtype=torch.float64)[:, None]
    inside = torch.ones(bottom - top, right - left, dtype=torch.bool)
    near = torch.zeros_like(inside)
    for start, end in zip(corners.tolist(), corners.roll(-1, 0).tolist(), strict=True):
        edge_x, edge_y = end[0] - start[0], end[1] - start[1]
        dx, dy = x - start[0], y - start[1]
        # The hull's corners are in counter-clockwise order for y up: inside is on the left of each edge.
        inside &= edge_x * dy - edge_y * dx >= 0
        share = ((dx * edge_x + dy * edge_y) / (edge_x**2 + edge_y**2)).clamp(0, 1)
        near |= (dx - share * edge_x) ** 2 + (dy - share * edge_y) ** 2 <= reach**2
    mask[0, top:bottom, left:right] = inside | near
    return mask
