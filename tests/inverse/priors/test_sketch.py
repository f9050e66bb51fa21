"""The pyramid that fills what is lost before any network."""

import torch
from torch import Tensor

from inverse.priors.sketch import DETAIL, SPREAD, gate, sketch


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_of_four_values_it_is_their_posterior_mean():
    z, variance = drawn(1, 1, 2, 2), drawn(1, 1, 2, 2).square() + 0.01
    cov = torch.full((4, 4), SPREAD, dtype=torch.float64) + DETAIL * torch.eye(4)
    exact = cov @ torch.linalg.solve(cov + variance.flatten().diag(), z.flatten())
    assert torch.allclose(sketch(z, variance, depth=1).flatten(), exact, atol=1e-12)


def test_what_is_known_stays_and_of_nothing_comes_grey():
    z = drawn(1, 3, 37, 21)
    assert torch.allclose(sketch(z, torch.zeros_like(z)), z, atol=1e-12)
    assert sketch(z, torch.full_like(z, 1e12)).abs().max() < 1e-6


def test_what_is_lost_is_filled_from_around_it_whatever_stands_there():
    image = torch.full((1, 3, 40, 40), 0.5, dtype=torch.float64)
    variance = torch.where(drawn(40, 40) < 0, 1e12, 1e-6).expand_as(image)
    other = torch.where(variance > 1, image + drawn(1, 3, 40, 40), image)
    assert torch.allclose(sketch(other, variance), sketch(image, variance), atol=1e-9)
    assert torch.allclose(sketch(other, variance), image, atol=1e-2)


def test_even_noise_shuts_no_gate_and_a_lost_value_among_known_ones_is_shut_out():
    even = torch.full((1, 3, 16, 16), 0.3, dtype=torch.float64)
    assert torch.allclose(gate(even), torch.ones_like(even), atol=1e-12)
    even[..., 8, 8] = 6400.0
    assert gate(even)[..., 8, 8].max() < 1e-3 and gate(even)[..., 0, 0].min() == 1
