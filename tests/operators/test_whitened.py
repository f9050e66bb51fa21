"""One σ per value of y: the likelihood, whitening, and the Gaussian stand-in for Poisson noise."""

import pytest
import torch

from operators import (
    Diagonal,
    Gaussian,
    Identity,
    Inpaint,
    Laplace,
    LinearOperator,
    Operator,
    Poisson,
    Problem,
    Rng,
    SpectralOperator,
    inpaint_random,
    masks,
    measure,
)
from tests.operators.operator_cases import CASES, close, dense, draw

SHAPE = (3, 6, 5)


def spread(shape=SHAPE, batch=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, *shape, generator=generator, dtype=torch.float64) + 0.2


def image(batch=3, shape=SHAPE):
    generator = torch.Generator().manual_seed(1)
    return torch.rand(batch, *shape, generator=generator, dtype=torch.float64) * 2 - 1


def problem_of(operator, sigma, batch=3):
    operator = operator.double()
    return measure(operator, Gaussian(sigma), image(batch, operator.in_shape), Rng(range(batch)))


@pytest.mark.parametrize("batch", [1, 3])
def test_likelihood_against_torch(batch):
    sigma, clean = spread(batch=batch), image()
    y = Gaussian(sigma).sample(clean, Rng([0, 1, 2]))
    law = torch.distributions.Normal(clean, sigma)
    want = (law.log_prob(clean) - law.log_prob(y)).flatten(1).sum(1)
    assert torch.allclose(Gaussian(sigma).nll(clean, y), want)
    alone = Gaussian(sigma).select(slice(1, 2)).sample(clean[1:2], Rng([1]))
    assert torch.equal(alone, y[1:2])


def test_moments_per_value():
    sigma = torch.tensor([0.1, 0.5, 2.0]).view(1, 3, 1)
    y = Gaussian(sigma).sample(torch.zeros(1, 3, 50_000), Rng([0]))
    assert y.std(2).flatten().tolist() == pytest.approx([0.1, 0.5, 2.0], rel=0.02)


def test_shapes_that_do_not_fit():
    for sigma in (torch.ones(1, 3, 6, 4), torch.ones(2, 3, 6, 5), torch.ones(3, 6, 5)):
        with pytest.raises(ValueError, match=r"Gaussian: .* sigmas do not fit"):
            Gaussian(sigma).sample(image(), Rng([0, 1, 2]))
        with pytest.raises(ValueError, match=r"Gaussian: .* sigmas do not fit"):
            Problem(Identity(SHAPE).double(), Gaussian(sigma), image())


def test_relative_residual_weighs_each_value():
    problem = problem_of(Identity((1, 100, 100)), spread((1, 100, 100)))
    truth = image(3, (1, 100, 100))
    assert problem.relative_residual(truth).tolist() == pytest.approx([1, 1, 1], abs=0.03)


SIGMAS = {
    "number": lambda shape: 0.3,
    "per sample": lambda shape: [0.1, 0.5, 2.0],
    "per value": lambda shape: spread(shape),
    "per row": lambda shape: spread((*[1] * (len(shape) - 1), shape[-1])),
    "per value and sample": lambda shape: spread(shape, 3),
}
MASKS = ["identity", "inpaint", "inpaint per sample"]
NAMES = [*MASKS, "blur", "downsample", "dense", "composed mask"]


@pytest.mark.parametrize("kind", SIGMAS)
@pytest.mark.parametrize("name", NAMES)
def test_whitening_keeps_the_posterior(name, kind):
    operator = CASES[name]().double()
    problem = problem_of(operator, SIGMAS[kind](operator.out_shape))
    white = problem.whitened()
    assert white.sigma == 1.0
    x = draw(operator, 5)[0]
    assert torch.allclose(white.nll(x), problem.nll(x))
    assert torch.allclose(white.relative_residual(x), problem.relative_residual(x))
    assert torch.allclose(white[1:2].nll(x[1:2]), problem.nll(x)[1:2])
    counts = [torch.as_tensor(p.measured).double().expand(3) for p in (white, problem)]
    assert torch.equal(*counts)
    r2 = 0.7
    matrix = dense(operator).expand(3, -1, -1)
    sigma = torch.as_tensor(problem.sigma, dtype=torch.float64)
    sigma = sigma.view(-1, *[1] * len(operator.out_shape)) if sigma.ndim < 2 else sigma
    weights = (1 / sigma.expand(3, *operator.out_shape).flatten(1)) ** 2
    left = torch.einsum("bmi,bm,bmj->bij", matrix, weights, matrix)
    left = left + torch.eye(x[0].numel(), dtype=torch.float64) / r2
    right = torch.einsum("bmi,bm,bm->bi", matrix, weights, problem.y.flatten(1))
    want = torch.linalg.solve(left, right + x.flatten(1) / r2)
    close(white.operator.prox(x, white.y, 1 / r2), want, 1e-8)


