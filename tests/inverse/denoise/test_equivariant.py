"""The randomly turned denoiser: what comes back is turned back."""

import pytest
import torch

from inverse.denoise import LINEAR, Conditioned, Equivariant, Prior
from inverse.levels import Grid, Level
from inverse.samplers import Nested, Process
from inverse.steps import Prox
from inverse.transitions import DDIM
from operators import Problem, Rng, gaussian, identity


class Weighted(Prior):
    """x0 = w x, with w different at every pixel: as far from equivariant as can be."""

    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def denoise(self, x, level):
        return self.weight * x


def estimates(shape, count=64):
    weight = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(2)).expand(count, *shape)
    problem = Problem(identity(shape), gaussian(0.1), x)
    level = Level(0.8, 0.6)
    est = Equivariant(Weighted(weight))(x, level, problem, Rng(range(count)))
    assert torch.allclose(level.alpha * est.x0 + level.sigma * est.noise, x, atol=1e-6)
    return weight, est.x0 / x


@pytest.mark.parametrize(("shape", "count"), [((1, 4, 4), 8), ((1, 4, 6), 4)])
def test_weights_are_those_of_every_symmetry_of_the_image(shape, count):
    weight, seen = estimates(shape)
    turns = range(4) if count == 8 else (0, 2)
    want = [torch.rot90(w, k, (-2, -1)) for w in (weight, weight.flip(-1)) for k in turns]
    for sample in seen:
        assert min(float((sample - w).abs().max()) for w in want) < 1e-5
    assert len({tuple((s.flatten() * 1e3).round().tolist()) for s in seen}) == count


def test_what_the_denoiser_requires_is_required():
    class Asking(Weighted):
        needs = frozenset({LINEAR})

    assert Equivariant(Asking(torch.ones(1))).requires == {LINEAR}


def test_what_looks_at_the_measurement_is_refused_as_that_is_not_turned():
    inside = Process(Conditioned(Weighted(torch.ones(1)), Prox()), DDIM(), Grid(2, start=1.0))
    for aware in (inside.denoiser, Nested(inside)):
        with pytest.raises(ValueError, match="Conditioned looks at the meas.*equivariant=false"):
            Equivariant(aware)
