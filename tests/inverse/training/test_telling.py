"""Training of networks that are told of measurements."""

import pytest
import torch

from inverse.denoise import cue
from inverse.priors import EDMPrior
from inverse.training.loss import Loss
from inverse.training.recipe import Recipe, draw_nsr
from inverse.training.telling import Telling
from inverse.training.trainer import Trainer
from operators import downsample, gaussian, inpaint_random

SHAPE = (3, 16, 16)


def halved(shape, seed):
    return downsample(shape, factor=2)


def masked(shape, seed):
    return inpaint_random(shape, keep=0.5, seed=seed)


def telling(tasks=(halved,), names=("wiener",)) -> Telling:
    return Telling(cue(list(names)), tasks, gaussian(0.05), seed=3)


def pictures(count: int = 4) -> torch.Tensor:
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, SHAPE[1:], mode="bilinear")


def test_what_a_patch_is_told_depends_on_step_and_number_alone():
    x0, tell = pictures(), telling((halved, masked))
    whole = tell(x0, 5, range(4))
    parts = [tell(x0[i : i + 2], 5, range(i, i + 2)) for i in (0, 2)]
    assert whole.shape == x0.shape and torch.allclose(torch.cat(parts), whole, atol=1e-6)
    assert not torch.allclose(tell(x0, 6, range(4)), whole, atol=1e-2)  # the other operator


def test_masks_differ_from_step_to_step():
    tell = telling((masked,), ("mask",))
    one, two = (tell(pictures(), step, range(4)) for step in (0, 1))
    assert one.shape == (4, 1, 16, 16) and not torch.equal(one, two)


def test_a_network_learns_to_use_what_it_is_told():
    torch.manual_seed(0)
    prior = EDMPrior({"kind": "stem", "channels": [8], "layers": 1, "informed": ["wiener"]})
    loss, tell = Loss(prior), telling()
    adam = torch.optim.Adam(prior.parameters(), 3e-3)
    x0, log_nsr = pictures(), torch.full((4,), 3.0)

    def value(told: torch.Tensor, step: int) -> torch.Tensor:
        noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(step))
        return loss(x0, log_nsr, noise, None, told)

    for step in range(60):
        adam.zero_grad()
        value(tell(x0, step, range(4)), step).backward()
        adam.step()
    told = tell(x0, 100, range(4))
    with torch.no_grad():
        assert value(told, 100) < 0.5 * value(told.roll(1, 0), 100)


def test_a_paired_network_that_knows_nothing_yet_is_as_wrong_as_what_it_is_told():
    shape = {"kind": "stem", "channels": [8], "layers": 1, "informed": ["wiener"], "paired": True}
    x0, tell = pictures(), telling()
    told, far = tell(x0, 0, range(4)), torch.full((4,), 4.0)
    with torch.no_grad():
        value = Loss(EDMPrior(shape))(x0, far, torch.randn(x0.shape), None, told)
    assert abs(float(value) / float((x0 - told).square().mean() / 0.25) - 1) < 0.05


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_levels_of_a_walk_are_drawn_and_a_share_between_them(share):
    recipe = Recipe(levels=(49.7, 2.57, 0.2), uniform=share)
    drawn = draw_nsr(2000, recipe, torch.Generator().manual_seed(0)).exp()
    on = (drawn[:, None] / torch.tensor(recipe.levels) - 1).abs() < 1e-5
    assert abs(float(on.any(1).float().mean()) - (1 - share)) < 0.03
    assert on.float().mean(0).min() > 0.2


def test_training_without_measurements_is_refused(tmp_path):
    with pytest.raises(ValueError, match="give operators="):
        telling(())
    prior = EDMPrior({"kind": "stem", "channels": [8], "layers": 1, "informed": ["wiener"]})
    with pytest.raises(ValueError, match="informed by wiener.*tell="):
        Trainer(prior, Recipe(patch=16), tmp_path)
