"""Noise of clips: shared or carried, white in every frame; and what that does to restorations."""

import pytest
import torch

from inverse import solvers
from inverse.denoise import Conditioned
from inverse.images.motion import sources
from inverse.levels import Grid
from inverse.priors import Frames
from inverse.samplers import Process, State
from inverse.steps import Prox, TemporalProx
from inverse.transitions import Anneal, Coherent, Renoise, carried
from operators import Problem, Rng, framewise, gaussian, inpaint_random, temporal_average
from tests.inverse.cases import gaussian_prior

SHAPE = (1, 2, 4)
FRAMES = 5


def pan(frames: int, height: int, width: int, columns: float) -> torch.Tensor:
    motion = torch.zeros(frames, 2, height, width)
    motion[:, 1] = columns
    return motion


def random_motion(frames: int, height: int, width: int) -> torch.Tensor:
    return 3 * Rng([5]).normal((1, frames, 2, height, width))[0]


def test_carried_noise_moves_with_the_picture():
    noise = Rng([0]).normal((1, 2, 3, 8, 8))
    moved = carried(noise, pan(3, 8, 8, 2.0))
    assert torch.equal(moved[..., 1, :, 2:], moved[..., 0, :, :-2])
    assert torch.equal(moved[..., 2, :, 2:], moved[..., 1, :, :-2])
    assert torch.equal(moved[..., 1, :, :2], noise[..., 1, :, :2])


def test_carried_noise_stays_white_under_any_motion():
    motion = random_motion(4, 6, 6)
    values = carried(Rng(range(3000)).normal((3000, 1, 4, 6, 6)), motion)
    for t in range(4):
        covariance = torch.cov(values[:, 0, t].flatten(1).T)
        assert float((covariance - torch.eye(36)).abs().max()) < 0.13  # 5 of its deviations
    for t in range(4):  # no value twice
        assert len(values[0, 0, t].unique()) == 36


def test_pixels_from_outside_have_no_place_before():
    assert int((sources(pan(2, 4, 4, 1.0), 2, 4, 4)[1] == 16).sum()) == 4


@pytest.mark.parametrize(("rho", "expected"), [(0.0, 0.0), (0.3, 0.3), (1.0, 1.0)])
def test_frames_share_as_much_as_told(rho, expected):
    draws = Coherent(Anneal(1.0), rho).draws(Rng(range(2000)))
    noise = draws.normal((2000, 1, 2, 3, 3)).flatten(3)
    assert float(noise.var()) == pytest.approx(1.0, abs=0.03)
    assert float((noise[:, :, 0] * noise[:, :, 1]).mean()) == pytest.approx(expected, abs=0.03)


def test_what_a_still_clip_shares_does_not_depend_on_its_length():
    """So that windows of it, the last a short one, have the same noise throughout."""
    long, short = (Coherent(Anneal(1.0), 1.0).draws(Rng([3])) for _ in range(2))
    for _ in range(2):
        noise = long.normal((1, 1, 5, 3, 3))
        assert torch.equal(noise[:, :, :2], short.normal((1, 1, 2, 3, 3)))


def clips(operator, y: torch.Tensor) -> Problem:
    return Problem(operator, gaussian(0.1).to(y), y)


def restore(problem: Problem, seeds: list[int], **options) -> torch.Tensor:
    prior = gaussian_prior()
    process = solvers.nested_video(prior, outer_steps=3, inner_most=2, **options)
    return list(process.iterate(problem, Rng(seeds).of(torch.float64)))[-1].x0


MASK = inpaint_random(SHAPE, keep=0.5).to(torch.float64)


def test_nothing_shared_and_nothing_tied_is_frame_by_frame_to_the_bit():
    y = MASK(Rng(range(FRAMES)).normal((FRAMES, *SHAPE), torch.float64))
    clip = clips(framewise(MASK, FRAMES), y.movedim(0, 1)[None].contiguous())
    grid, prior = Grid(5, start=3.0, end=0.1), gaussian_prior()
    rng = Rng([7]).of(torch.float64)
    whole = Process(
        Conditioned(Frames(prior), TemporalProx(0.5)), Coherent(Renoise(0.7), 0.0), grid
    )
    together = list(whole.iterate(clip, rng))[-1].x0
    single = Process(Conditioned(prior, Prox(0.5)), Renoise(0.7), grid)
    alone = list(single.iterate(clips(MASK, y), Rng([7]).of(torch.float64).each(FRAMES)))[-1].x0
    assert torch.equal(together[0].movedim(1, 0), alone)


def test_frames_measured_alike_are_restored_alike():
    y = MASK(Rng([3]).normal((1, *SHAPE), torch.float64))
    clip = clips(framewise(MASK, FRAMES), y[:, :, None].expand(-1, -1, FRAMES, -1, -1).contiguous())
    x = restore(clip, [7], rho=1.0, mu=1.0)
    assert float((x - x[:, :, :1]).abs().max()) < 1e-6


def test_tied_frames_are_the_picture_of_the_mean_frame():
    """Measured with `sigma / sqrt(T)`, where the estimates of T frames pull as one."""
    y = MASK(Rng(range(FRAMES)).normal((FRAMES, *SHAPE), torch.float64))
    clip = clips(framewise(MASK, FRAMES), y.movedim(0, 1)[None].contiguous())
    mean = Problem(MASK, gaussian(0.1 / FRAMES**0.5).to(y), y.mean(0, keepdim=True))
    grid, prior = Grid(5, start=3.0, end=0.1), gaussian_prior()
    x = Rng([3]).normal((1, *SHAPE), torch.float64)
    step = TemporalProx(0.5 / FRAMES, 1e9)
    whole = Process(Conditioned(Frames(prior), step), Coherent(Renoise(0.7)), grid)
    start = State(x[:, :, None].expand(-1, -1, FRAMES, -1, -1).contiguous())
    together = list(whole.iterate(clip, Rng([7]).of(torch.float64), start))[-1].x0
    single = Process(Conditioned(prior, Prox(0.5)), Renoise(0.7), grid)
    alone = list(single.iterate(mean, Rng([7]).of(torch.float64), State(x)))[-1].x0
    torch.testing.assert_close(together, alone[:, :, None].expand_as(together), rtol=0, atol=1e-6)


def test_shared_noise_and_a_tie_flicker_less_where_time_was_averaged():
    operator = temporal_average((1, 6, 2, 4), 3).to(torch.float64)
    still = Rng([3]).normal((1, 1, 1, 2, 4), torch.float64).expand(1, 1, 6, 2, 4).contiguous()
    clip = clips(operator, operator(still))

    def flicker(**options) -> float:
        x = restore(clip, [7], **options)
        return float((x[:, :, 1:] - x[:, :, :-1]).square().mean())

    alone, shared, tied = flicker(rho=0.0, mu=0.0), flicker(mu=0.0), flicker(mu=50.0)
    assert shared < alone
    assert tied < 0.5 * alone


def test_a_picture_is_a_clip_of_one_frame():
    y = MASK(Rng([3]).normal((1, *SHAPE), torch.float64))
    process = solvers.nested(gaussian_prior(), outer_steps=3, inner_most=2)
    rng = Rng([7]).of(torch.float64)
    assert torch.equal(
        restore(clips(MASK, y), [7]), list(process.iterate(clips(MASK, y), rng))[-1].x0
    )