@pytest.mark.parametrize("kind", SIGMAS)
@pytest.mark.parametrize("name", MASKS)
def test_masks_keep_their_closed_form(name, kind):
    operator = CASES[name]()
    white = problem_of(operator, SIGMAS[kind](operator.out_shape)).whitened()
    assert isinstance(white.operator, SpectralOperator) and white.operator.closed_form


def test_one_sigma_keeps_every_closed_form():
    for name in ("blur", "downsample", "walsh-hadamard"):
        assert problem_of(CASES[name](), 0.2).whitened().operator.closed_form


def test_diagonals_multiply():
    weights, mask = spread() - 0.7, masks.random(SHAPE, 0.5, 1)
    product = Diagonal(SHAPE, weights) @ Inpaint(SHAPE, mask)
    assert isinstance(product, Diagonal) and product.measured == 45
    x = image().float()
    assert torch.allclose(product(x), x * weights.float() * mask)
    twice = Inpaint(SHAPE, mask) @ Diagonal(SHAPE, weights).double().float() @ product
    assert isinstance(twice, Diagonal)
    assert torch.allclose(twice.double()(x.double()), x.double() * weights**2 * mask)
    assert product.T is product and (-2 * product).closed_form
    with pytest.raises(ValueError, match="batches"):
        Diagonal(SHAPE, spread(batch=2)) @ Diagonal(SHAPE, spread(batch=3))
    with pytest.raises(ValueError, match="dtype"):
        Diagonal(SHAPE, spread()).double() @ Inpaint(SHAPE, mask)


def test_bad_diagonals():
    for weights in (torch.ones(3, 6, 5), torch.ones(1, 3, 6, 4), torch.ones(1, 3, 6)):
        with pytest.raises(ValueError, match="Diagonal: weights must be"):
            Diagonal(SHAPE, weights)
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="finite"):
            Diagonal(SHAPE, torch.full((1, *SHAPE), bad))
    lost = torch.ones(2, *SHAPE)
    lost[1] = 0
    with pytest.raises(ValueError, match="all 0 for a sample"):
        Diagonal(SHAPE, lost)


class Square(Operator):
    def __init__(self):
        super().__init__(SHAPE, SHAPE)

    def _forward(self, x):
        return x**2


def test_whitening_a_nonlinear_problem():
    for sigma in (0.3, spread()):
        problem = problem_of(Square(), sigma)
        white = problem.whitened()
        assert not isinstance(white.operator, LinearOperator)
        assert torch.allclose(white.nll(image() + 0.1), problem.nll(image() + 0.1))


def test_a_sigma_of_zero_matters_only_where_something_is_measured():
    sigma = spread()
    sigma[0, 0, 0, :2] = 0
    for nothing in (0.0, [0.1, 0.0, 0.1], sigma):
        with pytest.raises(ValueError, match="above 0"):
            problem_of(Identity(SHAPE), nothing).whitened()
    mask = torch.ones(6, 5)
    mask[0, :2] = 0
    white = problem_of(Inpaint(SHAPE, mask), sigma).whitened()
    assert torch.isfinite(white.y).all() and torch.isfinite(white.nll(image())).all()


def test_the_measurement_stays_as_it_was():
    problem = problem_of(inpaint_random(SHAPE, 0.5), spread())
    y, operator = problem.y.clone(), problem.operator
    problem.whitened().y.zero_()
    assert torch.equal(problem.y, y) and problem.operator is operator


def test_empty_batch():
    white = problem_of(Identity(SHAPE), spread())[:0].whitened()
    assert white.nll(image(0)).shape == (0,)


def test_poisson_as_gaussian():
    shape = (1, 120, 120)
    x = torch.linspace(-0.9, 0.9, 120).expand(1, *shape)
    problem = measure(Identity(shape), Poisson(200.0), x, Rng([0]))
    stand_in = problem.as_gaussian()
    true = (2 * (x + 1) / 200).sqrt()
    assert float((stand_in.sigma / true).mean()) == pytest.approx(1, abs=0.05)
    assert float(stand_in.relative_residual(x)) == pytest.approx(1, abs=0.05)
    assert float(stand_in.whitened().relative_residual(x)) == pytest.approx(1, abs=0.05)
    assert stand_in.as_gaussian() is stand_in
    dark = measure(Identity(shape), Poisson(1.0), -torch.ones(1, *shape), Rng([0])).as_gaussian()
    assert torch.equal(dark.sigma, torch.full_like(dark.sigma, 2.0))  # one photon, not none


def test_only_gaussian_noise_is_whitened():
    problem = measure(Identity(SHAPE).double(), Laplace(0.1), image(), Rng([0, 1, 2]))
    with pytest.raises(TypeError, match=r"must be Gaussian.*Laplace.*as_gaussian\(\)"):
        problem.whitened()
    assert problem.as_gaussian().whitened().sigma == 1.0
