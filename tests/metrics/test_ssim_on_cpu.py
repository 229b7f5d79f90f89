"""SSIM on a CPU equals the same formula by tensor operations, for every size and number of planes."""

from __future__ import annotations

import pytest
import torch
from gath_metrics.ssim import ssim, ssim_by_tensors


@pytest.mark.parametrize("size", [(11, 11), (12, 40), (41, 64), (128, 128), (130, 90)])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_equals_tensor_operations(size: tuple[int, int], count: int) -> None:
    generator = torch.Generator().manual_seed(count)
    a, b = (torch.rand(count, 3, *size, generator=generator) for _ in range(2))
    b = 0.7 * a + 0.3 * b
    torch.testing.assert_close(ssim(a, b), ssim_by_tensors(a, b), rtol=0, atol=1e-12)


def test_an_image_has_one_value_in_every_batch() -> None:
    a, b = (torch.rand(5, 3, 48, 37, generator=torch.Generator().manual_seed(n)) for n in range(2))
    alone = torch.cat([ssim(x[None], y[None]) for x, y in zip(a, b, strict=True)])
    assert torch.equal(ssim(a, b), alone)
    assert torch.equal(ssim(a.flip(0), b.flip(0)), alone.flip(0))


def test_images_are_not_changed_and_an_empty_batch_has_no_values() -> None:
    a, b = (torch.rand(2, 3, 20, 20, dtype=torch.float64) for _ in range(2))
    before = a.clone(), b.clone()
    with torch.inference_mode():
        ssim(a, b)
    assert torch.equal(a, before[0])
    assert torch.equal(b, before[1])
    assert ssim(a[:0], b[:0]).shape == (0,)


def test_gradients_are_those_of_the_formula() -> None:
    target = torch.rand(1, 1, 16, 16, dtype=torch.float64)
    image = (target + 0.1).requires_grad_()
    ssim(image, target).sum().backward()
    assert image.grad is not None
    assert image.grad.abs().max() > 0
