"""Walks that are not told the noise or the blur, on images whose posterior is known."""

import pytest
import torch

from inverse.denoise import measure_errors, transformed
from inverse.levels import Level
from inverse.priors import Channels
from inverse.samplers import (
    Averaged,
    Blind,
    BlurParameters,
    Found,
    NoiseLevel,
    Range,
    Refit,
    State,
    blur_family,
    known,
)
from inverse.solvers import diffpir, nested, pnpdm
from inverse.solving import Budget, Planned, solve
from operators import (
    Problem,
    Rng,
    blur_gaussian,
    blur_kernel,
    gaussian,
    identity,
    kernels,
    measure,
)
from tests.inverse.stationary import Stationary

SHAPE = (3, 32, 32)
STD = {"std": Range(0.3, 6.0)}


def images(count: int = 1, side: int = 32) -> torch.Tensor:
    return Stationary(channels=3).sample((3, side, side), Rng(range(count))).float()


def noisy(operator, sigma: float = 0.1, count: int = 1) -> Problem:
    truth = images(count, operator.in_shape[-1])
    return measure(operator, gaussian(sigma), truth, Rng(range(50, 50 + count)))


class Same(Refit):
    """Finds nothing new."""

    def __call__(self, problem, x0, r2, last):
        return Found({})


def test_a_measured_table_is_the_one_known_exactly():
    prior, nsrs = Stationary(channels=3), (0.05, 0.5, 5.0)
    truth = prior.sample((3, 64, 64), Rng(range(8)))
    table = measure_errors(prior, truth, Rng(range(8)), nsrs)
    for nsr in (*nsrs, 0.02, 50.0):
        got = table.at(Level(0.8, 0.8 * nsr), (3, 64, 64))
        want = prior.variance(Level(1.0, min(nsr, 5.0)), (3, 64, 64))
        inside = prior.power((3, 64, 64)) < 0.2  # where the rings hold many coefficients
        assert (got / want).log().abs()[inside].mean() < 0.2


def test_a_table_is_kept_as_it_was(tmp_path):
    table = Stationary().table()
    table.save(tmp_path / "prior.errors.json")
    again = type(table).load(tmp_path / "prior.errors.json")
    got, want = (t.at(Level(1.0, 0.2), (1, 16, 16)) for t in (again, table))
    torch.testing.assert_close(got, want, rtol=1e-3, atol=0)
    with pytest.raises(ValueError, match="channels"):
        table.at(Level(1.0, 0.2), SHAPE)
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ValueError, match="inverse errors"):
        type(table).load(tmp_path / "bad.json")


@pytest.mark.parametrize(("std", "side"), [(None, 8), (1.5, 32)])  # of one patch; of any
def test_the_noise_found_is_the_posterior_of_a_grid(std, side):
    shape = (3, side, side)
    operator = blur_gaussian(shape, size=15, std=std) if std else identity(shape)
    problem, r2 = noisy(operator), Stationary(channels=3).power(shape)
    refit = NoiseLevel(contrast=None)
    mean, deviation = refit(problem, torch.zeros_like(problem.y), r2, None).numbers["sigma"]
    sigma = torch.linspace(0.002, 0.5, 6001, dtype=torch.float64)
    transfer = torch.fft.rfft2(operator(_impulse(side)))[:, :1].abs().double()[0]
    log_p = _log_posterior(problem, transfer[None], r2, sigma)
    p = (log_p - log_p.amax()).exp() / sigma
    p = p / p.sum()
    centre = (p * sigma.log()).sum().exp()
    spread = centre * (p * (sigma / centre).log().square()).sum().sqrt()
    assert float(mean) == pytest.approx(float(centre), abs=0.07 * float(spread))
    assert float(deviation) == pytest.approx(float(spread), rel=0.1)
    assert float(mean) == pytest.approx(0.1, abs=3 * float(deviation))


def test_little_noise_is_told_by_flat_places_beside_texture():
    x = images(1, 64)
    x[..., :32] = 0.9
    problem = measure(identity((3, 64, 64)), gaussian(0.02), x, Rng([1]))
    r2 = Stationary(channels=3).power((3, 64, 64))
    sigma = NoiseLevel()(problem, torch.zeros_like(x), r2, None).numbers["sigma"]
    assert float(sigma.mean) == pytest.approx(0.02, rel=0.1)


FAMILIES = {
    "gaussian": {"std": 1.5},
    "anisotropic": {"angle": 30.0, "std_x": 2.0, "std_y": 0.8},
    "defocus": {"radius": 3.0},
    "motion": {"angle": 120.0, "length": 8.0},
}
KERNELS = {**vars(kernels), "motion": kernels.line}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_numbers_of_every_family_are_found(family):
    shape, numbers = (3, 64, 64), FAMILIES[family]
    problem = noisy(blur_kernel(shape, KERNELS[family](15, **numbers)), 0.02)
    refit, r2 = blur_family(family, 15, "circular"), Stationary(channels=3).power(shape)
    found = refit(problem, torch.zeros_like(problem.y), r2, None).numbers
    for name, (mean, std) in found.items():
        assert float(mean) == pytest.approx(numbers[name], abs=4 * float(std) + 0.01), name
        assert float(std) < 0.1 * numbers[name]


