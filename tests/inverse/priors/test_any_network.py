"""Any network as a prior: of any limits, time and output, out of a file, on any channels."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn

from inverse import solvers
from inverse.apps.configuration import FOLDER, build
from inverse.denoise import POINTWISE, Field, FieldPrior, Prior
from inverse.images import sample_photograph
from inverse.levels import VE, VP, Discrete, Flow, Level
from inverse.metrics import psnr
from inverse.priors import Channels, NetworkPrior, Scheduled, bundled, load_module
from inverse.solving import solve
from operators import Identity, Problem, Rng, blur_gaussian, gaussian, inpaint_random, measure
from tests.inverse import mnist_ddpm
from tests.inverse.solver_cases import tiny_prior

MEAN, VARIANCE = 0.2, 0.3
TOLD = {
    "t of a table": (Discrete.linear(), "t", 1.0),
    "t / T": (Discrete.cosine(), "t", 0.001),
    "sigma": (VE(), "sigma", 1.0),
    "log-SNR": (VP(), "log_nsr", -2.0),
    "log nsr of a flow": (Flow(), "log_nsr", 1.0),
    "1000 t of a flow": (Flow(), "t", 1000.0),
}
LIMITS = [(-1.0, 1.0), (0.0, 1.0), (-0.5, 0.5), (0.0, 4.0)]
LEVELS = [VE()(0.05), VE()(2.0), Level(0.6, 0.8), Flow()(0.3), Level(30.0, 9.0)]


def posterior_mean(x, level, mean=MEAN, variance=VARIANCE):
    """Of pixels that are independent and normal."""
    gain = level.alpha * variance / (level.alpha**2 * variance + level.sigma**2)
    return mean + gain * (x - level.alpha * mean)


class Exact(nn.Module):
    """What a perfect network of that prior says, in its own words."""

    def __init__(self, schedule, prediction, told, scale, limits):
        super().__init__()
        self.schedule, self.prediction, self.told, self.scale = schedule, prediction, told, scale
        self.spread, self.middle = (limits[1] - limits[0]) / 2, (limits[0] + limits[1]) / 2

    def forward(self, z, t):
        t = float(t[0]) / self.scale
        level = self.schedule.at(math.exp(t)) if self.told == "log_nsr" else self.schedule(t)
        mean = self.spread * MEAN + self.middle
        x0 = posterior_mean(z, level, mean, self.spread**2 * VARIANCE)
        noise = (z - level.alpha * x0) / level.sigma
        return {
            "epsilon": noise,
            "sample": x0,
            "v_prediction": level.alpha * noise - level.sigma * x0,
            "flow": noise - x0,
            "score": -noise / level.sigma,
        }[self.prediction]


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("prediction", ["epsilon", "sample", "v_prediction", "flow", "score"])
@pytest.mark.parametrize("told", TOLD)
def test_what_a_network_says_in_its_own_words_is_the_posterior_mean(told, prediction, limits):
    schedule, time, scale = TOLD[told]
    prior = NetworkPrior(
        Exact(schedule, prediction, time, scale, limits),
        Scheduled(schedule, prediction, time, scale),
        limits=limits,
    )
    for channels, level in enumerate(LEVELS, 1):
        x = level.alpha * 0.3 + torch.randn(2, channels, 4, 4, dtype=torch.float64)
        want = posterior_mean(x, level)
        assert torch.allclose(prior.denoise(x, level), want, rtol=1e-7, atol=1e-7)


def test_choices_that_say_nothing_are_refused():
    with pytest.raises(ValueError, match="prediction must be one of"):
        Scheduled(VP(), prediction="noise")
    with pytest.raises(ValueError, match="time must be one of"):
        Scheduled(VP(), time="sigmas")
    with pytest.raises(ValueError, match="limits must be two numbers that ascend"):
        NetworkPrior(nn.Identity(), Scheduled(VP()), limits=(1, -1))
    with pytest.raises(ValueError, match="gives a NoneType"):
        silent = NetworkPrior(Says(None), Scheduled(VP()))
        silent.denoise(torch.zeros(1, 3, 4, 4), VE()(1.0))


class Says(nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, z, t, labels=None):
        self.labels = labels
        return self.answer


def test_a_label_reaches_any_network_and_sides_are_padded():
    class Even(nn.Module):
        def forward(self, z, t, labels):
            assert z.shape[-2:] == (8, 12) and labels.tolist() == [3, 3]
            return torch.zeros_like(z)

    prior = NetworkPrior(Even(), Scheduled(VE(), "sample"), label=3, multiple=4)
    assert prior.denoise(torch.ones(2, 1, 7, 9), VE()(1.0)).shape == (2, 1, 7, 9)
    with pytest.raises(AssertionError):
        prior.labelled(2).denoise(torch.ones(2, 1, 7, 9), VE()(1.0))


@pytest.mark.parametrize("betas", ["squaredcos_cap_v2", "scaled_linear"])
def test_tables_of_betas_are_diffusers_own(betas):
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule=betas)
    given = scheduler.betas.double().tolist()
    ours = Discrete.cosine() if betas == "squaredcos_cap_v2" else Discrete.scaled_linear()
    for t in (0, 10, 500, 990, 999):
        assert ours(t).nsr == pytest.approx(Discrete(given)(t).nsr, rel=1e-4)


# ---- out of a file ----

FILE = """
from dataclasses import dataclass
from beside import WIDTH
from torch import nn


