"""LVTINO: two priors in turn, on clips and on pictures, on pixels and on latents."""

import pytest
import torch

from inverse import solvers
from inverse.levels import Flow, Level
from inverse.priors.latent import Condition, LatentPrior, VideoVAE
from inverse.solvers._lvtino import PICTURES, VIDEO, Released, Steady
from inverse.solving import solve
from operators import (
    Problem,
    Rng,
    downsample,
    exposure,
    framewise,
    gaussian,
    identity,
    measure,
    temporal_blur,
)
from tests.inverse import latent_cases
from tests.inverse.solver_cases import tiny_prior

FRAMES, SHAPE = 5, (3, 32, 32)


def problem(sigma: float = 0.05) -> Problem:
    operator = framewise(downsample(SHAPE, 4), FRAMES) @ temporal_blur((3, FRAMES, 32, 32), 3)
    clip = torch.linspace(-0.8, 0.8, 32).expand(1, 3, FRAMES, 32, 32).contiguous()
    return measure(operator, gaussian(sigma), clip, Rng([0]))


def video_prior() -> LatentPrior:
    """A tiny random Wan."""
    prompt = Condition(torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(0)), None)
    return LatentPrior(
        latent_cases.wan_transformer(), Flow(), "flow", VideoVAE(latent_cases.wan_vae()), prompt
    )


def test_the_walk_of_five_is_the_released_one():
    times = [Flow().time(level.nsr) for level in Released(5)()[:-1]]
    assert times == pytest.approx([0.757, 0.522, 0.375, 0.255, 0.125])
    assert len(Released(3)()) == 4 and len(PICTURES) == len(VIDEO) - 1


def test_both_priors_speak_in_turn_and_the_data_last():
    counts = []
    prior = tiny_prior()
    handle = prior.register_forward_hook(
        lambda module, inputs, output: counts.append(len(inputs[0]))
    )
    given = problem(1e-4)
    x = solve(solvers.lvtino(prior), given, Rng([0])).x0
    handle.remove()
    assert counts == [FRAMES] * 9  # five turns of the one, four of the other
    assert float(given.relative_residual(x)) < 100  # of a prior that knows nothing, and sigma 1e-4


def test_what_the_picture_prior_invents_is_the_same_in_frames_measured_alike():
    operator = framewise(downsample(SHAPE, 4), 3)
    y = torch.linspace(-0.5, 0.5, 8).expand(1, 3, 3, 8, 8).contiguous()
    x = solve(solvers.lvtino(tiny_prior()), Problem(operator, gaussian(0.05), y), Rng([1])).x0
    assert float((x - x[:, :, :1]).abs().max()) < 1e-5


@pytest.mark.parametrize("pictures", ["pixels", "latents"])
def test_a_video_network_and_a_picture_one_restore_a_clip_between_them(pictures):
    prior = tiny_prior() if pictures == "pixels" else latent_cases.prior("sdxl")
    x = solve(solvers.lvtino(prior, video=video_prior(), steps=2), problem(), Rng([0])).x0
    assert x.shape == (1, 3, FRAMES, 32, 32) and bool(x.isfinite().all())


def test_the_video_autoencoder_knows_the_sizes_of_its_latents():
    prior = video_prior()
    clip = torch.rand(2, 3, 5, 16, 24) * 2 - 1
    z = prior.encode(clip)
    assert tuple(z.shape[1:]) == prior.autoencoder.latent_shape((3, 5, 16, 24)) == (4, 2, 4, 6)
    assert prior.decode(z).shape == clip.shape
    for shape in ((3, 4, 16, 16), (3, 5, 18, 16), (3, 16, 16)):
        with pytest.raises(ValueError, match="4 k \\+ 1"):
            prior.autoencoder.latent_shape(shape)


def test_of_two_frames_the_total_variation_shrinks_the_change_alone():
    """`x = m -+ soft(d, 2 tv / h) / 2`, with h the curvature, m the mean, d the change without."""
    shape, sigma, nsr, delta, tv = (1, 2, 3, 3), 0.3, 0.8, 0.5, 2.5
    x0 = Rng([1, 2]).normal((2, *shape), torch.float64)
    y = Rng([3, 4]).normal((2, *shape), torch.float64)
    given = Problem(identity(shape).to(torch.float64), gaussian(sigma).to(y), y)
    found = Steady(tv, delta)(x0, Level(1.0, nsr), given, Rng([0, 1]))
    data, pull = 1 / sigma**2, (1 + nsr**2) / (nsr**2 * delta)
    free = (data * y + pull * x0) / (data + pull)
    change = free.diff(dim=2)
    shrunk = change.sign() * (change.abs() - 2 * tv / (data + pull)).clamp_min(0)
    assert 0.1 < float((shrunk == 0).double().mean()) < 0.9
    expected = free.mean(2, keepdim=True) + torch.cat([-shrunk, shrunk], 2) / 2
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_no_clip_nearby_costs_less_where_frames_are_missing():
    operator = exposure((1, 6, 2, 2), 3, 1).to(torch.float64)
    x0 = Rng([1]).normal((1, 1, 6, 2, 2), torch.float64)
    y = Rng([3]).normal((1, 1, 2, 2, 2), torch.float64)
    given = Problem(operator, gaussian(0.3).to(y), y)
    found = Steady(2.5, 1.0)(x0, Level(1.0, 1.0), given, Rng([0]))

    def cost(x):
        pull = (x - x0).square().flatten(1).sum(1)  # r^2 is a half
        fit = (operator(x) - y).square().flatten(1).sum(1) / (2 * 0.3**2)
        return fit + pull + 2.5 * x.diff(dim=2).abs().flatten(1).sum(1)

    near = found + 1e-3 * Rng(range(200)).normal((200, 1, 6, 2, 2), torch.float64)
    assert bool((cost(near) > cost(found)).all())
    assert float(found.diff(dim=2).abs().mean()) < 0.5 * float(x0.diff(dim=2).abs().mean())


def test_a_total_variation_calms_the_frames_between_those_measured():
    operator = framewise(downsample(SHAPE, 4), 2) @ exposure((3, 6, 32, 32), 3, 1)
    clip = torch.linspace(-0.8, 0.8, 32).expand(1, 3, 6, 32, 32).contiguous()
    given = measure(operator, gaussian(0.05), clip, Rng([0]))
    loose, calm = (
        solve(solvers.lvtino(tiny_prior(), steps=2, tv=tv), given, Rng([0])).x0
        for tv in (0.0, 30.0)
    )
    assert float(calm.diff(dim=2).abs().mean()) < 0.5 * float(loose.diff(dim=2).abs().mean())


def test_a_picture_has_no_total_variation_over_time():
    given = measure(downsample(SHAPE, 4), gaussian(0.05), torch.rand(1, *SHAPE), Rng([0]))
    x = [solve(solvers.lvtino(tiny_prior(), steps=1, tv=tv), given, Rng([0])).x0 for tv in (0, 9)]
    assert torch.equal(*x)


@pytest.mark.parametrize("wrong", [{"delta": 0.0}, {"steps": 0}, {"tv": -1.0}])
def test_wrong_numbers_are_told(wrong):
    with pytest.raises(ValueError, match="must be positive"):
        solvers.lvtino(tiny_prior(), **wrong)
