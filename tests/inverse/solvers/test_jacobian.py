"""Solvers through the denoiser's Jacobian: exact where they claim it, by hand where they do not."""

import gc
import weakref

import pytest
import torch

from inverse import solvers
from inverse.denoise import Evaluation, Guided, Prior
from inverse.flows import MomentScore, Norm, RowSumScore
from inverse.levels import VE, VP, Grid, Level
from inverse.priors import GaussianPrior
from inverse.samplers import Process
from inverse.solvers._lgd import SmoothNorm
from inverse.solving import solve
from inverse.transitions import Heun
from operators import Inpaint, Operator, Problem, Rng, gaussian
from tests.inverse.cases import DIM, SHAPE, Exact, Rng64, dense_problem, gaussian_prior
from tests.inverse.solver_cases import problem, tiny_prior

PRIOR = gaussian_prior()
LEVELS = [VE()(5.0), VE()(0.05), VP().at(2.0), Level(0.6, 0.8)]


def states(count: int = 3) -> torch.Tensor:
    return torch.randn((count, *SHAPE), generator=torch.Generator().manual_seed(4)).double()


def look(prior: Prior, x: torch.Tensor, level: Level, given: Problem) -> Evaluation:
    return Evaluation(prior, x, level, given, Rng64(range(len(x))), differentiable=True)


def diagonal_case() -> tuple[GaussianPrior, Problem, torch.Tensor]:
    """Independent pixels of different variance seen through a mask: ``A C A^T`` is diagonal."""
    prior = GaussianPrior(
        SHAPE, torch.zeros(DIM).double(), torch.linspace(0.2, 1.5, DIM).double().diag()
    )
    mask = torch.tensor([1, 0, 1, 1, 0, 1, 1, 0]).view(SHAPE).bool()
    operator = Inpaint(SHAPE, mask).to(torch.float64)
    given = Problem(operator, gaussian(0.3), operator(states()))
    return prior, given, torch.eye(DIM).double()[mask.flatten()]


@pytest.mark.parametrize("level", LEVELS, ids=str)
def test_moment_matching_is_the_exact_score_of_a_gaussian_prior(level):
    given, matrix = dense_problem(batch=3)
    score = MomentScore(4)(look(PRIOR, states(), level, given))
    exact = Exact(PRIOR, matrix)(look(PRIOR, states(), level, given))
    assert torch.allclose(score, exact, atol=1e-9 * float(exact.abs().max()))


def test_too_few_iterations_are_not_exact_but_lower_the_residual():
    given, matrix = dense_problem(batch=3)
    level = Level(0.6, 0.8)
    exact = Exact(PRIOR, matrix)(look(PRIOR, states(), level, given))
    errors = [
        float((MomentScore(k)(look(PRIOR, states(), level, given)) - exact).norm())
        for k in (1, 2, 4)
    ]
    assert errors[0] > errors[1] > 1e3 * errors[2]


@pytest.mark.parametrize("level", LEVELS, ids=str)
def test_row_sums_are_exact_where_the_covariance_is_diagonal(level):
    prior, given, matrix = diagonal_case()
    x0 = Guided(prior, RowSumScore())(states(), level, given, Rng64(range(3))).x0
    y = given.y.flatten(1) @ matrix.T
    mean, cov = prior.posterior(matrix, y, 0.3)
    gain = torch.linalg.solve(cov * level.alpha**2 + level.sigma**2 * torch.eye(DIM), cov)
    exact = mean + (states().flatten(1) - level.alpha * mean) @ gain * level.alpha
    assert torch.allclose(x0.flatten(1), exact, atol=1e-9)


def test_the_posterior_is_sampled_by_moment_matching():
    given, matrix = dense_problem(batch=800)
    mean, cov = PRIOR.posterior(matrix, given.y[:1], given.sigma)
    for sampler in (
        Process(Guided(PRIOR, MomentScore(4)), Heun(), Grid(25, start=40.0, end=0.01)),
        solvers.mmps(PRIOR, steps=100, iterations=4),
    ):
        x = list(sampler.iterate(given, Rng64(range(800))))[-1].x0.flatten(1)
        assert float((x.mean(0) - mean[0]).norm() / cov.trace().sqrt()) < 0.1
        assert float((torch.cov(x.T) - cov).norm() / cov.norm()) < 0.15