@dataclass
class Settings:
    width: "int" = WIDTH


class Net(nn.Module):
    def __init__(self, width=Settings().width):
        super().__init__()
        self.layer = nn.Conv2d(1, width, 1)
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, z, t):
        return self.out(self.layer(z)) + 0 * t[:, None, None, None]


function = print
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "net.py").write_text(FILE)
    (tmp_path / "beside.py").write_text("WIDTH = 4\n")
    return f"{tmp_path / 'net.py'}:Net"


def test_a_network_comes_out_of_its_file_with_its_weights(place, tmp_path):
    torch.manual_seed(0)
    made = load_module(place, arguments={"width": 6})
    state = {f"model.{name}": value for name, value in made.state_dict().items()}
    torch.save({"ema": state | {"betas": torch.zeros(3)}}, tmp_path / "weights.pt")
    again = load_module(place, tmp_path / "weights.pt", {"width": 6})
    assert not again.training and not any(p.requires_grad for p in again.parameters())
    z, t = torch.randn(2, 1, 4, 4), torch.ones(2)
    assert torch.equal(again(z, t), made(z, t))


def test_what_is_no_network_or_not_its_weights_gets_one_line(place, tmp_path):
    path = place.rpartition(":")[0]
    torch.save({"layer.weight": torch.zeros(1)}, tmp_path / "other.pt")
    (tmp_path / "wrong.py").write_text("import nowhere_to_be_found\n")
    cases = [
        (("net",), ValueError, "FILE.py:Class"),
        (("nowhere.py:Net",), FileNotFoundError, "no such file"),
        ((f"{path}:Nett",), ValueError, "no torch.nn.Module named 'Nett'"),
        ((f"{path}:function",), ValueError, "no torch.nn.Module named 'function'"),
        ((f"{tmp_path / 'wrong.py'}:Net",), ValueError, "cannot be run: No module named"),
        ((place, None, {"depth": 3}), ValueError, r"\+prior.arguments.NAME=VALUE"),
        ((place, tmp_path / "other.pt"), ValueError, "not those of Net"),
    ]
    for arguments, kind, message in cases:
        with pytest.raises(kind, match=message) as error:
            load_module(*arguments)
        assert "\n" not in str(error.value)


# ---- a real checkpoint, by a configuration alone ----


@pytest.fixture(scope="module")
def digits_of():
    """What conf/prior/module.yaml makes of the checkpoint in a folder, and its test digits."""

    def make(folder):
        if not folder.is_dir():
            pytest.skip("no weights/mnist_ddpm under $INVERSE_DATA")
        config = OmegaConf.load(FOLDER / "prior" / "module.yaml")
        assert isinstance(config, DictConfig)
        config.update(
            network=f"{mnist_ddpm.__file__}:Digits", weights=str(folder / "ddpm_mnist.pth"),
            steps=1001, scale=0.001, limits=[-0.5, 0.5], shape=[1, 28, 28],
        )  # fmt: skip
        images = torch.from_numpy(np.load(folder / "mnist_test64.npz")["images"])
        return build(config), images[:, None].float() / 127.5 - 1

    return make


def test_a_ddpm_of_digits_denoises_as_with_glue_written_by_hand(digits_of, data):
    prior, x = digits_of(data / "weights" / "mnist_ddpm")
    x = x.repeat(4, 1, 1, 1)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    for nsr, want in ((0.1, 35.5), (0.3, 28.3), (1.0, 20.6)):
        error = (prior.denoise(x + nsr * noise, VE()(nsr)) - x).square().mean()
        assert 10 * math.log10(4 / float(error)) == pytest.approx(want, abs=0.2)


