"""Priors that are told the noise of every coordinate."""

import math

import pytest
import torch

from inverse.denoise import Field, Unfit, spectrum
from inverse.levels import VE, VP
from inverse.priors import Mixture
from operators import (
    Bayer,
    Blur,
    DenseGaussian,
    Inpaint,
    Problem,
    SpectralOperator,
    gaussian,
    kernels,
)
from tests.inverse.cases import DIM, SHAPE, gaussian_prior

COUNT = 3


def mixture() -> Mixture:
    generator = torch.Generator().manual_seed(5)
    means = 2 * torch.randn(4, DIM, generator=generator, dtype=torch.float64)
    return Mixture(SHAPE, means, torch.tensor([1.0, 2, 3, 4]).double(), 0.6)


def states(shape=SHAPE, count=COUNT) -> torch.Tensor:
    return torch.randn(
        count, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )


PRIORS = {"gaussian": gaussian_prior(), "mixture": mixture()}
each_prior = pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)


@each_prior
@pytest.mark.parametrize("schedule", [VE(), VP()], ids=["ve", "vp"])
def test_the_same_noise_everywhere_is_a_level(prior, schedule):
    x, level = states(), schedule.at(0.7)
    even = prior.restore(x / level.alpha, Field(torch.full((1, 1, 1, 1), 0.7, dtype=torch.float64)))
    assert torch.allclose(even, prior.denoise(x, level), rtol=0, atol=1e-12)


@each_prior
def test_what_is_known_stays_and_what_is_unknown_is_ignored(prior):
    nsr = torch.tensor([0, 0.5, math.inf, 0, 1.0, math.inf, 2.0, 0.1]).double().view(1, *SHAPE)
    z = states()
    x0 = prior.restore(z, Field(nsr))
    assert torch.allclose(x0[nsr.expand_as(z) == 0], z[nsr.expand_as(z) == 0], rtol=0, atol=1e-10)
    other = torch.where(nsr.isinf(), z + 5, z)
    assert torch.allclose(prior.restore(other, Field(nsr)), x0, rtol=0, atol=1e-10)


def test_two_values_of_a_gaussian_have_the_textbook_mean():
    from inverse.priors import GaussianPrior

    cov = torch.tensor([[2.0, 0.6], [0.6, 1.0]]).double()
    prior = GaussianPrior((1, 1, 2), torch.tensor([1.0, -1.0]).double(), cov)
    z = torch.tensor([3.0, 7.0]).double().view(1, 1, 1, 2)
    x0 = prior.restore(z, Field(torch.tensor([0.5, math.inf]).double().view(1, 1, 1, 2)))
    gain = (3.0 - 1.0) / (2.0 + 0.25)
    assert torch.allclose(x0.flatten(), torch.tensor([1 + 2 * gain, -1 + 0.6 * gain]).double())


@each_prior
def test_every_sample_may_have_a_field_of_its_own(prior):
    nsr = torch.rand(COUNT, *SHAPE, dtype=torch.float64) + 0.1
    z = states()
    together = prior.restore(z, Field(nsr))
    for i in range(COUNT):
        alone = prior.restore(z[i : i + 1], Field(nsr[i : i + 1]))
        assert torch.allclose(together[i : i + 1], alone, rtol=0, atol=1e-12)


MASK = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 1]]).bool()
OPERATORS: dict[str, SpectralOperator] = {
    "mask": Inpaint(SHAPE, MASK),
    "masks": Inpaint(SHAPE, torch.stack([MASK, ~MASK, MASK.flip(0)])[:, None]),
    "blur": Blur(SHAPE, torch.tensor([[0.2, 0.5, 0.3]])),
    "dense": DenseGaussian(SHAPE, 4, seed=1),
}


@each_prior
@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_a_measurement_alone_is_restored_to_its_posterior_mean(prior, operator):
    operator = operator.to(torch.float64)
    y = operator(states())
    data = spectrum(Problem(operator, gaussian(0.3), y), "test")
    start = data.informed(torch.zeros_like(states()), VE().at(math.inf))
    x0 = prior.restore(start, data.field(VE().at(math.inf)))
    for i in range(COUNT):
        one = operator.select(slice(i, i + 1))
        units = torch.eye(DIM).double().view(DIM, 1, *SHAPE)
        matrix = torch.cat([one(unit).flatten(1) for unit in units]).T
        if isinstance(prior, Mixture):
            law = prior.posterior(matrix, y[i].flatten(), 0.3)
            exact = law.weights @ law.means
        else:
            exact = prior.posterior(matrix, y[i : i + 1].flatten(1), 0.3)[0][0]
        assert torch.allclose(x0[i].flatten(), exact, rtol=0, atol=1e-9)


def test_the_noise_of_pixels_follows_from_that_of_single_values_alone():
    like = torch.zeros(2, 3, 4, 6)
    bayer = Bayer(like.shape[1:])
    measured = Problem(bayer, gaussian(0.25), torch.zeros(2, 1, 4, 6))
    for level in (0.1, 2.0, math.inf):
        nsr = spectrum(measured, "test").field(VE().at(level)).pixels(like)
        expected = torch.where(bayer.mask > 0, min(0.25, level), level).expand_as(like)
        assert torch.allclose(nsr, expected, rtol=1e-5)
    blur = Blur(like.shape[1:], kernels.gaussian(3, 1.0))
    blurred = Problem(blur, gaussian(0.25), torch.zeros_like(like))
    with pytest.raises(Unfit, match="noise of every pixel, not that along the singular vectors"):
        spectrum(blurred, "test").field(VE().at(1.0)).pixels(like)