def test_a_motion_is_not_taken_for_one_half_as_long():
    shape = (3, 48, 48)
    problem = noisy(blur_kernel(shape, kernels.line(25, 9.0, 30.0)), 0.01)
    refit, r2 = blur_family("motion", 25, "circular"), Stationary(channels=3).power(shape)
    found = refit(problem, torch.zeros_like(problem.y), r2, None).numbers
    assert float(found["length"].mean) == pytest.approx(9.0, rel=0.03)


def test_an_angle_across_the_seam_is_one_angle():
    shape = (3, 64, 64)
    problem = noisy(blur_kernel(shape, kernels.line(15, 8.0, 179.9)), 0.1)
    refit, r2 = blur_family("motion", 15, "circular"), Stationary(channels=3).power(shape)
    mean, std = refit(problem, torch.zeros_like(problem.y), r2, None).numbers["angle"]
    away = abs((float(mean) - 179.9 + 90) % 180 - 90)
    assert away < 4 * float(std) and float(std) < 5 and 0 <= float(mean) <= 180


@pytest.mark.parametrize("padding", ["replicate", "reflect", "symmetric"])
def test_a_blur_is_found_whatever_lay_beyond_the_border(padding):
    wide = blur_gaussian((3, 96, 96), size=15, std=2.0)(images(1, 96))[..., 16:80, 16:80]
    y = wide + 0.05 * Rng([1]).normal(wide.shape)
    refit, r2 = blur_family("gaussian", 15, padding), Stationary(channels=3).power((3, 64, 64))
    problem = Problem(refit.guess((3, 64, 64)), gaussian(0.05), y)
    mean, std = refit(problem, torch.zeros_like(y), r2, None).numbers["std"]
    assert float(mean) == pytest.approx(2.0, abs=3 * float(std)) and float(std) < 0.2


