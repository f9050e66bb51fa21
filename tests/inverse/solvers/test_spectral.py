"""DDRM and DDNM+: the published rule in the dense decomposition, its noise."""

import functools
import math
from typing import NamedTuple

import pytest
import torch

from inverse import solvers
from inverse.denoise import Estimate, Move, Unfit
from inverse.levels import CLEAN, VP
from inverse.starts import SpectralStart
from inverse.transitions import Spectral
from operators import Problem, Rng, SpectralOperator, gaussian, measure
from tests.inverse.cases import Joint, Rng64
from tests.inverse.solver_cases import OPERATORS, problem, tiny_prior
from tests.inverse.solver_cases import SHAPE as IMAGE
from tests.operators.operator_cases import CASES, dense

MADE = {name: make() for name, make in CASES.items()}
SPECTRAL = {name: op for name, op in MADE.items() if isinstance(op, SpectralOperator)}
SIGMAS = [0.0, 0.25, 2.0]
LEVELS = {"noisy": VP().at(3.0), "middle": VP().at(0.45), "clean": CLEAN}
RULES = {
    "ddrm": Spectral(0.85, 1.0),
    "ddrm soft": Spectral(0.4, 0.7),
    "carried on": Spectral(0.85, carry=True),
}


class Setting(NamedTuple):
    problem: Problem
    est: Estimate
    coordinates: list


@functools.cache
def setting(name: str) -> Setting:
    """Three samples in float64, one per noise level, with an arbitrary estimate."""
    operator = SPECTRAL[name].double()
    draws = Rng64([11, 12, 13])
    y, x0, noise = (draws.normal((3, *s)) for s in (operator.out_shape, *[operator.in_shape] * 2))
    matrices = dense(operator)
    given = Problem(operator, gaussian(SIGMAS), operator.support(y))
    by_sample = [coordinates(matrix) for matrix in matrices] * (3 // len(matrices))
    return Setting(given, Estimate(x0, noise), by_sample)


def by_hand(s, y, x0, noise, n, sigma_y, level, rule):
    """One coordinate by the papers' case distinction, on the variance exploding path."""
    t, c = level.nsr, math.sqrt(1 - rule.eta**2)
    if s == 0:
        return x0 + c * t * noise + rule.eta * t * n
    if s * t < sigma_y:
        return x0 + c * t * (s / sigma_y) * (y - x0) + rule.eta * t * n
    left = math.sqrt(t**2 - (rule.eta_b * sigma_y / s) ** 2)
    new = c * noise + rule.eta * n if rule.carry else n
    return (1 - rule.eta_b) * x0 + rule.eta_b * y + left * new


def coordinates(matrix):
    """Singular values, one per coordinate of x, and both orthogonal matrices."""
    u, s, vt = torch.linalg.svd(matrix)
    s = torch.where(s > 1e-7 * s.max(), s, 0.0)
    return torch.cat([s, s.new_zeros(len(vt) - len(s))]), u, vt


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", SPECTRAL)
def test_a_step_is_the_papers_in_the_dense_decomposition(name, level, rule):
    given, est, parts = setting(name)
    a, b, transition = VP().at(5.0), LEVELS[level], RULES[rule]
    move = Move(est.x0, est, a, b, given, Rng64([1, 2, 3]), lambda x, level: est)
    x, _ = transition.step(move, None)
    n = Rng64([1, 2, 3]).normal(est.x0.shape)
    for i, sigma in enumerate(SIGMAS):
        s, u, vt = parts[i]
        s, uty = s.tolist(), (u.T @ given.y[i].flatten()).tolist()
        z = [(vt @ part[i].flatten()).tolist() for part in (est.x0, est.noise, n)]
        rows = [
            by_hand(s[j], uty[j] / s[j] if s[j] > 0 else 0.0,
                    *(part[j] for part in z), sigma, b, transition)
            for j in range(len(s))
        ]  # fmt: skip
        exact = b.alpha * (vt.T @ torch.tensor(rows, dtype=torch.float64))
        assert torch.allclose(x[i].flatten(), exact, atol=1e-8), f"sample {i}"


@pytest.mark.parametrize("name", SPECTRAL)
def test_the_first_state_is_the_papers_in_the_dense_decomposition(name):
    given, _, parts = setting(name)
    level = VP().at(1.5)
    x = SpectralStart()(given, Rng64([1, 2, 3]), level)
    n = Rng64([1, 2, 3]).normal(x.shape)
    for i, sigma in enumerate(SIGMAS):
        s, u, vt = parts[i]
        uty, zn = u.T @ given.y[i].flatten(), vt @ n[i].flatten()
        rows = [
            float(uty[j] / s[j]) + math.sqrt(level.nsr**2 - (sigma / float(s[j])) ** 2) * zn[j]
            if s[j] * level.nsr > sigma else level.nsr * zn[j]
            for j in range(len(s))
        ]  # fmt: skip
        exact = level.alpha * (vt.T @ torch.stack(rows))
        assert torch.allclose(x[i].flatten(), exact, atol=1e-8), f"sample {i}"


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("level", ["noisy", "middle"])
@pytest.mark.parametrize("name", ["inpaint", "blur odd", "downsample", "dense", "greyscale"])
def test_the_noise_of_a_step_is_white_at_its_level_with_the_datas_in_it(name, level, rule):
    """Were x0 the truth, x_b would be alpha x0 + sigma N(0, I), whatever the noise of y."""
    operator, count, b = SPECTRAL[name].double(), 3000, LEVELS[level]
    draws = Joint(count)
    truth = draws.normal((count, *operator.in_shape))[:1].repeat(count, 1, 1, 1)
    given = measure(operator, gaussian(0.25), truth, draws)
    est = Estimate(truth, draws.normal(truth.shape))
    move = Move(truth, est, VP().at(5.0), b, given, draws, lambda x, level: est)
    error = (RULES[rule].step(move, None)[0] - b.alpha * truth).flatten(1) / b.sigma
    cov = error.T @ error / count
    assert float((cov - torch.eye(len(cov))).abs().max()) < 0.13  # 5 standard deviations


@pytest.mark.parametrize("operator", OPERATORS)
def test_without_noise_ddnm_plus_that_carries_the_noise_on_is_ddnm(operator):
    given = problem(operator, sigma=0.0)
    travel = {"steps": 6, "jump": 2, "repeats": 2}
    plus = solvers.ddnm_plus(tiny_prior(), carry=True, **travel)
    plain = solvers.ddnm(tiny_prior(), **travel)
    for one, other in zip(
        plus.iterate(given, Rng([4, 5, 6])), plain.iterate(given, Rng([4, 5, 6])), strict=True
    ):
        assert torch.allclose(one.x, other.x, atol=2e-4)


def test_an_operator_without_a_decomposition_is_refused():
    operator = OPERATORS["inpaint"] @ OPERATORS["blur"]
    given = measure(operator, gaussian(0.1), torch.zeros(1, *IMAGE), Rng([0]))
    with pytest.raises(Unfit, match="singular value decomposition, got Composed"):
        solvers.ddrm(tiny_prior()).iterate(given, Rng([0]))


@pytest.mark.parametrize("bad", [{"eta": 1.1}, {"eta_b": -0.1}])
def test_stochasticities_are_fractions(bad):
    with pytest.raises(ValueError, match="in \\[0, 1\\]"):
        Spectral(**bad)
