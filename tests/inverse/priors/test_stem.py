"""The network that is told the noise of every value."""

import math

import pytest
import torch

from inverse.denoise import Field, Unfit
from inverse.levels import VE
from inverse.priors import EDMPrior, load_prior, save_prior
from inverse.priors.presets import untrained
from inverse.priors.stem import StemUNet


def network(seed: int = 0) -> StemUNet:
    """A small network whose outputs are not zero."""
    torch.manual_seed(seed)
    net = StemUNet([8, 12], 1)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return net.double().requires_grad_(False)


def test_an_even_field_of_noise_is_the_same_as_a_number():
    net, z = network(), torch.randn(2, 3, 16, 24, dtype=torch.float64)
    noise = torch.tensor([-1.0, 0.5], dtype=torch.float64).view(2, 1, 1, 1)
    beside = torch.ones(2, 6, 16, 24, dtype=torch.float64)
    even = net(z, noise, beside)
    assert even.shape == z.shape
    assert torch.allclose(net(z, noise.expand(2, 3, 16, 24), beside), even, atol=1e-12)
    assert not torch.allclose(net(z, noise + 0.1, beside), even, atol=1e-3)


def test_the_noise_of_a_pixel_matters_near_it_and_nowhere_else():
    net, z = network(), torch.zeros(1, 3, 64, 64, dtype=torch.float64)
    noise = torch.zeros(1, 3, 64, 64, dtype=torch.float64)
    other, beside = noise.clone(), torch.cat([z, z + 1], 1)
    other[..., 4, 4] = 2.0
    change = (net(z, other, beside) - net(z, noise, beside)).abs().amax((0, 1))
    assert change[:8, :8].max() > 1e-3 and change[40:, 40:].max() == 0


def test_what_it_computes_does_not_depend_on_the_size_of_the_image():
    net, z = network(), torch.randn(1, 3, 96, 96, dtype=torch.float64)
    noise = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    beside = torch.cat([z, z.sigmoid()], 1)
    whole = net(z, noise, beside)
    part = net(z[..., :64, :64], noise, beside[..., :64, :64])
    assert torch.allclose(whole[..., :24, :24], part[..., :24, :24], atol=1e-12)


def test_untrained_blocks_pass_their_input_on():
    z = torch.randn(1, 3, 8, 8)
    beside = torch.ones(1, 6, 8, 8)
    assert StemUNet([8], 2)(z, torch.zeros(1, 1, 1, 1), beside).abs().max() == 0


@pytest.mark.parametrize("side", [8, 13, 33])
def test_the_prior_takes_any_size_and_comes_back_from_its_file(tmp_path, side):
    prior = untrained("stem", [8, 12], 1).eval()
    torch.nn.init.normal_(prior.network.out.weight, std=0.3)  # pyright: ignore
    save_prior(prior, tmp_path / "prior.safetensors", torch.float32)
    x, level = torch.randn(2, 3, side, side), VE()(0.7)
    again = load_prior(tmp_path / "prior.safetensors")
    with torch.no_grad():
        assert torch.equal(again.denoise(x, level), prior.denoise(x, level))


def test_a_stem_knows_no_classes_and_no_size():
    for wrong in ({"classes": ["a"]}, {"size": 16}):
        with pytest.raises(ValueError, match="network"):
            EDMPrior({"kind": "stem", "channels": [8], "layers": 1} | wrong)


def told() -> EDMPrior:
    """A small prior in float64 that is told the noise of every value."""
    prior = untrained("stem", [8, 12], 1).eval()
    prior.network = network()
    return prior


def test_a_field_that_is_the_same_everywhere_is_a_level():
    prior, z = told(), torch.randn(2, 3, 13, 18, dtype=torch.float64)
    even = prior.restore(z, Field(torch.full((1, 1, 1, 1), 0.7, dtype=torch.float64)))
    assert torch.allclose(even, prior.denoise(z, VE()(0.7)), atol=1e-9)


def test_an_untrained_prior_fills_what_is_lost_with_the_sketch_of_what_is_known():
    prior, z = untrained("stem", [8], 1).eval(), torch.full((1, 3, 16, 16), 0.5)
    nsr = torch.full((1, 1, 16, 16), 0.01)
    nsr[..., 5:7, 5:7], z[..., 5:7, 5:7] = math.inf, 0.0
    with torch.no_grad():
        assert torch.allclose(prior.restore(z, Field(nsr)), torch.tensor(0.5), atol=0.02)


def test_known_pixels_stay_and_unknown_ones_are_not_looked_at():
    prior, z = told(), torch.randn(2, 3, 13, 18, dtype=torch.float64)
    nsr = torch.full((1, 1, 13, 18), 0.3).double()
    nsr[..., :4], nsr[..., 9:] = 0.0, math.inf
    x0 = prior.restore(z, Field(nsr))
    assert torch.equal(x0[..., :4], z[..., :4]) and bool(x0.isfinite().all())
    other = z.clone()
    other[..., 9:] = 7.0
    assert torch.equal(prior.restore(other, Field(nsr)), x0)


def test_a_network_that_is_told_one_level_says_so():
    prior = untrained("local", [16, 16], 1)
    with pytest.raises(Unfit, match="kind local is told one level"):
        prior.restore(torch.zeros(1, 3, 8, 8), Field(torch.ones(1, 1, 1, 1)))
