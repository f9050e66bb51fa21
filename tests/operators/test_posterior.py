"""The exact Gaussian posterior draw, against the closed form by dense algebra."""

import pytest
import torch

from operators import Rng
from tests.operators.operator_cases import CASES, dense, draw, matvec

CHOSEN = [
    "inpaint",
    "blur odd",
    "blur singular",
    "downsample",
    "walsh-hadamard",
    "dense",
    "greyscale",
    "composed",
    "transposed",
]


def posterior(matrix, mean, y, sigma, r2):
    """Mean and covariance of x | y for x ~ N(mean, r2 I), y = A x + sigma n, by gain matrices."""
    cover = matrix @ matrix.T * r2 + sigma**2 * torch.eye(len(matrix), dtype=matrix.dtype)
    gain = r2 * matrix.T @ torch.linalg.pinv(cover, rtol=1e-12, hermitian=True)
    return mean + gain @ (y - matrix @ mean), r2 * (
        torch.eye(matrix.shape[1], dtype=matrix.dtype) - gain @ matrix
    )


@pytest.mark.parametrize("sigma", [0.3, 0.0])
@pytest.mark.parametrize("name", CHOSEN)
def test_mean_and_covariance(name, sigma):
    operator, r2, n = CASES[name]().double(), 0.5, 4000
    matrix = dense(operator)[0]
    mean, _ = draw(operator, 3, batch=1)
    y = operator(draw(operator, 4, batch=1)[0])
    want, cover = posterior(matrix, mean.flatten(), y.flatten(), sigma, r2)
    spread = [tensor.expand(n, *tensor.shape[1:]) for tensor in (mean, y)]
    draws = operator.posterior_sample(*spread, sigma, r2, Rng(range(n))).flatten(1)
    off = (draws.mean(0) - want) / (cover.diagonal() / n).clamp_min(1e-14).sqrt()
    assert off.abs().max() < 5
    bound = 4 * (len(cover) / n) ** 0.5
    assert float((torch.cov(draws.T) - cover).norm()) < bound * max(float(cover.norm()), 1e-8)
    if sigma == 0:
        image = operator(draws.view(n, *operator.in_shape))
        assert float((image - y).abs().max()) < 1e-6


def test_the_draw_is_linear_in_the_noise():
    """Without sampling error: draws from white noise e have mean m and covariance L Lᵀ exactly."""
    operator = CASES["blur"]().double()
    matrix, sigma, r2 = dense(operator)[0], 0.2, 0.7
    inverse = torch.linalg.inv(matrix.T @ matrix + sigma**2 / r2 * torch.eye(len(matrix)))
    factor = torch.cat(
        [
            r2**0.5 * (torch.eye(len(matrix)) - inverse @ matrix.T @ matrix),
            sigma * inverse @ matrix.T,
        ],
        1,
    )
    _, cover = posterior(matrix, torch.zeros(len(matrix)).double(), matrix[:, 0], sigma, r2)
    assert torch.allclose(factor @ factor.T, cover, atol=1e-10)
    mean, y = draw(operator, batch=2)
    noise = Rng([5, 6])
    e1 = noise.normal(mean.shape, mean.dtype)
    e2 = noise.normal(y.shape, y.dtype)
    centre = torch.stack(
        [
            posterior(matrix, m.flatten(), v.flatten(), sigma, r2)[0]
            for m, v in zip(mean, y, strict=True)
        ]
    )
    want = centre + matvec(factor[None], torch.cat([e1.flatten(1), e2.flatten(1)], 1))
    got = operator.posterior_sample(mean, y, sigma, r2, Rng([5, 6]))
    assert torch.allclose(got.flatten(1), want, atol=1e-10)


@pytest.mark.parametrize(
    "name", ["inpaint per sample", "blur per sample", "downsample", "composed"]
)
def test_per_sample_variances(name):
    operator = CASES[name]().double()
    mean, y = draw(operator)
    y = operator.support(y)
    sigma = torch.tensor([0.1, 0.5, 2.0], dtype=torch.float64)
    r2 = torch.tensor([4.0, 0.1, 0.5], dtype=torch.float64)
    whole = operator.posterior_sample(mean, y, sigma, r2, Rng([0, 1, 2]))
    for i in range(3):
        rows = slice(i, i + 1)
        one = operator.select(rows)
        part = one.posterior_sample(mean[rows], y[rows], float(sigma[i]), float(r2[i]), Rng([i]))
        assert torch.allclose(part, whole[rows], atol=1e-9)


def test_no_noise_in_one_sample_only():
    operator = CASES["downsample"]().double()
    mean, _ = draw(operator)
    y = operator(draw(operator, 1)[0])
    sigma = torch.tensor([0.0, 0.1, 0.0], dtype=torch.float64)
    sample = operator.posterior_sample(mean, y, sigma, 1.0, Rng([0, 1, 2]))
    off = (operator(sample) - y).flatten(1).norm(dim=1)
    assert off[0] < 1e-7 and off[2] < 1e-7 and off[1] > 1e-3
    exact = operator.posterior_sample(mean, y, 0.0, torch.ones(3).double(), Rng([0, 1, 2]))
    assert float((operator(exact) - y).abs().max()) < 1e-12
    assert torch.equal(operator.posterior_sample(mean, y, 0.1, 0.0, Rng([0, 1, 2])), mean)
