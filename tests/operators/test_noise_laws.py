"""Every noise model: moments, likelihoods against scipy, seeds, batches, bad parameters."""

import pickle

import numpy as np
import pytest
import torch

from operators import (
    Gaussian,
    Identity,
    Laplace,
    Noise,
    Poisson,
    Problem,
    Rng,
    SaltAndPepper,
    Uniform,
    blur_gaussian,
    framewise,
    gaussian,
    inpaint_random,
    laplace,
    measure,
    phase_retrieval,
    poisson,
    poisson_gaussian,
    resample,
    salt_and_pepper,
    uniform,
)

stats = pytest.importorskip("scipy.stats")

SHAPE = (3, 4, 5)
LAWS = {
    "gaussian": (Gaussian, (0.2,)),
    "laplace": (Laplace, (0.2,)),
    "uniform": (Uniform, (0.4,)),
    "poisson": (Poisson, (40.0,)),
    "poisson gaussian": (Poisson, (40.0, 0.1)),
    "salt and pepper": (SaltAndPepper, (0.2, 0.1)),
}


@pytest.fixture(params=LAWS)
def law(request):
    return request.param


def make(law, rows=None):
    """The law with one number for all samples, or with slightly different ones per sample."""
    kind, values = LAWS[law]
    if rows is None:
        return kind(*values)
    return kind(*([v * (1 + 0.3 * i) for i in rows] for v in values))