@pytest.mark.parametrize("make", [solvers.mmps, solvers.tmpd], ids=["mmps", "tmpd"])
def test_moment_solvers_do_not_mix_samples(make):
    given, _ = dense_problem(batch=3)
    sampler = make(PRIOR, steps=6)
    together = list(sampler.iterate(given, Rng64([5, 6, 7])))[-1].x0
    for i in range(3):
        alone = list(sampler.iterate(given[i : i + 1], Rng64([5 + i])))[-1].x0
        assert torch.allclose(together[i : i + 1], alone, atol=1e-10)


class Wild(Prior):
    """A bad network: its Jacobian is neither symmetric nor positive, with row sums near zero."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.matrix = torch.randn(DIM, DIM, generator=generator, dtype=torch.float64)
        self.matrix -= self.matrix.mean(0)

    def denoise(self, x, level):
        return (x.flatten(1) @ self.matrix.T).view_as(x)


@pytest.mark.parametrize("score", [MomentScore(3), RowSumScore()], ids=["moments", "rows"])
@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_a_bad_jacobian_does_not_explode(score, sigma):
    """The solve leaves no more than the residual it was given: ``||r - M v|| <= ||r||``."""
    _, given, matrix = diagonal_case()
    given = Problem(given.operator, gaussian(sigma), given.y)
    level, prior = VE()(20.0), Wild()
    ev = look(prior, states(), level, given)
    shift = (score(ev) * level.sigma**2).flatten(1) @ matrix.T
    rest = given.residual(ev.estimate.x0).flatten(1) @ matrix.T
    noise = max(sigma, 1e-3) ** 2
    v = shift @ torch.linalg.pinv(level.sigma**2 * matrix @ prior.matrix.T @ matrix.T).T
    left = rest - shift - noise * v
    assert bool((left.norm(dim=1) <= 1.001 * rest.norm(dim=1)).all())


class Box:
    """What autograd holds in place of a tensor that it saved, so that its death can be seen."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def test_an_evaluation_frees_its_graph():
    """Several pullbacks share one graph, which dies with the evaluation, without the collector."""
    saved = []

    def pack(tensor):
        box = Box(tensor)
        saved.append(weakref.ref(box))
        return box

    given, _ = dense_problem(batch=3)
    gc.disable()
    try:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor):
            ev = look(PRIOR, states(), VE()(0.5), given)
            assert torch.equal(ev.pullback(states()), ev.pullback(states()))
            assert any(box() is not None for box in saved)
            del ev
            assert all(box() is None for box in saved)
            Guided(PRIOR, MomentScore(2))(states(), VE()(0.5), given, Rng64(range(3)))
            assert all(box() is None for box in saved)
    finally:
        gc.enable()


def test_network_calls_are_counted_forward_and_backward():
    def calls(sampler):
        result = solve(sampler, problem(), Rng([0, 1, 2]))
        return result.nfe, result.backward

    prior = tiny_prior()
    assert calls(solvers.tmpd(prior, steps=4)) == (4, 8)
    assert calls(solvers.mmps(prior, steps=4, iterations=2)) == (4, 12)
    assert calls(solvers.lgd(prior, steps=4, draws=3)) == (4, 4)
    assert calls(solvers.mpgd(prior, steps=4)) == (4, 0)
    assert calls(solvers.daps(prior, steps=3, ode_steps=2, langevin=2)) == (6, 0)
    assert calls(solvers.reddiff(prior, steps=4)) == (4, 0)
    # 4 steps of 2 calls and 2 + 1 + 2 + 1 gradients, and the last of 1 call
    bursts = {"gradients": 1, "burst": 2, "period": 3, "opening": 1, "closing": 2}
    assert calls(solvers.mgps(prior, steps=5, **bursts)) == (15, 6)
    assert calls(solvers.sitcom(prior, steps=2, iterations=3)) == (6, 4)


def test_one_draw_without_spread_is_dps():
    given, _ = dense_problem(batch=3)
    a, b = VP().at(2.0), VP().at(1.5)
    smooth = SmoothNorm(0.7, draws=1, data_variance=1e-24)(look(PRIOR, states(), a, given), a, b, 1)
    plain = Norm(0.7)(look(PRIOR, states(), a, given), a, b, 1)
    assert torch.allclose(smooth, plain, atol=1e-9)


