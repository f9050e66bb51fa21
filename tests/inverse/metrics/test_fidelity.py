"""PSNR of a region by hand; MS-SSIM per image, and where it cannot be had."""

import math

import pytest
import torch

from inverse.images import sample_photograph
from inverse.metrics import ms_ssim, psnr, psnr_where


def test_psnr_of_a_region_by_hand():
    ref = torch.zeros(2, 3, 4, 4)
    x, where = ref.clone(), torch.zeros(1, 1, 4, 4)
    where[..., :2, :] = 1
    x[..., :2, :] += 0.2  # 0.1 on [0, 1]: mse 0.01 where it counts
    x[..., 2:, :] += 0.02
    assert psnr_where(x, ref, where).tolist() == pytest.approx([20.0, 20.0], abs=1e-3)
    assert psnr_where(x, ref, 1 - where).tolist() == pytest.approx([40.0, 40.0], abs=1e-3)
    assert torch.equal(psnr_where(x, ref, where.fill_(1)), psnr(x, ref))
    assert math.isnan(psnr_where(x, ref, where.fill_(0))[0])


def test_ms_ssim_is_one_for_equal_images_and_a_batch_is_its_singles():
    ref = torch.stack([sample_photograph(name, size=176) for name in ("astronaut", "coffee")])
    noise = torch.randn(ref.shape, generator=torch.Generator().manual_seed(0))
    x = ref + torch.tensor([0.1, 0.4]).view(2, 1, 1, 1) * noise
    values = ms_ssim(x, ref)
    assert values.shape == (2,) and 1 > values[0] > values[1] > 0.5
    singles = torch.cat([ms_ssim(x[i : i + 1], ref[i : i + 1]).reshape(1) for i in range(2)])
    assert torch.allclose(values, singles, atol=1e-5)
    assert torch.allclose(ms_ssim(ref, ref), torch.ones(2))
    with pytest.raises(ValueError, match="at least 176"):
        ms_ssim(ref[..., 1:], ref[..., 1:])
