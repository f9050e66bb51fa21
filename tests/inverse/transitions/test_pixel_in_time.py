"""A pixel in time, all of it Gaussian: draws have the moments that a recursion gives."""

import pytest
import torch
from torch import Tensor

from inverse.denoise import Conditioned
from inverse.levels import CLEAN, Grid, Level
from inverse.priors import Frames, GaussianPrior
from inverse.samplers import Process
from inverse.steps import TemporalProx
from inverse.transitions import DDIM, Coherent
from operators import Problem, Rng, Temporal, gaussian

T, SIGMA, CLIPS = 12, 0.05, 1000
EYE = torch.eye(T, dtype=torch.float64)
BOX = sum((EYE.roll(k, 1) for k in range(-2, 3)), torch.zeros_like(EYE)) / 5  # circular, of five
LEVELS = Grid(200, start=100.0, end=0.01)()
SETTINGS = {"apart": (0.0, 0.0), "shared": (1.0, 0.0), "tied": (1.0, 5.0), "tight": (1.0, 50.0)}


def covariance(correlation: float) -> Tensor:
    """Of a clip that is one pixel, AR(1) in time, of variance 1."""
    place = torch.arange(T, dtype=torch.float64)
    return correlation ** (place[:, None] - place).abs()


def measures(error: Tensor, whole: Tensor) -> tuple[float, float]:
    """The mean square error, and the mean square change from frame to frame, of covariances."""
    change = EYE.diff(dim=0)
    moved = change @ whole @ change.T
    return float(error.trace()) / T, float(moved.trace()) / (T - 1)


def recursion(correlation: float, rho: float, mu: float) -> tuple[float, float, float]:
    """Error and flicker of a draw, and its variance given the data: `x = P y + noise`."""
    common = rho * torch.ones_like(EYE) + (1 - rho) * EYE
    gain, spread = torch.zeros_like(EYE), EYE * LEVELS[0].sigma ** 2
    change = EYE.diff(dim=0)
    for a, b in zip(LEVELS[:-1], LEVELS[1:], strict=True):
        pull = 1 + 1 / a.nsr**2  # 1 / r^2, of a prior of variance 1
        inverse = torch.linalg.inv(BOX.T @ BOX / SIGMA**2 + pull * EYE + mu * change.T @ change)
        share = 1 - (b.nsr / a.nsr) ** 2
        kept = b.sigma / a.sigma * (1 - share) ** 0.5
        seen, state = inverse @ BOX.T / SIGMA**2, inverse * pull / (1 + a.nsr**2)
        gain = (1 - kept) * (seen + state @ gain) + kept * gain
        turn = (1 - kept) * state + kept * EYE
        spread = turn @ spread @ turn.T + share * b.sigma**2 * common
    truth, bias = covariance(correlation), gain @ BOX - EYE
    random = gain @ gain.T * SIGMA**2 + spread
    whole = gain @ BOX @ truth @ (gain @ BOX).T + random
    return *measures(bias @ truth @ bias.T + random, whole), float(spread.trace()) / T


# measured before any of this was written, by other code: error, flicker
EXPECTED = {
    (1.0, "apart"): (0.183, 0.582), (1.0, "shared"): (0.077, 0.229),
    (1.0, "tied"): (0.016, 0.026), (1.0, "tight"): (0.004, 0.002),
    (0.9, "apart"): (0.186, 0.73), (0.9, "shared"): (0.080, 0.38), (0.9, "tied"): (0.037, 0.11),
    (0.0, "apart"): (0.221, 1.99), (0.0, "shared"): (0.115, 1.63),
}  # fmt: skip


@pytest.mark.parametrize(("correlation", "name"), EXPECTED)
def test_the_recursion_says_what_sharing_and_tying_do(correlation, name):
    error, flicker, _ = recursion(correlation, *SETTINGS[name])
    assert (error, flicker) == pytest.approx(EXPECTED[correlation, name], rel=0.03, abs=0.003)


def test_shared_noise_has_no_spread_where_time_tells_nothing():
    truth = covariance(0.0)
    seen = torch.linalg.inv(BOX @ truth @ BOX.T + SIGMA**2 * EYE)
    posterior = truth - truth @ BOX.T @ seen @ BOX @ truth
    assert float(posterior.trace()) / T == pytest.approx(0.113, abs=1e-3)
    assert recursion(0.0, 0.0, 0.0)[2] == pytest.approx(0.113, abs=0.01)
    assert recursion(0.0, 1.0, 0.0)[2] == pytest.approx(0.002, abs=1e-3)


@pytest.mark.parametrize("name", SETTINGS)
def test_draws_of_clips_have_the_moments_of_the_recursion(name):
    rho, mu = SETTINGS[name]
    operator = Temporal((1, T, 1, 1), BOX).to(torch.float64)
    root = torch.linalg.cholesky(covariance(0.9))
    truth = (Rng(range(CLIPS)).normal((CLIPS, T), torch.float64) @ root.T).view(CLIPS, 1, T, 1, 1)
    noise = gaussian(SIGMA).to(truth)
    given = Problem(operator, noise, noise.sample(operator(truth), Rng(range(CLIPS, 2 * CLIPS))))
    pixel = torch.zeros(1, dtype=torch.float64), torch.eye(1, dtype=torch.float64)
    prior = GaussianPrior((1, 1, 1), *pixel).to(torch.float64)
    step = TemporalProx(1.0, mu, data_variance=1.0)
    walk = Process(Conditioned(Frames(prior), step), Coherent(DDIM(1), rho), lambda start: LEVELS)
    draws = Rng(range(2 * CLIPS, 3 * CLIPS)).of(torch.float64)
    x = list(walk.iterate(given, draws))[-1].x0
    flat = x.flatten(1)
    error = (x - truth).flatten(1)
    found = measures(error.T @ error / CLIPS, flat.T @ flat / CLIPS)
    assert found == pytest.approx(recursion(0.9, rho, mu)[:2], rel=0.08)
    assert LEVELS[-1] == CLEAN == Level(1.0, 0.0)