@pytest.mark.parametrize("padding", ["circular", "replicate"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_blur_of_noise_alone_is_not_told(family, padding):
    y = 0.3 * Rng([0]).normal((1, *SHAPE))
    refit = blur_family(family, 9, padding)
    problem = Problem(refit.guess(SHAPE), gaussian(0.3), y)
    found = refit(problem, torch.zeros_like(y), Stationary(channels=3).power(SHAPE), None)
    for number in found.numbers.values():
        assert number.std.isinf() and number.told.isnan()


def _impulse(side: int = 32) -> torch.Tensor:
    x = torch.zeros(1, 3, side, side)
    x[..., 0, 0] = 1
    return x


def _log_posterior(problem, transfers, r2, sigma):
    """`log p(y | transfer, sigma)` of stationary images, without the mean brightness."""
    power = transformed(problem.y.double()).abs().square()
    weight = torch.full(power.shape[-2:], 2.0, dtype=torch.float64)
    weight[:, [0, -1]], weight[0, 0] = 1.0, 0.0
    variance = transfers.square()[:, None] * r2 + sigma.view(-1, 1, 1, 1, 1).square()
    return -0.5 * (weight * (power / variance + variance.log())).flatten(1).sum(1)


def test_the_blur_found_is_the_posterior_of_a_grid():
    small = (3, 16, 16)
    problem = noisy(blur_gaussian(small, size=15, std=1.5), 0.05)
    r2 = Stationary(channels=3).power(small)
    refit = BlurParameters(kernels.gaussian, STD, 15, contrast=None)
    found = refit(problem, torch.zeros_like(problem.y), r2, None)
    mean, deviation = found.numbers["std"]
    stds = torch.linspace(1.0, 2.2, 1201, dtype=torch.float64)
    log_p = torch.cat([
        _log_posterior(
            problem, torch.fft.rfft2(blur_gaussian(small, size=15, std=float(s))(_impulse(16)))
            [0, :1].abs().double(), r2, torch.tensor([0.05]).double(),
        ) for s in stds
    ])  # fmt: skip
    p = (log_p - log_p.amax()).exp() / stds
    p = p / p.sum()
    centre = (p * stds.log()).sum().exp()
    assert float(mean) == pytest.approx(float(centre), rel=2e-3)
    assert float(deviation) == pytest.approx(
        float((p * (stds - centre).square()).sum().sqrt()), rel=0.1
    )
    assert float(mean) == pytest.approx(1.5, abs=3 * float(deviation))
    want = blur_kernel(small, kernels.gaussian(15, float(mean)))
    torch.testing.assert_close(known(problem, [found]).operator(_impulse(16)), want(_impulse(16)))


@pytest.mark.parametrize("refits", [[], [Same()]])
def test_with_nothing_to_find_the_walk_is_the_inner_one_bit_by_bit(refits):
    problem, inner = noisy(identity(SHAPE)), nested(Stationary(channels=3))
    want = solve(inner, problem, Rng([3])).x0
    assert torch.equal(solve(Blind(inner, refits), problem, Rng([3])).x0, want)


@pytest.mark.slow
@pytest.mark.parametrize("solver", [nested, diffpir])
@pytest.mark.parametrize("truth", [1.0, 2.5])
def test_a_blur_and_a_noise_of_unknown_size_are_found_on_the_way(solver, truth):
    problem = noisy(blur_gaussian((3, 64, 64), size=31, std=truth), 0.05)
    wrong = Problem(blur_gaussian((3, 64, 64), size=31, std=5.0), gaussian(0.4), problem.y)
    refits = [BlurParameters(kernels.gaussian, STD, 31, noise=NoiseLevel()), NoiseLevel()]
    blind = solve(Blind(solver(Stationary(channels=3)), refits), wrong, Rng([3]))
    blur, noise = blind.found
    assert float(blur.numbers["std"].mean) == pytest.approx(truth, rel=0.05)
    assert float(noise.numbers["sigma"].mean) == pytest.approx(0.05, rel=0.05)
    told = solve(solver(Stationary(channels=3)), problem, Rng([3]))
    error, best = ((r.x0 - images(1, 64)).square().mean() for r in (blind, told))
    assert error < 1.03 * best
    assert blind.residual == pytest.approx(told.residual, rel=0.1)


def test_samples_find_their_own_and_depend_on_no_neighbour():
    problem = noisy(identity(SHAPE), count=2)
    sampler = Blind(nested(Stationary(channels=3), outer_steps=3), [NoiseLevel()])
    both = solve(sampler, problem, Rng([3, 4]))
    alone = solve(sampler, problem[1:], Rng([4]))
    torch.testing.assert_close(both.x0[1:], alone.x0, rtol=1e-4, atol=1e-5)
    assert both.found[0].numbers["sigma"].mean.shape == (2,)


def test_a_blind_walk_resumes_exactly():
    problem = noisy(identity(SHAPE))
    sampler, rng, state, half = (
        Blind(nested(Stationary(channels=3)), [NoiseLevel()]),
        Rng([3]),
        None,
        None,
    )
    for iterate in sampler.iterate(problem, rng):
        if iterate.step == 4:
            half, state = iterate, rng.state()
        last = iterate
    rng.restore(state)
    *_, again = sampler.iterate(problem, rng, half)
    assert torch.equal(again.x0, last.x0)
    assert torch.equal(again.found[0].numbers["sigma"].mean, last.found[0].numbers["sigma"].mean)


def test_a_blind_walk_starts_from_a_state_and_is_planned_for_a_budget():
    problem = noisy(identity(SHAPE))
    sampler = Blind(nested(Stationary(channels=3)), [NoiseLevel()])
    result = solve(Planned(sampler, Budget(nfe=10)), problem, Rng([3]))
    assert result.finished and result.nfe <= 12 and result.found
    warm = solve(sampler, problem, Rng([3]), at=State(problem.y, Level(1.0, 0.1)))
    mean, std = warm.found[0].numbers["sigma"]
    assert float(mean) == pytest.approx(0.1, abs=3 * float(std))


def test_what_cannot_be_blind_says_so():
    prior = Stationary(channels=3)
    with pytest.raises(TypeError, match="steps down levels"):
        Blind(Averaged(pnpdm(prior), 2), [NoiseLevel()])
    prior.errors = None
    with pytest.raises(ValueError, match="inverse errors"):
        Blind(nested(prior), [NoiseLevel()])


def test_the_errors_on_grey_pictures_are_those_of_the_brightness_of_coloured_ones():
    prior, nsr = Channels(Stationary(channels=3)), 0.3
    x = Stationary(channels=1).sample((1, 64, 64), Rng(range(16))).float() / 3**0.5
    problem = Problem(identity((1, 64, 64)), gaussian(0.1), x)
    noisy_x = x + nsr * Rng(range(20, 36)).normal(x.shape)
    x0 = prior(noisy_x, Level(1.0, nsr), problem, Rng(range(40, 56))).x0
    found = transformed(x - x0).abs().square().double().mean(0)
    assert prior.errors is not None
    told = prior.errors.at(Level(1.0, nsr), (1, 64, 64))
    assert float((found / told).mean()) == pytest.approx(1.0, abs=0.05)


def test_the_noise_of_a_grey_picture_is_found():
    x = Stationary(channels=1).sample((1, 64, 64), Rng([0])).float() / 3**0.5
    problem = measure(identity((1, 64, 64)), gaussian(0.05), x, Rng([1]))
    sampler = Blind(nested(Channels(Stationary(channels=3)), outer_steps=4), [NoiseLevel()])
    mean, std = solve(sampler, problem, Rng([3])).found[0].numbers["sigma"]
    assert float(mean) == pytest.approx(0.05, abs=3 * float(std)) and float(std) < 0.005
