"""Networks that are told of the measurement by channels beside the state."""

import pytest
import torch

from inverse.denoise import Informed, Unfit, cue, wiener
from inverse.levels import Level
from inverse.priors import EDMPrior, load_prior, save_prior, widened
from inverse.priors.presets import from_file
from inverse.solvers import nested
from operators import Inpaint, Rng, gamma, gaussian, inpaint_random, measure
from tests.inverse.solver_cases import SHAPE, problem, told_prior

LEVEL = Level(0.8, 0.5)


def heeding(informed=("wiener",)) -> EDMPrior:
    """A small network with weights for all that it is told."""
    prior = widened(told_prior(), informed).eval().requires_grad_(False)
    torch.manual_seed(1)
    prior.network.into.weight.data[:, 36:] = 0.1 * torch.randn_like(
        prior.network.into.weight[:, 36:]
    )
    return prior


def state(count: int = 3) -> torch.Tensor:
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("informed", [["wiener"], ["adjoint", "mask"]])
def test_a_widened_network_estimates_what_it_did_whatever_it_is_told(informed):
    wide = widened(told_prior(), informed).eval()
    ours = Informed(wide, cue(informed))(state(), LEVEL, problem(), Rng(range(3))).x0
    assert torch.allclose(ours, told_prior().denoise(state(), LEVEL), atol=1e-5)


def test_what_it_is_told_reaches_the_estimate_of_its_own_sample_alone():
    told, other = wiener(problem()), wiener(problem())
    other[1] = other[1].flip(-1)
    prior = heeding()
    one, two = (prior.informed(t).denoise(state(), LEVEL) for t in (told, other))
    change = (one - two).abs().amax((1, 2, 3))
    assert change[1] > 1e-3 and change[0] < 1e-5 and change[2] < 1e-5


def test_a_paired_network_estimates_what_the_restoration_lacks():
    given, prior = problem(), heeding()
    y0, paired = wiener(given), Informed(prior, cue(["wiener"]), paired=True)
    est = paired(state(), LEVEL, given, Rng(range(3)))
    lacking = prior.informed(y0).denoise(state() - LEVEL.alpha * y0, LEVEL)
    assert torch.allclose(est.x0, y0 + lacking, atol=1e-5)
    assert torch.allclose(LEVEL.alpha * est.x0 + LEVEL.sigma * est.noise, state(), atol=1e-5)


def test_the_measurement_is_read_once_per_problem():
    given, read = problem(), []
    one = cue(["wiener"])
    counted = one._replace(read=lambda p: read.append(p) or one.read(p))
    network = Informed(heeding(), counted)
    for _ in range(3):
        network(state(), LEVEL, given, Rng(range(3)))
    network(state(), LEVEL, problem("blur"), Rng(range(3)))
    assert len(read) == 2


def test_a_mask_is_read_as_one_where_any_channel_is_lost():
    keep = torch.ones(1, 3, 4, 4)
    keep[0, 1, 2, 3] = 0
    seen = measure(Inpaint((3, 4, 4), keep), gaussian(0.1), torch.zeros(2, 3, 4, 4), Rng([0, 1]))
    told = cue(["mask"]).read(seen)
    assert told.shape == (2, 1, 4, 4) and told.sum() == 2 and bool((told[:, 0, 2, 3] == 1).all())


@pytest.mark.parametrize("side", [13, 16])
def test_an_informed_network_comes_back_from_its_file_and_restores_any_size(tmp_path, side):
    save_prior(heeding(), tmp_path / "p.safetensors")
    assert load_prior(tmp_path / "p.safetensors").config["informed"] == ["wiener"]
    network = from_file(tmp_path / "p.safetensors", channels=3)
    shape = (3, side, side)
    seen = measure(inpaint_random(shape, keep=0.5), gaussian(0.1), torch.zeros(1, *shape), Rng([0]))
    x0 = network(torch.randn(1, *shape), LEVEL, seen, Rng([0])).x0
    assert x0.shape == (1, *shape) and torch.isfinite(x0).all()


def test_what_it_cannot_do_is_refused_in_one_line(tmp_path):
    with pytest.raises(ValueError, match="informed by some of wiener, adjoint, mask, got depth"):
        cue(["depth"])
    with pytest.raises(ValueError, match="kind local cannot be informed.*take stem"):
        EDMPrior({"informed": ["mask"]})
    with pytest.raises(ValueError, match="informed of wiener first"):
        widened(told_prior(), ["mask"], paired=True)
    with pytest.raises(ValueError, match="informed of wiener already"):
        widened(heeding(), ["mask"])
    with pytest.raises(Unfit, match="was told nothing"):
        heeding().denoise(state(), LEVEL)
    with pytest.raises(Unfit, match="by 3 channels"):
        heeding().informed(torch.zeros(3, 1, 16, 16))
    network = Informed(heeding(), cue(["wiener"]))
    with pytest.raises(Unfit, match="whole pictures"):
        network(state()[:1], LEVEL, problem(), Rng(range(3)))
    with pytest.raises(ValueError, match="equivariant=false"):
        nested(network)
    seen = measure(gamma(SHAPE), gaussian(0.1), torch.zeros(1, *SHAPE), Rng([0]))
    walk = nested(network, equivariant=False)
    with pytest.raises(Unfit, match="needs a linear operator"):
        next(walk.iterate(seen, Rng([0])))
    save_prior(heeding(), tmp_path / "p.safetensors")
    with pytest.raises(ValueError, match="leave out tile"):
        from_file(tmp_path / "p.safetensors", tile=64)