def test_the_smoothed_gradient_is_that_of_the_log_mean_exp():
    """Against finite differences of the documented function, with the same draws."""
    given, matrix = dense_problem(batch=1)
    a, b, x = Level(0.6, 0.8), VP().at(0.5), states(1)
    move = SmoothNorm(0.7, draws=4)(look(PRIOR, x, a, given), a, b, 1.0)
    spread = (a.nsr**2 / (1 + a.nsr**2)) ** 0.5
    draws = Rng64([0]).normal((1, 4, *SHAPE)).flatten(2)[0] * spread

    def value(z):
        mean = PRIOR.denoise(z, a).flatten(1)
        norms = (given.y.flatten(1) - (mean + draws) @ matrix.T).norm(dim=1)
        return (-0.7 * norms).exp().mean().log()

    for i in range(DIM):
        nudge = torch.zeros(DIM).double()
        nudge[i] = 1e-5
        slope = (value(x + nudge.view_as(x)) - value(x - nudge.view_as(x))) / 2e-5
        assert float(move.flatten()[i] * b.alpha) == pytest.approx(float(slope), abs=1e-6)


def test_mpgd_moves_the_estimate_by_the_normalised_gradient():
    """One step of the released rule by hand: x0 is moved, its noise stays, then DDIM."""
    given, matrix = dense_problem(batch=3)
    a, b, x = VP().at(2.0), VP().at(1.5), states()
    sampler = solvers.mpgd(PRIOR, scale=0.4, eta=0.0)
    moved, x0, _ = sampler.step(x, a, b, None, given, Rng64(range(3)))
    est = PRIOR(x, a, given, Rng64(range(3)))
    rest = given.residual(est.x0).flatten(1)
    down = (rest @ matrix / rest.norm(dim=1, keepdim=True)).view_as(x)
    assert torch.allclose(
        moved, b.alpha * (est.x0 + 0.4 / b.alpha * down) + b.sigma * est.noise, atol=1e-12
    )
    assert torch.equal(x0, est.x0)


def test_mpgd_with_an_autoencoder_stays_in_its_images():
    """With a linear autoencoder, a projection, the step is tangent to the plane it projects on."""
    given, _ = dense_problem(batch=3)
    plane, _ = torch.linalg.qr(
        torch.randn(DIM, 3, generator=torch.Generator().manual_seed(0)).double()
    )

    def project(x):
        return (x.flatten(1) @ plane @ plane.T).view_as(x)

    a, b = VP().at(2.0), VP().at(1.5)
    moved = Norm(0.4, False, project)(look(PRIOR, states(), a, given), a, b, 1.0)
    assert torch.allclose(project(moved), moved, atol=1e-12)
    assert float(moved.norm()) > 0.01


@pytest.mark.parametrize("jacobian", [True, False])
def test_a_residual_of_zero_moves_nothing(jacobian):
    given, _ = dense_problem(batch=3)
    a, b = VP().at(2.0), VP().at(1.5)
    x0 = PRIOR.denoise(states(), a)
    given = Problem(given.operator, given.noise, given.operator(x0))
    assert not Norm(4.0, jacobian)(look(PRIOR, states(), a, given), a, b, 1.0).any()


class Square(Operator):
    """A nonlinear operator."""

    def _forward(self, x):
        return x.square().sum(1, keepdim=True)


@pytest.mark.parametrize("name", ["daps", "lgd", "mgps", "mpgd", "reddiff", "sitcom"])
def test_any_differentiable_operator_will_do(name):
    from tests.inverse.solver_cases import SHAPE as IMAGE
    from tests.inverse.solver_cases import SOLVERS, truths

    operator = Square(IMAGE, (1, *IMAGE[1:]))
    given = Problem(operator, gaussian(0.1), operator(truths(2)))
    iterates = list(SOLVERS[name](tiny_prior()).iterate(given, Rng([0, 1])))
    assert all(torch.isfinite(it.x0).all() for it in iterates)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: MomentScore(0), "at least 1"),
        (lambda: RowSumScore(-1.0), "negative"),
        (lambda: SmoothNorm(0.3, draws=0), "draws"),
        (lambda: SmoothNorm(-0.3), "zeta"),
        (lambda: Norm(0.3, True, lambda x: x), "choose one"),
    ],
)
def test_bad_numbers_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()
