"""SSIM on a CPU: the Gaussian window as products of small matrices, in memory that is used again for every plane.

Evaluated as shifted sums, a window of 11 taps reads and writes each number 11 times, and fresh memory for a map costs
more time than its arithmetic, since the system clears its pages. Here each axis is cut into blocks of about 16 places.
A block with its margins of 5 on both sides, times a banded matrix, is the window's mean at each of its places.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gath_metrics.gaussian_window import C1, C2, RADIUS, WEIGHTS

#: Places of a block, about: larger blocks multiply more zeros, smaller blocks read more margins.
_BLOCK = 16
#: Pixels of the planes that are evaluated together; their buffers fit into the cache of a core.
_TOGETHER = 1 << 14


def ssim_of_planes(a: Tensor, b: Tensor) -> Tensor:
    """SSIM of each pair of planes on a CPU, without gradients; see `gath_metrics.ssim.ssim`.

    Args:
        a: (N, H, W) in [0, 1], H and W at least 11.
        b: the same shape.

    Returns:
        float64 (N,).
    """
    count, height, width = a.shape
    if not count:
        return torch.zeros(0, dtype=torch.float64)
    together = max(1, min(count, _TOGETHER // (height * width)))
    buffers = {size: _Planes(size, height, width) for size in {together, count % together} - {0}}
    parts = [slice(start, min(start + together, count)) for start in range(0, count, together)]
    return torch.cat([buffers[part.stop - part.start].ssim(a[part], b[part]) for part in parts])


class _Planes:
    """The buffers of ``count`` planes, and views of them.

    The fields a, 2b, a² + b² and 2ab of all planes lie below each other in one padded image, so that its blocks of rows
    have equal distances. The rows below a plane's last whole window mix two planes and are left out of the mean.
    """

    def __init__(self, count: int, height: int, width: int) -> None:
        margin = 2 * RADIUS
        down, across = _block(height), _block(width - margin)
        rows, columns = -(-height // down), -(-(width - margin) // across)  # blocks
        high, wide = rows * down, columns * across + margin
        padded = torch.zeros(4 * count * high + margin, wide, dtype=torch.float64)
        fields = padded[: 4 * count * high].view(4, count, high, wide)
        self._fields = fields[:, :, :height, :width].unbind()
        self._row_blocks = _views(padded, (4 * count * rows, down + margin, wide), (down * wide, wide, 1))
        self._down, self._across = _band(down).T.copy(), _band(across)

        filtered = torch.zeros(4 * count * high, wide, dtype=torch.float64)
        self._filtered = filtered.view(4 * count * rows, down, wide).numpy()
        self._column_blocks = _views(
            filtered, (columns, 4 * count * high, across + margin), (across, wide, 1)
        )
        means = torch.zeros(columns, 4, count * high * across, dtype=torch.float64)
        self._filtered_twice = means.view(columns, 4 * count * high, across).numpy()
        self._means = means.unbind(1)
        # The maps replace the fields that were filtered once.
        self._above, self._below = (
            part.view(columns, -1) for part in filtered.view(-1)[: means.numel() // 2].chunk(2)
        )
        maps = self._above.view(columns, count, high, across)[:, :, : height - margin]
        self._whole, self._last = maps[:-1], maps[-1, ..., : width - margin - (columns - 1) * across]
        self._places = (height - margin) * (width - margin)

    def ssim(self, a: Tensor, b: Tensor) -> Tensor:
        """(count, H, W) and (count, H, W) -> (count,)."""
        first, second, squares, products = self._fields
        torch.mul(a, 1, out=first)
        torch.mul(b, 2, out=second)
        torch.mul(first, second, out=products)
        torch.mul(first, first, out=squares).addcmul_(second, second, value=0.25)
        # numpy's BLAS multiplies small matrices faster than torch's.
        np.matmul(self._down, self._row_blocks, out=self._filtered)
        np.matmul(self._column_blocks, self._across, out=self._filtered_twice)

        mean_a, mean_b, squares, products = self._means
        above, below = self._above, self._below
        torch.mul(mean_a, mean_b, out=above)  # 2 μa μb
        torch.mul(mean_a, mean_a, out=below).addcmul_(mean_b, mean_b, value=0.25)  # μa² + μb²
        covariance, variances = products.sub_(above), squares.sub_(below)
        above.add_(C1).mul_(covariance.add_(C2)).div_(below.add_(C1).mul_(variances.add_(C2)))
        return (self._whole.sum((0, 2, 3)) + self._last.sum((1, 2))) / self._places


def _views(tensor: Tensor, shape: tuple[int, ...], strides: tuple[int, ...]) -> NDArray[np.float64]:
    view: NDArray[np.float64] = tensor.as_strided(shape, strides).numpy()
    return view


def _block(places: int) -> int:
    """The size of the blocks of an axis: about `_BLOCK`, with as few places as possible beyond the end."""
    return -(-places // max(1, round(places / _BLOCK)))


@lru_cache(maxsize=8)
def _band(places: int) -> NDArray[np.float64]:
    """(places + 10, places): a row of numbers times it is the window's mean at each place."""
    band = np.zeros((places + 2 * RADIUS, places))
    for place in range(places):
        band[place : place + len(WEIGHTS), place] = WEIGHTS
    return band
