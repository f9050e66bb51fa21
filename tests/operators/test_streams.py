"""The same seeds for a measurement and a sampler: nothing that one draws is drawn by the other."""

import pytest
import torch

from operators import Rng, gaussian, identity, laplace, measure, poisson, uniform

SHAPE = (3, 32, 32)
GREY = torch.zeros(2, *SHAPE)
LAWS = {
    "gaussian": gaussian(1.0),
    "laplace": laplace(1.0),
    "uniform": uniform(1.0),
    "poisson": poisson(20),
}


def likeness(a, b):
    a, b = a.flatten() - a.mean(), b.flatten() - b.mean()
    return abs(float(a @ b / (a.norm() * b.norm())))


def noise(rng, law="gaussian"):
    return measure(identity(SHAPE), LAWS[law], GREY[: len(rng)], rng).y


@pytest.mark.parametrize("law", LAWS)
def test_the_first_draws_of_a_sampler_are_not_its_measurement_s(law):
    """Of 6144 values, independent ones are alike within 0.05 but for one in ten thousand."""
    y = noise(Rng([0, 1]), law)
    assert likeness(y, Rng([0, 1]).normal(GREY.shape)) < 0.05
    assert likeness(y, Rng([0, 1]).uniform(GREY.shape)) < 0.05


def test_measuring_twice_gives_other_noise_and_the_same_seed_the_same():
    rng = Rng([5])
    first, second = noise(rng), noise(rng)
    assert likeness(first, second) < 0.05
    assert torch.equal(noise(Rng([5])), first)


def test_a_sample_s_noise_is_a_function_of_its_own_seed():
    together = noise(Rng([4, 7]))
    assert torch.equal(together[1:], noise(Rng([7])))


def test_purposes_tell_streams_apart():
    one, other = (Rng([3]).fork(what).normal((1, *SHAPE)) for what in ("mask", "noise"))
    assert likeness(one, other) < 0.05
    assert torch.equal(Rng([3]).fork("mask").normal((1, *SHAPE)), one)
