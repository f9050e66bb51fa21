"""Rng, noise and Problem."""

import dataclasses

import pytest
import torch

import operators
from operators import (
    Gaussian,
    Identity,
    Inpaint,
    Problem,
    Rng,
    downsample,
    inpaint_random,
    masks,
    measure,
)

SHAPE = (3, 8, 8)


def image(batch=3):
    return torch.rand(batch, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("kind", ["normal", "uniform", "poisson"])
def test_streams_are_independent_of_the_batch(kind):
    def draws(seeds):
        rng = Rng(seeds)
        shape = (len(seeds), 3, 5)
        rate = torch.full(shape, 7.0)
        take = (
            (lambda: rng.poisson(rate)) if kind == "poisson" else lambda: getattr(rng, kind)(shape)
        )
        return torch.stack([take(), take()], 1)

    whole = draws([0, 5, 7, 5])
    assert torch.equal(whole[0], draws([0])[0]) and torch.equal(whole[1:3], draws([5, 7]))
    assert torch.equal(whole[1], whole[3]) and not torch.equal(whole[0], whole[1])
    assert not torch.equal(whole[:, 0], whole[:, 1])


def test_rng_moments_and_types():
    rng = Rng([0])
    normal, uniform = rng.normal((1, 100_000)), rng.uniform((1, 100_000))
    assert normal.dtype == torch.float32 and rng.normal((1, 2), torch.float64).dtype == torch.double
    assert abs(float(normal.mean())) < 0.02 and abs(float(normal.std()) - 1) < 0.02
    assert 0 <= float(uniform.min()) and float(uniform.max()) < 1
    assert rng.device == torch.device("cpu") and len(Rng(range(4))) == 4
    poisson = rng.poisson(torch.full((1, 100_000), 3.0))
    assert float(poisson.mean()) == pytest.approx(3, abs=0.05)


def test_rng_slices_share_and_states_restore():
    rng, same = Rng([1, 2, 3]), Rng([1, 2, 3])
    part = rng[1:2]
    first = part.normal((1, 4))
    whole = same.normal((3, 4))
    assert torch.equal(first[0], whole[1])
    assert torch.equal(rng.normal((3, 4))[0], whole[0])  # sample 0 did not move
    state = rng.state()
    before = rng.normal((3, 6))
    rng.restore(state)
    assert torch.equal(rng.normal((3, 6)), before)
    assert rng[3:].normal((0, 2)).shape == (0, 2)


def test_rng_errors():
    for seeds, error in (([], ValueError), ([-1], ValueError), ([1.5], TypeError)):
        with pytest.raises(error, match="Rng"):
            Rng(seeds)
    with pytest.raises(ValueError, match=r"batch size 2 .* got \(3, 4\)"):
        Rng([0, 1]).normal((3, 4))
    with pytest.raises(ValueError, match="states"):
        Rng([0, 1]).restore(Rng([0]).state())
    with pytest.raises(TypeError, match="slice"):
        Rng([0, 1])[0]


def test_gaussian_noise():
    clean = torch.zeros(2, 50_000)
    noisy = Gaussian([0.1, 0.5]).sample(clean, Rng([0, 1]))
    assert noisy.std(1).tolist() == pytest.approx([0.1, 0.5], rel=0.02)
    assert torch.equal(Gaussian(0.0).sample(clean, Rng([0, 1])), clean)
    again = Gaussian(0.5).sample(clean[1:], Rng([1]))
    assert torch.equal(again[0], noisy[1])
    x = image()
    y = x + 0.3
    want = torch.distributions.Normal(x, 0.2).log_prob(y).flatten(1).sum(1)
    flat = torch.distributions.Normal(x, 0.2).log_prob(x).flatten(1).sum(1)
    assert torch.allclose(Gaussian(0.2).nll(x, y), flat - want, rtol=1e-4)
    for sigma in (-0.1, float("nan"), float("inf"), [0.1, -1.0], -torch.ones(2, 2)):
        with pytest.raises(ValueError, match="Gaussian: sigma"):
            Gaussian(sigma)
    with pytest.raises(ValueError, match="likelihood"):
        Gaussian(0).nll(x, y)
    with pytest.raises(ValueError, match="2 sigmas"):
        Gaussian([0.1, 0.2]).sample(x, Rng([0, 1, 2]))


def test_measure_and_residuals():
    x, operator = image(), inpaint_random(SHAPE, 0.5)
    problem = measure(operator, Gaussian(0.1), x, Rng([0, 1, 2]))
    assert len(problem) == 3 and problem.sigma == 0.1 and problem.measured == 96
    assert torch.equal(problem.y[:, :, operator.mask[0, 0] == 0], torch.zeros(3, 3, 32))
    assert torch.allclose(problem.relative_residual(x), torch.ones(3), atol=0.3)
    assert torch.allclose(problem.rms_residual(x), 0.1 * problem.relative_residual(x))
    want = 0.5 * 96 * problem.relative_residual(x) ** 2
    assert torch.allclose(problem.nll(x), want, rtol=1e-4)
    assert torch.equal(problem.residual(x), problem.y - operator(x))
    assert float(problem.y.max()) > 1  # noise is not clipped


def test_relative_residual_counts_per_sample():
    mask = torch.stack([masks.random(SHAPE, keep, 0)[None] for keep in (0.1, 0.9)])
    problem = measure(Inpaint(SHAPE, mask), Gaussian([0.1, 0.3]), image(2), Rng([0, 1]))
    assert torch.allclose(problem.relative_residual(image(2)), torch.ones(2), atol=0.4)


def test_slices_of_a_problem():
    mask = torch.stack([masks.random(SHAPE, 0.5, seed)[None] for seed in range(3)])
    for operator in (Inpaint(SHAPE, mask), downsample(SHAPE, 2)):
        whole = measure(operator, Gaussian([0.1, 0.2, 0.3]), image(), Rng([0, 1, 2]))
        part = whole[1:3]
        assert len(part) == 2 and part.sigma.tolist() == pytest.approx([0.2, 0.3])
        assert torch.equal(part.residual(image()[1:3]), whole.residual(image())[1:3])
        assert torch.equal(part.nll(image()[1:3]), whole.nll(image())[1:3])
        alone = measure(operator.select(slice(2, 3)), Gaussian([0.3]), image()[2:], Rng([2]))
        assert torch.allclose(alone.y, whole.y[2:], atol=1e-6)
    with pytest.raises(TypeError, match="slice"):
        whole[0]


def test_a_problem_is_frozen_and_checked():
    operator, noise = inpaint_random(SHAPE, 0.5), Gaussian(0.1)
    y = torch.ones(2, *SHAPE)
    problem = Problem(operator, noise, y)
    assert torch.equal(y, torch.ones(2, *SHAPE)) and torch.equal(problem.y, operator(y))
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.y = y
    with pytest.raises(ValueError, match=r"Inpaint.*: y must be \(B, 3, 8, 8\)"):
        Problem(operator, noise, y[:, :1])
    with pytest.raises(ValueError, match="float64"):
        Problem(operator, noise, y.double())
    with pytest.raises(ValueError, match="3 sigmas do not fit a batch of 2"):
        Problem(operator, Gaussian([0.1, 0.1, 0.1]), y)
    with pytest.raises(ValueError, match="3 samples, the measurement 2"):
        problem.residual(image())
    assert problem.to("cpu").operator is operator
    assert not [name for name in vars(problem) if name not in ("operator", "noise", "y")]


def test_nan_in_the_measurement():
    y = image()
    y[0, 0, 0, 0], y[1, 0, 0, :2] = float("nan"), float("inf")
    with pytest.raises(ValueError, match="3 of the 576 values .* NaN or inf"):
        Problem(Identity(SHAPE), Gaussian(0.1), y)
    mask = torch.ones(8, 8)
    mask[0, :2] = 0
    assert torch.isfinite(Problem(Inpaint(SHAPE, mask), Gaussian(0.1), y).y).all()


def test_public_names_exist():
    assert all(hasattr(operators, name) for name in operators.__all__)
    assert len(operators.__all__) == len(set(operators.__all__))


def test_the_streams_must_be_where_the_data_are():
    x = image()
    with pytest.raises(ValueError, match="Identity.*: rng is on meta"):
        rng = Rng([0, 1, 2])
        rng.device = torch.device("meta")
        Identity(SHAPE).posterior_sample(x, x, 0.1, 1.0, rng)
