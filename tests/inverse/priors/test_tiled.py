"""The tiled prior: exact where it can be, local in memory, blind to the batch."""

import pytest
import torch

from inverse.denoise import POINTWISE, Evaluation, Field, FieldPrior, Prior
from inverse.levels import VE, Level
from inverse.priors import Tiled
from inverse.samplers import Process
from inverse.solving import solve
from inverse.transitions import Renoise
from operators import Problem, Rng, gaussian, identity
from tests.inverse.solver_cases import tiny_prior

LEVEL = Level(0.8, 0.6)


class Pointwise(Prior):
    """Sees one pixel at a time, and remembers how many tiles of what size it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = []

    def denoise(self, x, level):
        self.seen.append(tuple(x.shape))
        return x.tanh() / level.alpha


class Edges(Prior):
    """0 inside, 1 on the rim of what it is given: a seam wherever tiles are seen."""

    def denoise(self, x, level):
        out = torch.ones_like(x)
        out[..., 1:-1, 1:-1] = 0
        return out


class Smooth(Prior):
    """A 5 x 5 mean: two pixels from a rim it feels nothing of it."""

    def denoise(self, x, level):
        return torch.nn.functional.avg_pool2d(x, 5, 1, 2)


def image(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def ask(prior, x, seeds=None):
    problem = Problem(identity(tuple(x.shape[1:])), gaussian(0.1), x)
    est = prior(x, LEVEL, problem, Rng(seeds or range(len(x))))
    assert torch.allclose(LEVEL.alpha * est.x0 + LEVEL.sigma * est.noise, x, atol=1e-5)
    return est.x0


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("size", [(16, 16), (17, 40), (50, 33), (9, 40), (5, 6)])
@pytest.mark.parametrize(("tile", "overlap"), [(16, None), (16, 0), (7, 6), (16, 8)])
def test_a_pointwise_prior_is_the_same_in_tiles(size, tile, overlap, shift):
    x = image(2, 3, *size)
    prior = Pointwise()
    tiled = Tiled(prior, tile, overlap, batch=5, shift=shift)
    got = ask(tiled, x)
    assert torch.allclose(got, prior.denoise(x, LEVEL), atol=1e-5)
    assert not torch.isnan(got).any()


class Told(FieldPrior):
    """Shrinks each pixel by the noise that it is told of it."""

    coordinates = POINTWISE

    def restore(self, z, field):
        return z / (1 + field.pixels(z).clamp(max=5) ** 2)


@pytest.mark.parametrize("shift", [False, True])
def test_a_tile_is_told_the_noise_of_its_own_pixels(shift):
    x = torch.randn(2, 3, 40, 29, generator=torch.Generator().manual_seed(0))
    field = Field(torch.rand(1, 1, 40, 29, generator=torch.Generator().manual_seed(1)) * 3)
    problem = Problem(identity((3, 40, 29)), gaussian(0.1), x)
    found = Tiled(Told(), 16, shift=shift)(x, field, problem, Rng([0, 1]))  # pyright: ignore
    assert torch.allclose(found.x0, Told().restore(x, field), atol=1e-6)
    assert torch.allclose(found.x0 + field.nsr * found.noise, x, atol=1e-5)


def test_the_network_sees_tiles_alone_and_few_at_a_time():
    prior = Pointwise()
    Tiled(prior, 16, 4, batch=5).denoise(image(2, 3, 64, 40), LEVEL)
    sizes = {shape[1:] for shape in prior.seen}
    counts = [shape[0] for shape in prior.seen]
    assert sizes == {(3, 16, 16)}
    assert max(counts) == 5 and sum(counts) == 2 * 5 * 3  # 0 12 24 36 48; 0 12 24
    prior.seen.clear()
    Tiled(prior, 64).denoise(image(2, 3, 64, 40), LEVEL)
    assert prior.seen == [(2, 3, 64, 40)]


def test_only_pixels_near_a_rim_feel_it():
    """A local prior in tiles is the whole but for a band, and there the rim counts little."""
    x = image(1, 1, 48, 48)
    whole = Smooth().denoise(x, LEVEL)
    error = (Tiled(Smooth(), 24, 12).denoise(x, LEVEL) - whole).abs()[0, 0]
    starts, rim = (0, 12, 24), torch.zeros(48, dtype=torch.bool)
    for start in starts:
        for edge in (start, start + 22):
            inside = edge not in (0, 46)  # the image's own border is no seam
            rim[edge : edge + 2] |= inside
    away = ~(rim[:, None] | rim)
    assert float(error[away].max()) < 1e-6
    bare = (Tiled(Smooth(), 24, 0).denoise(x, LEVEL) - whole).abs()[0, 0]
    assert 0 < float(error.max()) < 0.1 * float(bare.max())


def test_a_seam_is_blended_away():
    seams = Tiled(Edges(), 16, 8).denoise(image(1, 1, 48, 48), LEVEL)[0, 0, 4:-4, 4:-4]
    assert 0 < float(seams.max()) < 0.02


def test_the_grid_shifts_per_sample_and_from_call_to_call():
    x = image(1, 1, 48, 48).expand(3, 1, 48, 48).contiguous()
    tiled = Tiled(Edges(), 16, 0, shift=True)
    rng = Rng([4, 5, 6])
    problem = Problem(identity((1, 48, 48)), gaussian(0.1), x)
    first, second = (tiled(x, LEVEL, problem, rng).x0 for _ in range(2))
    assert not torch.equal(first[0], first[1]) and not torch.equal(first, second)
    for b in range(3):
        alone = ask(tiled, x[b : b + 1], [4 + b])
        assert torch.equal(alone[0], first[b])


@pytest.mark.parametrize("shift", [False, True])
def test_a_sample_does_not_depend_on_its_batch(shift):
    x = image(3, 3, 40, 24)
    tiled = Tiled(tiny_prior(), 16, batch=4, shift=shift)
    together = ask(tiled, x)
    for b in range(3):
        alone = ask(tiled, x[b : b + 1], [b])
        assert torch.allclose(alone[0], together[b], atol=1e-5)


def test_gradients_are_exact_and_the_network_is_run_again_for_them():
    x, v = image(2, 3, 24, 40), image(2, 3, 24, 40, seed=1)
    prior = Pointwise()
    problem = Problem(identity((3, 24, 40)), gaussian(0.1), x)

    def pulled(denoiser):
        ev = Evaluation(denoiser, x, LEVEL, problem, Rng([0, 1]), differentiable=True)
        return ev.pullback(v)

    want = pulled(prior)
    prior.seen.clear()
    assert torch.allclose(pulled(Tiled(prior, 16, 4)), want, atol=1e-5)
    tiles = sum(shape[0] for shape in prior.seen)
    assert tiles == 2 * (2 * 2 * 3)  # forward, and again on the way back


def test_a_whole_image_is_one_network_call():
    tiled = Tiled(tiny_prior(), 16)
    from inverse.levels import Grid

    x = image(1, 3, 40, 40)
    problem = Problem(identity((3, 40, 40)), gaussian(0.1), x)
    process = Process(tiled, Renoise(0.5), Grid(3, VE(), start=1.0, end=0.1))
    assert solve(process, problem, Rng([0])).nfe == 3


@pytest.mark.parametrize("arguments", [(0,), (16, 16), (16, -1), (16, 4, 0)])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="0 <= overlap < tile and batch >= 1"):
        Tiled(tiny_prior(), *arguments)