def clean_values(batch=3, shape=SHAPE, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(batch, *shape, generator=generator, dtype=dtype) * 1.8 - 0.9


@pytest.mark.parametrize("level", [-0.7, 0.0, 0.5])
def test_moments(law, level):
    noise = make(law)
    clean = torch.full((1, 400_000), level)
    y = noise.sample(clean, Rng([1]))
    std = float(torch.as_tensor(noise.std(clean[:, :1])).max())
    if isinstance(noise, SaltAndPepper):  # its std, too, is that at mid-grey
        mean, std = 0.8 * level, (0.2 + 0.8 * (0.01 + level**2) - (0.8 * level) ** 2) ** 0.5
    else:
        mean = level
    assert float(y.mean()) == pytest.approx(mean, abs=5 * std / 400_000**0.5)
    assert float(y.std()) == pytest.approx(std, rel=0.02)
    if level == 0:
        assert float(y.std()) == pytest.approx(noise.sigma, rel=0.02)


@pytest.mark.parametrize("law", ["gaussian", "laplace", "uniform"])
def test_samples_follow_the_whole_law(law):
    y = make(law).sample(torch.zeros(1, 20_000, dtype=torch.float64), Rng([2]))[0].numpy()
    cdf = {
        "gaussian": stats.norm(scale=0.2).cdf,
        "laplace": stats.laplace(scale=0.2).cdf,
        "uniform": stats.uniform(-0.2, 0.4).cdf,
    }[law]
    assert stats.kstest(y, cdf).pvalue > 0.01


def test_counts_are_counts():
    y = Poisson(10.0).sample(torch.full((1, 50_000), 0.2).double(), Rng([0]))
    counts = (y + 1) * 5
    assert torch.allclose(counts, counts.round(), atol=1e-9) and float(counts.min()) >= 0
    seen = np.bincount(counts[0].round().long().numpy(), minlength=20)[:20] / 50_000
    assert np.abs(seen - stats.poisson(6.0).pmf(np.arange(20))).max() < 0.01


def test_hits_are_black_or_white():
    clean = torch.full((1, 100_000), 0.3)
    y = SaltAndPepper(0.2, 0.05).sample(clean, Rng([3]))
    assert float((y == 1).float().mean()) == pytest.approx(0.1, abs=0.005)
    assert float((y == -1).float().mean()) == pytest.approx(0.1, abs=0.005)
    assert float(y[y.abs() != 1].std()) == pytest.approx(0.05, rel=0.02)
    assert torch.equal(SaltAndPepper(0.0, 0.0).sample(clean, Rng([3])), clean)
    assert bool((SaltAndPepper(1.0, 0.0).sample(clean, Rng([3])).abs() == 1).all())


REFERENCE = {
    "gaussian": lambda c, y: stats.norm(c, 0.2).logpdf(y),
    "laplace": lambda c, y: stats.laplace(c, 0.2).logpdf(y),
    "uniform": lambda c, y: stats.uniform(c - 0.2, 0.4).logpdf(y),
    "poisson": lambda c, y: stats.poisson((c + 1) * 20).logpmf(np.round((y + 1) * 20)),
    "salt and pepper": lambda c, y: np.where(np.abs(y) == 1, 0.0, stats.norm(c, 0.1).logpdf(y)),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_nll_up_to_a_constant(name):
    clean = clean_values()
    other = clean + (0.01 if name == "uniform" else 0.05)
    noise = make(name)
    y = noise.sample(clean, Rng([0, 1, 2]))
    y = clean + 0.9 * (y - clean) if name == "uniform" else y
    here, there = (REFERENCE[name](c.numpy(), y.numpy()) for c in (clean, other))
    want = torch.from_numpy((here - there).reshape(3, -1).sum(1))
    got = noise.nll(other, y) - noise.nll(clean, y)
    assert got.shape == (3,) and torch.allclose(got, want, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_poisson_with_read_noise_is_close_to_the_exact_likelihood():
    peak, read = 40.0, 0.1
    noise, counts = Poisson(peak, read), np.arange(200)
    clean = torch.linspace(-0.6, 0.8, 8).double()[:, None]
    y = noise.sample(clean.expand(-1, 20_000), Rng(range(8)))

    def exact(c):
        law = stats.poisson((c + 1) / 2 * peak).pmf(counts)
        return -np.log(stats.norm(2 * counts / peak - 1, read).pdf(y[..., None].numpy()) @ law)

    h = 0.05
    for i, c in enumerate(clean[:, 0].tolist()):
        around = [torch.full_like(y, v) for v in (c - h, c + h)]
        got = [noise.nll(v.view(-1, 1), y.reshape(-1, 1)).view_as(y)[i] for v in around]
        law = [stats.poisson((v + 1) / 2 * peak).pmf(counts) for v in (c - h, c + h)]
        density = stats.norm(2 * counts / peak - 1, read).pdf(y[i][:, None].numpy())
        want = torch.from_numpy(np.log(density @ law[0]) - np.log(density @ law[1]))
        slope, true = (got[1] - got[0]) / (2 * h), want / (2 * h)
        spread = float(true.std())
        assert float((slope - true).square().mean().sqrt()) < 0.12 * spread
        assert abs(float(slope.mean())) < 5 * spread / 20_000**0.5 + 0.02 * spread


def test_the_score_has_mean_zero_at_the_truth():
    for noise in (make("poisson"), make("poisson gaussian"), make("gaussian")):
        clean = torch.full((1, 200_000), 0.3, dtype=torch.float64, requires_grad=True)
        y = noise.sample(clean.detach(), Rng([4]))
        (score,) = torch.autograd.grad(noise.nll(clean, y).sum(), clean)
        assert abs(float(score.mean())) < 4 * float(score.std()) / 200_000**0.5


def test_uniform_forbids_and_allows():
    noise, clean = Uniform(0.2), clean_values(dtype=torch.float32)
    y = noise.sample(clean, Rng([0, 1, 2]))
    assert torch.equal(noise.nll(clean, y), torch.zeros(3))
    y[1, 0, 0, 0] = clean[1, 0, 0, 0] + 0.11
    assert noise.nll(clean, y).tolist() == [0.0, float("inf"), 0.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_of_the_likelihood_are_finite(law, dtype):
    noise = make(law)
    y = noise.sample(clean_values(dtype=dtype), Rng([0, 1, 2]))
    wild = torch.linspace(-3, 3, y.numel(), dtype=dtype).view_as(y)  # as solvers' estimates are
    for clean in (wild, y.clone(), torch.full_like(y, -1.0)):
        clean.requires_grad_()
        (grad,) = torch.autograd.grad(noise.nll(clean, y).sum(), clean)
        assert bool(torch.isfinite(grad).all())


def test_gradients_match_differences(law):
    noise = make(law)
    clean = clean_values()
    y = noise.sample(clean, Rng([0, 1, 2]))
    clean.requires_grad_()
    assert torch.autograd.gradcheck(lambda c: noise.nll(c, y), clean, fast_mode=True)


def test_below_black_the_gradient_points_back():
    noise, y = Poisson(100.0), torch.full((1, 1), -0.9)
    clean = torch.tensor([[-1.5]], requires_grad=True)
    (grad,) = torch.autograd.grad(noise.nll(clean, y).sum(), clean)
    assert float(grad) < 0


def test_seeds_and_batches(law):
    clean = clean_values()
    for rows in (None, range(3)):
        noise = make(law, rows)
        whole = noise.sample(clean, Rng([5, 6, 5]))
        assert torch.equal(whole, noise.sample(clean, Rng([5, 6, 5])))
        assert not torch.equal(whole, noise.sample(clean, Rng([7, 8, 9])))
        for i, seed in enumerate([5, 6, 5]):
            row = slice(i, i + 1)
            one = noise.select(row)
            alone = one.sample(clean[row], Rng([seed]))
            assert torch.equal(alone, whole[row])
            part = one.nll(clean[row] + 0.01, alone)
            assert torch.allclose(part, noise.nll(clean + 0.01, whole)[row], rtol=1e-12)
        assert noise.select(slice(0, 0)).nll(clean[:0], whole[:0]).shape == (0,)


def test_per_sample_parameters_are_used(law):
    noise, same = make(law, range(3)), make(law)
    assert noise.sigma.shape == (3,) and float(noise.sigma[0]) == pytest.approx(same.sigma)
    clean = torch.zeros(3, 50_000)
    spread = noise.sample(clean, Rng([0, 1, 2])).std(1)
    assert spread.tolist() == pytest.approx(noise.sigma.tolist(), rel=0.03)


def test_nothing_given_is_changed(law):
    noise, clean = make(law, range(3)), clean_values()
    copy = clean.clone()
    y = noise.sample(clean, Rng([0, 1, 2]))
    assert y.dtype == clean.dtype and y.shape == clean.shape
    noise.nll(clean, y), noise.std(clean)
    y.zero_()
    assert torch.equal(clean, copy)
    given = torch.tensor([0.1, 0.2, 0.3])
    held = Gaussian(given)
    given.zero_()
    assert held.sigma.tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_copies_and_names(law):
    for noise in (make(law), make(law, range(3))):
        again = pickle.loads(pickle.dumps(noise))
        assert repr(again) == repr(noise) and type(noise).__name__ in repr(noise)
        assert (
            noise.to(torch.zeros(1).double()).sample(clean_values(), Rng([0, 1, 2])).dtype
            == torch.float64
        )
    assert make(law).to("cpu") is not None and make(law).select(slice(0, 1)) is not None
    assert "0.2" in repr(Gaussian(0.2)) and "2x3" in repr(Gaussian(torch.ones(2, 3)))


def test_wrong_batch_is_named(law):
    noise = make(law, range(2))
    with pytest.raises(ValueError, match=rf"{type(noise).__name__}: 2 .*s do not fit a batch of 3"):
        noise.sample(clean_values(), Rng([0, 1, 2]))
    with pytest.raises(ValueError, match="do not fit a batch of 3"):
        Problem(Identity(SHAPE).double(), noise, clean_values())


BAD = [-0.1, float("nan"), float("inf"), "loud", [0.1, -1.0], torch.ones(2, 2)]


@pytest.mark.parametrize("bad", BAD, ids=str)
@pytest.mark.parametrize(
    "name, build",
    {
        "Laplace: scale": Laplace,
        "Uniform: width": Uniform,
        "Poisson: peak": Poisson,
        "Poisson: read": lambda v: Poisson(10.0, v),
        "SaltAndPepper: fraction": lambda v: SaltAndPepper(v, 0.1),
        "SaltAndPepper: background": lambda v: SaltAndPepper(0.1, v),
    }.items(),
)
def test_bad_parameters(name, build, bad):
    with pytest.raises(ValueError, match=name):
        build(bad)


def test_more_bad_parameters():
    for kind in (Laplace, Uniform, Poisson):
        with pytest.raises(ValueError, match="above 0"):
            kind(0.0)
    with pytest.raises(ValueError, match="at most 1"):
        SaltAndPepper(1.5, 0.1)
    with pytest.raises(ValueError, match="no likelihood"):
        SaltAndPepper(0.1, 0.0).nll(clean_values(), clean_values())
    with pytest.raises(ValueError, match=r"falls to -3.*brightness"):
        Poisson(10.0).sample(torch.full((1, 2), -3.0), Rng([0]))
    assert Gaussian(torch.tensor(0.3)).sigma == pytest.approx(0.3)


def test_problems_work_with_every_law(law):
    x = clean_values(dtype=torch.float32)
    for operator in (Identity(SHAPE), inpaint_random(SHAPE, 0.5)):
        problem = measure(operator, make(law, range(3)), x, Rng([0, 1, 2]))
        near, far = problem.nll(x), problem.nll(-x)
        assert near.shape == far.shape == (3,) and bool((near < far).all())
        assert bool((problem.relative_residual(x) < problem.relative_residual(-x)).all())
        assert torch.equal(problem[1:2].nll(x[1:2]), near[1:2])
        assert torch.isfinite(problem.rms_residual(x)).all()


def test_relative_residual_is_about_one_at_the_truth(law):
    x = torch.zeros(1, 1, 200, 200)
    problem = measure(Identity(x.shape[1:]), make(law), x, Rng([0]))
    assert float(problem.relative_residual(x)) == pytest.approx(1, abs=0.03)


def test_factories():
    assert repr(gaussian(0.1)) == "Gaussian(sigma=0.1)" and repr(laplace(0.1))
    assert repr(poisson(9)) == "Poisson(peak=9.0, read=0.0)"
    assert repr(poisson_gaussian(9, 0.1)) == "Poisson(peak=9.0, read=0.1)"
    assert repr(salt_and_pepper(0.1, 0.2)) == "SaltAndPepper(fraction=0.1, background=0.2)"
    assert repr(uniform([0.5, 1.0])) == "Uniform(width=[0.5, 1.0])"


def test_a_law_of_ones_own_needs_three_methods():
    class Silent(Noise):
        sigma = 0.5

        def sample(self, clean, rng):
            return clean.clone()

        def nll(self, clean, y):
            return (y - clean).abs().flatten(1).sum(1)

    problem = measure(Identity(SHAPE), Silent(), clean_values().float(), Rng([0, 1, 2]))
    assert repr(problem.noise) == "Silent()" and problem[1:].noise is problem.noise
    assert torch.equal(problem.relative_residual(clean_values().float()), torch.zeros(3))


@pytest.mark.parametrize("law", [poisson, lambda peak, clip: poisson_gaussian(peak, 0.0, clip)])
def test_negative_lobes_are_refused_or_clipped_to_no_light(law):
    x = torch.ones(1, 3, 16, 16)
    x[..., 5:9, 5:9] = -1
    operator = resample((3, 16, 16), 0.9)
    assert float(operator(x).min()) < -1.1
    with pytest.raises(ValueError, match="clip=true"):
        measure(operator, law(50.0, False), x, Rng([0]))
    problem = measure(operator, law(50.0, True), x, Rng([0]))
    assert float(problem.y.min()) == -1 and bool(problem.nll(x).isfinite())
    below = operator(x) < -1
    assert bool((problem.y[below] == -1).all()) and problem[:1].noise.clip
    bright = torch.full((1, 3, 16, 16), 0.5)
    same = [measure(operator, law(50.0, clip), bright, Rng([0])).y for clip in (False, True)]
    assert torch.equal(*same)


DARK = torch.full((4, 3, 8, 8), -1.0)


@pytest.mark.parametrize("intensity", [False, True])
@pytest.mark.parametrize(
    "around", [lambda op: op, lambda op: op @ blur_gaussian((3, 8, 8), 3, 0.6)]
)
def test_a_black_picture_sends_no_photons_to_a_detector_of_its_transform(intensity, around):
    operator = around(phase_retrieval((3, 8, 8), intensity=intensity))
    problem = measure(operator, poisson(200), DARK, Rng(range(4)))
    assert not problem.y.any() and bool(problem.nll(DARK).isfinite().all())
    read = measure(operator, poisson_gaussian(200, 0.1), DARK, Rng(range(4)))
    assert float(read.y.std()) == pytest.approx(0.1, rel=0.1)


def test_photons_of_intensities_have_their_mean_and_spread_and_the_truth_is_likeliest():
    operator = phase_retrieval((3, 8, 8), intensity=True)
    x = 0.6 * torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    x = x.expand(2000, -1, -1, -1)
    problem = measure(operator, poisson(50), x, Rng(range(2000)))
    clean = operator(x[:1])
    assert torch.allclose(
        problem.y.mean(0), clean[0], atol=5 * float(clean.max() / 50 / 2000) ** 0.5
    )
    spread = problem.y.var(0) / (clean[0] / 50)
    assert float(spread.mean()) == pytest.approx(1, abs=0.01)
    bright = clean > 1 / 50
    assert torch.allclose(problem.noise.std(clean)[bright], (clean / 50).sqrt()[bright])
    nll = [float(problem.nll(x * share).mean()) for share in (0.97, 1.0, 1.03)]
    assert nll[1] == min(nll)
    assert problem.sigma == pytest.approx((0.5 / 50) ** 0.5)
    assert problem[:1].noise.dark == 0 and "dark=0.0" in repr(problem.noise)


def test_frames_of_phase_retrieval_are_dark_at_zero_and_pictures_at_minus_one():
    assert framewise(phase_retrieval((1, 8, 8)), 2).dark == 0
    problem = measure(Identity((3, 8, 8)), poisson(9), DARK, Rng(range(4)))
    assert float(problem.y.max()) == -1