def test_a_ddpm_of_digits_restores(digits_of, data):
    prior, x = digits_of(data / "weights" / "mnist_ddpm")
    x = x[:8]
    for operator, want in (
        (inpaint_random((1, 28, 28), keep=0.3), 18.5),
        (blur_gaussian((1, 28, 28), std=2.0, size=27), 23.5),
    ):
        problem = measure(operator, gaussian(0.05), x, Rng(range(8)))
        restored = solve(solvers.nested(prior), problem, Rng(range(10, 18))).x0
        assert float(psnr(restored, x).mean()) > want


# ---- pictures of other channels ----


class GreyOnly(Prior):
    """Colour pictures that are grey, exactly: pixels of mean 0 and variance v, equal in colour."""

    def denoise(self, x, level):
        mean = x.mean(1, keepdim=True)
        own = Level(level.alpha, level.sigma / x.shape[1] ** 0.5)
        return posterior_mean(mean, own, 0.0, VARIANCE).expand_as(x)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_a_colour_prior_takes_each_channel_as_the_grey_picture_it_is(channels):
    level, x = Level(0.7, 0.4), torch.randn(2, channels, 4, 4)
    problem = Problem(Identity((channels, 4, 4)), gaussian(0.1), x)
    found = Channels(GreyOnly())(x, level, problem, Rng([0, 1]))
    assert torch.allclose(found.x0, posterior_mean(x, level, 0.0, VARIANCE), atol=1e-6)
    assert torch.allclose(level.alpha * found.x0 + level.sigma * found.noise, x, atol=1e-6)


def test_a_complex_picture_is_restored_and_counts_two_calls():
    x = torch.rand(2, 2, 16, 16) * 2 - 1
    problem = measure(inpaint_random((2, 16, 16), keep=0.5), gaussian(0.05), x, Rng([0, 1]))
    prior: Any = Channels(tiny_prior())
    sampler = solvers.diffpir(prior, steps=3)
    result = solve(sampler, problem, Rng([2, 3]))
    assert result.x0.shape == x.shape and result.nfe == 6
    one = Problem(problem.operator, problem.noise, problem.y[1:])
    assert torch.allclose(solve(sampler, one, Rng([3])).x0, result.x0[1:], atol=1e-5)


def test_the_bundled_prior_denoises_grey_better_than_by_repeating_it():
    x = sample_photograph("astronaut", size=64).mean(0, keepdim=True)[None]
    y = x + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    problem, prior = Problem(Identity((1, 64, 64)), gaussian(0.15), y), bundled()
    with torch.no_grad():
        repeated = prior.denoise(y.expand(-1, 3, -1, -1), VE()(0.3)).mean(1, keepdim=True)
        ours = Channels(prior)(y, VE()(0.3), problem, Rng([0])).x0
    assert float(psnr(ours, x)) > float(psnr(repeated, x)) + 3


class OddColours(FieldPrior):
    """Three colours that are independent: `N(0, v)` each, whatever the others are."""

    coordinates = POINTWISE

    def restore(self, z, field):
        nsr = field.pixels(z)
        return torch.where(nsr.isinf(), 0.0, VARIANCE / (VARIANCE + nsr**2) * z)


def test_each_channel_is_told_the_noise_of_its_own_values():
    nsr = torch.tensor([0.0, 0.1, 0.7, math.inf]).expand(2, 2, 3, 4)
    x = torch.randn(nsr.shape, generator=torch.Generator().manual_seed(0))
    problem = Problem(Identity((2, 3, 4)), gaussian(0.1), x)
    prior: Any = Channels(OddColours())
    found = prior(x, Field(nsr), problem, Rng([0, 1])).x0
    exact = torch.where(nsr.isinf(), 0.0, VARIANCE / (VARIANCE + 3 * nsr**2) * x)
    assert torch.allclose(found, exact, atol=1e-6)
    even, level = prior(x, Field(torch.full((1, 1, 1, 1), 0.4)), problem, Rng([0, 1])), VE()(0.4)
    assert torch.allclose(even.x0, prior(x, level, problem, Rng([0, 1])).x0, atol=1e-6)


def test_a_grey_picture_is_denoised_in_one_call_by_a_colour_prior_that_is_told_the_noise():
    x = sample_photograph("astronaut", size=64).mean(0, keepdim=True)[None]
    problem = measure(inpaint_random((1, 64, 64), keep=0.8), gaussian(0.2), x, Rng([0]))
    prior: Any = Channels(bundled())
    result = solve(solvers.uneven(prior, steps=1), problem, Rng([1]))
    assert result.nfe == 1 and float(psnr(result.x0, x)) > float(psnr(problem.y, x)) + 5
